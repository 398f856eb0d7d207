//! The texts of a call that a decision keeps, in place: a decision is let go of by another thread
//! than the one that made it, which allocators are slow at, so that every piece of memory counts.

use std::{borrow::Cow, ops::Range};

use arrayvec::ArrayString;
use portcullis_iam::Value;
use smallvec::SmallVec;

/// Texts up to this length together are kept in place, in bytes: an ARN, and names and values of a
/// few condition keys.
const IN_PLACE: usize = 128;

/// The ARN of a resource, and the values of condition keys.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// The resource, then names and values.
    text: Text,
    resource: Span,
    keys: SmallVec<[Key; 4]>,
}

/// A text that grows.
#[derive(Clone, Debug)]
enum Text {
    InPlace(ArrayString<IN_PLACE>),
    /// One that became too long.
    Elsewhere(String),
}

/// A key and its value, or one of the values of a multivalued key, which follow each other.
#[derive(Clone, Debug)]
struct Key {
    name: Span,
    value: Span,
    is_multivalued: bool,
}

/// A place in the text, in bytes.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

impl Kept {
    /// Of a call on `resource`.
    pub(crate) fn new(resource: &str) -> Self {
        let nothing = Span { start: 0, end: 0 };
        let mut kept = Self {
            text: Text::InPlace(ArrayString::new()),
            resource: nothing,
            keys: SmallVec::new(),
        };
        kept.resource = kept.append(resource);
        kept
    }

    /// Keeps the value of a key that has none yet. A list without a value is no value: iam.md §5.4.
    pub(crate) fn push(&mut self, name: &str, value: &Value<'_>) {
        let name = self.append(name);
        let (values, is_multivalued) = match value {
            Value::Single(one) => (std::slice::from_ref(one), false),
            Value::Multiple(all) => (&**all, true),
        };
        for value in values {
            let value = self.append(value);
            self.keys.push(Key { name, value, is_multivalued });
        }
    }

    fn append(&mut self, more: &str) -> Span {
        let place = |length: usize| u32::try_from(length).unwrap_or(u32::MAX); // Requests are smaller.
        let start = place(self.text.as_str().len());
        self.text.push(more);
        Span { start, end: place(self.text.as_str().len()) }
    }

    /// The ARN of the resource, or `*`.
    pub(crate) fn resource(&self) -> &str {
        self.part(self.resource)
    }

    /// Whether the key `name` has a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// The keys that have a value, each once.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let mut last = None;
        let new = move |key: &&Key| last.replace(key.name.start) != Some(key.name.start);
        self.keys.iter().filter(new).map(|key| self.part(key.name))
    }

    /// The value of the key `name`.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'_>> {
        let (first, rest) = self.find(name)?.split_first()?;
        if !first.is_multivalued {
            return Some(Value::Single(self.part(first.value).into()));
        }
        let others = rest.iter().take_while(|key| key.name.start == first.name.start);
        let all = std::iter::once(first).chain(others);
        Some(Value::Multiple(all.map(|key| Cow::Borrowed(self.part(key.value))).collect()))
    }

    /// The first of the values of `name`, and what follows.
    fn find(&self, name: &str) -> Option<&[Key]> {
        let is_it = |key: &Key| self.part(key.name) == name;
        self.keys.iter().position(is_it).and_then(|first| self.keys.get(first..))
    }

    /// Empty for a place beyond the text, of which there is none.
    fn part(&self, Span { start, end }: Span) -> &str {
        let range = Range { start: start as usize, end: end as usize };
        self.text.as_str().get(range).unwrap_or_default()
    }

    /// About how many bytes this holds beside its own.
    pub(crate) fn bytes(&self) -> usize {
        self.text.as_str().len()
    }
}

impl Text {
    fn as_str(&self) -> &str {
        match self {
            Self::InPlace(text) => text,
            Self::Elsewhere(text) => text,
        }
    }

    fn push(&mut self, more: &str) {
        match self {
            Self::InPlace(text) => {
                if text.try_push_str(more).is_err() {
                    *self = Self::Elsewhere([text.as_str(), more].concat());
                }
            }
            Self::Elsewhere(text) => text.push_str(more),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use portcullis_iam::Value;

    use super::Kept;

    #[test]
    fn what_is_kept_is_what_was_given() {
        let long = "x".repeat(5_000);
        let values = [
            ("a", Value::Single("".into())),
            ("b", Value::Single(Cow::Borrowed(&long))),
            ("c", Value::Multiple(Cow::Owned(vec!["alone".into()]))),
            ("d", Value::Multiple(Cow::Owned(vec!["é".into(), "".into(), "z".into()]))),
            ("e", Value::Multiple(Cow::Owned(vec!["next".into(), "é".into()]))),
            ("f", Value::Single("last".into())),
        ];
        let mut kept = Kept::new("arn");
        for (name, value) in &values {
            assert!(!kept.has(name));
            kept.push(name, value);
            assert!(kept.has(name));
        }
        kept.push("none", &Value::Multiple(Cow::Owned(vec![])));
        assert_eq!(kept.resource(), "arn");
        assert_eq!(kept.names().collect::<String>(), "abcdef");
        for (name, value) in values {
            assert_eq!(kept.get(name), Some(value), "{name}");
        }
        assert_eq!(kept.get("none"), None);
        assert_eq!(kept.get("arn"), None);
    }
}
