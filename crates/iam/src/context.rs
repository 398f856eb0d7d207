//! The request context: which condition keys a request has, and with which values.

use std::borrow::Cow;

/// What a condition key holds in one request. Source: iam.md §5.4, §9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// The value of a single-valued key. May be empty: an empty string is a value.
    Single(Cow<'a, str>),
    /// The values of a multivalued key. An empty list counts as an absent key.
    Multiple(Cow<'a, [Cow<'a, str>]>),
}

/// The condition keys present in one request. Source: iam.md §9.
///
/// Implementors compute on demand: only keys that some policy asks for are asked of the context.
/// Deciding keeps the answers while it looks at a document, of so many keys as documents have, so
/// that a key is seldom asked for more than twice; and allocates nothing itself: whether a decision
/// allocates is for the context, which lends what it has and makes what it has not.
pub trait Context {
    /// The value of `key`, which arrives in lower case (`aws:principaltag/team`); `None` if the
    /// request has no such key. A key that does not apply is absent, never empty (iam.md §9).
    /// Asked again in one decision, it gives the same answer.
    fn get(&self, key: &str) -> Option<Value<'_>>;
}

/// A plain map of condition keys, for tests and simulations. Keys ignore case. Lends its values.
///
/// A list, because the keys of one request are few and mostly differ in their lengths already.
#[derive(Clone, Debug, Default)]
pub struct MapContext(Vec<(Box<str>, Held)>);

#[derive(Clone, Debug)]
enum Held {
    Single(Cow<'static, str>),
    Multiple(Vec<Cow<'static, str>>),
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
        let (key, value) = (key.to_lowercase(), Cow::Owned(value.into()));
        match self.held(&key) {
            Some(held) => held.extend([value]),
            None => self.0.push((key.into(), Held::Single(value))),
        }
    }

    /// Gives `key` a list of values, in addition to those it has.
    pub fn insert_list(&mut self, key: &str, values: impl IntoIterator<Item = String>) {
        let (key, values) = (key.to_lowercase(), values.into_iter().map(Cow::Owned));
        match self.held(&key) {
            Some(held) => held.extend(values),
            None => self.0.push((key.into(), Held::Multiple(values.collect()))),
        }
    }

    fn held(&mut self, key: &str) -> Option<&mut Held> {
        self.0.iter_mut().find(|(known, _)| **known == *key).map(|(_, held)| held)
    }
}

impl Held {
    /// Adds values to those that are held, which are a list from now on.
    fn extend(&mut self, more: impl IntoIterator<Item = Cow<'static, str>>) {
        let mut all = match std::mem::replace(self, Self::Multiple(Vec::new())) {
            Self::Single(first) => vec![first],
            Self::Multiple(values) => values,
        };
        all.extend(more);
        *self = Self::Multiple(all);
    }
}

impl Context for MapContext {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        let (_, held) = self.0.iter().find(|(known, _)| **known == *key)?;
        Some(match held {
            Held::Single(value) => Value::Single(Cow::Borrowed(value)),
            Held::Multiple(values) => Value::Multiple(Cow::Borrowed(values)),
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
