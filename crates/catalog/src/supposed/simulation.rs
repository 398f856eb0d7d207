//! `SimulateCustomPolicy` and `SimulatePrincipalPolicy`: supposed calls by documents that the request
//! gives, those of one user, group or role, or both.
//!
//! Condition keys are those that the request gives, and those that tell who the principal is. What
//! IAM's simulator does not ask is not asked here either: the policy on the resource, if the request
//! does not give it, and resource control policies, which no request can give. Statements and
//! condition keys of service control policies decide, and are not named.

use std::{ops::Range, sync::Arc};

use jiff::Timestamp;
use portcullis_iam::{
    Arn, Context, Decision, DocumentKind, Explanation, MapContext, Policies, Policy, PolicyType,
    Principal, PrincipalKind, Request, Value, explain,
    explain::{Applied, Verdict},
};
use portcullis_identity::{
    AccountId, Caller, Entity, EntityKind, IdentityError, PolicyArn, PolicyOwner, organization,
};
use portcullis_json::{Layer, Tree};
use portcullis_model::iam::operation::{
    GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy, SimulateCustomPolicy,
    SimulatePrincipalPolicy,
};

use super::{
    Supposed,
    exclusion::{Excluded, ExcludedKind},
};
use crate::{
    CatalogError, EntityView, Failure, ManagedPolicyView, OrganizationPolicyView, Permit,
    PolicySource, Snapshot, WholeAccount,
};

/// Where a document comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// An inline document of an entity of this kind.
    Inline(EntityKind),
    /// A managed policy.
    Managed(PolicyOwner),
    /// The policy on the resource, given with the request.
    Resource,
    /// Given with the request.
    Given,
}

/// A document as text and compiled, and what it is called.
#[derive(Debug)]
struct Source {
    id: String,
    kind: SourceKind,
    text: Box<str>,
    policy: Policy,
}

impl Source {
    fn read(
        id: String,
        kind: SourceKind,
        document: DocumentKind,
        text: &str,
    ) -> Result<Self, IdentityError> {
        let refused = |error| IdentityError::InvalidPolicyInput(format!("{id}: {error}"));
        let policy = Policy::parse(document, text).map_err(refused)?;
        Ok(Self { id, kind, text: text.into(), policy })
    }

    /// Documents that a request gives in a list, named after it.
    fn given(list: &str, kind: DocumentKind, texts: &[String]) -> Result<Vec<Self>, IdentityError> {
        let numbered = texts.iter().zip(1..);
        numbered
            .map(|(text, number)| {
                Self::read(format!("{list}.{number}"), SourceKind::Given, kind, text)
            })
            .collect()
    }

    /// A condition key, which the document asks for, as the document spells it.
    fn spelled(&self, key: &str) -> String {
        let place = self.text.to_ascii_lowercase().find(key);
        let spelled = place.and_then(|start| self.text.get(start..start + key.len()));
        spelled.unwrap_or(key).to_owned()
    }

    fn matched(&self, statement: usize) -> Option<Matched> {
        let span = statements(&self.text).into_iter().nth(statement)?;
        Some(Matched {
            source_id: self.id.clone(),
            source_kind: self.kind,
            start: Position::of(&self.text, span.start),
            end: Position::of(&self.text, span.end),
        })
    }
}

/// Where each statement of a document stands in its text.
fn statements(text: &str) -> Vec<Range<usize>> {
    let Ok(tree) = Tree::parse(text) else { return Vec::new() };
    let Ok(Layer::Object(entries)) = tree.root().layer() else { return Vec::new() };
    let statement = entries.into_iter().find(|(key, _)| key == "Statement");
    let each = statement.into_iter().flat_map(|(_, value)| value.one_or_many());
    each.map(|statement| statement.place()).collect()
}

/// A place in a document's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Position {
    fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Self { line: before.matches('\n').count() + 1, column }
    }
}

/// A statement that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The name of its document.
    pub source_id: String,
    /// Where its document comes from.
    pub source_kind: SourceKind,
    /// Where it begins.
    pub start: Position,
    /// Where it has ended.
    pub end: Position,
}

