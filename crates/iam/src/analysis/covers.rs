//! Whether a statement says all that another one says. Source: iam.md §3 to §5.

use crate::analysis::form::{ArnForm, ConditionForm, Form, Listing, ResourceForm, Truth, Values};
use crate::analysis::pattern::{Budget, Pattern};
use crate::analysis::written::WrittenStatement;
use crate::choice;
use crate::document::Effect;
use crate::grant::{Named, PrincipalPart};
use crate::operator::{Base, Comparison, Operator, SetOperator};
use crate::principal::EntityArn;

/// How many pairs of characters one comparison of two statements may look at.
const STEPS_MAX: usize = 1_000_000;

/// Whether `one` surely applies to every request to which `other` applies, with the same effect and
/// no less strength: without `other`, a document that has `one` decides the same.
///
/// Sound, not complete: `false` says only that nothing was shown. It is not shown, for example,
/// when only several entries together cover one of the other's, or when the patterns are so long
/// and so full of wildcards that comparing them would take more than some milliseconds.
#[must_use]
pub fn covers(one: &WrittenStatement, other: &WrittenStatement) -> bool {
    let same_kind = one.kind() == other.kind();
    same_kind && Comparer::new(STEPS_MAX).covers(&Form::of(one), &Form::of(other))
}

/// Compares statements of documents of one kind, all of them within one budget.
pub(crate) struct Comparer {
    budget: Budget,
}

impl Comparer {
    /// `steps`: how many pairs of characters may be looked at, about.
    pub(crate) fn new(steps: usize) -> Self {
        Self { budget: Budget::new(steps) }
    }

    pub(crate) fn covers(&self, one: &Form<'_>, other: &Form<'_>) -> bool {
        one.effect == other.effect
            && principals(&one.principal, &other.principal, one.effect)
            && self.listing(
                &one.action,
                &other.action,
                |a, b| self.includes(a, b),
                |a, b| a.excludes(b, &self.budget),
            )
            && self.resources(one.resource.as_ref(), other.resource.as_ref())
            && one.conditions.iter().all(|mine| {
                other.conditions.iter().any(|theirs| self.implies(theirs, mine)) || is_vacuous(mine)
            })
    }

    fn includes(&self, one: &Pattern<'_>, other: &Pattern<'_>) -> bool {
        one.includes(other, &self.budget)
    }

    /// Whether one list matches all that the other matches.
    fn listing<T>(
        &self,
        one: &Listing<T>,
        other: &Listing<T>,
        includes: impl Fn(&T, &T) -> bool,
        excludes: impl Fn(&T, &T) -> bool,
    ) -> bool {
        let within = |inner: &[T], outer: &[T]| {
            inner.iter().all(|inner| outer.iter().any(|outer| includes(outer, inner)))
        };
        match (one.negated, other.negated) {
            (false, false) => within(&other.entries, &one.entries),
            (true, true) => within(&one.entries, &other.entries),
            (true, false) => {
                other.entries.iter().all(|b| one.entries.iter().all(|a| excludes(a, b)))
            }
            (false, true) => false,
        }
    }

