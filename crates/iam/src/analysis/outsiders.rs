//! Whom the documents on a resource let in by themselves: everyone, accounts, organizations,
//! services, and principals whose own policies are not known.

use std::collections::{BTreeMap, HashSet};

use crate::analysis::partial::{Answer, Caller, Facts, Rule};
use crate::analysis::who_can::{Entry, Need, OwnPolicies, Resource, Via, Way, Who, without_path};
use crate::analysis::written::{PrincipalName, WrittenStatement};
use crate::decide::PolicyType;
use crate::document::Effect;
use crate::principal::{EntityArn, Principal, PrincipalKind, is_account_id};

/// One entry for each of them but the `known` ones.
pub(crate) fn entries(resource: &Resource<'_>, known: &HashSet<String>) -> Vec<Entry> {
    let mut vias: BTreeMap<Who, Vec<Via>> = BTreeMap::new();
    let allows = |rule: &&Rule<'_>| rule.statement.effect() == Effect::Allow;
    for rule in
        resource.rules.iter().filter(allows).filter(|rule| !rule.statement.excludes_principals())
    {
        let account = resource.question.resource_account;
        for who in
            rule.statement.principals().flat_map(|name| groups(name, rule.statement, account))
        {
            let one = named(&who);
            let facts = Facts {
                caller: caller(&who, one.as_ref()),
                keys: None,
                question: &resource.question,
            };
            if let Answer::If(conditions) = rule.answer(&facts) {
                let all = vias.entry(who).or_default();
                let via = rule.via(conditions);
                if !all.contains(&via) {
                    all.push(via);
                }
            }
        }
    }
    let insider = |who: &Who| named(who).is_some_and(|one| known.contains(&without_path(&one)));
    let outside = vias.into_iter().filter(|(who, _)| !insider(who));
    outside.filter_map(|(who, any_of)| entry(resource, who, any_of)).collect()
}

/// Whom a principal of a statement stands for, in the light of the statement's conditions. The
/// resource's own account, named as such, is nobody: it leaves all to its callers' own policies.
fn groups(name: PrincipalName<'_>, statement: &WrittenStatement, own: &str) -> Vec<Who> {
    let account = |id: &str| (id != own).then(|| Who::Account(id.to_owned())).into_iter().collect();
    match name {
        PrincipalName::Everyone => narrowed(statement).unwrap_or_else(|| vec![Who::Everyone]),
        PrincipalName::Service(service) => vec![Who::Service(service.to_owned())],
        PrincipalName::Aws(value) if is_account_id(value) => account(value),
        PrincipalName::Aws(value) => match Principal::parse(value) {
            Ok(principal) if principal.kind() == PrincipalKind::Root => {
                principal.account().map(account).unwrap_or_default()
            }
            Ok(_) => vec![Who::Principal(value.to_owned())],
            Err(_) => Vec::new(),
        },
        PrincipalName::Federated(_) | PrincipalName::CanonicalUser(_) => Vec::new(),
    }
}

/// Whom conditions leave of everyone, if they name organizations, accounts or services.
fn narrowed(statement: &WrittenStatement) -> Option<Vec<Who>> {
    let literal = |key: &str, who: fn(String) -> Who| {
        let condition = statement.conditions_on(key).find(|one| one.restricts())?;
        let fixed = |value: &&String| !value.contains(['*', '?']) && !value.contains("${");
        let values = condition.values();
        let all = values.iter().filter(fixed).map(|value| who(value.clone()));
        (!condition.is_arn() && values.iter().all(|value| fixed(&value))).then(|| all.collect())
    };
    literal("aws:PrincipalOrgID", Who::Organization)
        .or_else(|| literal("aws:PrincipalAccount", Who::Account))
        .or_else(|| statement.is_for_services().then(|| vec![Who::AnyService]))
}

/// Whom an entry is about, if that is one caller.
fn named(who: &Who) -> Option<Principal> {
    match who {
        Who::Service(text) | Who::Principal(text) => Principal::parse(text).ok(),
        _ => None,
    }
}

/// What is known of callers of a group.
fn caller<'a>(who: &Who, one: Option<&'a Principal>) -> Caller<'a> {
    match (who, one) {
        // The statement may name a role without its path, hence not by its whole ARN.
        (_, Some(principal)) if principal.kind() != PrincipalKind::Role => Caller::One(principal),
        (_, Some(_)) => Caller::OfAccount,
        (Who::AnyService | Who::Service(_), None) => Caller::Service,
        (Who::Organization(_) | Who::Account(_) | Who::Root(_) | Who::Principal(_), None) => {
            Caller::OfAccount
        }
        (Who::Everyone, None) => Caller::Anyone,
    }
}

