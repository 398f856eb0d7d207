//! Compiled statements. Each is compiled by itself, so that documents can share those they have in
//! common.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use portcullis_json::compact;
use smallvec::SmallVec;

use crate::arn_pattern::ResourcePattern;
use crate::binding::Bindings;
use crate::condition::Condition;
use crate::decide::{Action, Call};
use crate::document::{DocumentKind, Effect, Listed, RawStatement};
use crate::error::PolicyError;
use crate::glob::Glob;
use crate::grant::{PrincipalPart, Strength};
use crate::prefixes::{Outline, Outlined, Patterns};
use crate::template::{Asked, Compiler, KeyId, Values};
use crate::validate;

/// One statement of a [`Policy`](crate::Policy): compiled, immutable. Not `Clone`: it is shared.
/// Source: iam.md §2.1, §2.3.
#[derive(Debug)]
pub struct Statement {
    kind: DocumentKind,
    sid: Option<Box<str>>,
    scope: Scope,
    conditions: Box<[Condition]>,
    /// The condition keys that the conditions ask for, in lower case.
    keys: Box<[Arc<str>]>,
    /// As it was written: what compiling loses, explanations need.
    text: Box<str>,
    /// Whether `${…}` are variables in it.
    variables: bool,
}

/// Which parts of a statement fit a call.
pub(crate) struct Fit {
    pub(crate) action: bool,
    /// How strongly it names the caller; `None` if it does not.
    pub(crate) principal: Option<Strength>,
    pub(crate) resource: bool,
    /// In the order of the document: by operator, then by key.
    pub(crate) conditions: Vec<bool>,
}

impl Fit {
    /// Whether the statement applies.
    pub(crate) fn is_whole(&self) -> bool {
        self.action
            && self.principal.is_some()
            && self.resource
            && !self.conditions.contains(&false)
    }
}

impl Statement {
    /// Reads a statement of a document of `kind` that has the version 2012-10-17.
    ///
    /// # Errors
    /// The first rule of iam.md §2 that the statement breaks, as
    /// [`Policy::parse`](crate::Policy::parse) of a document of it alone.
    pub fn parse(kind: DocumentKind, json: &str) -> Result<Arc<Self>, PolicyError> {
        Self::parse_bound(kind, json, &Bindings::default())
    }