    fn resources(
        &self,
        one: Option<&Listing<ResourceForm<'_>>>,
        other: Option<&Listing<ResourceForm<'_>>>,
    ) -> bool {
        match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => {
                is_everything(one)
                    || self.listing(one, other, |a, b| self.resource(a, b), |a, b| self.apart(a, b))
            }
            _ => false,
        }
    }

    fn resource(&self, one: &ResourceForm<'_>, other: &ResourceForm<'_>) -> bool {
        match (one, other) {
            (ResourceForm::Any, _) | (_, ResourceForm::Never) => true,
            (ResourceForm::Arn(one), ResourceForm::Arn(other)) => self.arn(one, other),
            (ResourceForm::Arn(_), ResourceForm::Any) => false,
            (ResourceForm::Never, _) => false,
        }
    }

    fn arn(&self, one: &ArnForm<'_>, other: &ArnForm<'_>) -> bool {
        let mut fields = one.fields.iter().zip(&other.fields);
        other.never || (!one.never && fields.all(|(one, other)| self.includes(one, other)))
    }

    /// Whether two entries surely have no resource in common.
    fn apart(&self, one: &ResourceForm<'_>, other: &ResourceForm<'_>) -> bool {
        match (one, other) {
            (ResourceForm::Never, _) | (_, ResourceForm::Never) => true,
            (ResourceForm::Arn(one), ResourceForm::Arn(other)) => {
                let mut fields = one.fields.iter().zip(&other.fields);
                one.never || other.never || fields.any(|(a, b)| a.excludes(b, &self.budget))
            }
            (ResourceForm::Any, _) | (_, ResourceForm::Any) => false,
        }
    }

    /// Whether the second condition surely holds wherever the first does.
    fn implies(&self, first: &ConditionForm<'_>, second: &ConditionForm<'_>) -> bool {
        if first.key != second.key {
            return false;
        }
        if let Values::Null(allowed) = &second.values {
            return implies_null(first, allowed);
        }
        if let Values::Null(stated) = &first.values {
            let absent = stated.iter().flatten().all(|missing| *missing);
            return absent && holds_when_missing(second.operator);
        }
        let (one, other) = (first.operator, second.operator);
        let missing = !holds_when_missing(one) || holds_when_missing(other);
        let set = one.set == other.set || one.set == SetOperator::None;
        let known = !choice::PLAIN_OPERATOR_HOLDS_ON_A_LIST || one.set == other.set;
        missing && set && known && one.negated == other.negated && self.values(first, second)
    }

    /// Whether each value of a request that satisfies the first condition satisfies the second.
    fn values(&self, first: &ConditionForm<'_>, second: &ConditionForm<'_>) -> bool {
        let negated = first.operator.negated;
        match (&first.values, &second.values) {
            (Values::String(one), Values::String(other)) => {
                let folded =
                    |form: &ConditionForm<'_>| form.operator.base == Base::StringEqualsIgnoreCase;
                self.strings(negated, (one, folded(first)), (other, folded(second)))
            }
            (Values::Arn(one), Values::Arn(other)) => {
                within(negated, one, other, |(wide, _), (narrow, _)| self.arn(wide, narrow))
            }
            (Values::Arn(one), Values::String(other)) if !negated && is_cased(second) => {
                let mut one = one.iter().flatten();
                one.all(|(arn, text)| arn.never || other.iter().any(|b| self.includes(b, text)))
            }
            (Values::String(one), Values::Arn(other)) if !negated && is_cased(first) => {
                one.iter().all(|text| self.text_within(text, other))
            }
            (Values::Numeric(one, mine), Values::Numeric(other, theirs)) => {
                ordered(negated, (*one, mine), (*other, theirs), |a, b| a.compare(b))
            }
            (Values::Date(one, mine), Values::Date(other, theirs)) => {
                ordered(negated, (*one, mine), (*other, theirs), |a, b| a.cmp(b))
            }
            (Values::Bool(one), Values::Bool(other)) => within(negated, one, other, Truth::eq),
            (Values::Binary(one), Values::Binary(other)) => {
                within(negated, one, other, |a, b| a == b)
            }
            (Values::IpAddress(one), Values::IpAddress(other)) => {
                within(negated, one, other, |wide, narrow| wide.covers(*narrow))
            }
            _ => false,
        }
    }

    /// Of strings, with whether they are in lower case because case does not matter.
    fn strings(
        &self,
        negated: bool,
        (one, one_folded): (&[Pattern<'_>], bool),
        (other, other_folded): (&[Pattern<'_>], bool),
    ) -> bool {
        let includes = |wide: &Pattern<'_>, narrow: &Pattern<'_>, wide_folded, narrow_folded| match (
            wide_folded,
            narrow_folded,
        ) {
            (true, false) => self.includes(wide, &narrow.folded()),
            (false, true) => false,
            _ => self.includes(wide, narrow),
        };
        if negated {
            let excluded = |b| one.iter().any(|a| includes(a, b, one_folded, other_folded));
            other.iter().all(excluded)
        } else {
            let allowed = |a| other.iter().any(|b| includes(b, a, other_folded, one_folded));
            one.iter().all(allowed)
        }
    }

    /// Whether a text without wildcards is an ARN that one of the patterns covers.
    fn text_within(
        &self,
        text: &Pattern<'_>,
        patterns: &[Option<(ArnForm<'_>, Pattern<'_>)>],
    ) -> bool {
        let Some(text) = text.text() else { return false };
        let Some(exact) = ArnForm::exact(&text) else { return false };
        patterns.iter().flatten().any(|(pattern, _)| self.arn(pattern, &exact))
    }
}

/// Whether case matters to the operator.
fn is_cased(condition: &ConditionForm<'_>) -> bool {
    condition.operator.base != Base::StringEqualsIgnoreCase
}

/// Whether the condition holds in every request: `Null` with both values.
fn is_vacuous(condition: &ConditionForm<'_>) -> bool {
    let has = |values: &[Option<bool>], value| values.contains(&Some(value));
    matches!(&condition.values, Values::Null(values) if has(values, true) && has(values, false))
}

fn holds_when_missing(operator: Operator) -> bool {
    operator.if_exists
        || match operator.set {
            SetOperator::All => true,
            SetOperator::Any => false,
            SetOperator::None => operator.negated,
        }
}

/// Whether a `Null` condition that allows these holds wherever `first` does.
fn implies_null(first: &ConditionForm<'_>, allowed: &[Option<bool>]) -> bool {
    match &first.values {
        Values::Null(stated) => stated.iter().flatten().all(|one| allowed.contains(&Some(*one))),
        _ => !holds_when_missing(first.operator) && allowed.contains(&Some(false)),
    }
}

/// Whether the values of one operator do what those of another do: each of the first lies within
/// one of the second; negated, the other way around. `None` matches nothing, and negated makes the
/// condition never hold.
fn within<T>(
    negated: bool,
    one: &[Option<T>],
    other: &[Option<T>],
    includes: impl Fn(&T, &T) -> bool,
) -> bool {
    if !negated {
        let mut narrow = one.iter().flatten();
        return narrow.all(|narrow| other.iter().flatten().any(|wide| includes(wide, narrow)));
    }
    if one.iter().any(Option::is_none) {
        return true;
    }
    let excluded = |narrow: &T| one.iter().flatten().any(|wide| includes(wide, narrow));
    other.iter().all(|narrow| narrow.as_ref().is_some_and(excluded))
}

/// As [`within`], of values that have an order.
fn ordered<T>(
    negated: bool,
    (first, one): (Comparison, &[Option<T>]),
    (second, other): (Comparison, &[Option<T>]),
    compare: impl Fn(&T, &T) -> std::cmp::Ordering,
) -> bool {
    let narrower = |narrow: &T, wide: &T| {
        use Comparison::{Equals, GreaterThan, GreaterThanEquals, LessThan, LessThanEquals};
        let order = compare(narrow, wide);
        match (first, second) {
            (Equals, _) => second.holds(order),
            (LessThan, LessThan | LessThanEquals) => order.is_le(),
            (LessThanEquals, LessThanEquals) => order.is_le(),
            (LessThanEquals, LessThan) => order.is_lt(),
            (GreaterThan, GreaterThan | GreaterThanEquals) => order.is_ge(),
            (GreaterThanEquals, GreaterThanEquals) => order.is_ge(),
            (GreaterThanEquals, GreaterThan) => order.is_gt(),
            _ => false,
        }
    };
    within(negated, one, other, |wide, narrow| narrower(narrow, wide))
}

/// Whether the statement surely applies to no request at all.
pub(crate) fn never_applies(form: &Form<'_>) -> bool {
    let actions = &form.action;
    let action = if actions.negated {
        actions.entries.iter().any(Pattern::is_any)
    } else {
        actions.entries.is_empty()
    };
    let nobody = |named: &Named| *named == Named::Nobody;
    action
        || form.resource.as_ref().is_some_and(is_nothing)
        || matches!(&form.principal, PrincipalPart::Only(list) if list.iter().all(nobody))
        || form.conditions.iter().any(never_holds)
}

/// Whether a list of resources matches none.
fn is_nothing(listing: &Listing<ResourceForm<'_>>) -> bool {
    let never = |entry: &ResourceForm<'_>| match entry {
        ResourceForm::Any => false,
        ResourceForm::Arn(arn) => arn.never,
        ResourceForm::Never => true,
    };
    let any = |entry: &ResourceForm<'_>| matches!(entry, ResourceForm::Any);
    if listing.negated {
        listing.entries.iter().any(any)
    } else {
        listing.entries.iter().all(never)
    }
}

/// Whether the condition surely holds in no request: its values are not of its type.
fn never_holds(condition: &ConditionForm<'_>) -> bool {
    fn read<T>(values: &[Option<T>]) -> (bool, bool) {
        (values.iter().any(Option::is_some), values.iter().any(Option::is_none))
    }
    let (some, unreadable) = match &condition.values {
        Values::Null(values) => return !read(values).0,
        Values::String(values) => (!values.is_empty(), false),
        Values::Numeric(_, values) => read(values),
        Values::Date(_, values) => read(values),
        Values::Bool(values) => read(values),
        Values::Binary(values) => read(values),
        Values::IpAddress(values) => read(values),
        Values::Arn(values) => read(values),
    };
    let never = if condition.operator.negated { unreadable } else { !some };
    never && !holds_when_missing(condition.operator)
}

/// Whether the list is `*`, also for a request without a resource.
fn is_everything(listing: &Listing<ResourceForm<'_>>) -> bool {
    let any = |entry: &ResourceForm<'_>| matches!(entry, ResourceForm::Any);
    if listing.negated { listing.entries.is_empty() } else { listing.entries.iter().any(any) }
}

fn principals(one: &PrincipalPart, other: &PrincipalPart, effect: Effect) -> bool {
    match (one, other) {
        (PrincipalPart::Unasked, PrincipalPart::Unasked) => true,
        (PrincipalPart::Only(one), PrincipalPart::Only(other)) => {
            other.iter().all(|theirs| one.iter().any(|mine| names(mine, theirs, effect)))
        }
        (PrincipalPart::Only(one), PrincipalPart::AllBut(_)) => one.contains(&Named::Everyone),
        // A shorter list exempts fewer.
        (PrincipalPart::AllBut(one), PrincipalPart::AllBut(other)) => {
            one.iter().all(|mine| other.contains(mine))
        }
        (PrincipalPart::AllBut(one), PrincipalPart::Only(_)) => one.is_empty(),
        (PrincipalPart::Unasked, _) | (_, PrincipalPart::Unasked) => false,
    }
}

/// Whether `one` names all callers that `other` names; of an Allow, with no less strength.
fn names(one: &Named, other: &Named, effect: Effect) -> bool {
    match (one, other) {
        (Named::Everyone, _) | (_, Named::Nobody) => true,
        (Named::Account { partition: mine, id }, Named::Account { partition, id: theirs }) => {
            id == theirs && (mine.is_none() || mine == partition)
        }
        // By account and by role are weaker ways to be allowed, but not to be denied.
        (Named::Account { partition, id }, _) if effect == Effect::Deny => {
            let home = home(other);
            home.is_some_and(|(theirs, account)| {
                **id == *account && partition.as_deref().is_none_or(|mine| mine == theirs)
            })
        }
        _ => one == other,
    }
}

/// The partition and account of whom an entry names, if it is one caller or role.
fn home(named: &Named) -> Option<(&str, &str)> {
    match named {
        Named::Role { partition, account, .. } => Some((partition, account)),
        Named::Arn(arn) | Named::Bound { text: arn, .. } => {
            EntityArn::parse(arn).map(|entity| (entity.partition, entity.account))
        }
        Named::Everyone
        | Named::Account { .. }
        | Named::Service(_)
        | Named::Federated(_)
        | Named::Nobody => None,
    }
}
