//! Keys: non-empty byte paths, bounded in length, ordered by their bytes.

use std::fmt;

use bytes::Bytes;

/// Longest key, in bytes.
///
/// Reason: a path of an account (12), a region (≤ 25), a function name (≤ 140) and a qualifier
/// (≤ 128) is below 400 bytes; four times that leaves room, and 8 such keys still fit on one
/// 8 KiB page of the embedded backend.
pub const KEY_BYTES_MAX: usize = 1024;

/// Names one entry, or (as a prefix) all entries whose keys start with these bytes.
///
/// Invariant: 1..=[`KEY_BYTES_MAX`] bytes. Any byte is legal; keys compare as unsigned bytes.
/// Cloning is cheap (the bytes are shared).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Bytes);

impl Key {
    /// Takes the bytes as a key.
    ///
    /// # Errors
    /// [`InvalidKey`] when there are none, or more than [`KEY_BYTES_MAX`].
    pub fn new(bytes: impl Into<Bytes>) -> Result<Self, InvalidKey> {
        let bytes = bytes.into();
        match bytes.len() {
            0 => Err(InvalidKey::Empty),
            1..=KEY_BYTES_MAX => Ok(Self(bytes)),
            size => Err(InvalidKey::TooLong { size }),
        }
    }

    /// The bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this key lies under `prefix`; a key lies under itself.
    #[must_use]
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }

    /// The least byte string above every key that starts with this one.
    ///
    /// Where there is none (the prefix is all `0xff`), a string above every possible key.
    pub(crate) fn end_of_prefix(&self) -> Vec<u8> {
        let Some(last) = self.0.iter().rposition(|&byte| byte != u8::MAX) else {
            return vec![u8::MAX; KEY_BYTES_MAX + 1];
        };
        let mut end: Vec<u8> = self.0.iter().copied().take(last + 1).collect();
        if let Some(byte) = end.last_mut() {
            *byte += 1; // not 0xff: `rposition` chose it
        }
        end
    }
}

impl TryFrom<&str> for Key {
    type Error = InvalidKey;

    fn try_from(text: &str) -> Result<Self, InvalidKey> {
        Self::new(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl TryFrom<String> for Key {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        Self::new(text)
    }
}

/// The key as text, with every byte outside printable ASCII escaped.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_ascii().fmt(f)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

/// Why some bytes are no [`Key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// There are no bytes.
    #[error("a key must not be empty")]
    Empty,
    /// There are more than [`KEY_BYTES_MAX`].
    #[error("a key of {size} bytes is longer than {KEY_BYTES_MAX}")]
    TooLong {
        /// Length of the refused key, in bytes.
        size: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_end(prefix: &[u8], want: &[u8]) {
        assert_eq!(Key::new(prefix.to_vec()).unwrap().end_of_prefix(), want);
    }

    #[test]
    fn a_prefix_ends_at_the_least_key_above_it() {
        check_end(b"fn/", b"fn0");
        check_end(b"a\xff", b"b");
        check_end(b"a\xff\xff", b"b");
        check_end(b"\xff", &[0xff; KEY_BYTES_MAX + 1]);
    }

    #[test]
    fn a_key_has_at_least_one_byte_and_at_most_the_limit() {
        assert_eq!(Key::new(Bytes::new()), Err(InvalidKey::Empty));
        assert!(Key::new(vec![0; KEY_BYTES_MAX]).is_ok());
        let size = KEY_BYTES_MAX + 1;
        assert_eq!(Key::new(vec![0; size]), Err(InvalidKey::TooLong { size }));
    }

    #[test]
    fn a_key_is_shown_as_printable_text() {
        assert_eq!(Key::new(&b"fn/a\xff\n"[..]).unwrap().to_string(), r"fn/a\xff\n");
    }
}
