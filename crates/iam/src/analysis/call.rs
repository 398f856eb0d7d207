//! Supposed calls, and how a document alone decides them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Serialize, Serializer};

use crate::binding::Bindings;
use crate::context::{Context, Value};
use crate::decide::{Decision, Policies, Request, ResourceRule, decide};
use crate::document::{
    DocumentKind, Effect, Listed, RawCondition, RawPrincipal, RawStatement, Who,
};
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

    /// Gives a key a value, or takes it away; answers what it held.
    pub(crate) fn set(&mut self, name: &str, held: Option<Held>) -> Option<Held> {
        let key = name.to_lowercase();
        let old = match held {
            None => self.0.remove(&key),
            Some(held) => self.0.insert(key, (name.to_owned(), held)),
        };
        old.map(|(_, held)| held)
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

impl Call {
    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: &self.account,
            context: &self.keys,
        }
    }
}

/// What a caller has whose own policies allow everything.
static EVERYTHING: LazyLock<Policy> = LazyLock::new(|| {
    let allow = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    #[expect(clippy::expect_used, reason = "a constant that every test reads")]
    Policy::parse(DocumentKind::Identity, allow).expect("a legal document")
});

/// Decides calls by one document, all others saying what lets the document show.
pub(crate) struct Judge(Policy);

impl Judge {
    /// Of a document that can be understood.
    pub(crate) fn new(kind: DocumentKind, json: &str) -> Result<Self, PolicyError> {
        Policy::parse_unvalidated(kind, json).map(Self)
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
        let statement = Statement::compile(kind, variables, &raw, "", &Bindings::default()); // nobody is shown it
        Policy::assemble(kind, vec![statement.into()]).ok().map(Self)
    }

    /// Of a condition alone: [`applies`](Self::applies) tells whether it holds.
    pub(crate) fn of_condition(variables: bool, condition: &RawCondition) -> Option<Self> {
        let raw = RawStatement { conditions: vec![condition.clone()], ..about_everything() };
        Self::of_statement(DocumentKind::Resource, variables, &raw)
    }

    /// Of Resource or NotResource alone: [`applies`](Self::applies) tells whether it is about the
    /// call's resource.
    pub(crate) fn of_resource(variables: bool, resource: &Listed) -> Option<Self> {
        let raw = RawStatement { resource: Some(resource.clone()), ..about_everything() };
        Self::of_statement(DocumentKind::Resource, variables, &raw)
    }

    /// Of Principal or NotPrincipal alone: [`applies`](Self::applies) tells whether it is about the
    /// call's caller.
    pub(crate) fn of_callers(kind: DocumentKind, raw: &RawStatement) -> Option<Self> {
        let Some(principal) = &raw.principal else {
            return Self::of_statement(DocumentKind::Resource, false, &about_everything());
        };
        // Of an Allow that exempts some, as of_statement: about nobody.
        let raw = RawStatement {
            effect: raw.effect,
            principal: Some(principal.clone()),
            resource: raw.resource.as_ref().and(about_everything().resource),
            ..about_everything()
        };
        Self::of_statement(kind, false, &raw)
    }

    /// Decides; `own_allows` is whether the caller's own policies allow everything.
    pub(crate) fn decide(&self, request: &Request<'_>, own_allows: bool) -> Decision {
        let (document, everything) = (&[&self.0][..], &[&*EVERYTHING][..]);
        let levels = &[document][..];
        let own = if own_allows { everything } else { &[] };
        let base = Policies { identity: everything, ..Policies::default() };
        let policies = match self.0.kind() {
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
        decide(request, &policies)
    }

    /// Of a part alone: whether it is about the call.
    pub(crate) fn applies(&self, request: &Request<'_>) -> bool {
        matches!(self.decide(request, false), Decision::ExplicitlyDenied(_))
    }
}

/// A Deny of everything to everyone.
fn about_everything() -> RawStatement {
    let all = || Listed { negated: false, values: vec!["*".to_owned()] };
    RawStatement {
        sid: None,
        effect: Effect::Deny,
        principal: Some(RawPrincipal { negated: false, who: Who::Everyone }),
        action: all(),
        resource: Some(all()),
        conditions: Vec::new(),
    }
}
