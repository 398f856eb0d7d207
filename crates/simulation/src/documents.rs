//! The documents of a case, read and kept by the policy type that they are of.

use std::borrow::Cow;
use std::sync::Arc;

use portcullis_iam::DocumentReference;
use portcullis_iam::{DocumentKind, Policies, Policy, PolicyError, PolicyType, ResourceRule};
use portcullis_json::Json;

/// How strictly documents are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validation {
    /// By the grammar: a document that could not be written is understood as far as it has a
    /// meaning, as one that was stored long ago would be.
    #[default]
    Grammar,
    /// Also by the rules for writing a document of its kind.
    Writable,
}

impl Validation {
    /// Reads a document.
    ///
    /// # Errors
    /// The first rule that the document breaks.
    pub fn read(self, kind: DocumentKind, json: Json<'_, '_>) -> Result<Policy, PolicyError> {
        match self {
            Self::Grammar => Policy::read_unvalidated(kind, json),
            Self::Writable => Policy::read(kind, json),
        }
    }
}

/// A document and the name under which explanations mention it.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    /// The policy's name or ARN, or the file that it comes from.
    pub name: Option<Cow<'a, str>>,
    /// What it says.
    pub policy: Arc<Policy>,
}

/// One level of an organization: its root, a unit, or an account.
#[derive(Clone, Debug)]
pub struct Level<'a> {
    /// The level's id.
    pub name: Option<Cow<'a, str>>,
    /// What is attached to it. No documents allow nothing.
    pub documents: Vec<Document<'a>>,
}

/// The documents that may have a say, by policy type. `None`: the type is off.
#[derive(Clone, Debug, Default)]
pub struct Documents<'a> {
    /// Of the user and its groups, or of the role; of a federated user: the parent's.
    pub identity: Vec<Document<'a>>,
    /// The caller's permissions boundary.
    pub boundary: Vec<Document<'a>>,
    /// What the session was made with, one pool.
    pub session: Option<Vec<Document<'a>>>,
    /// Service control policies by level, from the root to the account.
    pub service_control: Option<Vec<Level<'a>>>,
    /// On the resource, one pool.
    pub resource: Vec<Document<'a>>,
    /// Resource control policies by level, from the root to the account.
    pub resource_control: Option<Vec<Level<'a>>>,
    /// Whether the resource's own policy has to allow.
    pub resource_rule: ResourceRule,
}

impl Documents<'_> {
    /// Gives the documents to `ask`, as `iam` takes them.
    pub fn with<T>(&self, ask: impl FnOnce(&Policies<'_>) -> T) -> T {
        let session = self.session.as_deref().map(pool);
        let service_control = self.service_control.as_deref().map(levels);
        let resource_control = self.resource_control.as_deref().map(levels);
        ask(&Policies {
            identity: &pool(&self.identity),
            boundary: &pool(&self.boundary),
            session: session.as_deref(),
            service_control: service_control.as_deref().map(slices).as_deref(),
            resource: &pool(&self.resource),
            resource_control: resource_control.as_deref().map(slices).as_deref(),
            resource_rule: self.resource_rule,
        })
    }

    /// The name of a document that an explanation mentions, after that of its level; `None` if
    /// neither has one.
    #[must_use]
    pub fn name(&self, reference: DocumentReference) -> Option<String> {
        let level = |levels: &'_ Option<Vec<Level<'_>>>| {
            let level = levels.as_ref()?.get(reference.level?)?;
            let document = level.documents.get(reference.document)?.name.as_deref();
            let names: Vec<&str> = level.name.as_deref().into_iter().chain(document).collect();
            (!names.is_empty()).then(|| names.join("/"))
        };
        let pool = match reference.policy_type {
            PolicyType::ServiceControl => return level(&self.service_control),
            PolicyType::ResourceControl => return level(&self.resource_control),
            PolicyType::Identity => &self.identity,
            PolicyType::Resource => &self.resource,
            PolicyType::Boundary => &self.boundary,
            PolicyType::Session => self.session.as_ref()?,
        };
        pool.get(reference.document)?.name.as_deref().map(str::to_owned)
    }
}

fn pool<'d>(documents: &'d [Document<'_>]) -> Vec<&'d Policy> {
    documents.iter().map(|document| &*document.policy).collect()
}

fn levels<'d>(levels: &'d [Level<'_>]) -> Vec<Vec<&'d Policy>> {
    levels.iter().map(|level| pool(&level.documents)).collect()
}

fn slices<'l, 'p>(levels: &'l [Vec<&'p Policy>]) -> Vec<&'l [&'p Policy]> {
    levels.iter().map(Vec::as_slice).collect()
}
