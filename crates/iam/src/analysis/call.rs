//! Supposed calls, and how a document alone decides them.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::context::{Context, Value};
use crate::decide::{Decision, Policies, Request, ResourceRule, decide};
use crate::document::{DocumentKind, Effect, RawStatement};
use crate::error::PolicyError;
use crate::policy::Policy;
use crate::principal::Principal;
use crate::statement::Statement;

/// What a condition key holds in a supposed call. As JSON: a text, or a list of texts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Held {
    /// Of a single-valued key.
    Single(String),
    /// Of a multivalued key.
    Multiple(Vec<String>),
}

/// The condition keys of a supposed call: by name in lower case, with the name as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(BTreeMap<String, (String, Held)>);

impl Keys {
    /// The keys, as written, and what they hold.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Held)> {
        self.0.values().map(|(name, held)| (name.as_str(), held))
    }

    /// Gives a key a value, or takes it away.
    pub(crate) fn set(&mut self, name: &str, held: Option<Held>) {
        let key = name.to_lowercase();
        match held {
            None => self.0.remove(&key),
            Some(held) => self.0.insert(key, (name.to_owned(), held)),
        };
    }

    /// The value of a key that holds one.
    pub(crate) fn single(&self, name: &str) -> Option<&str> {
        match self.0.get(&name.to_lowercase())? {
            (_, Held::Single(text)) => Some(text),
            (_, Held::Multiple(_)) => None,
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(&name.to_lowercase())
    }
}

impl Serialize for Keys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl Context for Keys {
    fn get(&self, key: &str) -> Option<Value<'_>> {
        Some(match &self.0.get(key)?.1 {
            Held::Single(text) => Value::Single(text.into()),
            Held::Multiple(texts) => Value::Multiple(texts.iter().map(Into::into).collect()),
        })
    }
}

/// A supposed call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) principal: Principal,
    /// Whether the caller's own policies allow everything; else they allow nothing. What they are
    /// is asked only where the document that is looked at is not one of them.
    pub(crate) own_allows: bool,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) account: String,
    pub(crate) keys: Keys,
}

/// Decides calls by one document, all others saying what lets the document show.
pub(crate) struct Judge {
    document: Policy,
    everything: Policy,
}

impl Judge {
    /// Of a document that can be understood.
    pub(crate) fn new(kind: DocumentKind, json: &str) -> Result<Self, PolicyError> {
        Ok(Self::of(Policy::parse_unvalidated(kind, json)?))
    }

    fn of(document: Policy) -> Self {
        let allow = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        #[expect(clippy::expect_used, reason = "a constant that a test reads")]
        let everything = Policy::parse(DocumentKind::Identity, allow).expect("a legal document");
        Self { document, everything }
    }

    /// Of a statement alone, as if it denied: [`applies`](Self::applies) then tells whether a call
    /// is one that it is about. `None` if it is about no call at all.
    pub(crate) fn of_statement(
        kind: DocumentKind,
        variables: bool,
        raw: &RawStatement,
    ) -> Option<Self> {
        let excludes = raw.principal.as_ref().is_some_and(|principal| principal.negated);
        if excludes && raw.effect == Effect::Allow {
            return None;
        }
        let raw = RawStatement { effect: Effect::Deny, ..raw.clone() };
        let statement = Statement::compile(kind, variables, &raw, ""); // nobody is shown it
        Policy::assemble(kind, vec![statement.into()]).ok().map(Self::of)
    }

    pub(crate) fn decide(&self, call: &Call) -> Decision {
        let request = Request {
            principal: &call.principal,
            action: &call.action,
            resource: &call.resource,
            resource_account: &call.account,
            context: &call.keys,
        };
        let (document, everything) = (&[&self.document][..], &[&self.everything][..]);
        let levels = &[document][..];
        let own = if call.own_allows { everything } else { &[] };
        let base = Policies { identity: everything, ..Policies::default() };
        let policies = match self.document.kind() {
            DocumentKind::Identity => Policies { identity: document, ..base },
            DocumentKind::Boundary => Policies { boundary: document, ..base },
            DocumentKind::Session => Policies { session: Some(document), ..base },
            DocumentKind::ServiceControl => Policies { service_control: Some(levels), ..base },
            DocumentKind::ResourceControl => Policies { resource_control: Some(levels), ..base },
            DocumentKind::Resource => Policies { identity: own, resource: document, ..base },
            DocumentKind::Trust => {
                let resource_rule = ResourceRule::Required;
                Policies { identity: own, resource: document, resource_rule, ..base }
            }
        };
        decide(&request, &policies)
    }

    /// Of a statement alone: whether it is about the call.
    pub(crate) fn applies(&self, call: &Call) -> bool {
        matches!(self.decide(call), Decision::ExplicitlyDenied(_))
    }
}
