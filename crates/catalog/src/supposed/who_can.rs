//! Who may do something with a resource, by the documents of a snapshot.

use std::sync::Arc;

use portcullis_iam::{
    Arn, Context, DocumentKind, Principal, ResourceRule, Value,
    analysis::{
        Candidate, ConditionKey, Document, Entry, Inquiry, OwnPolicies, Question, Who,
        WrittenPolicy,
    },
};
use portcullis_identity::{
    AccountId, Entity, PolicyArn, Tags,
    organization::{OrganizationId, PolicyType as Type},
};
use portcullis_lambda::{LayerVersionArn, Target};
use portcullis_model::portcullis::operation::WhoCan;

use super::{CannotSuppose, owned::owned_resource, proviso::stays_within_account};
use crate::{
    EntityView, OrganizationPolicyView, Permit, Resource, Snapshot, Unreadable, UserView,
    WholeAccount, organizations::OrganizationKey,
};

/// A document as it is written, and what it is called.
struct Named {
    name: String,
    policy: WrittenPolicy,
}

impl Named {
    /// One that cannot be read may hold a Deny: nothing can be said then.
    fn read(name: String, kind: DocumentKind, json: &str) -> Result<Self, Unreadable> {
        let policy = WrittenPolicy::read(kind, json);
        if policy.errors().is_empty() { Ok(Self { name, policy }) } else { Err(Unreadable) }
    }

    fn lent(documents: &[Self]) -> Vec<Document<'_>> {
        let each = documents.iter();
        each.map(|one| Document { name: &one.name, policy: &one.policy }).collect()
    }
}

