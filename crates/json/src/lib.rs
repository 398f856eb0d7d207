//! Reading JSON so that nothing it says is lost: repeated keys, the text of numbers, `null`.
//!
//! The text is checked and cut into values in one pass without recursion, so nesting cannot exhaust
//! the stack. What a value is worth is asked layer by layer. Accepted is what `serde_json` accepts,
//! and refused with its words.
//!
//! Never in this crate: what any value means.
#![forbid(unsafe_code)]

mod cut;

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use serde_json::value::RawValue;
use thiserror::Error;

/// A text that is not JSON, or an object that says a thing twice.
#[derive(Debug, Error)]
pub enum JsonError {
    /// Broken syntax, or an escape that is no character.
    #[error("not valid JSON: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Broken syntax for which there is no better text.
    #[error("not valid JSON")]
    Malformed,
    /// A key of one object occurs more than once.
    #[error("the key \"{}\" occurs more than once", .0.escape_debug())]
    Repeated(String),
    /// More than [`TEXT_BYTES_MAX`].
    #[error("the text has {0} bytes, more than {TEXT_BYTES_MAX}")]
    TooLong(usize),
}

impl JsonError {
    /// What is wrong with a text that could not be cut.
    fn of(text: &str) -> Self {
        let read: Result<&RawValue, _> = serde_json::from_str(text);
        read.map_or_else(Self::Syntax, |_| Self::Malformed)
    }
}

/// Longest text that is read, in bytes: places in it are counted with 32 bits.
pub const TEXT_BYTES_MAX: usize = u32::MAX as usize;

/// A text, cut into its values.
#[derive(Clone, Debug)]
pub struct Tree<'a> {
    text: &'a str,
    /// Each value before those that it holds; an object holds keys and values in turn.
    nodes: Vec<Node>,
}

/// The memory of a [`Tree`] that is gone.
#[derive(Debug, Default)]
pub struct Buffer(Vec<Node>);

/// Where a value stands in the text. Small, because a document has hundreds.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    start: u32,
    end: u32,
    /// How many nodes it is, with all that it holds.
    size: u32,
    /// Whether it is a string with escapes.
    escaped: bool,
}

impl Node {
    /// No number is greater than [`TEXT_BYTES_MAX`].
    fn new(range: Range<usize>, size: usize) -> Self {
        let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
        let (start, end, size) = (number(range.start), number(range.end), number(size));
        Self { start, end, size, escaped: false }
    }
}

/// One value of a [`Tree`].
#[derive(Clone, Copy, Debug)]
pub struct Json<'t, 'a> {
    /// Of the whole document.
    document: &'a str,
    /// Itself and what it holds.
    nodes: &'t [Node],
}

/// The entries of an object in their order.
pub type Entries<'t, 'a> = Vec<(Cow<'a, str>, Json<'t, 'a>)>;

/// One layer of a value.
#[derive(Clone, Debug)]
pub enum Layer<'t, 'a> {
    /// `{…}`, no key of which is repeated.
    Object(Entries<'t, 'a>),
    /// `[…]`
    Array(Items<'t, 'a>),
    /// What a string says, without escapes.
    String(Cow<'a, str>),
    /// A number or a boolean, as written.
    Scalar(&'a str),
    /// `null`
    Null,
}

impl<'a> Tree<'a> {
    /// Checks the syntax of the whole text and cuts it.
    ///
    /// # Errors
    /// [`JsonError`] for what is not one JSON value. Keys and escapes are checked when a layer is
    /// read.
    pub fn parse(text: &'a str) -> Result<Self, JsonError> {
        Self::parse_in(text, Buffer::default())
    }

    /// As [`parse`](Self::parse), in memory that another tree left.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_in(text: &'a str, buffer: Buffer) -> Result<Self, JsonError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(JsonError::TooLong(text.len()));
        }
        match cut::cut(text, buffer.0) {
            Some(nodes) => Ok(Self { text, nodes }),
            None => Err(JsonError::of(text)),
        }
    }

    /// Leaves its memory to another tree.
    #[must_use]
    pub fn into_buffer(self) -> Buffer {
        Buffer(self.nodes)
    }

    /// The value that the whole text is.
    #[must_use]
    pub fn root(&self) -> Json<'_, 'a> {
        Json { document: self.text, nodes: &self.nodes }
    }
}

/// Values that stand side by side.
#[derive(Clone, Copy, Debug)]
pub struct Items<'t, 'a> {
    document: &'a str,
    rest: &'t [Node],
}

impl<'t, 'a> Iterator for Items<'t, 'a> {
    type Item = Json<'t, 'a>;

    fn next(&mut self) -> Option<Json<'t, 'a>> {
        let size = self.rest.first()?.size as usize;
        let (nodes, rest) = self.rest.split_at_checked(size)?;
        self.rest = rest;
        Some(Json { document: self.document, nodes })
    }
}

impl<'t, 'a> Json<'t, 'a> {
    /// As written, without white space around it.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.document.get(self.place()).unwrap_or_default()
    }

    /// Where it stands in the document, in bytes, without white space around it.
    #[must_use]
    pub fn place(&self) -> Range<usize> {
        let node = self.node();
        node.start as usize..node.end as usize
    }

    fn node(&self) -> Node {
        self.nodes.first().copied().unwrap_or_default()
    }

    /// The items of a list, or a single value that stands for a list of one.
    #[must_use]
    pub fn one_or_many(&self) -> Items<'t, 'a> {
        let all = Items { document: self.document, rest: self.nodes };
        if self.text().starts_with('[') { self.held() } else { all }
    }

    fn held(&self) -> Items<'t, 'a> {
        Items { document: self.document, rest: self.nodes.get(1..).unwrap_or_default() }
    }

    /// Reads the outermost layer.
    ///
    /// # Errors
    /// [`JsonError`] for a key that is repeated, and for a key or string whose escapes are no
    /// characters.
    pub fn layer(&self) -> Result<Layer<'t, 'a>, JsonError> {
        let text = self.text();
        match text.as_bytes().first() {
            Some(b'{') => self.entries().map(Layer::Object),
            Some(b'"') => self.string().map(Layer::String),
            Some(b'[') => Ok(Layer::Array(self.held())),
            Some(b'n') => Ok(Layer::Null),
            _ => Ok(Layer::Scalar(text)),
        }
    }

    /// The entries of an object, which may have repeated keys; nothing for other values.
    pub fn pairs(&self) -> impl Iterator<Item = Result<(Cow<'a, str>, Json<'t, 'a>), JsonError>> {
        let mut items = self.held();
        if !self.text().starts_with('{') {
            items.rest = &[];
        }
        std::iter::from_fn(move || {
            let (key, value) = (items.next()?, items.next()?);
            Some(key.string().map(|key| (key, value)))
        })
    }

    fn entries(&self) -> Result<Entries<'t, 'a>, JsonError> {
        let mut entries = Entries::with_capacity(self.nodes.len().min(FEW) / 2);
        for pair in self.pairs() {
            entries.push(pair?);
        }
        refuse_repeated_keys(&entries)?;
        Ok(entries)
    }

    /// What a string says: borrowed from the document unless it has escapes.
    fn string(&self) -> Result<Cow<'a, str>, JsonError> {
        let node = self.node();
        if node.escaped {
            return Ok(Cow::Owned(serde_json::from_str(self.text())?));
        }
        let inner = node.start as usize + 1..(node.end as usize).saturating_sub(1);
        Ok(Cow::Borrowed(self.document.get(inner).unwrap_or_default()))
    }
}

