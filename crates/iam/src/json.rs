//! Reading JSON so that nothing a document says is lost: repeated keys, the text of numbers, `null`.
//!
//! The text is checked once and cut into values once, both without recursion, so nesting cannot
//! exhaust the stack. What a value is worth is asked layer by layer.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::error::{Place, PolicyError, Rule};

/// A document, cut into its values.
pub(crate) struct Tree<'a> {
    /// Each value before those that it holds; an object holds keys and values in turn.
    nodes: Vec<Node<'a>>,
}

#[derive(Clone, Copy)]
struct Node<'a> {
    /// As written.
    text: &'a str,
    /// How many nodes it is, with all that it holds.
    size: usize,
}

/// One value of a [`Tree`].
#[derive(Clone, Copy)]
pub(crate) struct Json<'t, 'a> {
    /// As written.
    text: &'a str,
    /// Itself and what it holds.
    nodes: &'t [Node<'a>],
}

/// The entries of an object in their order.
pub(crate) type Entries<'t, 'a> = Vec<(Cow<'a, str>, Json<'t, 'a>)>;

/// One layer of a value.
pub(crate) enum Layer<'t, 'a> {
    Object(Entries<'t, 'a>),
    String(Cow<'a, str>),
    /// A number or a boolean, as written.
    Scalar(&'a str),
    /// A list, or `null`.
    Other,
}

impl<'a> Tree<'a> {
    /// Checks the syntax of the whole document and cuts it.
    pub(crate) fn parse(json: &'a str) -> Result<Self, PolicyError> {
        let checked: Result<&RawValue, _> = serde_json::from_str(json);
        match checked {
            Ok(raw) => Ok(Self { nodes: cut(raw.get()) }),
            Err(error) => Err(Place::Document.breaks(Rule::json(&error))),
        }
    }

    /// The document.
    pub(crate) fn root(&self) -> Json<'_, 'a> {
        let mut items = Items { rest: &self.nodes };
        items.next().unwrap_or(Json { text: "null", nodes: &[] })
    }
}

/// Cuts `text`, whose syntax is good: only the ends of strings and scalars have to be found.
fn cut(text: &str) -> Vec<Node<'_>> {
    let bytes = text.as_bytes();
    let mut nodes = Vec::with_capacity(text.len() / 8);
    let mut open: SmallVec<[(usize, usize); 8]> = SmallVec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let end = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => at + 1,
            b'{' | b'[' => {
                open.push((nodes.len(), at));
                nodes.push(Node { text: "", size: 1 });
                at + 1
            }
            b'}' | b']' => {
                if let Some((index, from)) = open.pop() {
                    let size = nodes.len() - index;
                    let text = text.get(from..=at).unwrap_or_default();
                    nodes.get_mut(index).into_iter().for_each(|node| *node = Node { text, size });
                }
                at + 1
            }
            _ => {
                let length = leaf(bytes.get(at..).unwrap_or_default());
                let text = text.get(at..at + length).unwrap_or_default();
                nodes.push(Node { text, size: 1 });
                at + length
            }
        };
        at = end;
    }
    nodes
}

/// The length of the string, number or word that `bytes` begin with.
fn leaf(bytes: &[u8]) -> usize {
    let end = if bytes.first() == Some(&b'"') {
        string_end(bytes)
    } else {
        bytes.iter().position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t'..=b'\r'))
    };
    end.unwrap_or(bytes.len())
}

/// Where the string that `bytes` begin with ends.
fn string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Values that stand side by side.
#[derive(Clone, Copy)]
pub(crate) struct Items<'t, 'a> {
    rest: &'t [Node<'a>],
}

impl<'t, 'a> Iterator for Items<'t, 'a> {
    type Item = Json<'t, 'a>;

    fn next(&mut self) -> Option<Json<'t, 'a>> {
        let node = *self.rest.first()?;
        let (nodes, rest) = self.rest.split_at_checked(node.size)?;
        self.rest = rest;
        Some(Json { text: node.text, nodes })
    }
}

impl<'t, 'a> Json<'t, 'a> {
    /// As written.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The items of a list, or a single value that stands for a list of one.
    pub(crate) fn one_or_many(&self) -> Items<'t, 'a> {
        if self.text.starts_with('[') { self.held() } else { Items { rest: self.nodes } }
    }

    fn held(&self) -> Items<'t, 'a> {
        Items { rest: self.nodes.get(1..).unwrap_or_default() }
    }

    /// Reads the outermost layer.
    pub(crate) fn layer(&self, place: &Place<'_>) -> Result<Layer<'t, 'a>, PolicyError> {
        match self.text.as_bytes().first() {
            Some(b'{') => self.entries(place).map(Layer::Object),
            Some(b'"') => string(self.text, place).map(Layer::String),
            Some(b'[' | b'n') => Ok(Layer::Other),
            _ => Ok(Layer::Scalar(self.text)),
        }
    }

    fn entries(&self, place: &Place<'_>) -> Result<Entries<'t, 'a>, PolicyError> {
        let mut items = self.held();
        let mut entries = Entries::with_capacity(FEW);
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((string(key.text, place)?, value));
        }
        refuse_repeated_keys(&entries, place)?;
        Ok(entries)
    }
}

/// What a string says: borrowed from the document unless it has escapes.
fn string<'a>(text: &'a str, place: &Place<'_>) -> Result<Cow<'a, str>, PolicyError> {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(inner));
    }
    let read = serde_json::from_str(text).map(Cow::Owned);
    read.map_err(|error| place.breaks(Rule::json(&error)))
}

/// So many keys are compared with each other rather than hashed: statements have about six.
const FEW: usize = 8;

fn refuse_repeated_keys(
    entries: &[(Cow<'_, str>, Json<'_, '_>)],
    place: &Place<'_>,
) -> Result<(), PolicyError> {
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
        Some(key) => Err(place.breaks(Rule::repeated(key))),
    }
}

/// JSON without white space between its tokens.
pub(crate) fn compact(json: &str) -> String {
    let (mut text, mut quoted, mut escaped) = (String::with_capacity(json.len()), false, false);
    for c in json.chars() {
        if quoted || !c.is_ascii_whitespace() {
            text.push(c);
        }
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && c == '\\' && !escaped;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::{Json, Layer, Tree};
    use crate::error::Place;

    /// The value, read layer by layer.
    fn rebuilt(json: Json<'_, '_>) -> Value {
        match json.layer(&Place::Document).unwrap() {
            Layer::Object(entries) => {
                let entries = entries.into_iter();
                entries.map(|(key, value)| (key.into_owned(), rebuilt(value))).collect()
            }
            Layer::String(text) => Value::String(text.into_owned()),
            Layer::Scalar(text) => serde_json::from_str(text).unwrap(),
            Layer::Other if json.text() == "null" => Value::Null,
            Layer::Other => json.one_or_many().map(rebuilt).collect(),
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
        let Layer::Object(entries) = tree.root().layer(&Place::Document).unwrap() else { panic!() };
        let written: Vec<_> = entries.iter().map(|(key, value)| (&**key, value.text())).collect();
        let want =
            [("a", "1.50e1"), ("b", "-0"), ("aA", r#""\ud83d\ude00""#), ("c", "[true,null]")];
        assert_eq!(written, want);
        let refused =
            |text: &str| Tree::parse(text).unwrap().root().layer(&Place::Document).is_err();
        assert!(refused(r#"{"a":1,"\u0061":2}"#));
        assert!(refused(r#""\ud83d""#));
    }
}
