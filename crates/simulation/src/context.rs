//! The condition keys of a supposed call, taken as given: nothing is derived from the caller.

use std::borrow::Cow;

use portcullis_iam::{Context, Value};

/// So many condition keys a call usually has at most.
const KEYS_USUAL: usize = 24;

/// The condition keys of one call. Names ignore case.
///
/// Made to be read from a line: nothing is copied that the line has, and a key is looked for only
/// when a document asks for it.
#[derive(Clone, Debug, Default)]
pub struct CallContext<'a> {
    names: Vec<Cow<'a, str>>,
    /// By the position of the name.
    values: Vec<Value<'a>>,
}

impl<'a> CallContext<'a> {
    /// Gives `key` a value. A key that is there already, in this or other case, then has all the
    /// values as a list (iam.md §5.1).
    pub fn insert(&mut self, key: impl Into<Cow<'a, str>>, value: Value<'a>) {
        if self.names.is_empty() {
            self.names.reserve(KEYS_USUAL);
            self.values.reserve(KEYS_USUAL);
        }
        self.names.push(key.into());
        self.values.push(value);
    }

    /// Whether the key is there, in exactly this spelling.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.names.iter().any(|name| name == key)
    }
}

impl Context for CallContext<'_> {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        let pairs = self.names.iter().zip(&self.values);
        let mut found = pairs.filter(|(name, _)| same(name, key)).map(|(_, value)| value);
        let first = borrow(found.next()?);
        let Some(second) = found.next() else { return Some(first) };
        let mut values = list(first);
        values.extend(list(borrow(second)));
        found.for_each(|more| values.extend(list(borrow(more))));
        Some(Value::Multiple(values.into()))
    }
}

/// Whether `name` is `key`, which is in lower case.
fn same(name: &str, key: &str) -> bool {
    if name.is_ascii() { name.eq_ignore_ascii_case(key) } else { name.to_lowercase() == key }
}

fn borrow<'b>(value: &'b Value<'_>) -> Value<'b> {
    match value {
        Value::Single(text) => Value::Single(Cow::Borrowed(text)),
        Value::Multiple(values) => Value::Multiple(Cow::Borrowed(values)),
    }
}

fn list(value: Value<'_>) -> Vec<Cow<'_, str>> {
    match value {
        Value::Single(text) => vec![text],
        Value::Multiple(values) => values.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use portcullis_iam::{Context as _, Value};

    use super::CallContext;

    fn single(text: &str) -> Value<'_> {
        Value::Single(Cow::Borrowed(text))
    }

    fn multiple<'a>(texts: &[&'a str]) -> Value<'a> {
        Value::Multiple(texts.iter().map(|text| Cow::Borrowed(*text)).collect())
    }

    #[test]
    fn a_key_has_the_values_of_all_its_spellings() {
        let mut context = CallContext::default();
        context.insert("aws:SourceIp", single("192.0.2.1"));
        context.insert("aws:PrincipalTag/Team", single("a"));
        context.insert("aws:PrincipalTag/team", multiple(&["b", "c"]));
        context.insert("aws:PrincipalTag/ÄRA", single("d"));
        context.insert("aws:TagKeys", multiple(&[]));
        let rows = [
            ("aws:sourceip", Some(single("192.0.2.1"))),
            ("aws:principaltag/team", Some(multiple(&["a", "b", "c"]))),
            ("aws:principaltag/ära", Some(single("d"))),
            ("aws:tagkeys", Some(multiple(&[]))),
            ("aws:sourcearn", None),
        ];
        for (key, want) in rows {
            assert_eq!(context.get(key), want, "{key}");
        }
    }
}
