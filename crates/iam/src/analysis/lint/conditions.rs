//! Rules about conditions. Source: iam.md §2.3, §5, §9, §10.5.

use super::principals::Callers;
use super::resources::{has_variable, variables_2008};
use super::{Knowledge, rules};
use crate::analysis::condition_keys::{Bearers, ConditionKey, KeyType};
use crate::analysis::finding::{Finding, Report};
use crate::analysis::written::{WrittenCondition, WrittenStatement};
use crate::arn_pattern;
use crate::operator::{Base, SetOperator};
use crate::validate::takes_variables;
use crate::value::{self, Decimal, Moment, Network};
use crate::variable::{self, PartKind};

pub(super) fn examine(
    statement: &WrittenStatement,
    knowledge: &Knowledge<'_>,
    report: &mut Report,
) {
    for condition in statement.conditions() {
        let one = One { statement, condition };
        match knowledge.key(condition.key()) {
            Some(known) => one.key(known, report),
            None if knowledge.is_covered(condition.key()) => one.unknown(report),
            None => {}
        }
        one.for_all_values(report);
        one.empty(report);
        condition.values().iter().for_each(|value| one.value(value, report));
    }
}

/// One condition and where it stands.
struct One<'a> {
    statement: &'a WrittenStatement,
    condition: WrittenCondition<'a>,
}

