//! Checking a text's syntax and cutting it into values, in one pass. Source: RFC 8259.

use smallvec::SmallVec;

use crate::Node;

/// What may come next, beside white space.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Value,
    /// Or the end of the list that has just begun.
    FirstItem,
    Key,
    /// Or the end of the object that has just begun.
    FirstKey,
    Colon,
    /// A comma or the end of what is open; or the end of the text.
    After,
}

/// A list or an object that has not ended.
struct Open {
    node: usize,
    start: usize,
    is_object: bool,
}

/// The values of `text` in `nodes`; `None` if it is not one JSON value.
pub(crate) fn cut(text: &str, mut nodes: Vec<Node>) -> Option<Vec<Node>> {
    nodes.clear();
    nodes.reserve(text.len() / 10);
    let mut cutter = Cutter { bytes: text.as_bytes(), at: 0, nodes, open: SmallVec::new() };
    let mut next = Next::Value;
    while let Some(byte) = cutter.bytes.get(cutter.at) {
        next = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {
                cutter.at += 1;
                next
            }
            b'"' => cutter.string(next)?,
            b'{' | b'[' => cutter.open(next, *byte == b'{')?,
            b'}' | b']' => cutter.close(next, *byte == b'}')?,
            b',' => cutter.comma(next)?,
            b':' if next == Next::Colon => {
                cutter.at += 1;
                Next::Value
            }
            _ => cutter.scalar(next)?,
        };
    }
    (next == Next::After && cutter.open.is_empty()).then_some(cutter.nodes)
}

struct Cutter<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    open: SmallVec<[Open; 8]>,
}

impl Cutter<'_> {
    fn string(&mut self, next: Next) -> Option<Next> {
        let after = match next {
            Next::Value | Next::FirstItem => Next::After,
            Next::Key | Next::FirstKey => Next::Colon,
            Next::Colon | Next::After => return None,
        };
        let start = self.at;
        let (end, escaped) = checked_string_end(self.bytes, start + 1)?;
        self.at = end;
        self.nodes.push(Node { escaped, ..Node::new(start..end, 1) });
        Some(after)
    }

    fn scalar(&mut self, next: Next) -> Option<Next> {
        if !matches!(next, Next::Value | Next::FirstItem) {
            return None;
        }
        let start = self.at;
        let rest = self.bytes.get(start..)?;
        let word =
            [b"true".as_slice(), b"false", b"null"].into_iter().find(|w| rest.starts_with(w));
        self.at += match word {
            Some(word) => word.len(),
            None => number(rest)?,
        };
        self.nodes.push(Node::new(start..self.at, 1));
        Some(Next::After)
    }

    fn open(&mut self, next: Next, is_object: bool) -> Option<Next> {
        if !matches!(next, Next::Value | Next::FirstItem) {
            return None;
        }
        self.open.push(Open { node: self.nodes.len(), start: self.at, is_object });
        self.nodes.push(Node::default());
        self.at += 1;
        Some(if is_object { Next::FirstKey } else { Next::FirstItem })
    }

    fn close(&mut self, next: Next, is_object: bool) -> Option<Next> {
        let first = if is_object { Next::FirstKey } else { Next::FirstItem };
        let open = self.open.pop().filter(|open| open.is_object == is_object)?;
        if next != first && next != Next::After {
            return None;
        }
        self.at += 1;
        let node = Node::new(open.start..self.at, self.nodes.len() - open.node);
        *self.nodes.get_mut(open.node)? = node;
        Some(Next::After)
    }

    fn comma(&mut self, next: Next) -> Option<Next> {
        let open = self.open.last().filter(|_| next == Next::After)?;
        self.at += 1;
        Some(if open.is_object { Next::Key } else { Next::Value })
    }
}

/// Where the string ends whose text begins `at`, and whether it has escapes; `None` if it has none
/// or does not end.
fn checked_string_end(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut escaped = false;
    loop {
        at = special(bytes, at);
        match bytes.get(at)? {
            b'"' => return Some((at + 1, escaped)),
            b'\\' => {
                escaped = true;
                at += escape(bytes.get(at + 1..)?)? + 1;
            }
            _ => return None, // a control character
        }
    }
}

