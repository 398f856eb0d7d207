//! What a document of each kind may contain when it is written. Source: iam.md §2.2, §2.3.

use std::collections::HashSet;

use crate::arn_pattern;
use crate::document::{
    DocumentKind, Effect, PrincipalType, RawCondition, RawPrincipal, RawStatement, Who,
};
use crate::error::{Place, PolicyError, Rule, excerpt};
use crate::grant::Named;
use crate::operator::Base;
use crate::variable::{self, PartKind};

type Checked = Result<(), PolicyError>;

/// Refuses what stands beside the statements, if a document of `kind` must not have it.
pub(crate) fn envelope(kind: DocumentKind, has_id: bool) -> Checked {
    if has_id && !matches!(kind, DocumentKind::Resource | DocumentKind::Trust) {
        return Err(Place::Document.element("Id").breaks(Rule::NotInThisKind(kind)));
    }
    Ok(())
}

/// Refuses a statement if a document of `kind` must not have it, whatever its other statements are.
/// `variables`: whether `${…}` are variables in it. `index` is for errors.
pub(crate) fn statement(
    kind: DocumentKind,
    variables: bool,
    index: usize,
    statement: &RawStatement,
) -> Checked {
    let place = Place::Statement { index, sid: statement.sid.as_deref() };
    Checker { kind, variables, place: &place }.statement(statement)?;
    let restricted = kind == DocumentKind::ResourceControl && !is_full_access(statement);
    if restricted { only_denies(statement, &place) } else { Ok(()) }
}

/// What of a statement matters beside others.
pub(crate) struct Member<'a> {
    pub(crate) index: usize,
    /// The kind of document that it was read for.
    pub(crate) kind: DocumentKind,
    pub(crate) sid: Option<&'a str>,
    pub(crate) effect: Effect,
}

/// Refuses statements that a document of `kind` must not have together, each legal by itself: the
/// first that comes too many.
pub(crate) fn together<'a>(
    kind: DocumentKind,
    statements: impl ExactSizeIterator<Item = Member<'a>>,
) -> Checked {
    let count = statements.len();
    let mut sids = HashSet::with_capacity(count);
    for Member { index, kind: own, sid, effect } in statements {
        let place = Place::Statement { index, sid };
        if own != kind {
            return Err(place.breaks(Rule::OtherKind(own)));
        }
        if let Some(sid) = sid
            && !sid.is_empty()
            && !sids.insert(sid)
        {
            return Err(place.breaks(Rule::RepeatedSid(excerpt(sid))));
        }
        if kind == DocumentKind::ResourceControl && effect == Effect::Allow && count > 1 {
            return Err(place.element("Effect").breaks(Rule::AllowInResourceControl));
        }
    }
    Ok(())
}

/// In a resource control policy nothing allows, unless the whole is `RCPFullAWSAccess`.
fn only_denies(statement: &RawStatement, place: &Place<'_>) -> Checked {
    if statement.effect == Effect::Allow {
        return Err(place.element("Effect").breaks(Rule::AllowInResourceControl));
    }
    if statement.action.values.iter().any(|action| action == "*") {
        return Err(place.element("Action").breaks(Rule::AnyActionInResourceControl));
    }
    Ok(())
}

/// Whether this is the one statement of `RCPFullAWSAccess`.
fn is_full_access(statement: &RawStatement) -> bool {
    let everything = |values: &[String]| values.iter().map(String::as_str).eq(["*"]);
    statement.effect == Effect::Allow
        && statement.conditions.is_empty()
        && everything(&statement.action.values)
        && statement.resource.as_ref().is_some_and(|r| !r.negated && everything(&r.values))
}

struct Checker<'a> {
    kind: DocumentKind,
    variables: bool,
    place: &'a Place<'a>,
}

