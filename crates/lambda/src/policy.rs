//! The resource policy of a function, a version or an alias, and of a layer version.

use std::{borrow::Cow, sync::Arc};

use portcullis_iam::{
    Bindings, DocumentKind, Entities, PolicyError, SizeLimit, Statement as CompiledStatement,
};
use serde::Deserialize;

use crate::{
    Conflict, Grant, InvalidParameter, InvalidValue, LambdaError, LayerGrant, LayerVersionArn,
    NotFound, Qualifier, RevisionId, StaleRevision, StatementId, Target,
};

/// Largest resource policy, in bytes of its compact JSON.
///
/// Source: `[doc][issue] aws-lambda.md §1.10`: 20 KB, where KB is 1024 bytes.
pub const RESOURCE_POLICY_BYTES_MAX: usize = SizeLimit::FunctionPolicy.max();

/// What stands before the statements.
const HEAD: &str = r#"{"Version":"2012-10-17","Id":"default","Statement":["#;
/// What stands after them.
const TAIL: &str = "]}";

/// One statement: its id, the JSON that `AddPermission` answered, the unique id that its principal
/// was bound to then, and what the policy engine makes of that. Cheap to clone. Two are equal when
/// their texts and unique ids are.
#[derive(Clone, Debug)]
pub struct Statement {
    sid: StatementId,
    json: Arc<str>,
    bindings: Arc<Bindings>,
    compiled: Result<Arc<CompiledStatement>, Arc<PolicyError>>,
}

impl PartialEq for Statement {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json && self.bindings == other.bindings
    }
}

impl Eq for Statement {}

/// The elements that a statement has, each of its JSON type, no others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[expect(dead_code, reason = "read to check the shape; only the id is kept")]
struct Shape<'a> {
    #[serde(borrow)]
    sid: Cow<'a, str>,
    effect: Cow<'a, str>,
    #[serde(borrow)]
    principal: &'a serde_json::value::RawValue,
    action: Cow<'a, str>,
    resource: Cow<'a, str>,
    #[serde(borrow)]
    condition: Option<&'a serde_json::value::RawValue>,
}

impl Statement {
    /// The statement that `grant` makes on `target`. That it can be decided is checked when it is
    /// added to a policy.
    ///
    /// # Errors
    /// As [`ResourcePolicy::add`], of a principal that no statement can have.
    pub(crate) fn granted(
        grant: &Grant,
        target: &Target,
        entities: &dyn Entities,
    ) -> Result<Self, LambdaError> {
        let json = grant.statement_json(target.to_string(), target.function.partition())?;
        let bindings = Bindings::of_one(grant.principal(), entities)
            .map_err(|_| InvalidParameter::Principal)?;
        Ok(Self::new(grant.statement_id().clone(), &json, bindings))
    }

    fn new(sid: StatementId, json: &str, bindings: Bindings) -> Self {
        let compiled = CompiledStatement::parse_bound(DocumentKind::Resource, json, &bindings);
        let compiled = compiled.map_err(Arc::new);
        Self { sid, json: json.into(), bindings: bindings.into(), compiled }
    }

    /// The same, with its principal bound to a unique id as it was stored.
    #[must_use]
    pub fn bound_to(self, id: &str) -> Self {
        let principal = self.principal().map(|principal| (principal.into(), id.into()));
        Self::new(self.sid, &self.json, principal.into_iter().collect())
    }

    /// The unique id that its principal was bound to.
    #[must_use]
    pub fn unique_id(&self) -> Option<&str> {
        self.bindings.iter().next().map(|(_, id)| id)
    }

    /// The statement as it is shown: under the ARN that its principal has now, or its unique id if it
    /// is gone.
    #[must_use]
    pub fn shown(&self, entities: &dyn Entities) -> Cow<'_, str> {
        let changed = self.bindings.iter().find_map(|(written, _)| {
            let now = self.bindings.shown(written, entities);
            (now != written).then_some((written, now))
        });
        let Some((written, now)) = changed else { return (&*self.json).into() };
        // Of what a grant writes, no text before the principal's has quotes in it.
        let element = |principal: &str| format!(r#"{{"AWS":"{principal}"}}"#);
        self.json.replacen(&element(written), &element(&now), 1).into()
    }