impl One<'_> {
    fn finding(
        &self,
        rule: &crate::analysis::finding::LintRule,
        message: impl Into<std::borrow::Cow<'static, str>>,
        remedy: impl Into<std::borrow::Cow<'static, str>>,
    ) -> Finding {
        let spot = self.statement.spot().element(self.condition.element());
        Finding::new(rule, spot, message, remedy)
    }

    /// What a known key says about its operator.
    fn key(&self, known: &ConditionKey, report: &mut Report) {
        self.set_operator(known, report);
        let base = self.condition.operator().base;
        if !fits(base, known.value) {
            report.add(self.finding(
                &rules::OPERATOR_TYPE,
                format!(
                    "{} cannot compare what {} holds.",
                    self.condition.operator_name(),
                    known.name
                ),
                format!("Use {} with this key.", operators(known.value)),
            ));
        }
        self.impossible(known, report);
        self.impossible_for_actions(known, report);
    }

    fn set_operator(&self, known: &ConditionKey, report: &mut Report) {
        let operator = self.condition.operator();
        let plain = operator.set == SetOperator::None && operator.base != Base::Null;
        if known.multivalued && plain {
            report.add(self.finding(
                &rules::SET_OPERATOR_MISSING,
                format!(
                    "{} has several values, on which a plain operator never holds.",
                    known.name
                ),
                format!("Write ForAnyValue:{}.", self.condition.operator_name()),
            ));
        }
        if !known.multivalued && operator.set != SetOperator::None {
            report.add(self.finding(
                &rules::SET_OPERATOR_SINGLE_VALUED,
                format!(
                    "{} has one value; ForAllValues and ForAnyValue are for several.",
                    known.name
                ),
                "Write the operator without its prefix.",
            ));
        }
    }

    /// A key that none of the principals, or not all of them, can have.
    fn impossible(&self, known: &ConditionKey, report: &mut Report) {
        if self.statement.excludes_principals() {
            return;
        }
        let callers = Callers::all(self.statement);
        let without = callers.iter().filter(|callers| never_has(**callers, known.bearers)).count();
        let Some(some) = Share::of(without, callers.len()) else { return };
        let who = some.text("the principal", "some of the principals");
        let remedy = match known.bearers {
            _ if !self.condition.requires_key() => {
                "Leave the condition out, or write it for the principals that have the key."
            }
            Bearers::Services => "Name a service under Service, or leave the condition out.",
            Bearers::Users => "Name users, or use aws:PrincipalArn.",
            Bearers::AllButServices | Bearers::Accounts | Bearers::Anyone => {
                "For services, use aws:SourceArn, aws:SourceAccount or aws:SourceOrgID."
            }
        };
        let message = format!("A request by {who} never has {}, {}", known.name, self.hence(some));
        report.add(self.finding(&rules::IMPOSSIBLE_CONDITION, message, remedy));
    }

    /// A key that requests for none of the actions, or not for all of them, can have.
    fn impossible_for_actions(&self, known: &ConditionKey, report: &mut Report) {
        let ("Action", actions) = self.statement.actions() else { return };
        let without = actions.iter().filter(|action| known.is_never_on(action)).count();
        let Some(some) = Share::of(without, actions.len()) else { return };
        let what = some.text("the action", "some of the actions");
        let message =
            format!("A request for {what} never has {}, {}", known.name, self.hence(some));
        let remedy = format!("Write the condition for {} only.", list(known.actions));
        report.add(self.finding(&rules::IMPOSSIBLE_CONDITION, message, remedy));
    }

    /// What follows where the key is missing.
    fn hence(&self, some: Share) -> &'static str {
        match (self.condition.requires_key(), some) {
            (true, Share::All) => "so the condition never holds.",
            (true, Share::Some) => "so the condition never holds for them.",
            (false, Share::All) => "so the condition always holds.",
            (false, Share::Some) => "so the condition always holds for them.",
        }
    }

    fn unknown(&self, report: &mut Report) {
        let message =
            format!("No request has a key {}.", crate::error::excerpt(self.condition.key()));
        let never = if self.condition.requires_key() {
            " The condition never holds."
        } else {
            " The condition always holds."
        };
        report.add(self.finding(&rules::UNKNOWN_KEY, message + never, "Check the spelling."));
    }

    /// An Allow that any request without the key satisfies.
    fn for_all_values(&self, report: &mut Report) {
        let all = self.condition.operator().set == SetOperator::All;
        let key = self.condition.key();
        if all
            && self.statement.allows()
            && !self.statement.conditions_on(key).any(|c| c.requires_key())
        {
            report.add(self.finding(
                &rules::FOR_ALL_VALUES_ALLOW,
                format!("The condition holds in a request without {}.", crate::error::excerpt(key)),
                "Add \"Null\" with the value \"false\" for the key.",
            ));
        }
    }

    fn empty(&self, report: &mut Report) {
        if self.condition.values().is_empty() {
            let holds = self.condition.is_negated();
            report.add(self.finding(
                &rules::EMPTY_LIST,
                if holds {
                    "Without values the condition always holds."
                } else {
                    "Without values the condition never holds."
                },
                "Fill the list, or remove the condition.",
            ));
        }
    }

    /// What can be said about one value.
    fn value(&self, value: &str, report: &mut Report) {
        let base = self.condition.operator().base;
        let variables = self.statement.has_variables();
        let at = |finding: Finding| Finding { spot: finding.spot.value(value), ..finding };
        if !variables && takes_variables(base) && has_variable(value) {
            report.add(variables_2008(self.statement, self.condition.element(), value));
        }
        if matches!(base, Base::StringEquals | Base::StringEqualsIgnoreCase)
            && has_wildcard(value, variables)
        {
            report.add(at(self.finding(
                &rules::WILDCARD_IN_EQUALS,
                "The operator takes * and ? literally.",
                "Use StringLike (or StringNotLike), or ${*} if the character is meant.",
            )));
        }
        if variables && !self.condition.is_negated() && is_own(self.condition.key(), value) {
            report.add(at(self.finding(
                &rules::OWN_VARIABLE,
                "The condition compares the key with itself, so any value of it will do.",
                "Write the value that is meant.",
            )));
        }
        if let Some(kind) = expected(base, value, variables) {
            report.add(at(self.finding(
                &rules::VALUE_TYPE,
                format!("The value is {kind}; it never matches."),
                if base == Base::Arn {
                    "Write all six fields: arn:partition:service:region:account:resource."
                } else {
                    "Write the value as the operator reads it, or use an operator for text."
                },
            )));
        } else if base == Base::Arn && variables && variable_in_first_fields(value) {
            report.add(at(self.finding(
                &rules::VARIABLE_IN_FIRST_FIELDS,
                "A variable in the first five fields of an ARN makes it match nothing.",
                "Write the field, or \"*\", and narrow by a condition on the account.",
            )));
        }
    }
}

/// How many of those whom a statement lists.
#[derive(Clone, Copy)]
enum Share {
    All,
    Some,
}

impl Share {
    /// `None` for none.
    fn of(count: usize, all: usize) -> Option<Self> {
        match count {
            0 => None,
            _ if count == all => Some(Self::All),
            _ => Some(Self::Some),
        }
    }