/// What a request gives to be simulated with.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// Identity-based documents.
    pub policies: Vec<String>,
    /// Permissions boundaries instead of the principal's own.
    pub boundaries: Option<Vec<String>>,
    /// Service control policies by level, from the root to the account.
    pub service_control: Option<Vec<Vec<String>>>,
    /// The policy on the resource.
    pub resource_policy: Option<String>,
    /// Who owns a resource whose ARN does not tell, and the policy on it.
    pub resource_owner: Option<AccountId>,
    /// Who is supposed to call, instead of the principal: the ARN of a user or role.
    pub caller: Option<String>,
    /// Condition keys.
    pub context: MapContext,
    /// Documents of the principal that are left out.
    pub excluded: Excluded,
}

/// Documents and a caller, ready to be asked about calls.
#[derive(Debug)]
pub struct Simulation {
    principal: Principal,
    /// The principal's.
    account: AccountId,
    /// The principal, if it is known here and its account asks.
    caller: Option<Caller>,
    context: MapContext,
    identity: Vec<Source>,
    boundary: Vec<Source>,
    service_control: Option<Vec<Vec<Source>>>,
    resource: Option<Source>,
    resource_owner: Option<AccountId>,
}

/// What was found out about one action on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The decision.
    pub decision: Decision,
    /// The statements that decided: those that deny, if any does; none of an implicit denial.
    pub matched: Vec<Matched>,
    /// The condition keys that documents ask for and the call does not have, as documents spell
    /// them.
    pub missing_context: Vec<String>,
    /// Whether the permissions boundary allows; `None` if there is none.
    pub boundary_allows: Option<bool>,
    /// Whether every level of service control policies allows; `None` if there are none.
    pub service_control_allows: Option<bool>,
    /// What the identity-based policies and the resource's say, if the resource is another
    /// account's.
    pub across_accounts: Option<[Verdict; 2]>,
}

impl Simulation {
    /// Decides `action` on `resource`, an ARN or `*`.
    #[must_use]
    pub fn evaluate(&self, action: &str, resource: &str) -> Evaluation {
        let owner = self.owner_of(resource);
        let request = Request {
            principal: &self.principal,
            action,
            resource,
            resource_account: owner.as_str(),
            context: self,
        };
        self.ask(|policies| {
            let explanation = explain(&request, policies, &[]);
            let says = |kind| verdict(&explanation, kind);
            Evaluation {
                decision: explanation.decision,
                matched: self.matched(&explanation),
                missing_context: self.missing_context(),
                boundary_allows: allows(says(PolicyType::Boundary)),
                service_control_allows: allows(says(PolicyType::ServiceControl)),
                across_accounts: (owner != self.account)
                    .then(|| [says(PolicyType::Identity), says(PolicyType::Resource)]),
            }
        })
    }

    /// Without a policy on the resource nothing is known of its owner's leave, and none is asked for.
    fn owner_of(&self, resource: &str) -> AccountId {
        let in_arn = Arn::split(resource).and_then(|arn| arn.account().parse().ok());
        let known = self.resource_owner.or(in_arn).filter(|_| self.resource.is_some());
        known.unwrap_or(self.account)
    }

    fn ask<T>(&self, ask: impl FnOnce(&Policies<'_>) -> T) -> T {
        let [identity, boundary] = [&self.identity, &self.boundary].map(|list| compiled(list));
        let levels = self.service_control.iter().flatten();
        let levels: Vec<_> = levels.map(|level| compiled(level)).collect();
        let levels: Vec<&[&Policy]> = levels.iter().map(Vec::as_slice).collect();
        let resource: Vec<_> = self.resource.iter().map(|source| &source.policy).collect();
        ask(&Policies {
            identity: &identity,
            boundary: &boundary,
            service_control: self.service_control.as_ref().map(|_| levels.as_slice()),
            resource: &resource,
            ..Policies::default()
        })
    }

    fn matched(&self, explanation: &Explanation<'_>) -> Vec<Matched> {
        let grants = [PolicyType::Identity, PolicyType::Resource];
        let types = explanation.trace.iter();
        let applied: Vec<&Applied<'_>> = match explanation.decision {
            Decision::ImplicitlyDenied(_) => Vec::new(),
            Decision::ExplicitlyDenied(_) => types.flat_map(|one| &one.denies).collect(),
            Decision::Allowed => types
                .filter(|one| grants.contains(&one.policy_type))
                .flat_map(|one| &one.allows)
                .collect(),
        };
        applied.into_iter().filter_map(|applied| self.statement(applied)).collect()
    }

