//! Large values are stored with zeros after them, up to a round size.
//!
//! SQLite overwrites a row of unchanged size in place, and only those of its pages that differ. A
//! row whose size changes gets new pages, the old ones go to the list of free pages, and all of them
//! are written. A policy grows by one statement at a time: padded, most such changes write three
//! pages, however long it is.

use std::borrow::Cow;

/// Padded sizes are multiples of this, in bytes. Reason: about eight statements.
const GRANULE: usize = 2048;

/// The value as it is stored. A value below one granule stays as it is: it shares its page with
/// its neighbours, so that there is nothing to win.
pub(super) fn pad(value: &[u8]) -> Cow<'_, [u8]> {
    let padded = value.len().next_multiple_of(GRANULE);
    if value.len() <= GRANULE || padded == value.len() {
        return Cow::Borrowed(value);
    }
    let mut stored = Vec::with_capacity(padded);
    stored.extend_from_slice(value);
    stored.resize(padded, 0);
    Cow::Owned(stored)
}

/// The value of this size within what is stored; `None` when less is stored.
pub(super) fn unpad(mut stored: Vec<u8>, size: i64) -> Option<Vec<u8>> {
    let size = usize::try_from(size).ok().filter(|&size| size <= stored.len())?;
    stored.truncate(size);
    Some(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_same_after_padding() {
        for size in [0, 1, GRANULE - 1, GRANULE, GRANULE + 1, 2 * GRANULE, 20 * 1024 - 1] {
            let value = vec![7; size];
            let stored = pad(&value).into_owned();
            assert!(size <= GRANULE || stored.len().is_multiple_of(GRANULE), "{size}");
            assert_eq!(unpad(stored, i64::try_from(size).unwrap()), Some(value));
        }
    }

    #[test]
    fn a_size_that_does_not_fit_is_no_value() {
        assert_eq!(unpad(vec![1], 2), None);
        assert_eq!(unpad(vec![1], -1), None);
    }
}