    /// As [`parse`](Self::parse), of a statement whose principals were bound to unique ids.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_bound(
        kind: DocumentKind,
        json: &str,
        bindings: &Bindings,
    ) -> Result<Arc<Self>, PolicyError> {
        Self::parse_under(kind, true, json, bindings)
    }

    /// As [`parse_bound`](Self::parse_bound), of a document of any version. `variables`: whether it
    /// has the version 2012-10-17, under which `${…}` are variables.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_under(
        kind: DocumentKind,
        variables: bool,
        json: &str,
        bindings: &Bindings,
    ) -> Result<Arc<Self>, PolicyError> {
        let raw = RawStatement::parse_alone(json)?;
        validate::statement(kind, variables, 0, &raw)?;
        Ok(Arc::new(Self::compile(kind, variables, &raw, json, bindings)))
    }

    /// Compiles what was read. `variables`: whether `${…}` are variables in it.
    pub(crate) fn compile(
        kind: DocumentKind,
        variables: bool,
        raw: &RawStatement,
        text: &str,
        bindings: &Bindings,
    ) -> Self {
        let mut compiler = Compiler::new(variables);
        Self {
            kind,
            sid: raw.sid.as_deref().map(Into::into),
            scope: Scope::new(kind, variables, raw, bindings),
            conditions: raw
                .conditions
                .iter()
                .map(|raw| Condition::new(raw, &mut compiler))
                .collect(),
            keys: compiler.into_keys(),
            text: text.into(),
            variables,
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

    /// As it was written, without white space between its parts.
    #[must_use]
    pub fn json(&self) -> Cow<'_, str> {
        compact(&self.text)
    }

    /// Whether `${…}` are variables in it.
    pub(crate) fn has_variables(&self) -> bool {
        self.variables
    }

    /// Which of its parts fit the call: the parts that [`Policy`](crate::Policy) decides by, each
    /// for itself.
    pub(crate) fn fit(&self, call: &Call<'_>) -> Fit {
        let own = |keys: &[Arc<str>]| (0..).take(keys.len()).collect::<Vec<u32>>();
        let (scope_places, places) = (own(&self.scope.keys), own(&self.keys));
        let scope_asked = Asked::forgetful(call.context(), &self.scope.keys);
        let asked = Asked::forgetful(call.context(), &self.keys);
        let values = asked.at(&places);
        Fit {
            action: self.scope.has_action(call.action()),
            principal: self.scope.strength(call),
            resource: self.scope.has_resource(call, &scope_asked.at(&scope_places)),
            conditions: self.conditions.iter().map(|one| one.holds(&values)).collect(),
        }
    }

    /// Who had the caller's name when the statement was stored, see [`PrincipalPart::homonym`].
    pub(crate) fn homonym(&self, call: &Call<'_>) -> Option<(&str, &str)> {
        self.scope.principal.homonym(call.caller())
    }

    /// Whether it applies to the call, and then how strongly it names the caller. Allocates nothing
    /// for statements with up to sixteen keys.
    pub(crate) fn applies(&self, call: &Call<'_>) -> Option<Strength> {
        let places = |keys: &[Arc<str>]| (0..).take(keys.len()).collect::<SmallVec<[u32; 16]>>();
        if !self.scope.has_action(call.action()) {
            return None;
        }
        let strength = self.scope.strength(call)?;
        let asked = Asked::forgetful(call.context(), &self.scope.keys);
        if !self.scope.has_resource(call, &asked.at(&places(&self.scope.keys))) {
            return None;
        }
        let asked = Asked::forgetful(call.context(), &self.keys);
        self.holds(&asked.at(&places(&self.keys))).then_some(strength)
    }

    /// What the document that it is compiled for is.
    pub(crate) fn kind(&self) -> DocumentKind {
        self.kind
    }

    /// What it is about.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The condition keys of the conditions, in lower case.
    pub(crate) fn keys(&self) -> &[Arc<str>] {
        &self.keys
    }

    /// Whether all conditions hold; `values` are those of [`keys`](Self::keys).
    pub(crate) fn holds(&self, values: &Values<'_, '_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(values))
    }

    /// The keys whose single values have to have one of certain outlines, and those; a key may come
    /// twice.
    pub(crate) fn required(
        &self,
    ) -> impl Iterator<Item = (KeyId, impl Iterator<Item = Outline<'_>>)> {
        self.conditions.iter().filter_map(Condition::required)
    }
}

/// What a statement is about and what it does then: all but its conditions and Sid.
#[derive(Debug)]
pub(crate) struct Scope {
    effect: Effect,
    action: ActionPart,
    principal: PrincipalPart,
    resource: ResourcePart,
    /// The condition keys that variables in `resource` name, in lower case.
    keys: Box<[Arc<str>]>,
    /// Of action, principal and resource; equal where these are.
    hashes: [u64; 3],
}

impl Scope {
    fn new(kind: DocumentKind, variables: bool, raw: &RawStatement, bindings: &Bindings) -> Self {
        use DocumentKind::{Resource, ResourceControl, Trust};
        let names_principals = matches!(kind, Resource | Trust | ResourceControl);
        let mut compiler = Compiler::new(variables);
        let action = ActionPart::new(&raw.action);
        let principal = raw.principal.as_ref();
        let principal = PrincipalPart::new(principal, raw.effect, names_principals, bindings);
        let resource = ResourcePart::new(kind, raw.resource.as_ref(), &mut compiler);
        let keys = compiler.into_keys();
        let hashes = [hash(&action), hash(&principal), hash(&(&resource, &keys))];
        Self { effect: raw.effect, action, principal, resource, keys, hashes }
    }

    /// Numbers by which scopes sort so that those with equal parts are neighbours.
    pub(crate) fn hashes(&self) -> [u64; 3] {
        self.hashes
    }

    /// The condition keys of the resource's variables, in lower case.
    pub(crate) fn keys(&self) -> &[Arc<str>] {
        &self.keys
    }

    /// Whether the scope has the action.
    #[inline]
    pub(crate) fn has_action(&self, action: Action<'_>) -> bool {
        self.action.matches(action)
    }