    /// That the policy engine can decide by the statement: what it would refuse must not be
    /// stored. For example a source ARN with a policy variable that is left open.
    pub(crate) fn check(&self) -> Result<(), LambdaError> {
        match self.compiled() {
            Ok(_) => Ok(()),
            Err(why) => Err(InvalidParameter::Statement(why.to_string().into()).into()),
        }
    }

    /// What calls are decided by.
    ///
    /// # Errors
    /// Why the policy engine cannot decide by it: possible in what was stored only.
    pub fn compiled(&self) -> Result<&Arc<CompiledStatement>, &PolicyError> {
        self.compiled.as_ref().map_err(|why| &**why)
    }

    /// Reads a statement of a stored policy. That it is a statement that can be decided is for
    /// the policy engine to say; here it has the elements that a grant writes.
    ///
    /// # Errors
    /// [`InvalidValue`] when it has others, or an illegal id.
    pub fn from_json(json: &str) -> Result<Self, InvalidValue> {
        match Self::split_first(json)? {
            (statement, "") => Ok(statement),
            _ => Err(Self::refusal(json)),
        }
    }

    /// Reads the statement that `text` begins with, as [`from_json`](Self::from_json); and what
    /// follows it.
    ///
    /// # Errors
    /// [`InvalidValue`] as there.
    pub fn split_first(text: &str) -> Result<(Self, &str), InvalidValue> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Shape<'_>>();
        let Some(Ok(shape)) = values.next() else { return Err(Self::refusal(text)) };
        let parts = text.split_at_checked(values.byte_offset());
        let (json, rest) = parts.ok_or_else(|| Self::refusal(text))?;
        Ok((Self::new(shape.sid.parse()?, json, Bindings::default()), rest))
    }

    fn refusal(json: &str) -> InvalidValue {
        InvalidValue::new("policy statement", json, "the elements of a grant")
    }

    /// The statement's id, unique within its policy.
    #[must_use]
    pub fn sid(&self) -> &StatementId {
        &self.sid
    }

    /// The statement as compact JSON, keys in the order of AWS.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The text at `pointer`, where a grant writes one text.
    fn text_at(&self, pointer: &str) -> Option<String> {
        let value: serde_json::Value = serde_json::from_str(&self.json).ok()?;
        Some(value.pointer(pointer)?.as_str()?.to_owned())
    }

    /// Who is granted: `*`, a service, or the ARN of an AWS principal. The condition key
    /// `lambda:Principal` of `RemovePermission`.
    #[must_use]
    pub fn principal(&self) -> Option<String> {
        let places = ["/Principal", "/Principal/Service", "/Principal/AWS"];
        places.iter().find_map(|place| self.text_at(place))
    }

    /// The condition key `lambda:FunctionUrlAuthType` of `RemovePermission`.
    #[must_use]
    pub fn function_url_auth_type(&self) -> Option<String> {
        self.text_at("/Condition/StringEquals/lambda:FunctionUrlAuthType")
    }
}

/// The policy of one function, version or alias, or of a layer version.
///
/// Invariant: one statement or more (without any, there is no policy), in the order of their
/// addition, ids unique, at most [`RESOURCE_POLICY_BYTES_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourcePolicy {
    statements: Vec<Statement>,
    revision: RevisionId,
}

