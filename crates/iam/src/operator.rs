//! Condition operators: their names and what the parts of a name mean. Source: iam.md §5.2.

use crate::choice;

/// How an operator treats the several values of a multivalued key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SetOperator {
    /// No prefix: for keys with a single value.
    None,
    /// `ForAllValues:`.
    All,
    /// `ForAnyValue:`.
    Any,
}

/// How two ordered values have to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    Equals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

impl Comparison {
    /// Whether a request's value that is `ordering` to the policy's value satisfies the operator.
    pub(crate) fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equals => ordering.is_eq(),
            Self::LessThan => ordering.is_lt(),
            Self::LessThanEquals => ordering.is_le(),
            Self::GreaterThan => ordering.is_gt(),
            Self::GreaterThanEquals => ordering.is_ge(),
        }
    }
}

/// What an operator compares, negation aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Base {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Comparison),
    Date(Comparison),
    Bool,
    Binary,
    IpAddress,
    /// `ArnEquals` and `ArnLike`, which are the same.
    Arn,
    Null,
}

/// An operator as a document names it: `ForAnyValue:StringNotLikeIfExists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Operator {
    pub(crate) set: SetOperator,
    pub(crate) base: Base,
    pub(crate) negated: bool,
    pub(crate) if_exists: bool,
}

#[rustfmt::skip]
const BASES: [(&str, Base, bool); 27] = [
    ("StringEquals",              Base::StringEquals,                             false),
    ("StringNotEquals",           Base::StringEquals,                             true),
    ("StringEqualsIgnoreCase",    Base::StringEqualsIgnoreCase,                   false),
    ("StringNotEqualsIgnoreCase", Base::StringEqualsIgnoreCase,                   true),
    ("StringLike",                Base::StringLike,                               false),
    ("StringNotLike",             Base::StringLike,                               true),
    ("NumericEquals",             Base::Numeric(Comparison::Equals),              false),
    ("NumericNotEquals",          Base::Numeric(Comparison::Equals),              true),
    ("NumericLessThan",           Base::Numeric(Comparison::LessThan),            false),
    ("NumericLessThanEquals",     Base::Numeric(Comparison::LessThanEquals),      false),
    ("NumericGreaterThan",        Base::Numeric(Comparison::GreaterThan),         false),
    ("NumericGreaterThanEquals",  Base::Numeric(Comparison::GreaterThanEquals),   false),
    ("DateEquals",                Base::Date(Comparison::Equals),                 false),
    ("DateNotEquals",             Base::Date(Comparison::Equals),                 true),
    ("DateLessThan",              Base::Date(Comparison::LessThan),               false),
    ("DateLessThanEquals",        Base::Date(Comparison::LessThanEquals),         false),
    ("DateGreaterThan",           Base::Date(Comparison::GreaterThan),            false),
    ("DateGreaterThanEquals",     Base::Date(Comparison::GreaterThanEquals),      false),
    ("Bool",                      Base::Bool,                                     false),
    ("BinaryEquals",              Base::Binary,                                   false),
    ("IpAddress",                 Base::IpAddress,                                false),
    ("NotIpAddress",              Base::IpAddress,                                true),
    ("ArnEquals",                 Base::Arn,                                      false),
    ("ArnLike",                   Base::Arn,                                      false),
    ("ArnNotEquals",              Base::Arn,                                      true),
    ("ArnNotLike",                Base::Arn,                                      true),
    ("Null",                      Base::Null,                                     false),
];

impl Operator {
    /// Reads a name; `None` if there is no such operator. `NullIfExists` does not exist.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            None => (SetOperator::None, name),
            Some((prefix, rest)) => (set_operator(prefix)?, rest),
        };
        if let Some((base, negated)) = base(rest) {
            return Some(Self { set, base, negated, if_exists: false });
        }
        let (base, negated) = base(without_if_exists(rest)?)?;
        let exists = base != Base::Null;
        exists.then_some(Self { set, base, negated, if_exists: true })
    }
}

fn set_operator(prefix: &str) -> Option<SetOperator> {
    if choice::same_operator_name(prefix, "ForAllValues") {
        Some(SetOperator::All)
    } else if choice::same_operator_name(prefix, "ForAnyValue") {
        Some(SetOperator::Any)
    } else {
        None
    }
}

fn base(name: &str) -> Option<(Base, bool)> {
    let row = BASES.iter().find(|(known, ..)| choice::same_operator_name(name, known));
    row.map(|&(_, base, negated)| (base, negated))
}

fn without_if_exists(name: &str) -> Option<&str> {
    let (base, suffix) = name.split_at_checked(name.len().checked_sub("IfExists".len())?)?;
    choice::same_operator_name(suffix, "IfExists").then_some(base)
}

#[cfg(test)]
mod tests {
    use super::{BASES, Base, Operator, SetOperator};

    #[test]
    fn every_base_takes_every_prefix_and_suffix_but_null_if_exists() {
        for (name, base, negated) in BASES {
            for (prefix, set) in [
                ("", SetOperator::None),
                ("ForAllValues:", SetOperator::All),
                ("foranyvalue:", SetOperator::Any),
            ] {
                let want = Operator { set, base, negated, if_exists: false };
                assert_eq!(Operator::parse(&format!("{prefix}{name}")), Some(want), "{name}");
                let want = (base != Base::Null).then_some(Operator { if_exists: true, ..want });
                assert_eq!(Operator::parse(&format!("{prefix}{name}IfExists")), want, "{name}");
            }
        }
    }

    #[test]
    fn what_is_no_operator_is_none() {
        for name in [
            "",
            "StringMatches",
            "IfExists",
            "ForAllValues:",
            "ForSomeValues:StringEquals",
            "ForAllValues:ForAnyValue:StringEquals",
            "StringEqualsIfExistsIfExists",
            "NullIfExists",
            "NumericLike",
            "BinaryNotEquals",
            "StringEquals ",
            "éxists",
        ] {
            assert_eq!(Operator::parse(name), None, "{name}");
        }
    }
}