    /// A statement in the document that [`ask`](Self::ask) gave.
    fn statement(&self, applied: &Applied<'_>) -> Option<Matched> {
        let place = applied.reference.document;
        let source = match place.policy_type {
            PolicyType::Identity => self.identity.get(place.document),
            PolicyType::Boundary => self.boundary.get(place.document),
            PolicyType::Resource => self.resource.as_ref(),
            PolicyType::ServiceControl | PolicyType::Session | PolicyType::ResourceControl => None,
        };
        source?.matched(applied.reference.statement)
    }

    /// The condition keys that documents ask for, each with how one of them spells it, in order.
    fn context_keys(&self) -> Vec<(&str, String)> {
        let sources = self.identity.iter().chain(&self.boundary).chain(&self.resource);
        let each = sources.flat_map(|source| {
            let keys = source.policy.condition_keys().iter();
            keys.map(|key| (&**key, source.spelled(key)))
        });
        let mut keys: Vec<_> = each.collect();
        keys.sort();
        keys.dedup_by(|one, other| one.0 == other.0);
        keys
    }

    fn missing_context(&self) -> Vec<String> {
        let missing = self.context_keys().into_iter().filter(|(key, _)| self.get(key).is_none());
        missing.map(|(_, spelled)| spelled).collect()
    }
}

/// What the request gives, then what is known of the principal.
impl Context for Simulation {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        let known = || self.caller.as_ref()?.condition_key(key);
        self.context.get(key).or_else(known)
    }
}

fn compiled(sources: &[Source]) -> Vec<&Policy> {
    sources.iter().map(|source| &source.policy).collect()
}

/// What the documents of one type say.
fn verdict(explanation: &Explanation<'_>, kind: PolicyType) -> Verdict {
    let of_type = explanation.trace.iter().find(|one| one.policy_type == kind);
    of_type.map_or(Verdict::Absent, |one| one.verdict)
}

fn allows(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Allows => Some(true),
        Verdict::Denies | Verdict::Silent => Some(false),
        Verdict::Absent | Verdict::Irrelevant => None,
    }
}

impl Snapshot {
    /// A simulation of nothing but what the request gives, in the permitted account.
    ///
    /// # Errors
    /// What is given and cannot be read.
    pub fn simulate_custom(
        &self,
        permit: Permit<SimulateCustomPolicy, WholeAccount>,
        given: &Given,
        now: Timestamp,
    ) -> Result<Simulation, IdentityError> {
        self.simulation(given, permit.consume().0, None, now)
    }

    /// A simulation of the documents of the permitted user, group or role beside those that the
    /// request gives.
    ///
    /// # Errors
    /// The missing entity; what is given, or stored, and cannot be read.
    pub fn simulate_principal(
        &self,
        permit: Permit<SimulatePrincipalPolicy, PolicySource>,
        given: &Given,
        now: Timestamp,
    ) -> Result<Simulation, Failure<IdentityError>> {
        let source = permit.consume();
        let (mut documents, boundary) = self.sources_of(&source, &given.excluded)?;
        let mut simulation = self.simulation(given, source.owner(), source.principal(), now)?;
        documents.append(&mut simulation.identity);
        simulation.identity = documents;
        if given.boundaries.is_none() && !given.excluded.has(ExcludedKind::Boundary) {
            simulation.boundary = boundary.into_iter().collect();
        }
        let limited = !given.excluded.has(ExcludedKind::ServiceControl);
        if given.service_control.is_none() && limited {
            simulation.service_control = self.limits_of(source.owner())?;
        }
        Ok(simulation)
    }

    /// The service control policies that limit an account, by level.
    fn limits_of(
        &self,
        account: AccountId,
    ) -> Result<Option<Vec<Vec<Source>>>, Failure<IdentityError>> {
        let limiting =
            self.organizations.limiting(organization::PolicyType::ServiceControl, account);
        let Some(levels) = limiting.map_err(|_| CatalogError::Unreadable)? else {
            return Ok(None);
        };
        let read = |view: &&Arc<OrganizationPolicyView>| {
            let (id, text) = (view.stored.id.to_string(), &view.stored.document);
            Source::read(id, SourceKind::Given, DocumentKind::ServiceControl, text)
        };
        let levels = levels.iter().map(|level| level.iter().map(read).collect());
        Ok(Some(levels.collect::<Result<_, _>>()?))
    }

