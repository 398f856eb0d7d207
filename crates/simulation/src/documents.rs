//! The documents of a case, read and kept by the policy type that they are of.

use std::sync::Arc;

use portcullis_iam::{DocumentKind, Policies, Policy, PolicyError};
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

/// The documents that may have a say, by policy type. `None`: the type is off.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    /// Of the user and its groups, or of the role; of a federated user: the parent's.
    pub identity: Vec<Arc<Policy>>,
    /// The caller's permissions boundary.
    pub boundary: Vec<Arc<Policy>>,
    /// What the session was made with, one pool.
    pub session: Option<Vec<Arc<Policy>>>,
    /// Service control policies by level.
    pub service_control: Option<Vec<Vec<Arc<Policy>>>>,
    /// On the resource, one pool.
    pub resource: Vec<Arc<Policy>>,
    /// Resource control policies by level.
    pub resource_control: Option<Vec<Vec<Arc<Policy>>>>,
}

impl Documents {
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
            ..Policies::default()
        })
    }
}

fn pool(policies: &[Arc<Policy>]) -> Vec<&Policy> {
    policies.iter().map(AsRef::as_ref).collect()
}

fn levels(levels: &[Vec<Arc<Policy>>]) -> Vec<Vec<&Policy>> {
    levels.iter().map(|level| pool(level)).collect()
}

fn slices<'l, 'p>(levels: &'l [Vec<&'p Policy>]) -> Vec<&'l [&'p Policy]> {
    levels.iter().map(Vec::as_slice).collect()
}
