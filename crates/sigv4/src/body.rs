//! Hashes of bodies, in the form that a canonical request carries.

use sha2::{Digest, Sha256};

/// The hash of a body of no bytes.
pub const EMPTY_BODY_SHA256: &str =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The SHA-256 hash of a body: 64 lower-case hexadecimal digits.
#[must_use]
pub fn body_sha256(body: &[u8]) -> String {
    if body.is_empty() {
        return EMPTY_BODY_SHA256.to_owned();
    }
    String::from_utf8_lossy(&hexadecimal(&Sha256::digest(body).into())).into_owned()
}

/// Lower-case hexadecimal digits, in ASCII.
pub(crate) fn hexadecimal(hash: &[u8; 32]) -> [u8; 64] {
    let mut text = [0; 64];
    for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(hash) {
        *pair = [digit(byte >> 4), digit(byte & 0x0f)];
    }
    text
}

/// Reads exactly 64 lower-case hexadecimal digits.
pub(crate) fn parse_hexadecimal(text: &str) -> Option<[u8; 32]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let pairs: &[[u8; 2]; 32] = pairs.try_into().ok()?;
    let mut hash = [0; 32];
    for (byte, &[high, low]) in hash.iter_mut().zip(pairs) {
        *byte = (value(high)? << 4) | value(low)?;
    }
    rest.is_empty().then_some(hash)
}

fn digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'a' + value - 10 }
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_fips_180() {
        assert_eq!(body_sha256(b""), EMPTY_BODY_SHA256);
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(body_sha256(b"abc"), abc);
    }

    #[test]
    fn only_64_lower_case_digits_are_a_hash() {
        let hash = [0xa5; 32];
        let text: String = hexadecimal(&hash).iter().copied().map(char::from).collect();
        assert_eq!(parse_hexadecimal(&text), Some(hash));
        for wrong in ["", &text[1..], &text.to_uppercase(), &format!("{text}0"), &"é".repeat(32)] {
            assert_eq!(parse_hexadecimal(wrong), None, "{wrong}");
        }
    }
}
