//! Compiled documents. What a document means is decided here; what may be written, in `validate.rs`.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::arn_pattern::ResourcePattern;
use crate::condition::Condition;
use crate::decide::{Call, Verdict};
use crate::document::{Document, DocumentKind, Effect, Listed, RawStatement};
use crate::error::PolicyError;
use crate::glob::Glob;
use crate::grant::{PrincipalPart, Strength};
use crate::template::{Compiler, Values};
use crate::validate;

/// A policy document: parsed, valid for its kind, compiled. Immutable.
#[derive(Clone, Debug)]
pub struct Policy {
    kind: DocumentKind,
    statements: Box<[Statement]>,
    /// The statements by what they are about: an index, complete and in any order.
    scopes: Box<[Scope]>,
    /// The condition keys that the document asks for, in lower case.
    keys: Box<[Box<str>]>,
}

impl Policy {
    /// Reads a document that is to be attached as `kind`.
    ///
    /// Whatever is accepted is enforced: an element, operator or form that has no meaning here is
    /// an error. Sizes other than [`DOCUMENT_BYTES_MAX`](crate::DOCUMENT_BYTES_MAX) are for the
    /// caller to check.
    ///
    /// # Errors
    /// The first rule of iam.md §2 that the document breaks, and where.
    pub fn parse(kind: DocumentKind, json: &str) -> Result<Self, PolicyError> {
        let document = Document::parse(json)?;
        validate::document(kind, &document)?;
        Ok(Self::compile(kind, &document))
    }

    /// Reads a document that was accepted elsewhere and is only to be understood, for simulations.
    ///
    /// Keeps the grammar (unknown elements and operators, repeated keys and the like are errors)
    /// but not the rules for writing: `{"Service": "*"}` matches nobody, a resource that is no ARN
    /// matches nothing, an incomplete ARN is completed, NotPrincipal with Allow reaches nobody.
    ///
    /// # Errors
    /// The first rule of iam.md §2.1 that the document breaks, and where.
    pub fn parse_unvalidated(kind: DocumentKind, json: &str) -> Result<Self, PolicyError> {
        Ok(Self::compile(kind, &Document::parse(json)?))
    }

    fn compile(kind: DocumentKind, document: &Document) -> Self {
        let mut compiler = Compiler::new(document.variables);
        let statements = document.statements.iter();
        Self {
            kind,
            statements: statements.map(|raw| Statement::new(kind, raw, &mut compiler)).collect(),
            scopes: scopes(&document.statements),
            keys: compiler.into_keys(),
        }
    }

    /// What the document was parsed as.
    #[must_use]
    pub fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// The statements in the order of the document.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.statements.iter()
    }

    /// Adds what this document says about the call to `verdict`, which has not denied yet.
    pub(crate) fn judge(&self, call: &Call<'_>, verdict: &mut Verdict) {
        let values = Values::new(call.context(), &self.keys);
        for scope in &self.scopes {
            let mut members = scope.0.iter().filter_map(|index| self.statements.get(*index));
            let Some(first) = members.next() else { continue };
            let known = if first.effect == Effect::Allow { verdict.allow } else { None };
            let strength = first.names(call, &values, known);
            if strength.is_none()
                || !std::iter::once(first).chain(members).any(|s| s.holds(&values))
            {
                continue;
            }
            match first.effect {
                Effect::Allow => verdict.allow = strength,
                Effect::Deny => {
                    verdict.deny = true;
                    return;
                }
            }
        }
    }
}

/// The statements, by position, that differ in nothing but their conditions and Sids.
///
/// A function's policy is mostly that: one grant a source, all of them about the same call, which is
/// thus matched once and not once a statement.
#[derive(Clone, Debug)]
struct Scope(SmallVec<[usize; 2]>);

fn scopes(statements: &[RawStatement]) -> Box<[Scope]> {
    let mut scopes: Vec<Scope> = Vec::new();
    let mut places = HashMap::new();
    for (index, raw) in statements.iter().enumerate() {
        let about = (raw.effect, &raw.principal, &raw.action, &raw.resource);
        let place = *places.entry(about).or_insert(scopes.len());
        match scopes.get_mut(place) {
            Some(scope) => scope.0.push(index),
            None => scopes.push(Scope(SmallVec::from_slice(&[index]))),
        }
    }
    scopes.into()
}

/// One statement of a [`Policy`].
#[derive(Clone, Debug)]
pub struct Statement {
    sid: Option<Box<str>>,
    effect: Effect,
    principal: PrincipalPart,
    action: ActionPart,
    resource: ResourcePart,
    conditions: Box<[Condition]>,
}

impl Statement {
    fn new(kind: DocumentKind, raw: &RawStatement, compiler: &mut Compiler) -> Self {
        use DocumentKind::{Resource, ResourceControl, Trust};
        let names_principals = matches!(kind, Resource | Trust | ResourceControl);
        Self {
            sid: raw.sid.as_deref().map(Into::into),
            effect: raw.effect,
            principal: PrincipalPart::new(raw.principal.as_ref(), raw.effect, names_principals),
            action: ActionPart::new(&raw.action),
            resource: ResourcePart::new(kind, raw.resource.as_ref(), compiler),
            conditions: raw.conditions.iter().map(|raw| Condition::new(raw, compiler)).collect(),
        }
    }

    /// The statement's id, if it has one.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.sid.as_deref()
    }

    /// Whether it allows or denies.
    #[must_use]
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// How strongly the statement names the caller, if it is about the call at all, conditions
    /// aside; `None` if it is not, or not more strongly than `known`.
    fn names(
        &self,
        call: &Call<'_>,
        values: &Values<'_>,
        known: Option<Strength>,
    ) -> Option<Strength> {
        if known == Some(Strength::Wildcard) || !self.action.matches(call.action()) {
            return None;
        }
        let strength = self.principal.strength(call.caller(), call.bounded());
        strength.filter(|_| strength > known && self.resource.matches(call, values))
    }

    /// Whether all conditions hold.
    fn holds(&self, values: &Values<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(values))
    }
}

/// Action or NotAction. Patterns are in lower case, as the call's action is.
#[derive(Clone, Debug)]
struct ActionPart {
    negated: bool,
    patterns: SmallVec<[Glob; 1]>,
}

impl ActionPart {
    fn new(listed: &Listed) -> Self {
        let patterns = listed.values.iter().map(|text| Glob::new(&text.to_ascii_lowercase()));
        Self { negated: listed.negated, patterns: patterns.collect() }
    }

    fn matches(&self, action: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(action)) != self.negated
    }
}

/// Resource or NotResource.
#[derive(Clone, Debug)]
enum ResourcePart {
    /// A trust policy's: the role that it is attached to.
    Attached,
    Listed {
        negated: bool,
        patterns: SmallVec<[ResourcePattern; 1]>,
    },
}

impl ResourcePart {
    fn new(kind: DocumentKind, listed: Option<&Listed>, compiler: &mut Compiler) -> Self {
        match listed {
            None if kind == DocumentKind::Trust => Self::Attached,
            None => Self::Listed { negated: false, patterns: SmallVec::new() },
            Some(Listed { negated, values }) => Self::Listed {
                negated: *negated,
                patterns: values.iter().map(|text| ResourcePattern::new(text, compiler)).collect(),
            },
        }
    }

    fn matches(&self, call: &Call<'_>, values: &Values<'_>) -> bool {
        match self {
            Self::Attached => true,
            Self::Listed { negated, patterns } => {
                patterns.iter().any(|pattern| pattern.matches(call.resource(), values)) != *negated
            }
        }
    }
}