impl Snapshot {
    /// Who may do `action` on a resource of the permitted account: of the account's own users and
    /// roles by their policies, of all others as far as the resource's policies let them.
    /// `condition_keys` are those of the resource's service.
    ///
    /// Takes some tens of microseconds for each user and role of the account.
    ///
    /// # Errors
    /// [`CannotSuppose`]: of another account's resource, and when a document that has a say cannot
    /// be evaluated.
    pub fn who_can(
        &self,
        permit: Permit<WhoCan, WholeAccount>,
        action: &str,
        arn: &str,
        condition_keys: &[ConditionKey],
    ) -> Result<Vec<Entry>, CannotSuppose> {
        let WholeAccount(owner) = permit.consume();
        let resource = owned_resource(self, arn, action, owner)?;
        let documents = self.written_on(arn, resource.rule())?;
        let documents = Named::lent(&documents);
        let control = self.written_levels(Type::ResourceControl, owner)?.unwrap_or_default();
        let control: Vec<_> = control.iter().map(|level| Named::lent(level)).collect();
        let control: Vec<&[Document<'_>]> = control.iter().map(Vec::as_slice).collect();
        let keys = ResourceKeys { snapshot: self, resource: &*resource };
        let mut inquiry = Inquiry::new(&Question {
            action,
            resource: arn,
            resource_account: owner.as_str(),
            resource_rule: resource.rule(),
            documents: &documents,
            resource_control: &control,
            keys: &keys,
            condition_keys,
        });
        let levels = self.written_levels(Type::ServiceControl, owner)?;
        let levels: Option<Vec<_>> =
            levels.as_ref().map(|all| all.iter().map(|level| Named::lent(level)).collect());
        let levels: Option<Vec<&[Document<'_>]>> =
            levels.as_ref().map(|all| all.iter().map(Vec::as_slice).collect());
        for user in self.users(owner, "") {
            self.ask(&mut inquiry, &**user, &self.written_of_user(user)?, levels.as_deref())?;
        }
        for role in self.roles(owner, "") {
            self.ask(&mut inquiry, &**role, &self.written_of(&**role)?, levels.as_deref())?;
        }
        let entries = inquiry.into_entries();
        if !stays_within_account(action) {
            return Ok(entries);
        }
        let organization = self.organizations.of(owner).map(|view| &view.stored.id);
        Ok(within_account(entries, owner, organization))
    }

    /// The policies of a type that limit an account, by level.
    fn written_levels(
        &self,
        of: Type,
        account: AccountId,
    ) -> Result<Option<Vec<Vec<Named>>>, Unreadable> {
        let Some(levels) = self.organizations.limiting(of, account)? else { return Ok(None) };
        let read = |view: &&Arc<OrganizationPolicyView>| {
            let stored = &view.stored;
            Named::read(stored.id.to_string(), of.document_kind(), &stored.document)
        };
        let levels = levels.iter().map(|level| level.iter().map(read).collect());
        levels.collect::<Result<_, _>>().map(Some)
    }

    /// Asks about a user or role with these identity-based policies, limited by `levels`.
    fn ask<V: EntityView>(
        &self,
        inquiry: &mut Inquiry<'_>,
        view: &V,
        identity: &[Named],
        levels: Option<&[&[Document<'_>]]>,
    ) -> Result<(), Unreadable> {
        let Ok(principal) = Principal::parse(view.arn()) else { return Ok(()) };
        let stored = view.stored();
        let boundary =
            stored.boundary().map(|arn| self.written_policy(arn, DocumentKind::Boundary));
        let boundary: Vec<_> = boundary.transpose()?.into_iter().collect();
        let account = stored.account();
        let keys = PrincipalKeys { snapshot: self, account, tags: stored.resource_tags() };
        inquiry.ask(&Candidate {
            identity: &Named::lent(identity),
            boundary: &Named::lent(&boundary),
            service_control: levels,
            keys: Some(&keys),
            ..Candidate::new(&principal)
        });
        Ok(())
    }

    /// The documents on a resource, with their principals as they are now: what is bound to a user
    /// or role that is gone names nobody.
    fn written_on(&self, arn: &str, rule: ResourceRule) -> Result<Vec<Named>, Unreadable> {
        if rule == ResourceRule::Required {
            let trust = self.role_of_arn(arn).map(|role| role.stored.trust_policy.shown(self));
            let trust = trust.map(|json| Named::read(arn.to_owned(), DocumentKind::Trust, &json));
            return Ok(trust.transpose()?.into_iter().collect());
        }
        if let Ok(version) = arn.parse::<LayerVersionArn>() {
            return self.written_on_layer(&version);
        }
        let Ok(target) = arn.parse::<Target>() else { return Ok(Vec::new()) };
        let Some(function) = self.function(&target.function) else { return Ok(Vec::new()) };
        let qualified = target.qualifier.map(Some);
        let slots = qualified.into_iter().chain([None]);
        let found = slots.filter_map(|slot| function.policies.get(&slot).map(|view| (slot, view)));
        found
            .map(|(slot, view)| {
                let json = view.as_ref().ok_or(Unreadable)?.stored.shown(self);
                Named::read(function.target(slot).to_string(), DocumentKind::Resource, &json)
            })
            .collect()
    }

    fn written_on_layer(&self, version: &LayerVersionArn) -> Result<Vec<Named>, Unreadable> {
        let policies = self.layer(version.layer()).map(|layer| &layer.policies);
        let Some(view) = policies.and_then(|all| all.get(&version.number())) else {
            return Ok(Vec::new());
        };
        let json = view.as_ref().ok_or(Unreadable)?.stored.shown(self);
        Ok(vec![Named::read(version.to_string(), DocumentKind::Resource, &json)?])
    }

    /// A user's own policies and those of its groups.
    fn written_of_user(&self, user: &UserView) -> Result<Vec<Named>, Unreadable> {
        let mut all = self.written_of(user)?;
        for id in &user.stored.groups {
            all.extend(self.written_of(&**self.groups.by_id(id).ok_or(Unreadable)?)?);
        }
        Ok(all)
    }

    /// The inline policies of an entity, and the managed ones that are attached to it.
    fn written_of<V: EntityView>(&self, view: &V) -> Result<Vec<Named>, Unreadable> {
        let (stored, arn) = (view.stored(), view.arn());
        let inline = stored.policies().iter().map(|(name, json)| {
            Named::read(format!("{name} of {arn}"), DocumentKind::Identity, json)
        });
        let attached = stored.attached().iter();
        let attached = attached.map(|arn| self.written_policy(arn, DocumentKind::Identity));
        inline.chain(attached).collect()
    }

    /// A managed policy as it is in force.
    fn written_policy(&self, arn: &PolicyArn, kind: DocumentKind) -> Result<Named, Unreadable> {
        let view = self.managed_policy(arn).ok_or(Unreadable)?;
        let version = view.default_version().ok_or(Unreadable)?;
        Named::read(arn.to_string(), kind, &version.document)
    }
}

/// Who of `entries`, which are in order, may do what no policy can grant to another account: of many,
/// those of the account `owner`, where it is one of them: of an organization's accounts if
/// `organization` is its own.
fn within_account(
    entries: Vec<Entry>,
    owner: AccountId,
    organization: Option<&OrganizationId>,
) -> Vec<Entry> {
    let is_own = |arn: &str| Arn::split(arn).is_some_and(|arn| arn.account() == owner.as_str());
    let is_among = |who: &Who| match who {
        Who::Everyone | Who::Root(_) => true,
        Who::Organization(id) => organization.is_some_and(|own| own.as_str() == id),
        Who::Account(id) => id == owner.as_str(),
        Who::Principal(arn) => is_own(arn),
        Who::AnyService | Who::Service(_) => false,
    };
    let mut all = Vec::new();
    for mut entry in entries.into_iter().filter(|entry| is_among(&entry.who)) {
        if matches!(entry.who, Who::Everyone | Who::Organization(_)) {
            entry.who = Who::Account(owner.to_string());
            entry.own_policies = OwnPolicies::MustNotDeny;
        }
        add(&mut all, entry);
    }
    all
}

/// Adds an entry, to the last one if that is about the same callers: what denies them denies them in
/// whatever way they come.
fn add(all: &mut Vec<Entry>, entry: Entry) {
    match all.last_mut() {
        Some(last) if last.who == entry.who && last.own_policies == entry.own_policies => {
            join(&mut last.ways, entry.ways);
            join(&mut last.unless, entry.unless);
            join(&mut last.except, entry.except);
        }
        _ => all.push(entry),
    }
}

fn join<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}

/// What every call on a resource has: its tags, and its organization.
struct ResourceKeys<'a> {
    snapshot: &'a Snapshot,
    resource: &'a dyn Resource,
}

impl Context for ResourceKeys<'_> {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        match OrganizationKey::of(key) {
            Some(key) => key.between(&self.snapshot.organizations, None, None, self.resource),
            None => self.resource.condition_key(self.snapshot, key),
        }
    }
}

