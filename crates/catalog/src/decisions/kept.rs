//! The texts of a call that a decision keeps, in place: a decision is let go of by another thread
//! than the one that made it, which allocators are slow at, so that every piece of memory counts.

use std::borrow::Cow;

use arrayvec::ArrayString;
use portcullis_iam::Value;
use smallvec::SmallVec;

/// Texts up to this length together are kept in place, in bytes: an ARN, and names and values of a
/// few condition keys.
const IN_PLACE: usize = 128;

/// The ARN of a resource, and the values of condition keys.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    /// The resource, then names and values in their order.
    text: Text,
    /// Length of the resource, in bytes.
    resource: u32,
    keys: SmallVec<[Key; 4]>,
}

/// A text that grows.
#[derive(Clone, Debug)]
enum Text {
    InPlace(ArrayString<IN_PLACE>),
    /// One that became too long.
    Elsewhere(String),
}

/// Lengths of the name of a key and of its value, in bytes; or of a further value of the key before.
#[derive(Clone, Copy, Debug)]
struct Key {
    name: Name,
    value: u32,
}

/// The name of a key, by its length.
#[derive(Clone, Copy, Debug)]
enum Name {
    /// Of a key with one value.
    Single(u32),
    /// Of a multivalued key, before its first value.
    Multivalued(u32),
    /// None: what follows is another value of the key before.
    Same,
}

/// A key with the text of its name and of its value.
struct Entry<'k> {
    name: &'k str,
    value: &'k str,
    /// What its name is, by kind.
    kind: Name,
}

impl Kept {
    /// Of a call on `resource`.
    pub(crate) fn new(resource: &str) -> Self {
        let mut text = Text::InPlace(ArrayString::new());
        text.push(resource);
        Self { text, resource: length(resource), keys: SmallVec::new() }
    }

    /// Keeps the value of a key that has none yet. A list without a value is no value: iam.md §5.4.
    pub(crate) fn push(&mut self, name: &str, value: &Value<'_>) {
        let (mut kind, values) = match value {
            Value::Single(one) => (Name::Single(length(name)), std::slice::from_ref(one)),
            Value::Multiple(all) => (Name::Multivalued(length(name)), &**all),
        };
        for value in values {
            if !matches!(kind, Name::Same) {
                self.text.push(name);
            }
            self.text.push(value);
            self.keys.push(Key { name: kind, value: length(value) });
            kind = Name::Same;
        }
    }

    /// The ARN of the resource, or `*`.
    pub(crate) fn resource(&self) -> &str {
        self.text.as_str().get(..self.resource as usize).unwrap_or_default()
    }

    /// Whether the key `name` has a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries().any(|entry| entry.name == name)
    }

    /// The keys that have a value, each once.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let first = |entry: &Entry<'_>| !matches!(entry.kind, Name::Same);
        self.entries().filter(first).map(|entry| entry.name)
    }

    /// The value of the key `name`.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'_>> {
        let mut entries = self.entries();
        let first = entries.find(|entry| entry.name == name)?;
        if matches!(first.kind, Name::Single(_)) {
            return Some(Value::Single(first.value.into()));
        }
        let others = entries.take_while(|entry| matches!(entry.kind, Name::Same));
        let all = std::iter::once(first).chain(others);
        Some(Value::Multiple(all.map(|entry| Cow::Borrowed(entry.value)).collect()))
    }

    /// Every value, with its key.
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut rest = self.text.as_str().get(self.resource as usize..).unwrap_or_default();
        let mut next = move |length: u32| {
            let (text, after) = rest.split_at_checked(length as usize).unwrap_or_default();
            rest = after;
            text
        };
        let mut name = "";
        self.keys.iter().map(move |key| {
            match key.name {
                Name::Single(length) | Name::Multivalued(length) => name = next(length),
                Name::Same => {}
            }
            Entry { name, value: next(key.value), kind: key.name }
        })
    }

    /// About how many bytes this holds beside its own.
    pub(crate) fn bytes(&self) -> usize {
        self.text.as_str().len()
    }
}

/// In bytes.
fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX) // Requests are smaller.
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