impl Checker<'_> {
    fn statement(&self, statement: &RawStatement) -> Checked {
        if let Some(sid) = &statement.sid {
            self.sid(sid)?;
        }
        self.principal(statement)?;
        self.actions(statement)?;
        self.resources(statement)?;
        statement.conditions.iter().try_for_each(|condition| self.condition(condition))?;
        self.keys_differ(&statement.conditions)
    }

    fn sid(&self, sid: &str) -> Checked {
        let lambda = self.kind == DocumentKind::Resource;
        let legal = |c: char| c.is_ascii_alphanumeric() || (lambda && matches!(c, '-' | '_'));
        let (length, rule) = if lambda {
            (100, "use at most 100 letters, digits, hyphens and underscores")
        } else {
            (usize::MAX, "use letters and digits")
        };
        if sid.len() <= length && sid.chars().all(legal) {
            return Ok(());
        }
        Err(self.place.element("Sid").breaks(Rule::Sid(excerpt(sid), rule)))
    }

    fn principal(&self, statement: &RawStatement) -> Checked {
        use DocumentKind::{Resource, ResourceControl, Trust};
        let wanted = matches!(self.kind, Resource | Trust | ResourceControl);
        let Some(principal) = &statement.principal else {
            let rule = Rule::RequiredInThisKind(self.kind, "Principal");
            return if wanted { Err(self.place.breaks(rule)) } else { Ok(()) };
        };
        let name = if principal.negated { "NotPrincipal" } else { "Principal" };
        let place = &self.place.element(name);
        if !wanted || (principal.negated && self.kind != Resource) {
            return Err(place.breaks(Rule::NotInThisKind(self.kind)));
        }
        if principal.negated && statement.effect == Effect::Allow {
            return Err(place.breaks(Rule::NotPrincipalWithAllow));
        }
        self.who(principal, place)
    }

    fn who(&self, principal: &RawPrincipal, place: &Place<'_>) -> Checked {
        let Who::Listed(values) = &principal.who else { return Ok(()) };
        if self.kind == DocumentKind::ResourceControl {
            return Err(place.breaks(Rule::PrincipalOfResourceControl));
        }
        for (kind, value) in values {
            principal_value(*kind, value)
                .map_err(|rule| place.element(kind.name()).breaks(rule))?;
        }
        Ok(())
    }

    fn actions(&self, statement: &RawStatement) -> Checked {
        let action = &statement.action;
        let place = self.place.element(if action.negated { "NotAction" } else { "Action" });
        if action.negated && self.kind == DocumentKind::ResourceControl {
            return Err(place.breaks(Rule::NotInThisKind(self.kind)));
        }
        match action.values.iter().find(|action| !is_action(action)) {
            None => Ok(()),
            Some(action) => Err(place.breaks(Rule::Action(excerpt(action)))),
        }
    }

    fn resources(&self, statement: &RawStatement) -> Checked {
        let trust = self.kind == DocumentKind::Trust;
        let Some(resource) = &statement.resource else {
            let rule = Rule::RequiredInThisKind(self.kind, "Resource");
            return if trust { Ok(()) } else { Err(self.place.breaks(rule)) };
        };
        let place = self.place.element(if resource.negated { "NotResource" } else { "Resource" });
        if trust {
            return Err(place.breaks(Rule::NotInThisKind(self.kind)));
        }
        resource.values.iter().try_for_each(|value| self.resource(value, &place))
    }

    fn resource(&self, value: &str, place: &Place<'_>) -> Checked {
        if !value.is_empty() && value.bytes().all(|byte| byte == b'*') {
            return Ok(());
        }
        if !value.starts_with("arn:") {
            return Err(place.breaks(Rule::Resource(excerpt(value))));
        }
        self.variables(value, place)?;
        let complete = arn_pattern::fields(value, self.variables).len() == 6;
        let completed = !matches!(self.kind, DocumentKind::Resource | DocumentKind::Session);
        if complete || completed {
            return Ok(());
        }
        Err(place.breaks(Rule::ShortArn(excerpt(value), self.kind)))
    }

    fn condition(&self, condition: &RawCondition) -> Checked {
        let place = self.place.element("Condition");
        let place = place.element(&condition.operator_name);
        let tags = ["aws:PrincipalTag", "aws:RequestTag", "aws:ResourceTag"];
        let key = condition.key.strip_suffix('/').unwrap_or(&condition.key);
        if tags.iter().any(|tag| key.eq_ignore_ascii_case(tag)) {
            return Err(place.breaks(Rule::BareTagKey(excerpt(key))));
        }
        let place = place.element(&condition.key);
        if !takes_variables(condition.operator.base) {
            return Ok(());
        }
        condition.values.iter().try_for_each(|value| self.variables(value, &place))
    }

    /// Refuses a malformed `${…}`, where the document's version has variables.
    fn variables(&self, text: &str, place: &Place<'_>) -> Checked {
        if !self.variables {
            return Ok(());
        }
        for part in variable::parts(text) {
            if let PartKind::Malformed(error) = part.kind {
                return Err(place.breaks(Rule::Variable(excerpt(text), error)));
            }
        }
        Ok(())
    }

    /// Refuses two keys of one operator that differ only in case.
    fn keys_differ(&self, conditions: &[RawCondition]) -> Checked {
        let mut seen = HashSet::new();
        for RawCondition { operator_name, key, .. } in conditions {
            if !seen.insert((operator_name.as_str(), key.to_lowercase())) {
                let place = self.place.element("Condition");
                let rule = Rule::RepeatedIgnoringCase(excerpt(key));
                return Err(place.element(operator_name).breaks(rule));
            }
        }
        Ok(())
    }
}

/// The operators in whose values `${…}` is a variable. Source: iam.md §5.2, §6.
pub(crate) fn takes_variables(base: Base) -> bool {
    match base {
        Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike => true,
        Base::Bool | Base::Arn => true,
        Base::Numeric(_) | Base::Date(_) | Base::Binary | Base::IpAddress | Base::Null => false,
    }
}

/// `*`, or `prefix:name` with wildcards in the name only.
fn is_action(action: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let Some((prefix, name)) = action.split_once(':') else { return action == "*" };
    !prefix.is_empty()
        && prefix.bytes().all(word)
        && !name.is_empty()
        && name.bytes().all(|byte| word(byte) || matches!(byte, b'*' | b'?'))
}

fn principal_value(kind: PrincipalType, value: &str) -> Result<(), Rule> {
    if kind == PrincipalType::Aws && value == "*" {
        return Ok(());
    }
    if value.contains(['*', '?']) {
        return Err(Rule::PrincipalWildcard(excerpt(value)));
    }
    match kind {
        PrincipalType::Aws
            if matches!(Named::aws(value), Named::Nobody) && !is_unique_id(value) =>
        {
            Err(Rule::AwsPrincipal(excerpt(value)))
        }
        PrincipalType::Service if !crate::principal::is_service_name(value) => {
            Err(Rule::ServicePrincipal(excerpt(value)))
        }
        PrincipalType::Federated | PrincipalType::CanonicalUser
            if value.is_empty() || value.contains("${") =>
        {
            Err(Rule::OtherPrincipal(excerpt(value)))
        }
        _ => Ok(()),
    }
}

/// The unique id that AWS shows in place of a user or role that was deleted.
pub(crate) fn is_unique_id(value: &str) -> bool {
    let id = value.strip_prefix("AIDA").or_else(|| value.strip_prefix("AROA"));
    id.is_some_and(|id| {
        (12..=124).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    })
}