impl ResourcePolicy {
    /// Adds a grant to the policy of `target`, or begins one. Answers the policy as it is
    /// afterwards, whose last statement is the new one.
    ///
    /// `resource` is the revision of the function, version or alias itself, which a caller may
    /// expect while there is no policy (`aws-lambda.md §1.9`); `fresh` is the policy's new one. The
    /// principal is bound to the user or role that `entities` knows by its ARN.
    ///
    /// # Errors
    /// In this order (`§1.4`): [`InvalidParameter::LatestPolicy`], [`StaleRevision::Policy`],
    /// [`Conflict::StatementExists`], [`InvalidParameter::Principal`] (also where a statement that is
    /// there names a user or role that is gone, `§1.5`), the combinations of
    /// `§1.7`, [`LambdaError::PolicyTooLong`], [`InvalidParameter::Statement`].
    pub fn add(
        current: Option<&Self>,
        target: &Target,
        resource: RevisionId,
        grant: &Grant,
        expected: Option<&str>,
        fresh: RevisionId,
        entities: &dyn Entities,
    ) -> Result<Self, LambdaError> {
        Self::check_target(target)?;
        let revision = current.map_or(resource, |policy| policy.revision);
        check_revision(Some(revision), expected, StaleRevision::Policy)?;
        let made = |present: &[Statement]| {
            let added = Statement::granted(grant, target, entities)?;
            match present.iter().all(|statement| statement.bindings.all_live(entities)) {
                true => Ok(added),
                false => Err(InvalidParameter::Principal.into()),
            }
        };
        Self::append(current, grant.statement_id(), made, fresh)
    }

    /// Adds a grant to the policy of a layer version, or begins one, as [`add`](Self::add). Without
    /// a policy there is no revision to expect.
    ///
    /// # Errors
    /// [`StaleRevision::LayerPolicy`], [`Conflict::StatementExists`],
    /// [`InvalidParameter::Principal`], [`LambdaError::PolicyTooLong`] (`§3.3`).
    pub fn add_to_layer(
        current: Option<&Self>,
        version: &LayerVersionArn,
        grant: &LayerGrant,
        expected: Option<&str>,
        fresh: RevisionId,
    ) -> Result<Self, LambdaError> {
        let revision = current.map(|policy| policy.revision);
        check_revision(revision, expected, StaleRevision::LayerPolicy)?;
        let sid = grant.statement_id();
        // Principals are accounts, which no unique id stands for.
        let made = |_: &[Statement]| {
            Ok(Statement::new(sid.clone(), &grant.statement_json(version)?, Bindings::default()))
        };
        Self::append(current, sid, made, fresh)
    }

    fn append(
        current: Option<&Self>,
        sid: &StatementId,
        make: impl FnOnce(&[Statement]) -> Result<Statement, LambdaError>,
        fresh: RevisionId,
    ) -> Result<Self, LambdaError> {
        let present = current.map(|policy| policy.statements.as_slice()).unwrap_or_default();
        if present.iter().any(|statement| statement.sid == *sid) {
            return Err(Conflict::StatementExists(sid.clone()).into());
        }
        let added = make(present)?;
        let statements = present.iter().cloned().chain([added.clone()]).collect();
        let policy = Self { statements, revision: fresh }.within_limit()?;
        added.check()?;
        Ok(policy)
    }

    /// Removes a statement. `None` is a policy that is gone, because the last one went.
    ///
    /// # Errors
    /// [`NotFound::NoPolicy`], [`StaleRevision::Policy`], [`NotFound::Statement`].
    pub fn remove(
        current: Option<&Self>,
        sid: &str,
        expected: Option<&str>,
        fresh: RevisionId,
    ) -> Result<Option<Self>, LambdaError> {
        Self::without(current, sid, expected, fresh, StaleRevision::Policy)
    }

    /// As [`remove`](Self::remove), from the policy of a layer version.
    ///
    /// # Errors
    /// [`NotFound::NoPolicy`], [`StaleRevision::LayerPolicy`], [`NotFound::Statement`].
    pub fn remove_from_layer(
        current: Option<&Self>,
        sid: &str,
        expected: Option<&str>,
        fresh: RevisionId,
    ) -> Result<Option<Self>, LambdaError> {
        Self::without(current, sid, expected, fresh, StaleRevision::LayerPolicy)
    }