/// The entry, with what denies; `None` if all of the group are surely denied.
fn entry(resource: &Resource<'_>, who: Who, any_of: Vec<Via>) -> Option<Entry> {
    let one = named(&who);
    let facts =
        Facts { caller: caller(&who, one.as_ref()), keys: None, question: &resource.question };
    let (mut unless, mut except) = (Vec::new(), Vec::new());
    let denies = |rule: &&Rule<'_>| rule.statement.effect() == Effect::Deny;
    for rule in resource.rules.iter().chain(&resource.control).filter(denies) {
        let Answer::If(conditions) = rule.answer(&facts) else { continue };
        match reach(rule, &who, one.as_ref()) {
            Reach::None => {}
            Reach::All if conditions.is_empty() => return None,
            Reach::Some(names) if conditions.is_empty() => except.extend(names),
            Reach::All | Reach::Some(_) => unless.push(rule.via(conditions)),
            Reach::Unknown => {
                let layers = ["the caller is not exempt by NotPrincipal".to_owned()];
                unless.push(rule.via([&layers[..], &conditions].concat()));
            }
        }
    }
    let need = Need { policy_type: PolicyType::Resource.to_string(), any_of };
    let own_policies = own_policies(&who, one.as_ref(), resource.question.resource_account);
    Some(Entry { who, ways: vec![Way { needs: vec![need] }], own_policies, unless, except })
}

/// Whom of a group a denying statement is about.
enum Reach {
    None,
    All,
    /// Those whom it names.
    Some(Vec<String>),
    /// It depends on what is not known of them.
    Unknown,
}

fn reach(rule: &Rule<'_>, who: &Who, one: Option<&Principal>) -> Reach {
    let statement = rule.statement;
    if statement.excludes_principals() {
        // Whether a caller is exempt depends on all its layers, and on its boundary.
        let service = one.filter(|one| one.account().is_none());
        return match service.map(|one| rule.principal.strength(one, false)) {
            Some(None) => Reach::None,
            Some(Some(_)) => Reach::All,
            None => Reach::Unknown,
        };
    }
    if statement.names_everyone() {
        return Reach::All;
    }
    if let Some(one) = one
        && rule.principal.strength(one, false).is_some()
    {
        return Reach::All;
    }
    let inside = |name: &PrincipalName<'_>| is_inside(*name, who, one);
    let names: Vec<String> =
        statement.principals().filter(inside).map(|name| name.parts().1.to_owned()).collect();
    let whole = |id: &String| matches!(who, Who::Account(own) if is_account(id, own));
    if names.iter().any(whole) {
        Reach::All
    } else if names.is_empty() {
        Reach::None
    } else {
        Reach::Some(names)
    }
}

/// Whether some of the group may have this name.
fn is_inside(name: PrincipalName<'_>, who: &Who, one: Option<&Principal>) -> bool {
    match (name, who) {
        (PrincipalName::Everyone, _) => true,
        (PrincipalName::Service(_), Who::Everyone | Who::AnyService) => true,
        (PrincipalName::Aws(_), Who::Everyone | Who::Organization(_)) => true,
        (PrincipalName::Aws(value), Who::Account(id)) => {
            is_account(value, id)
                || EntityArn::parse(value).is_some_and(|entity| entity.account == *id)
        }
        // A session of the role that the group is.
        (PrincipalName::Aws(value), Who::Principal(_)) => one.is_some_and(|one| {
            one.kind() == PrincipalKind::Role
                && Principal::parse(value).is_ok_and(|named| {
                    named.role_name() == one.role_name() && named.account() == one.account()
                })
        }),
        _ => false,
    }
}

/// Whether a principal's name is this account.
fn is_account(name: &str, id: &str) -> bool {
    let root = || name.ends_with(":root") && name.split(':').nth(4) == Some(id);
    name == id || root()
}

/// What the own policies of the group have to say.
fn own_policies(who: &Who, one: Option<&Principal>, resource_account: &str) -> OwnPolicies {
    match who {
        Who::Service(_) | Who::AnyService => OwnPolicies::Known,
        Who::Account(id) if id == resource_account => OwnPolicies::MustNotDeny,
        Who::Everyone | Who::Organization(_) | Who::Account(_) => OwnPolicies::MustAllow,
        Who::Root(_) | Who::Principal(_) => {
            if one.and_then(Principal::account) == Some(resource_account) {
                OwnPolicies::MustNotDeny
            } else {
                OwnPolicies::MustAllow
            }
        }
    }
}