    /// The condition keys that the documents of a request ask for, as they spell them.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn context_keys_of_custom(
        &self,
        permit: Permit<GetContextKeysForCustomPolicy, WholeAccount>,
        policies: Vec<String>,
    ) -> Result<Vec<String>, IdentityError> {
        let given = Given { policies, ..Given::default() };
        let simulation =
            self.simulation(&given, permit.consume().0, None, Timestamp::UNIX_EPOCH)?;
        Ok(simulation.context_keys().into_iter().map(|(_, spelled)| spelled).collect())
    }

    /// The condition keys that the documents of the permitted user, group or role ask for, and those
    /// of the request, as they spell them.
    ///
    /// # Errors
    /// The missing entity; what cannot be read.
    pub fn context_keys_of_principal(
        &self,
        permit: Permit<GetContextKeysForPrincipalPolicy, PolicySource>,
        policies: Vec<String>,
    ) -> Result<Vec<String>, Failure<IdentityError>> {
        let source = permit.consume();
        let own = self.sources_of(&source, &Excluded::default())?.0;
        let given = Given { policies, ..Given::default() };
        let mut simulation =
            self.simulation(&given, source.owner(), None, Timestamp::UNIX_EPOCH)?;
        simulation.identity.extend(own);
        Ok(simulation.context_keys().into_iter().map(|(_, spelled)| spelled).collect())
    }

    /// What `given` gives, for the account `asking`. `principal` is supposed to call if the request
    /// does not name another.
    fn simulation(
        &self,
        given: &Given,
        asking: AccountId,
        principal: Option<&str>,
        now: Timestamp,
    ) -> Result<Simulation, IdentityError> {
        let arn = given.caller.as_deref().or(principal);
        if given.resource_policy.is_some() && arn.is_none() {
            let text = "CallerArn is required with ResourcePolicy.";
            return Err(IdentityError::InvalidPolicyInput(text.to_owned()));
        }
        // Somebody of the account whom no document means: only a resource's could name one.
        let nobody = format!("arn:{}:iam::{asking}:user/-", self.partition());
        let (principal, account) = calling(arn.unwrap_or(&nobody))?;
        let own = arn.is_some() && account == asking;
        let caller = match own.then(|| self.supposed(&principal, account, now)) {
            Some(Ok(Supposed::Known(caller))) => Some(caller),
            _ => None, // What is not known of it is missing.
        };
        let list = "PermissionsBoundaryPolicyInputList";
        let boundary = given.boundaries.as_deref().unwrap_or_default();
        Ok(Simulation {
            principal,
            account,
            caller,
            context: given.context.clone(),
            identity: Source::given("PolicyInputList", DocumentKind::Identity, &given.policies)?,
            boundary: Source::given(list, DocumentKind::Boundary, boundary)?,
            service_control: given.service_control.as_deref().map(levels).transpose()?,
            resource: given.resource_policy.as_deref().map(resource_policy).transpose()?,
            resource_owner: given.resource_owner,
        })
    }

    /// The identity-based documents of a user with those of its groups, of a group or of a role; and
    /// the boundary.
    fn sources_of(
        &self,
        source: &PolicySource,
        excluded: &Excluded,
    ) -> Result<(Vec<Source>, Option<Source>), Failure<IdentityError>> {
        let mut documents = Vec::new();
        let boundary = match source {
            PolicySource::User(resource) => {
                let view = resource.find(self)?;
                self.add_sources(&mut documents, &**view, excluded)?;
                for id in &view.stored.groups {
                    let group = self.groups.by_id(id).ok_or(CatalogError::Unreadable)?;
                    self.add_sources(&mut documents, &**group, excluded)?;
                }
                view.stored.boundary()
            }
            PolicySource::Group(resource) => {
                self.add_sources(&mut documents, &**resource.find(self)?, excluded)?;
                None
            }
            PolicySource::Role(resource) => {
                let view = resource.find(self)?;
                self.add_sources(&mut documents, &**view, excluded)?;
                view.stored.boundary()
            }
        };
        let boundary = boundary.map(|arn| self.managed_source(arn, DocumentKind::Boundary));
        Ok((documents, boundary.transpose()?))
    }

    fn add_sources<V: EntityView>(
        &self,
        documents: &mut Vec<Source>,
        view: &V,
        excluded: &Excluded,
    ) -> Result<(), Failure<IdentityError>> {
        let (kind, name) = (V::Entity::KIND, view.stored().name().to_string());
        let inline = view.stored().policies().iter();
        for (policy, text) in inline.filter(|one| !excluded.has_inline(kind, &name, one.0)) {
            let source = SourceKind::Inline(kind);
            documents.push(Source::read(policy.to_string(), source, DocumentKind::Identity, text)?);
        }
        let attached = view.stored().attached().iter();
        for arn in attached.filter(|arn| !excluded.has_managed(arn)) {
            documents.push(self.managed_source(arn, DocumentKind::Identity)?);
        }
        Ok(())
    }

    fn managed_source(
        &self,
        arn: &PolicyArn,
        kind: DocumentKind,
    ) -> Result<Source, Failure<IdentityError>> {
        let view = self.managed_policy(arn);
        let version = view.and_then(|view| ManagedPolicyView::default_version(view));
        let version = version.ok_or(CatalogError::Unreadable)?;
        let source = SourceKind::Managed(arn.owner());
        Ok(Source::read(arn.name().to_owned(), source, kind, &version.document)?)
    }
}