/// So many keys are compared with each other rather than hashed, which is faster: few keys have the
/// same length.
const FEW: usize = 32;

fn refuse_repeated_keys(entries: &[(Cow<'_, str>, Json<'_, '_>)]) -> Result<(), JsonError> {
    let repeated = if entries.len() <= FEW {
        let mut keys = entries.iter().map(|(key, _)| key.as_ref()).enumerate();
        keys.find(|(at, key)| entries.iter().take(*at).any(|(other, _)| other == key))
            .map(|(_, key)| key)
    } else {
        let mut seen = HashSet::with_capacity(entries.len());
        entries.iter().map(|(key, _)| key.as_ref()).find(|key| !seen.insert(*key))
    };
    match repeated {
        None => Ok(()),
        Some(key) => Err(JsonError::Repeated(key.to_owned())),
    }
}

/// `json`, whose syntax is good, without white space between its tokens.
#[must_use]
pub fn compact(json: &str) -> Cow<'_, str> {
    let mut text = String::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(byte) = json.as_bytes().get(at) {
        match byte {
            b'"' => at = cut::string_end(json.as_bytes(), at + 1),
            b' ' | b'\t' | b'\r' | b'\n' => {
                text.push_str(json.get(kept..at).unwrap_or_default());
                at += 1;
                kept = at;
            }
            _ => at += 1,
        }
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    text.push_str(json.get(kept..).unwrap_or_default());
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{Json, Layer, Tree, compact};

    /// The value, read layer by layer.
    fn rebuilt(json: Json<'_, '_>) -> Value {
        match json.layer().unwrap() {
            Layer::Object(entries) => {
                let entries = entries.into_iter();
                entries.map(|(key, value)| (key.into_owned(), rebuilt(value))).collect()
            }
            Layer::String(text) => Value::String(text.into_owned()),
            Layer::Scalar(text) => serde_json::from_str(text).unwrap(),
            Layer::Array(items) => items.map(rebuilt).collect(),
            Layer::Null => Value::Null,
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = r#"[a-c"\\\n{}\[\]:, é/]{0,6}"#;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i32>().prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(Value::from),
            text.prop_map(Value::String),
        ];
        leaf.prop_recursive(5, 40, 6, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Value::Array),
                vec((text, inner), 0..12).prop_map(|entries| entries.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_document_is_what_its_layers_are(value in any_value()) {
            for text in [value.to_string(), format!(" {value:#}\t\r\n")] {
                let tree = Tree::parse(&text).unwrap();
                let want: Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(rebuilt(tree.root()), want, "{}", text);
                prop_assert_eq!(tree.root().text(), text.trim());
                prop_assert_eq!(compact(&text), value.to_string());
            }
        }
    }

    #[test]
    fn nesting_does_not_exhaust_the_stack() {
        let deep = "[".repeat(60_000) + &"]".repeat(60_000);
        let tree = Tree::parse(&deep).unwrap();
        assert_eq!(tree.nodes.len(), 60_000);
        assert_eq!(tree.root().one_or_many().count(), 1);
        assert!(Tree::parse(&"[".repeat(60_000)).is_err());
    }

    #[test]
    fn nothing_that_is_written_is_lost() {
        let text = r#"{"a":1.50e1,"b":-0,"a\u0041":"\ud83d\ude00","c":[true,null]}"#;
        let tree = Tree::parse(text).unwrap();
        let Layer::Object(entries) = tree.root().layer().unwrap() else { panic!() };
        let written: Vec<_> = entries.iter().map(|(key, value)| (&**key, value.text())).collect();
        let want =
            [("a", "1.50e1"), ("b", "-0"), ("aA", r#""\ud83d\ude00""#), ("c", "[true,null]")];
        assert_eq!(written, want);
        let refused = |text: &str| Tree::parse(text).unwrap().root().layer().is_err();
        assert!(refused(r#"{"a":1,"\u0061":2}"#));
        assert!(refused(r#""\ud83d""#));
    }
}
