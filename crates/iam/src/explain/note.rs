//! What a person may not see in an expected and an actual value: why they cannot fit. Source: iam.md
//! §3.3, §5, §6.

use super::Actual;
use super::parting::{Form, Reading};
use crate::arn::Arn;
use crate::arn_pattern;
use crate::document::RawCondition;
use crate::glob::glob;
use crate::operator::{Base, SetOperator};
use crate::validate::takes_variables;
use crate::value::{self, Decimal, Moment, Network};
use crate::variable::{self, PartKind};

/// Of a condition that does not hold.
pub(super) fn of_condition(
    condition: &RawCondition,
    actual: &Actual,
    reading: &Reading<'_>,
) -> Option<String> {
    let operator = condition.operator;
    match actual {
        Actual::Missing => None,
        Actual::List(_) if operator.set == SetOperator::None && operator.base != Base::Null => {
            Some("the key has a list; ForAnyValue: and ForAllValues: compare one".to_owned())
        }
        Actual::List(_) => of_type(condition, None, reading.variables),
        Actual::Text(text) => of_type(condition, Some(text), reading.variables)
            .or_else(|| of_variables(&condition.values, takes_variables(operator.base), reading))
            .or_else(|| if operator.negated { None } else { of_texts(condition, text) }),
    }
}

/// Of a resource that is not covered.
pub(super) fn of_resource(
    patterns: &[String],
    text: &str,
    reading: &Reading<'_>,
) -> Option<String> {
    if text == "*" {
        return Some("the action has no resource: only \"*\" covers that".to_owned());
    }
    let head = |pattern: &&String| {
        let fields = arn_pattern::fields(pattern, reading.variables);
        reading.variables && fields.iter().take(5).any(|field| field.contains("${"))
    };
    match patterns.iter().find(head) {
        Some(pattern) => Some(format!("{pattern}: variables work in the last field only")),
        None => of_variables(patterns, true, reading),
    }
}

/// A value that is not of the operator's type satisfies nothing.
fn of_type(condition: &RawCondition, text: Option<&str>, variables: bool) -> Option<String> {
    let base = condition.operator.base;
    let known = |text: &str, given: bool| match base {
        Base::Numeric(_) => Decimal::parse(text).is_some(),
        Base::Date(_) => Moment::parse(text).is_some(),
        Base::Bool | Base::Null => text.contains("${") || value::boolean(text).is_some(),
        Base::Binary => value::base64(text).is_some(),
        Base::IpAddress if given => value::caller_address(text).is_some(),
        Base::IpAddress => Network::parse(text).is_some(),
        Base::Arn if given => Arn::split(text).is_some(),
        Base::Arn => {
            let fields = arn_pattern::fields(text, variables);
            fields.len() == 6 && fields.first() == Some(&"arn")
        }
        Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike => true,
    };
    let given = text.filter(|text| base != Base::Null && !known(text, true));
    let bad = given
        .or_else(|| condition.values.iter().map(String::as_str).find(|one| !known(one, false)));
    Some(format!("\"{}\" is not {}", bad?, type_name(base)))
}

fn type_name(base: Base) -> &'static str {
    match base {
        Base::Numeric(_) => "a number",
        Base::Date(_) => "a date",
        Base::Bool | Base::Null => "true or false",
        Base::Binary => "base64",
        Base::IpAddress => "an IP address or range",
        Base::Arn => "an ARN with its six fields",
        Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike => "a text",
    }
}

/// A variable without a value.
fn of_variables(patterns: &[String], taken: bool, reading: &Reading<'_>) -> Option<String> {
    let parts = patterns.iter().flat_map(|pattern| variable::parts(pattern));
    let mut parts = parts.filter(|_| taken && reading.variables);
    let unknown = parts.find_map(|part| match part.kind {
        PartKind::Variable { name, default: None } if reading.value(name).is_none() => {
            Some(part.raw)
        }
        _ => None,
    });
    unknown.map(|raw| format!("{raw} has no value in this request"))
}

/// Texts that are nearly equal.
fn of_texts(condition: &RawCondition, text: &str) -> Option<String> {
    let mut values = condition.values.iter();
    match condition.operator.base {
        Base::StringEquals if values.clone().any(|one| glob(one, text)) => {
            Some(format!("{} has no wildcards; StringLike has", condition.operator_name))
        }
        Base::StringEquals | Base::StringLike | Base::Arn
            if values.any(|one| one.to_lowercase() == text.to_lowercase()) =>
        {
            Some("they differ in case only".to_owned())
        }
        _ => None,
    }
}

/// The form of the values that a condition compares texts with; `None` if it compares other things.
pub(super) fn form(base: Base) -> Option<Form> {
    match base {
        Base::StringEquals | Base::StringEqualsIgnoreCase => Some(Form::Literal),
        Base::StringLike => Some(Form::Glob),
        Base::Arn => Some(Form::Arn),
        Base::Numeric(_)
        | Base::Date(_)
        | Base::Bool
        | Base::Binary
        | Base::IpAddress
        | Base::Null => None,
    }
}