/// Who is supposed to call, and of which account: a user, a role or a session of one.
fn calling(arn: &str) -> Result<(Principal, AccountId), IdentityError> {
    use PrincipalKind::{Role, RoleSession, User};
    let principal = Principal::parse(arn).ok();
    let principal = principal.filter(|one| matches!(one.kind(), User | Role | RoleSession));
    let account = principal.as_ref().and_then(|one| one.account()?.parse().ok());
    principal.zip(account).ok_or_else(|| IdentityError::InvalidEntityArn(arn.into()))
}

fn levels(levels: &[Vec<String>]) -> Result<Vec<Vec<Source>>, IdentityError> {
    let list = "OrderedOrganizationPolicyInputList";
    let each = levels.iter().zip(1..).map(|(level, number)| {
        Source::given(&format!("{list}.{number}"), DocumentKind::ServiceControl, level)
    });
    each.collect()
}

fn resource_policy(text: &str) -> Result<Source, IdentityError> {
    Source::read("ResourcePolicy".to_owned(), SourceKind::Resource, DocumentKind::Resource, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "{\n  \"Statement\": [{\n    \"Effect\": \"Allow\", \"Action\": \"é:*\", \"Resource\": \"*\"\n  }, {\"Effect\":\"Deny\"}]\n}";

    #[test]
    fn a_statement_has_its_place_in_lines_and_characters() {
        let places: Vec<_> = statements(POLICY)
            .into_iter()
            .map(|span| [span.start, span.end].map(|byte| Position::of(POLICY, byte)))
            .map(|[start, end]| (start.line, start.column, end.line, end.column))
            .collect();
        assert_eq!(places, [(2, 17, 4, 4), (4, 6, 4, 23)]);
        let alone = r#"{"Statement":{"Effect":"Allow"}}"#;
        assert_eq!(statements(alone).first(), Some(&(13..31)));
    }

    #[test]
    fn a_key_is_spelled_as_the_document_spells_it() {
        let text = r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:UserName}",
            "Condition":{"Bool":{"AWS:SecureTransport":"true"}}}}"#;
        let text = text.replace("{\"Statement", "{\"Version\":\"2012-10-17\",\"Statement");
        let source =
            Source::read("p".into(), SourceKind::Given, DocumentKind::Identity, &text).unwrap();
        let keys: Vec<_> =
            source.policy.condition_keys().iter().map(|key| source.spelled(key)).collect();
        assert!(keys.contains(&"aws:UserName".to_owned()), "{keys:?}");
        assert!(keys.contains(&"AWS:SecureTransport".to_owned()), "{keys:?}");
    }
}
