//! The documents that have a say in a call, by type.

use std::{ops::Range, sync::Arc};

use portcullis_iam::{
    DocumentKind, DocumentReference, Policies, Policy, PolicyType, Request, ResourceRule, explain,
    explain::Verdict,
};
use portcullis_identity::AccountId;
use smallvec::SmallVec;

use crate::{AttachedPolicy, Unreadable, authorize::OwnPolicies, organizations::Levels};

/// Documents of one type for one call; few, so in place.
pub type Documents = SmallVec<[Arc<AttachedPolicy>; 4]>;

/// The documents that have a say, by type.
#[derive(Clone, Debug)]
pub(crate) struct Pools {
    /// Those of types without levels, type by type: one list, as every decision holds one.
    documents: SmallVec<[Arc<AttachedPolicy>; 6]>,
    /// Where in it the identity-based policies end, the boundary, and the session's policies; the
    /// resource's follow.
    ends: [usize; 3],
    /// Those of the caller's account, by level.
    service_control: Option<Arc<Levels>>,
    /// Those of the resource's account, by level.
    resource_control: Option<Arc<Levels>>,
}

impl Pools {
    /// What a caller, its session and the resource have of their own. `session` is empty where
    /// nothing was passed: nothing that a session was made with is silent by being empty.
    pub(crate) fn new(own: OwnPolicies, session: Documents, resource: Documents) -> Self {
        let mut documents: SmallVec<[_; 6]> = own.identity.into_iter().collect();
        let mut ends = [documents.len(); 3];
        documents.extend(own.boundary);
        ends[1] = documents.len();
        documents.extend(session);
        ends[2] = documents.len();
        documents.extend(resource);
        Self { documents, ends, service_control: None, resource_control: None }
    }

    /// The same, limited by those of the caller's account and of the resource's.
    pub(crate) fn limited_by(
        self,
        service_control: Option<Arc<Levels>>,
        resource_control: Option<Arc<Levels>>,
    ) -> Self {
        Self { service_control, resource_control, ..self }
    }

    /// The same without the documents on the resource.
    pub(crate) fn without_those_of_resource(mut self) -> Self {
        let [.., end] = self.ends;
        self.documents.truncate(end);
        self
    }

    /// Every document.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<AttachedPolicy>> {
        let levels = [&self.service_control, &self.resource_control];
        let levels = levels.into_iter().flatten().flat_map(|levels| levels.iter().flatten());
        self.documents.iter().chain(levels)
    }

    /// What `ask` makes of the documents.
    pub(crate) fn ask<T>(&self, rule: ResourceRule, ask: impl FnOnce(&Policies<'_>) -> T) -> T {
        let documents = compiled(&self.documents);
        let of = |kind| part(&documents, self.place(kind));
        let session = of(PolicyType::Session);
        let levels = [&self.service_control, &self.resource_control].map(|levels| {
            levels.as_ref().map(|all| all.iter().map(|one| compiled(one)).collect::<Vec<_>>())
        });
        let [service_control, resource_control] = levels.each_ref().map(|levels| {
            levels.as_ref().map(|all| all.iter().map(|one| &**one).collect::<Vec<_>>())
        });
        ask(&Policies {
            identity: of(PolicyType::Identity),
            boundary: of(PolicyType::Boundary),
            session: (!session.is_empty()).then_some(session),
            service_control: service_control.as_deref(),
            resource: of(PolicyType::Resource),
            resource_control: resource_control.as_deref(),
            resource_rule: rule,
        })
    }

    /// The document at a place that [`ask`](Self::ask) gave it.
    pub(crate) fn document(&self, place: DocumentReference) -> Option<&Arc<AttachedPolicy>> {
        let levels = match place.policy_type {
            PolicyType::ServiceControl => &self.service_control,
            PolicyType::ResourceControl => &self.resource_control,
            kind => return part(&self.documents, self.place(kind)).get(place.document),
        };
        levels.as_ref()?.get(place.level?)?.get(place.document)
    }

    /// Where the documents of a type stand; nowhere if it has levels.
    fn place(&self, kind: PolicyType) -> Range<usize> {
        let [identity, boundary, session] = self.ends;
        match kind {
            PolicyType::Identity => 0..identity,
            PolicyType::Boundary => identity..boundary,
            PolicyType::Session => boundary..session,
            PolicyType::Resource => session..self.documents.len(),
            PolicyType::ServiceControl | PolicyType::ResourceControl => 0..0,
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
        let own = OwnPolicies {
            identity: hidden(PolicyType::Identity, DocumentKind::Identity)?.into_iter().collect(),
            boundary: hidden(PolicyType::Boundary, DocumentKind::Boundary)?,
        };
        let session = hidden(PolicyType::Session, DocumentKind::Session)?.into_iter().collect();
        let service_control = hidden(PolicyType::ServiceControl, DocumentKind::ServiceControl)?
            .map(|policy| Arc::new(vec![Documents::from_iter([policy])]));
        let resource = part(&self.documents, self.place(PolicyType::Resource));
        let resource = resource.iter().cloned().collect();
        let pools = Self::new(own, session, resource);
        Ok(pools.limited_by(service_control, self.resource_control.clone()))
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

fn compiled(documents: &[Arc<AttachedPolicy>]) -> SmallVec<[&Policy; 8]> {
    documents.iter().map(|document| &***document).collect()
}

/// Of a list of all documents those at a place.
fn part<T>(all: &[T], place: Range<usize>) -> &[T] {
    all.get(place).unwrap_or_default()
}
