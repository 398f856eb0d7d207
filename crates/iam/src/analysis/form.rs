//! Statements in the form in which they are compared with each other.

use crate::analysis::pattern::{Fold, Pattern, Reading};
use crate::analysis::written::WrittenStatement;
use crate::arn_pattern::{self, Entry};
use crate::binding::Bindings;
use crate::document::{DocumentKind, Effect, Listed, RawCondition, RawStatement};
use crate::grant::PrincipalPart;
use crate::operator::{Base, Comparison, Operator};
use crate::value::{self, Decimal, Moment, Network};

/// A statement, its strings taken apart.
pub(crate) struct Form<'a> {
    pub(crate) effect: Effect,
    pub(crate) principal: PrincipalPart,
    pub(crate) action: Listing<Pattern<'a>>,
    /// `None` in a trust policy: the role that it is attached to.
    pub(crate) resource: Option<Listing<ResourceForm<'a>>>,
    pub(crate) conditions: Vec<ConditionForm<'a>>,
}

/// The entries of an element or of its `Not…` form.
pub(crate) struct Listing<T> {
    pub(crate) negated: bool,
    pub(crate) entries: Vec<T>,
}

impl<T> Listing<T> {
    fn new<'a>(listed: &'a Listed, entry: impl Fn(&'a str) -> T) -> Self {
        let entries = listed.values.iter().map(|value| entry(value)).collect();
        Self { negated: listed.negated, entries }
    }
}

/// An entry of Resource or NotResource.
pub(crate) enum ResourceForm<'a> {
    Any,
    Arn(ArnForm<'a>),
    Never,
}

/// The six fields of an ARN pattern. A variable in one of the first five matches nothing.
pub(crate) struct ArnForm<'a> {
    pub(crate) fields: [Pattern<'a>; 6],
    pub(crate) never: bool,
}

/// One key under one operator.
pub(crate) struct ConditionForm<'a> {
    /// In lower case.
    pub(crate) key: String,
    pub(crate) operator: Operator,
    pub(crate) values: Values<'a>,
}

/// The values, as the operator reads them. `None` is one that is not of its type.
pub(crate) enum Values<'a> {
    /// Of StringEquals, StringLike, and StringEqualsIgnoreCase in lower case.
    String(Vec<Pattern<'a>>),
    Numeric(Comparison, Vec<Option<Decimal<&'a str>>>),
    Date(Comparison, Vec<Option<Moment>>),
    /// As written where it has a variable.
    Bool(Vec<Option<Truth<'a>>>),
    Binary(Vec<Option<Box<[u8]>>>),
    IpAddress(Vec<Option<Network>>),
    /// With the whole text as one pattern.
    Arn(Vec<Option<(ArnForm<'a>, Pattern<'a>)>>),
    Null(Vec<Option<bool>>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth<'a> {
    Fixed(bool),
    Variable(&'a str),
}

impl<'a> Form<'a> {
    pub(crate) fn of(statement: &'a WrittenStatement) -> Self {
        Self::new(statement.kind(), statement.has_variables(), statement.raw())
    }

    fn new(kind: DocumentKind, variables: bool, raw: &'a RawStatement) -> Self {
        use DocumentKind::{Resource, ResourceControl, Trust};
        let named = matches!(kind, Resource | Trust | ResourceControl);
        let action = |text| {
            Pattern::new(text, Reading { variables: false, wildcards: true, fold: Fold::Ascii })
        };
        let nothing = || Listing { negated: false, entries: Vec::new() };
        let resource = raw
            .resource
            .as_ref()
            .map(|listed| Listing::new(listed, |text| ResourceForm::new(text, variables)));
        Self {
            effect: raw.effect,
            principal: PrincipalPart::new(
                raw.principal.as_ref(),
                raw.effect,
                named,
                &Bindings::default(),
            ),
            action: Listing::new(&raw.action, action),
            resource: resource.or_else(|| (kind != Trust).then(nothing)),
            conditions: raw.conditions.iter().map(|c| ConditionForm::new(c, variables)).collect(),
        }
    }
}

impl<'a> ResourceForm<'a> {
    fn new(text: &'a str, variables: bool) -> Self {
        match Entry::split(text, variables) {
            Entry::Any => Self::Any,
            Entry::Arn(fields) => Self::Arn(ArnForm::new(fields, variables)),
            Entry::Never => Self::Never,
        }
    }
}

impl<'a> ArnForm<'a> {
    fn new(fields: [&'a str; 6], variables: bool) -> Self {
        let never = variables && fields.iter().take(5).any(|field| field.contains("${"));
        let reading = Reading { variables, wildcards: true, fold: Fold::None };
        Self { fields: fields.map(|field| Pattern::new(field, reading)), never }
    }

    /// Of a condition's value; `None` if it is no ARN.
    fn value(text: &'a str, variables: bool) -> Option<Self> {
        let fields = arn_pattern::fields(text, variables);
        let fields: [&str; 6] = fields.as_slice().try_into().ok()?;
        (fields.first() == Some(&"arn")).then(|| Self::new(fields, variables))
    }

    /// The fields of a text that is an ARN.
    pub(crate) fn exact(text: &'a str) -> Option<Self> {
        let fields: [&str; 6] = arn_pattern::fields(text, false).as_slice().try_into().ok()?;
        let reading = Reading { variables: false, wildcards: false, fold: Fold::None };
        let arn =
            || Self { fields: fields.map(|field| Pattern::new(field, reading)), never: false };
        (fields.first() == Some(&"arn")).then(arn)
    }
}

impl<'a> ConditionForm<'a> {
    fn new(raw: &'a RawCondition, variables: bool) -> Self {
        let (key, operator) = (raw.key.to_lowercase(), raw.operator);
        Self { key, operator, values: Values::new(operator.base, &raw.values, variables) }
    }
}

impl<'a> Values<'a> {
    fn new(base: Base, values: &'a [String], variables: bool) -> Self {
        let all = || values.iter().map(String::as_str);
        let strings = |wildcards, fold| {
            let reading = Reading { variables, wildcards, fold };
            Self::String(all().map(|text| Pattern::new(text, reading)).collect())
        };
        match base {
            Base::StringEquals => strings(false, Fold::None),
            Base::StringEqualsIgnoreCase => strings(false, Fold::Full),
            Base::StringLike => strings(true, Fold::None),
            Base::Numeric(comparison) => {
                Self::Numeric(comparison, all().map(Decimal::parse).collect())
            }
            Base::Date(comparison) => Self::Date(comparison, all().map(Moment::parse).collect()),
            Base::Bool => Self::Bool(all().map(|text| Truth::new(text, variables)).collect()),
            Base::Binary => Self::Binary(all().map(value::base64).collect()),
            Base::IpAddress => Self::IpAddress(all().map(Network::parse).collect()),
            Base::Arn => Self::Arn(all().map(|text| arn(text, variables)).collect()),
            Base::Null => Self::Null(all().map(value::boolean).collect()),
        }
    }
}

fn arn(text: &str, variables: bool) -> Option<(ArnForm<'_>, Pattern<'_>)> {
    let reading = Reading { variables, wildcards: true, fold: Fold::None };
    Some((ArnForm::value(text, variables)?, Pattern::new(text, reading)))
}

impl<'a> Truth<'a> {
    fn new(text: &'a str, variables: bool) -> Option<Self> {
        if variables && text.contains("${") {
            return Some(Self::Variable(text));
        }
        value::boolean(text).map(Self::Fixed)
    }
}