/// Where the string ends whose text begins `at`, in a text whose syntax is good.
pub(crate) fn string_end(bytes: &[u8], at: usize) -> usize {
    checked_string_end(bytes, at).map_or(bytes.len(), |(end, _)| end)
}

/// How long the escape is of which this follows the backslash.
fn escape(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(1),
        b'u' => bytes.get(1..5)?.iter().all(u8::is_ascii_hexdigit).then_some(5),
        _ => None,
    }
}

/// In each byte of a word, one.
const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// In each byte of a word, its highest bit.
const HIGHS: u64 = ONES << 7;

/// Where the next byte stands, from `at` on, that a string does not simply go on with: a quote, a
/// backslash, a control character; the end of the bytes if there is none.
fn special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*word);
        // The lowest mark of each of the three is where it should be; only higher ones may not.
        let zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (quote | backslash | control) & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// How long the number is that `bytes` begin with; `None` if there is none.
fn number(bytes: &[u8]) -> Option<usize> {
    let digits = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let integer = digits(at);
    if integer == 0 || (integer > 1 && bytes.get(at) == Some(&b'0')) {
        return None;
    }
    at += integer;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        at += 1 + Some(fraction).filter(|fraction| *fraction > 0)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at += Some(digits(at)).filter(|digits| *digits > 0)?;
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::{cut, special};

    /// That a text is cut if `serde_json` reads it, and not else.
    #[track_caller]
    fn check(text: &str) {
        let known: Result<&RawValue, _> = serde_json::from_str(text);
        assert_eq!(cut(text, Vec::new()).is_some(), known.is_ok(), "{text:?}: {known:?}");
    }

    #[test]
    fn what_serde_reads_is_cut_and_nothing_else() {
        for text in [
            "",
            " ",
            "0",
            "-0",
            "00",
            "01",
            "-",
            "-a",
            "1.",
            ".1",
            "1.5",
            "1e",
            "1e+",
            "1e+5",
            "1E-05",
            "1.e1",
            "1e5.",
            "+1",
            "1 2",
            "true",
            "tru",
            "truex",
            "True",
            "false",
            "null",
            "nullnull",
            "NaN",
            "\"\"",
            "\"",
            "\"a",
            "\"\\\"",
            "\"\\\"\"",
            "\"\\u12\"",
            "\"\\u12ag\"",
            "\"\\uD800\"",
            "\"\\x\"",
            "\"\\/\"",
            "\"\t\"",
            "\"\u{1f}\"",
            "\"\u{7f}\"",
            "\"é😀\"",
            "'a'",
            "[]",
            "[",
            "]",
            "[1]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1,2]",
            "[[]]",
            "[[]",
            "[]]",
            "[}",
            "[1}",
            "{}",
            "{",
            "}",
            "{]",
            "{1:2}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\" : 1 }",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1 \"b\":2}",
            "{\"a\"::1}",
            "{\"a\":[{\"b\":null}]}",
            "{\"a\":1]",
            "{\"a\",1}",
            "[\"a\":1]",
            ":",
            ",",
            "1,",
            "\u{feff}1",
            "\u{a0}1",
            "\u{c}1",
            "\r\n\t 1 \n",
        ] {
            check(text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_looks_like_json_is_cut_if_serde_reads_it(
            text in r#"([\[\]{}:, ]|"(a|\\[nu"x]|\\u00e9|é|\x01)*"?|-?[01]{1,2}(\.0)?(e1)?|true|null|-){0,10}"#
        ) {
            check(&text);
        }

        #[test]
        fn the_first_special_byte_is_found(bytes in proptest::collection::vec(any::<u8>(), 0..40), at in 0_usize..9) {
            let at = at.min(bytes.len());
            let want = bytes.iter().skip(at).position(|byte| matches!(byte, b'"' | b'\\' | ..0x20));
            prop_assert_eq!(special(&bytes, at), want.map_or(bytes.len(), |found| at + found));
        }
    }
}
