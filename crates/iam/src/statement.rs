//! Compiled statements. Each is compiled by itself, so that documents can share those they have in
//! common.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::arn_pattern::ResourcePattern;
use crate::condition::Condition;
use crate::decide::Call;
use crate::document::{DocumentKind, Effect, Listed, RawStatement};
use crate::error::PolicyError;
use crate::glob::Glob;
use crate::grant::{PrincipalPart, Strength};
use crate::template::{Compiler, Values};
use crate::validate;

/// One statement of a [`Policy`](crate::Policy): compiled, immutable. Not `Clone`: it is shared.
#[derive(Debug)]
pub struct Statement {
    kind: DocumentKind,
    sid: Option<Box<str>>,
    scope: Scope,
    /// Equal for equal scopes.
    scope_hash: u64,
    conditions: Box<[Condition]>,
    /// The condition keys that the conditions ask for, in lower case.
    keys: Box<[Arc<str>]>,
}

impl Statement {
    /// Reads a statement of a document of `kind` that has the version 2012-10-17.
    ///
    /// # Errors
    /// The first rule of iam.md §2 that the statement breaks, as
    /// [`Policy::parse`](crate::Policy::parse) of a document of it alone.
    pub fn parse(kind: DocumentKind, json: &str) -> Result<Arc<Self>, PolicyError> {
        let (raw, variables) = (RawStatement::parse_alone(json)?, true);
        validate::statement(kind, variables, 0, &raw)?;
        Ok(Arc::new(Self::compile(kind, variables, &raw)))
    }

    /// Compiles what was read. `variables`: whether `${…}` are variables in it.
    pub(crate) fn compile(kind: DocumentKind, variables: bool, raw: &RawStatement) -> Self {
        let scope = Scope::new(kind, variables, raw);
        let mut hasher = DefaultHasher::new();
        scope.hash(&mut hasher);
        let mut compiler = Compiler::new(variables);
        Self {
            kind,
            sid: raw.sid.as_deref().map(Into::into),
            scope,
            scope_hash: hasher.finish(),
            conditions: raw
                .conditions
                .iter()
                .map(|raw| Condition::new(raw, &mut compiler))
                .collect(),
            keys: compiler.into_keys(),
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
        self.scope.effect
    }

    /// What the document that it is compiled for is.
    pub(crate) fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// What it is about.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// A number that statements of the same scope share; others hardly ever.
    pub(crate) fn scope_hash(&self) -> u64 {
        self.scope_hash
    }

    /// The condition keys of the conditions, in lower case.
    pub(crate) fn keys(&self) -> &[Arc<str>] {
        &self.keys
    }

    /// Whether all conditions hold; `values` are those of [`keys`](Self::keys).
    pub(crate) fn holds(&self, values: &Values<'_, '_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(values))
    }
}

/// What a statement is about and what it does then: all but its conditions and Sid. Scopes that are
/// equal mean the same in every document.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    effect: Effect,
    principal: PrincipalPart,
    action: ActionPart,
    resource: ResourcePart,
    /// The condition keys that variables in `resource` name, in lower case.
    keys: Box<[Arc<str>]>,
}

impl Scope {
    fn new(kind: DocumentKind, variables: bool, raw: &RawStatement) -> Self {
        use DocumentKind::{Resource, ResourceControl, Trust};
        let names_principals = matches!(kind, Resource | Trust | ResourceControl);
        let mut compiler = Compiler::new(variables);
        Self {
            effect: raw.effect,
            principal: PrincipalPart::new(raw.principal.as_ref(), raw.effect, names_principals),
            action: ActionPart::new(&raw.action),
            resource: ResourcePart::new(kind, raw.resource.as_ref(), &mut compiler),
            keys: compiler.into_keys(),
        }
    }

    /// The condition keys of the resource's variables, in lower case.
    pub(crate) fn keys(&self) -> &[Arc<str>] {
        &self.keys
    }

    /// How strongly the scope names the caller, if it has the call at all; `None` if it has not, or
    /// not more strongly than `known`. `values` are those of [`keys`](Self::keys).
    pub(crate) fn names(
        &self,
        call: &Call<'_>,
        values: &Values<'_, '_>,
        known: Option<Strength>,
    ) -> Option<Strength> {
        if known == Some(Strength::Wildcard) || !self.action.matches(call.action()) {
            return None;
        }
        let strength = self.principal.strength(call.caller(), call.bounded());
        strength.filter(|_| strength > known && self.resource.matches(call, values))
    }
}

/// Action or NotAction. Patterns are in lower case, as the call's action is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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

    fn matches(&self, call: &Call<'_>, values: &Values<'_, '_>) -> bool {
        match self {
            Self::Attached => true,
            Self::Listed { negated, patterns } => {
                patterns.iter().any(|pattern| pattern.matches(call.resource(), values)) != *negated
            }
        }
    }
}
