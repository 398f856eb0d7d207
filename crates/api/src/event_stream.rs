//! The framing of AWS's event streams: `application/vnd.amazon.eventstream`.
//!
//! Source: `[doc]` aws-lambda.md §8.7. All numbers are big-endian.

use bytes::{BufMut, Bytes, BytesMut};

/// What frames say about themselves.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.amazon.eventstream";

/// The type of a header whose value is a string.
const STRING: u8 = 7;

/// Lengths and their checksum, before the headers.
const PRELUDE_BYTES: usize = 12;

/// One event: its kind, what its payload is, its payload.
pub(crate) fn event(kind: &str, content_type: &str, payload: &[u8]) -> Bytes {
    let mut headers = BytesMut::new();
    for (name, value) in
        [(":message-type", "event"), (":event-type", kind), (":content-type", content_type)]
    {
        headers.put_u8(length(name));
        headers.put_slice(name.as_bytes());
        headers.put_u8(STRING);
        headers.put_u16(length(value).into());
        headers.put_slice(value.as_bytes());
    }
    let total = PRELUDE_BYTES + headers.len() + payload.len() + size_of::<u32>();
    let mut message = BytesMut::with_capacity(total);
    message.put_u32(u32::try_from(total).unwrap_or(u32::MAX));
    message.put_u32(u32::try_from(headers.len()).unwrap_or(u32::MAX));
    message.put_u32(crc32fast::hash(&message));
    message.put_slice(&headers);
    message.put_slice(payload);
    message.put_u32(crc32fast::hash(&message));
    message.freeze()
}

/// Names and values here are constants, and short.
fn length(text: &str) -> u8 {
    u8::try_from(text.len()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a message by the rules of the format.
    fn read(message: &[u8]) -> (Vec<(String, String)>, Vec<u8>) {
        let number = |at: usize| u32::from_be_bytes(message[at..at + 4].try_into().unwrap());
        let (total, headers) = (number(0) as usize, number(4) as usize);
        assert_eq!(total, message.len());
        assert_eq!(number(8), crc32fast::hash(&message[..8]));
        assert_eq!(number(total - 4), crc32fast::hash(&message[..total - 4]));
        let (mut rest, payload) = message[12..total - 4].split_at(headers);
        let mut found = Vec::new();
        while let [name_length, tail @ ..] = rest {
            let (name, tail) = tail.split_at(usize::from(*name_length));
            assert_eq!(tail[0], STRING);
            let length = usize::from(u16::from_be_bytes([tail[1], tail[2]]));
            let (value, tail) = tail[3..].split_at(length);
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            found.push((text(name), text(value)));
            rest = tail;
        }
        (found, payload.to_vec())
    }

    #[test]
    fn an_event_is_framed_and_its_checksums_hold() {
        for payload in [&b""[..], b"x", &[0; 100_000]] {
            let (headers, carried) = read(&event("PayloadChunk", "a/b", payload));
            let want = [
                (":message-type", "event"),
                (":event-type", "PayloadChunk"),
                (":content-type", "a/b"),
            ];
            assert_eq!(headers, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
            assert_eq!(carried, payload);
        }
    }

    /// The example of the format's first checksum: an empty message of 16 bytes.
    #[test]
    fn the_checksum_is_that_of_the_format() {
        assert_eq!(crc32fast::hash(&[0, 0, 0, 16, 0, 0, 0, 0]), 0x05c2_48eb);
    }
}