    /// How strongly it names the caller; `None` if it does not.
    #[inline]
    pub(crate) fn strength(&self, call: &Call<'_>) -> Option<Strength> {
        self.principal.strength(call.caller(), call.bounded())
    }

    /// Whether it has the call's resource. `values` are those of [`keys`](Self::keys).
    #[inline]
    pub(crate) fn has_resource(&self, call: &Call<'_>, values: &Values<'_, '_>) -> bool {
        self.resource.matches(call, values)
    }

    pub(crate) fn has_action_of(&self, other: &Self) -> bool {
        self.hashes[0] == other.hashes[0] && self.action == other.action
    }

    pub(crate) fn has_principal_of(&self, other: &Self) -> bool {
        self.hashes[1] == other.hashes[1] && self.principal == other.principal
    }

    pub(crate) fn has_resource_of(&self, other: &Self) -> bool {
        self.hashes[2] == other.hashes[2]
            && self.resource == other.resource
            && self.keys == other.keys
    }

    /// Outlines, in lower case, one of which every action has that the scope has.
    pub(crate) fn action_outlines(&self) -> impl Iterator<Item = Outline<'_>> {
        let ActionPart { negated, patterns } = &self.action;
        unless(*negated, patterns.iter().map(Glob::outline))
    }

    /// The same of the texts that name callers, see [`PrincipalPart::outlines`].
    pub(crate) fn principal_outlines(&self) -> impl Iterator<Item = Outline<'_>> {
        self.principal.outlines()
    }

    /// The same of resources.
    pub(crate) fn resource_outlines(&self) -> impl Iterator<Item = Outline<'_>> {
        let (negated, patterns) = match &self.resource {
            ResourcePart::Attached => (true, None),
            ResourcePart::Listed { negated, patterns } => (*negated, Some(patterns)),
        };
        let patterns = patterns.into_iter().flat_map(Patterns::iter);
        unless(negated, patterns.map(ResourcePattern::outline))
    }
}

/// `outlines`, or where they say nothing that of every text.
fn unless<'a>(
    negated: bool,
    outlines: impl Iterator<Item = Outline<'a>>,
) -> impl Iterator<Item = Outline<'a>> {
    negated.then(Outline::default).into_iter().chain(outlines.filter(move |_| !negated))
}

fn hash(part: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    part.hash(&mut hasher);
    hasher.finish()
}

/// Action or NotAction. Patterns are in lower case, as the call's action is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ActionPart {
    negated: bool,
    patterns: Patterns<Glob>,
}

impl ActionPart {
    fn new(listed: &Listed) -> Self {
        let patterns = listed.values.iter().map(|text| Glob::new(&text.to_ascii_lowercase()));
        Self { negated: listed.negated, patterns: patterns.collect() }
    }

    #[inline]
    fn matches(&self, action: Action<'_>) -> bool {
        let covered = match action {
            Action::Lower(text) => self.patterns.any(text, |pattern| pattern.matches(text)),
            Action::AsWritten(text) => {
                self.patterns.iter().any(|pattern| pattern.matches_ignoring_case(text))
            }
        };
        covered != self.negated
    }
}

/// Resource or NotResource.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum ResourcePart {
    /// A trust policy's: the role that it is attached to.
    Attached,
    Listed {
        negated: bool,
        patterns: Patterns<ResourcePattern>,
    },
}

impl ResourcePart {
    fn new(kind: DocumentKind, listed: Option<&Listed>, compiler: &mut Compiler) -> Self {
        match listed {
            None if kind == DocumentKind::Trust => Self::Attached,
            None => Self::Listed { negated: false, patterns: Patterns::from_iter([]) },
            Some(Listed { negated, values }) => Self::Listed {
                negated: *negated,
                patterns: values.iter().map(|text| ResourcePattern::new(text, compiler)).collect(),
            },
        }
    }

    #[inline]
    fn matches(&self, call: &Call<'_>, values: &Values<'_, '_>) -> bool {
        match self {
            Self::Attached => true,
            Self::Listed { negated, patterns } => {
                let text = call.resource();
                let covers =
                    |one: &ResourcePattern| one.matches(text, || call.resource_arn(), values);
                patterns.any(text.as_bytes(), covers) != *negated
            }
        }
    }
}
