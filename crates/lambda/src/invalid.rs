//! The refusal of a text that is not a value of its type.

/// A value that does not have the shape of its type.
///
/// The API validates shapes first and lists every failure (`[snap] aws-lambda.md §1.3`), so this
/// is what remains for values that reach the domain by another way, for instance from the store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{value}' is not a valid {what}: {rule}")]
pub struct InvalidValue {
    what: &'static str,
    value: Box<str>,
    rule: &'static str,
}

impl InvalidValue {
    /// Says that `value` is not a `what`, because of `rule`.
    #[must_use]
    pub fn new(what: &'static str, value: &str, rule: &'static str) -> Self {
        Self { what, value: value.into(), rule }
    }

    /// What the value should have been, in words: `function name`.
    #[must_use]
    pub fn what(&self) -> &'static str {
        self.what
    }
}