/// What every call of a user, or of a role's sessions, has beside what the ARN tells: its tags and
/// its organization.
struct PrincipalKeys<'a> {
    snapshot: &'a Snapshot,
    account: AccountId,
    tags: Option<&'a Tags>,
}

impl Context for PrincipalKeys<'_> {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        if let Some(key) = OrganizationKey::of(key) {
            let own = WholeAccount(self.account);
            return key.between(&self.snapshot.organizations, Some(self.account), None, &own);
        }
        let value = self.tags?.value(key.strip_prefix("aws:principaltag/")?)?;
        Some(Value::Single(value.into()))
    }
}

#[cfg(test)]
mod tests {
    use portcullis_iam::analysis::{Entry, Need, OwnPolicies, Via, Way, Who};
    use portcullis_identity::{AccountId, organization::OrganizationId};

    use super::within_account;

    const OWNER: &str = "111111111111";
    const OTHER: &str = "222222222222";
    const OWN: &str = "o-a1b2c3d4e5";
    const FOREIGN: &str = "o-z1b2c3d4e5";

    fn via(statement: usize) -> Via {
        Via { document: "a".into(), statement, sid: None, conditions: Vec::new() }
    }

    /// An entry by the statement of this number, with what denies.
    fn entry(who: Who, statement: usize, unless: &[usize], except: &[&str]) -> Entry {
        let need = Need { policy_type: "resource".into(), any_of: vec![via(statement)] };
        Entry {
            own_policies: match &who {
                Who::Account(id) if id == OWNER => OwnPolicies::MustNotDeny,
                Who::Root(_) | Who::AnyService | Who::Service(_) => OwnPolicies::Known,
                _ => OwnPolicies::MustAllow,
            },
            who,
            ways: vec![Way { needs: vec![need] }],
            unless: unless.iter().map(|&one| via(one)).collect(),
            except: except.iter().map(|&one| one.to_owned()).collect(),
        }
    }

    fn within(entries: Vec<Entry>, organization: Option<&str>) -> Vec<Entry> {
        let owner: AccountId = OWNER.parse().unwrap();
        let organization: Option<OrganizationId> = organization.map(|id| id.parse().unwrap());
        within_account(entries, owner, organization.as_ref())
    }

    #[test]
    #[rustfmt::skip]
    fn of_many_those_stay_who_are_of_the_account() {
        let role = |account| format!("arn:aws:iam::{account}:role/r");
        let account = || Some(Who::Account(OWNER.into()));
        let organization = |id: &str| Who::Organization(id.into());
        let root = Who::Root(format!("arn:aws:iam::{OWNER}:root"));
        for (who, own, want) in [
            (Who::Everyone,                      None,          account()),
            (Who::Everyone,                      Some(OWN),     account()),
            (organization(OWN),                  Some(OWN),     account()),
            (organization(OWN),                  Some(FOREIGN), None),
            (organization(OWN),                  None,          None),
            (Who::Account(OWNER.into()),         None,          account()),
            (Who::Account(OTHER.into()),         Some(OWN),     None),
            (root.clone(),                       None,          Some(root)),
            (Who::Principal(role(OWNER)),        None,          Some(Who::Principal(role(OWNER)))),
            (Who::Principal(role(OTHER)),        Some(OWN),     None),
            (Who::AnyService,                    None,          None),
            (Who::Service("s3.amazonaws.com".into()), None,     None),
        ] {
            let got = within(vec![entry(who.clone(), 0, &[], &[])], own);
            let got: Vec<_> = got.into_iter().map(|entry| entry.who).collect();
            assert_eq!(got, want.into_iter().collect::<Vec<_>>(), "{who:?} in {own:?}");
        }
    }

    #[test]
    fn entries_about_the_same_callers_are_one() {
        let own = || Who::Account(OWNER.into());
        let many = vec![
            entry(Who::Everyone, 0, &[3, 4], &["a"]),
            entry(Who::Organization(OWN.into()), 1, &[4], &["a"]),
            entry(own(), 0, &[5], &["b"]),
        ];
        let mut want = entry(own(), 0, &[3, 4, 5], &["a", "b"]);
        want.ways.extend(entry(own(), 1, &[], &[]).ways);
        assert_eq!(within(many, Some(OWN)), [want]);
    }
}
