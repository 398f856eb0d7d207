//! Compiled conditions. Source: iam.md §5.

use std::cell::{LazyCell, OnceCell};

use crate::arn::Arn;
use crate::arn_pattern::ArnPattern;
use crate::choice;
use crate::context::Value;
use crate::document::RawCondition;
use crate::operator::{Base, Comparison, Operator, SetOperator};
use crate::prefixes::{Outline, Outlined as _, Patterns};
use crate::template::{Compiler, KeyId, Template, Values};
use crate::value::{self, Decimal, Moment, Network, Networks};

/// One key under one operator.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    operator: Operator,
    key: KeyId,
    test: Test,
}

/// The policy's values, read once.
#[derive(Clone, Debug)]
enum Test {
    /// `StringEquals` and `StringLike`: the template knows which.
    String(Patterns<Template>),
    StringIgnoreCase(Box<[Template]>),
    Numeric(Comparison, Typed<Box<[Decimal<Box<str>>]>>),
    Date(Comparison, Typed<Box<[Moment]>>),
    Bool(Box<[Template]>),
    /// Texts that are base64.
    Binary(Box<[Box<str>]>),
    IpAddress(Typed<Networks>),
    Arn(Typed<Patterns<ArnPattern>>),
    /// The values that are booleans.
    Null(Box<[bool]>),
}

/// Values of a type that not every text is of.
#[derive(Clone, Debug)]
struct Typed<T> {
    values: T,
    /// Whether the policy has others beside them.
    others: bool,
    /// Whether the policy has none at all: then there is nothing to be of another type than.
    none: bool,
}

impl<T> Typed<T> {
    fn new<V>(values: impl Iterator<Item = Option<V>>) -> Self
    where
        T: FromIterator<V>,
    {
        let (mut others, mut none) = (false, true);
        let values = values.filter_map(|value| {
            none = false;
            others |= value.is_none();
            value
        });
        let values = values.collect();
        Self { values, others, none }
    }

    /// Whether some value covers the request's, `None` if that is of another type; negated, whether
    /// none does. A type error on either side satisfies neither (iam.md §5.5).
    #[inline]
    fn hold<V>(&self, negated: bool, value: Option<V>, cover: impl FnOnce(&T, V) -> bool) -> bool {
        match value {
            _ if self.none => negated,
            None => choice::TYPE_ERROR_SATISFIES,
            Some(_) if negated && self.others => choice::TYPE_ERROR_SATISFIES,
            Some(value) if negated => !cover(&self.values, value),
            Some(value) => cover(&self.values, value),
        }
    }
}

impl Condition {
    pub(crate) fn new(raw: &RawCondition, compiler: &mut Compiler) -> Self {
        let key = compiler.key(&raw.key);
        Self { operator: raw.operator, key, test: Test::new(raw, compiler) }
    }

    /// Whether the condition holds in this request.
    pub(crate) fn holds(&self, values: &Values<'_, '_>) -> bool {
        let spare = OnceCell::new();
        let value = values.get(self.key, &spare);
        if let Test::Null(expected) = &self.test {
            return expected.contains(&value.is_none());
        }
        let Some(value) = value else { return self.holds_when_missing() };
        match (self.operator.set, value) {
            (SetOperator::None, Value::Single(value)) => self.holds_for(value, values),
            (SetOperator::None, Value::Multiple(_)) => choice::PLAIN_OPERATOR_HOLDS_ON_A_LIST,
            (SetOperator::All, value) => each(value).all(|value| self.holds_for(value, values)),
            (SetOperator::Any, value) => each(value).any(|value| self.holds_for(value, values)),
        }
    }

    /// If the condition holds only for a single value that has one of certain outlines: the key and
    /// those outlines.
    pub(crate) fn required(&self) -> Option<(KeyId, impl Iterator<Item = Outline<'_>>)> {
        let Operator { set, negated, if_exists, .. } = self.operator;
        let plain = set == SetOperator::None && !negated && !if_exists;
        let (strings, arns) = match &self.test {
            Test::String(strings) if plain => (Some(strings), None),
            Test::Arn(arns) if plain => (None, Some(&arns.values)),
            _ => return None,
        };
        let strings = strings.into_iter().flat_map(Patterns::iter).map(Template::outline);
        let arns = arns.into_iter().flat_map(Patterns::iter).map(ArnPattern::outline);
        Some((self.key, strings.chain(arns)))
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
    fn holds_for(&self, text: &str, values: &Values<'_, '_>) -> bool {
        let negated = self.operator.negated;
        match &self.test {
            Test::String(all) => {
                all.any(text.as_bytes(), |one| one.matches(text, values)) != negated
            }
            Test::StringIgnoreCase(all) => {
                all.iter().any(|one| same_ignoring_case(one, text, values)) != negated
            }
            Test::Numeric(comparison, typed) => {
                typed.hold(negated, Decimal::parse(text), |all, number| {
                    all.iter().any(|one| comparison.holds(number.compare(one)))
                })
            }
            Test::Date(comparison, typed) => {
                typed.hold(negated, Moment::parse(text), |all, moment| {
                    all.iter().any(|one| comparison.holds(moment.cmp(one)))
                })
            }
            Test::Bool(all) => value::boolean(text)
                .is_some_and(|value| all.iter().any(|one| is_boolean(one, value, values))),
            Test::Binary(all) => all.iter().any(|one| **one == *text),
            Test::IpAddress(typed) => {
                typed.hold(negated, value::caller_address(text), Networks::contain)
            }
            Test::Arn(typed) => {
                let arn = LazyCell::new(|| Arn::split(text));
                let covers = |one: &ArnPattern| one.matches(text, || *arn, values);
                // What is covered is an ARN: only a negation has to know of other texts.
                let typed_text = (!negated || arn.is_some()).then_some(text);
                typed.hold(negated, typed_text, |all, text| all.any(text.as_bytes(), covers))
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
                Self::Numeric(comparison, Typed::new(texts().map(number)))
            }
            Base::Date(comparison) => {
                Self::Date(comparison, Typed::new(texts().map(Moment::parse)))
            }
            Base::Binary => Self::Binary(
                texts().filter(|text| value::base64(text).is_some()).map(Into::into).collect(),
            ),
            Base::IpAddress => Self::IpAddress(Typed::new(texts().map(Network::parse))),
            Base::Arn => {
                Self::Arn(Typed::new(texts().map(|text| ArnPattern::value(text, compiler))))
            }
            Base::Null => Self::Null(texts().filter_map(value::boolean).collect()),
        }
    }
}

/// Whether the template's text is the boolean; without a variable's value it is none.
fn is_boolean(one: &Template, value: bool, values: &Values<'_, '_>) -> bool {
    let mut rest = if value { "true" } else { "false" };
    one.all_pieces(values, |piece| {
        let Some((begin, end)) = rest.split_at_checked(piece.len()) else { return false };
        rest = end;
        begin.eq_ignore_ascii_case(piece)
    }) && rest.is_empty()
}

fn each<'a>(value: &'a Value<'_>) -> impl Iterator<Item = &'a str> {
    match value {
        Value::Single(value) => std::slice::from_ref(value),
        Value::Multiple(values) => values,
    }
    .iter()
    .map(AsRef::as_ref)
}

fn same_ignoring_case(one: &Template, text: &str, values: &Values<'_, '_>) -> bool {
    let mut rest = text.chars().flat_map(choice::folded);
    one.all_pieces(values, |piece| {
        piece.chars().flat_map(choice::folded).all(|c| rest.next() == Some(c))
    }) && rest.next().is_none()
}
