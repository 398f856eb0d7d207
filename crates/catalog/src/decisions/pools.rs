//! The documents that have a say in a call, by type.

use std::sync::Arc;

use portcullis_iam::{
    DocumentKind, DocumentReference, Policies, Policy, PolicyType, Request, ResourceRule, explain,
    explain::Verdict,
};
use portcullis_identity::AccountId;
use smallvec::SmallVec;

use crate::{AttachedPolicy, Unreadable, organizations::Levels};

/// Documents of one type for one call; few, so in place.
pub type Documents = SmallVec<[Arc<AttachedPolicy>; 4]>;

/// The documents that have a say, by type.
#[derive(Clone, Debug)]
pub(crate) struct Pools {
    pub(crate) identity: Documents,
    pub(crate) boundary: Option<Arc<AttachedPolicy>>,
    /// None where none was passed: nothing that a session was made with is silent by being empty.
    pub(crate) session: Documents,
    /// Those of the caller's account, by level.
    pub(crate) service_control: Option<Arc<Levels>>,
    pub(crate) resource: Documents,
    /// Those of the resource's account, by level.
    pub(crate) resource_control: Option<Arc<Levels>>,
}

impl Pools {
    /// Every document.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<AttachedPolicy>> {
        let own = self.identity.iter().chain(&self.boundary).chain(&self.session);
        let levels = [&self.service_control, &self.resource_control];
        let levels = levels.into_iter().flatten().flat_map(|levels| levels.iter().flatten());
        own.chain(levels).chain(&self.resource)
    }

    /// What `ask` makes of the documents.
    pub(crate) fn ask<T>(&self, rule: ResourceRule, ask: impl FnOnce(&Policies<'_>) -> T) -> T {
        let pools = [&self.identity, &self.session, &self.resource];
        let [identity, session, resource] = pools.map(compiled);
        let boundary = self.boundary.as_ref().map(|policy| [&***policy]);
        let levels = [&self.service_control, &self.resource_control]
            .map(|levels| levels.as_ref().map(|all| all.iter().map(compiled).collect::<Vec<_>>()));
        let [service_control, resource_control] = levels.each_ref().map(|levels| {
            levels.as_ref().map(|all| all.iter().map(|one| &**one).collect::<Vec<_>>())
        });
        ask(&Policies {
            identity: &identity,
            boundary: boundary.as_ref().map(<[_; 1]>::as_slice).unwrap_or_default(),
            session: (!session.is_empty()).then_some(&session),
            service_control: service_control.as_deref(),
            resource: &resource,
            resource_control: resource_control.as_deref(),
            resource_rule: rule,
        })
    }

    /// The document at a place that [`ask`](Self::ask) gave it.
    pub(crate) fn document(&self, place: DocumentReference) -> Option<&Arc<AttachedPolicy>> {
        match place.policy_type {
            PolicyType::Identity => self.identity.get(place.document),
            PolicyType::Boundary => self.boundary.as_ref(),
            PolicyType::Session => self.session.get(place.document),
            PolicyType::Resource => self.resource.get(place.document),
            PolicyType::ServiceControl => {
                self.service_control.as_ref()?.get(place.level?)?.get(place.document)
            }
            PolicyType::ResourceControl => {
                self.resource_control.as_ref()?.get(place.level?)?.get(place.document)
            }
        }
    }

    /// The same, with something that says no more than the outcome in place of the documents of the
    /// caller, whose account is `account`.
    ///
    /// # Errors
    /// None: what stands in is written here.
    pub(crate) fn without_those_of_caller(
        &self,
        request: &Request<'_>,
        rule: ResourceRule,
        account: AccountId,
    ) -> Result<Self, Unreadable> {
        let trace = self.ask(rule, |policies| {
            explain(request, policies, &[])
                .trace
                .into_iter()
                .map(|one| (one.policy_type, one.verdict))
                .collect::<Vec<_>>()
        });
        let said = |kind| trace.iter().find(|(one, _)| *one == kind).map(|(_, verdict)| *verdict);
        let hidden = |policy_type, kind| {
            let json = match said(policy_type) {
                None | Some(Verdict::Absent | Verdict::Irrelevant) => return Ok(None),
                Some(Verdict::Denies) => DENY_ALL,
                Some(Verdict::Allows) => ALLOW_ALL,
                Some(Verdict::Silent) => SAY_NOTHING,
            };
            stand_in(format!("the account {account}, not shown here"), kind, json).map(Some)
        };
        Ok(Self {
            identity: hidden(PolicyType::Identity, DocumentKind::Identity)?.into_iter().collect(),
            boundary: hidden(PolicyType::Boundary, DocumentKind::Boundary)?,
            session: hidden(PolicyType::Session, DocumentKind::Session)?.into_iter().collect(),
            service_control: hidden(PolicyType::ServiceControl, DocumentKind::ServiceControl)?
                .map(|policy| Arc::new(vec![Documents::from_iter([policy])])),
            resource: self.resource.clone(),
            resource_control: self.resource_control.clone(),
        })
    }
}

/// The documents that say nothing but what came of others.
const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
const DENY_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
const SAY_NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// In place of the documents of another account, which are not known, that they allow.
pub(crate) fn taken_to_allow(account: AccountId) -> Result<Documents, Unreadable> {
    let of = format!("the account {account}, taken to allow");
    Ok(Documents::from_iter([stand_in(of, DocumentKind::Identity, ALLOW_ALL)?]))
}

fn stand_in(of: String, kind: DocumentKind, json: &str) -> Result<Arc<AttachedPolicy>, Unreadable> {
    Ok(AttachedPolicy::new(of, Policy::parse(kind, json).map_err(|_| Unreadable)?))
}

fn compiled(documents: &Documents) -> SmallVec<[&Policy; 8]> {
    documents.iter().map(|document| &***document).collect()
}
