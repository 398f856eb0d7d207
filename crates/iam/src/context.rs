//! The request context: which condition keys a request has, and with which values.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a condition key holds in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// The value of a single-valued key. May be empty: an empty string is a value.
    Single(Cow<'a, str>),
    /// The values of a multivalued key. An empty list counts as an absent key.
    Multiple(Vec<Cow<'a, str>>),
}

/// The condition keys present in one request.
///
/// Implementors compute on demand: only keys that some policy asks for are asked of the context,
/// each at most once for a document.
pub trait Context {
    /// The value of `key`, which arrives in lower case (`aws:principaltag/team`); `None` if the
    /// request has no such key. A key that does not apply is absent, never empty (iam.md §9).
    fn get(&self, key: &str) -> Option<Value<'_>>;
}

/// A plain map of condition keys, for tests and simulations. Keys ignore case.
#[derive(Clone, Debug, Default)]
pub struct MapContext(BTreeMap<String, Held>);

#[derive(Clone, Debug)]
enum Held {
    Single(String),
    Multiple(Vec<String>),
}

impl MapContext {
    /// A context without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives `key` a single value. A key that is there already, perhaps in other case, then has all
    /// the values as a list (iam.md §5.1).
    pub fn insert(&mut self, key: &str, value: impl Into<String>) {
        let key = key.to_lowercase();
        let held = match self.0.remove(&key) {
            None => Held::Single(value.into()),
            Some(Held::Single(first)) => Held::Multiple(vec![first, value.into()]),
            Some(Held::Multiple(mut values)) => {
                values.push(value.into());
                Held::Multiple(values)
            }
        };
        self.0.insert(key, held);
    }

    /// Gives `key` a list of values, in addition to those it has.
    pub fn insert_list(&mut self, key: &str, values: impl IntoIterator<Item = String>) {
        let key = key.to_lowercase();
        let mut all = match self.0.remove(&key) {
            None => Vec::new(),
            Some(Held::Single(first)) => vec![first],
            Some(Held::Multiple(values)) => values,
        };
        all.extend(values);
        self.0.insert(key, Held::Multiple(all));
    }
}

impl Context for MapContext {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        Some(match self.0.get(key)? {
            Held::Single(value) => Value::Single(value.into()),
            Held::Multiple(values) => Value::Multiple(values.iter().map(Into::into).collect()),
        })
    }
}

impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for MapContext {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut context = Self::new();
        for (key, value) in pairs {
            context.insert(key.as_ref(), value);
        }
        context
    }
}
