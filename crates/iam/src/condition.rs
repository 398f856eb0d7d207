//! Compiled conditions. Source: iam.md §5.

use std::cell::LazyCell;

use crate::arn::Arn;
use crate::arn_pattern::ArnPattern;
use crate::choice;
use crate::context::Value;
use crate::document::RawCondition;
use crate::operator::{Base, Comparison, Operator, SetOperator};
use crate::template::{Compiler, KeyId, Template, Values};
use crate::value::{self, Decimal, Moment, Network};

/// One key under one operator.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    operator: Operator,
    key: KeyId,
    test: Test,
}

/// The policy's values, read once. `None` is a value that is not of the operator's type.
#[derive(Clone, Debug)]
enum Test {
    /// `StringEquals` and `StringLike`: the template knows which.
    String(Box<[Template]>),
    StringIgnoreCase(Box<[Template]>),
    Numeric(Comparison, Box<[Option<Decimal<Box<str>>>]>),
    Date(Comparison, Box<[Option<Moment>]>),
    Bool(Box<[Template]>),
    Binary(Box<[Option<Box<[u8]>>]>),
    IpAddress(Box<[Option<Network>]>),
    Arn(Box<[Option<ArnPattern>]>),
    Null(Box<[Option<bool>]>),
}

impl Condition {
    pub(crate) fn new(raw: &RawCondition, compiler: &mut Compiler) -> Self {
        let key = compiler.key(&raw.key);
        Self { operator: raw.operator, key, test: Test::new(raw, compiler) }
    }

    /// Whether the condition holds in this request.
    pub(crate) fn holds(&self, values: &Values<'_, '_>) -> bool {
        let value = values.get(self.key);
        if let Test::Null(expected) = &self.test {
            return expected.contains(&Some(value.is_none()));
        }
        let Some(value) = value else { return self.holds_when_missing() };
        match (self.operator.set, value) {
            (SetOperator::None, Value::Single(value)) => self.holds_for(value, values),
            (SetOperator::None, Value::Multiple(_)) => choice::PLAIN_OPERATOR_HOLDS_ON_A_LIST,
            (SetOperator::All, value) => each(value).all(|value| self.holds_for(value, values)),
            (SetOperator::Any, value) => each(value).any(|value| self.holds_for(value, values)),
        }
    }

    fn holds_when_missing(&self) -> bool {
        self.operator.if_exists
            || match self.operator.set {
                SetOperator::All => true,
                SetOperator::Any => false,
                SetOperator::None => self.operator.negated,
            }
    }

    /// Whether one value of the request satisfies the operator.
    fn holds_for(&self, value: &str, values: &Values<'_, '_>) -> bool {
        let negated = self.operator.negated;
        match &self.test {
            Test::String(all) => any(all, negated, |one| Some(one.matches(value, values))),
            Test::StringIgnoreCase(all) => any(all, negated, |one| {
                Some(one.text(values).is_some_and(|text| same_ignoring_case(&text, value)))
            }),
            Test::Numeric(comparison, all) => {
                let value = Decimal::parse(value);
                any(all, negated, |one| {
                    Some(comparison.holds(value.as_ref()?.compare(one.as_ref()?)))
                })
            }
            Test::Date(comparison, all) => {
                let value = Moment::parse(value);
                any(all, negated, |one| Some(comparison.holds(value?.cmp(one.as_ref()?))))
            }
            Test::Bool(all) => {
                let value = value::boolean(value);
                any(all, negated, |one| boolean_matches(one, value?, values))
            }
            Test::Binary(all) => {
                let value = value::base64(value);
                any(all, negated, |one| Some(value.as_ref()? == one.as_ref()?))
            }
            Test::IpAddress(all) => {
                let value = value::caller_address(value);
                any(all, negated, |one| Some(one.as_ref()?.contains(value?)))
            }
            Test::Arn(all) => {
                let arn = LazyCell::new(|| Arn::split(value));
                any(all, negated, |one| {
                    let covers = one.as_ref()?.matches_text(value, || *arn, values);
                    // A value that is covered is an ARN; else its type matters to a negation only.
                    (covers || !negated || arn.is_some()).then_some(covers)
                })
            }
            Test::Null(_) => false,
        }
    }
}

impl Test {
    fn new(raw: &RawCondition, compiler: &mut Compiler) -> Self {
        let texts = || raw.values.iter().map(String::as_str);
        match raw.operator.base {
            Base::StringEquals => {
                Self::String(texts().map(|text| Template::literal(text, compiler)).collect())
            }
            Base::StringLike => {
                Self::String(texts().map(|text| Template::pattern(text, compiler)).collect())
            }
            Base::StringEqualsIgnoreCase => {
                Self::StringIgnoreCase(texts().map(|t| Template::literal(t, compiler)).collect())
            }
            Base::Bool => {
                Self::Bool(texts().map(|text| Template::literal(text, compiler)).collect())
            }
            Base::Numeric(comparison) => {
                let number = |text| Decimal::parse(text).map(|number| number.to_owned());
                Self::Numeric(comparison, texts().map(number).collect())
            }
            Base::Date(comparison) => Self::Date(comparison, texts().map(Moment::parse).collect()),
            Base::Binary => Self::Binary(texts().map(value::base64).collect()),
            Base::IpAddress => Self::IpAddress(texts().map(Network::parse).collect()),
            Base::Arn => Self::Arn(texts().map(|text| ArnPattern::value(text, compiler)).collect()),
            Base::Null => Self::Null(texts().map(value::boolean).collect()),
        }
    }
}

/// Whether some policy value matches; negated, whether none does. `check` gives `None` where the
/// types do not fit, which satisfies neither (iam.md §5.5).
fn any<T>(all: &[T], negated: bool, check: impl Fn(&T) -> Option<bool>) -> bool {
    if negated {
        all.iter().all(|one| check(one) == Some(false))
    } else {
        all.iter().any(|one| check(one) == Some(true))
    }
}

/// A variable without a value matches nothing; other text than a boolean is a type error.
fn boolean_matches(one: &Template, value: bool, values: &Values<'_, '_>) -> Option<bool> {
    let Some(text) = one.text(values) else { return Some(false) };
    value::boolean(&text).map(|expected| expected == value)
}

fn each<'a>(value: &'a Value<'_>) -> impl Iterator<Item = &'a str> {
    match value {
        Value::Single(value) => std::slice::from_ref(value),
        Value::Multiple(values) => values.as_slice(),
    }
    .iter()
    .map(AsRef::as_ref)
}

/// Full lower-casing of both sides, character by character.
fn same_ignoring_case(left: &str, right: &str) -> bool {
    let right = right.chars().flat_map(char::to_lowercase);
    left.chars().flat_map(char::to_lowercase).eq(right)
}