    fn text(self, all: &'static str, some: &'static str) -> &'static str {
        match self {
            Self::All => all,
            Self::Some => some,
        }
    }
}

/// `a, b or c`; of many, the first ones.
fn list(actions: Option<&[&str]>) -> String {
    const NAMED_MAX: usize = 4;
    let actions = actions.unwrap_or_default();
    let more = if actions.len() > NAMED_MAX { " and the like" } else { "" };
    let named: Vec<&str> = actions.iter().take(NAMED_MAX).copied().collect();
    format!("{}{more}", named.join(", "))
}

/// Whether requests by these callers never have a key with these bearers.
fn never_has(callers: Callers, bearers: Bearers) -> bool {
    match bearers {
        Bearers::Anyone => false,
        Bearers::AllButServices | Bearers::Accounts => callers == Callers::Service,
        Bearers::Users => matches!(callers, Callers::Service | Callers::Session),
        Bearers::Services => {
            matches!(callers, Callers::User | Callers::Session | Callers::Account)
        }
    }
}

/// Whether an operator can compare values of a key's type in a way that makes sense.
fn fits(base: Base, value: KeyType) -> bool {
    let text = matches!(base, Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike);
    let number = matches!(base, Base::Numeric(_));
    let date = matches!(base, Base::Date(_));
    base == Base::Null
        || match value {
            KeyType::Tag => true,
            KeyType::String | KeyType::Id | KeyType::OrganizationPath | KeyType::UniqueId => {
                text || number || base == Base::Binary
            }
            KeyType::Arn => text || base == Base::Arn,
            KeyType::Bool => text || base == Base::Bool,
            KeyType::Numeric => number,
            KeyType::Date => date,
            KeyType::Epoch => date || number,
            KeyType::IpAddress => base == Base::IpAddress,
        }
}

/// The operators for a type.
fn operators(value: KeyType) -> &'static str {
    match value {
        KeyType::String
        | KeyType::Tag
        | KeyType::Id
        | KeyType::OrganizationPath
        | KeyType::UniqueId => "a String operator",
        KeyType::Arn => "ArnLike or ArnNotLike",
        KeyType::Bool => "Bool",
        KeyType::Numeric => "a Numeric operator",
        KeyType::Date => "a Date operator",
        KeyType::Epoch => "a Date or Numeric operator",
        KeyType::IpAddress => "IpAddress or NotIpAddress",
    }
}

/// Whether `*` or `?` stands in `value` outside of variables.
fn has_wildcard(value: &str, variables: bool) -> bool {
    let wild = |text: &str| text.contains(['*', '?']);
    if !variables {
        return wild(value);
    }
    variable::parts(value).any(|part| part.kind == PartKind::Text && wild(part.raw))
}

/// Whether a value is nothing but the variable of the key that it is compared with.
fn is_own(key: &str, value: &str) -> bool {
    let mut parts = variable::parts(value);
    let own = |part: variable::Part<'_>| matches!(part.kind, PartKind::Variable { name, .. } if name.eq_ignore_ascii_case(key));
    parts.next().is_some_and(own) && parts.next().is_none()
}

fn variable_in_first_fields(value: &str) -> bool {
    let fields = arn_pattern::fields(value, true);
    fields.iter().take(5).any(|field| field.contains("${"))
}

/// What `value` is not, though the operator reads it so; `None` if it is.
fn expected(base: Base, value: &str, variables: bool) -> Option<&'static str> {
    let (readable, expected) = match base {
        Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike => return None,
        Base::Numeric(_) => (Decimal::parse(value).is_some(), "no decimal number"),
        Base::Date(_) => (Moment::parse(value).is_some(), "no date"),
        Base::Bool if variables && has_variable(value) => return None,
        Base::Bool | Base::Null => (value::boolean(value).is_some(), "neither true nor false"),
        Base::Binary => (value::base64(value).is_some(), "not base64"),
        Base::IpAddress => (Network::parse(value).is_some(), "no IP address or range"),
        Base::Arn => {
            let fields = arn_pattern::fields(value, variables);
            (fields.len() == 6 && fields.first() == Some(&"arn"), "no ARN of six fields")
        }
    };
    (!readable).then_some(expected)
}