    fn without(
        current: Option<&Self>,
        sid: &str,
        expected: Option<&str>,
        fresh: RevisionId,
        stale: StaleRevision,
    ) -> Result<Option<Self>, LambdaError> {
        let policy = current.ok_or(NotFound::NoPolicy)?;
        check_revision(Some(policy.revision), expected, stale)?;
        if policy.statement(sid).is_none() {
            return Err(NotFound::Statement(sid.into()).into());
        }
        let kept = policy.statements.iter().filter(|statement| statement.sid.as_str() != sid);
        let statements: Vec<Statement> = kept.cloned().collect();
        Ok((!statements.is_empty()).then_some(Self { statements, revision: fresh }))
    }

    /// A policy from its statements, as they were stored.
    ///
    /// # Errors
    /// [`InvalidValue`] when there is none or an id comes twice, [`LambdaError::PolicyTooLong`].
    pub fn restore(statements: Vec<Statement>, revision: RevisionId) -> Result<Self, LambdaError> {
        let mut sids: Vec<&str> = statements.iter().map(|s| s.sid.as_str()).collect();
        sids.sort_unstable();
        if sids.is_empty() || sids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            let rule = "statements with unique ids";
            return Err(InvalidValue::new("resource policy", &sids.join(", "), rule).into());
        }
        Self { statements, revision }.within_limit()
    }

    /// Refuses `$LATEST`, which has no policy (`[snap] aws-lambda.md §1.8`). Comes before any
    /// look-up.
    ///
    /// # Errors
    /// [`InvalidParameter::LatestPolicy`].
    pub fn check_target(target: &Target) -> Result<(), LambdaError> {
        match target.qualifier {
            Some(Qualifier::Latest) => Err(InvalidParameter::LatestPolicy.into()),
            _ => Ok(()),
        }
    }

    /// The policy, if it is not too long.
    fn within_limit(self) -> Result<Self, LambdaError> {
        let size = self.size();
        if size > RESOURCE_POLICY_BYTES_MAX {
            return Err(LambdaError::PolicyTooLong { size });
        }
        Ok(self)
    }

    /// The statements, in the order of their addition; at least one.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The statement with this id.
    #[must_use]
    pub fn statement(&self, sid: &str) -> Option<&Statement> {
        self.statements.iter().find(|statement| statement.sid.as_str() == sid)
    }

    /// The policy's own `RevisionId`.
    #[must_use]
    pub fn revision(&self) -> RevisionId {
        self.revision
    }

    /// The length of [`ResourcePolicy::to_json`] in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let statements: usize = self.statements.iter().map(|statement| statement.json.len()).sum();
        HEAD.len() + statements + self.statements.len().saturating_sub(1) + TAIL.len()
    }

    /// The whole document, compact, as it was written.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.joined(|statement| statement.json().into())
    }

    /// Whether all principals are shown as they are written.
    #[must_use]
    pub fn shows_as_written(&self, entities: &dyn Entities) -> bool {
        self.statements.iter().all(|statement| statement.bindings.shows_as_written(entities))
    }

    /// The whole document, compact, as `GetPolicy` answers it: users and roles under the names that
    /// they have now, and as their unique ids if they are gone.
    #[must_use]
    pub fn shown(&self, entities: &dyn Entities) -> String {
        self.joined(|statement| statement.shown(entities))
    }

    fn joined<'a>(&'a self, text: impl Fn(&'a Statement) -> Cow<'a, str>) -> String {
        let mut json = String::with_capacity(self.size());
        json.push_str(HEAD);
        for (index, statement) in self.statements.iter().enumerate() {
            if index > 0 {
                json.push(',');
            }
            json.push_str(&text(statement));
        }
        json.push_str(TAIL);
        json
    }
}

/// Compares the revision that the caller expects, if any, with that of the policy, if any.
fn check_revision(
    current: Option<RevisionId>,
    expected: Option<&str>,
    stale: StaleRevision,
) -> Result<(), LambdaError> {
    let fits = |expected| current.is_some_and(|current| current.matches(expected));
    if expected.is_none_or(fits) { Ok(()) } else { Err(stale.into()) }
}

#[cfg(test)]
mod tests;
