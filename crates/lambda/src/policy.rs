//! The resource policy of a function, a version or an alias, and of a layer version.

mod head;
mod scope;

use std::{
    borrow::Cow,
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use portcullis_iam::{
    Bindings, DocumentKind, Entities, Policy, PolicyError, SizeLimit,
    Statement as CompiledStatement,
};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::{
    Conflict, Grant, InvalidParameter, InvalidValue, LambdaError, LayerGrant, LayerVersionArn,
    NotFound, Qualifier, RevisionId, StaleRevision, StatementId, Target,
};

use head::Written;
pub use head::{PolicyHead, PolicyVersion};
pub use scope::applies_to_functions;

/// Largest resource policy, in bytes of its compact JSON.
///
/// Source: `[doc][issue] aws-lambda.md §1.10`: 20 KB, where KB is 1024 bytes.
pub const RESOURCE_POLICY_BYTES_MAX: usize = SizeLimit::FunctionPolicy.max();

/// What stands before the statement of a document that has no other and nothing else.
const ALONE_HEAD: &str = r#"{"Statement":"#;
/// What stands after the statements.
const TAIL: &str = "]}";

/// One statement: its id, its JSON, compact, the unique ids that its principals were bound to when
/// it was made, and what the policy engine makes of that. Cheap to clone. Two are equal when their
/// texts and unique ids are.
#[derive(Clone, Debug)]
pub struct Statement(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    sid: Option<Box<str>>,
    json: Box<str>,
    bindings: Bindings,
    version: PolicyVersion,
    /// Made when it is first asked for: of very many policies few are.
    compiled: OnceLock<Result<Arc<CompiledStatement>, PolicyError>>,
}

impl PartialEq for Statement {
    fn eq(&self, other: &Self) -> bool {
        self.0.json == other.0.json && self.0.bindings == other.0.bindings
    }
}

impl Eq for Statement {}

/// The elements that a statement may have, no others.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
#[expect(dead_code, reason = "read to check the shape; only the id is kept")]
struct Shape<'a> {
    #[serde(borrow)]
    sid: Option<Cow<'a, str>>,
    effect: Cow<'a, str>,
    #[serde(borrow)]
    principal: Option<&'a RawValue>,
    #[serde(borrow)]
    not_principal: Option<&'a RawValue>,
    #[serde(borrow)]
    action: Option<&'a RawValue>,
    #[serde(borrow)]
    not_action: Option<&'a RawValue>,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
    #[serde(borrow)]
    not_resource: Option<&'a RawValue>,
    #[serde(borrow)]
    condition: Option<&'a RawValue>,
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
        let sid = grant.statement_id().as_str();
        let bindings = Bindings::of_one(grant.principal(), entities)
            .map_err(|_| InvalidParameter::Principal)?;
        Ok(Self::new(Some(sid), PolicyVersion::default(), &json, bindings))
    }

    fn new(sid: Option<&str>, version: PolicyVersion, json: &str, bindings: Bindings) -> Self {
        let (sid, json, compiled) = (sid.map(Into::into), json.into(), OnceLock::new());
        Self(Arc::new(Parts { sid, json, bindings, version, compiled }))
    }

    /// The statement as a document of `version` has it.
    fn under(self, version: PolicyVersion) -> Self {
        match version {
            PolicyVersion::V2012 => self,
            _ => Self::new(self.sid(), version, self.json(), self.0.bindings.clone()),
        }
    }

    /// The statement of a document of `version`, with its principals bound to unique ids.
    #[must_use]
    pub fn bound(self, version: PolicyVersion, bindings: Bindings) -> Self {
        if bindings == self.0.bindings {
            return self;
        }
        Self::new(self.sid(), version, self.json(), bindings)
    }

    /// The same, with its one principal bound to a unique id as it was stored.
    #[must_use]
    pub fn bound_to(self, version: PolicyVersion, id: &str) -> Self {
        let principal = self.principal().map(|principal| (principal.into(), id.into()));
        self.bound(version, principal.into_iter().collect())
    }

    /// The unique ids that its principals were bound to.
    #[must_use]
    pub fn bindings(&self) -> &Bindings {
        &self.0.bindings
    }

    /// The unique id that its principal was bound to, where it names one AWS principal as a grant
    /// does.
    #[must_use]
    pub fn unique_id(&self) -> Option<&str> {
        let (principal, id) = self.0.bindings.iter().next()?;
        // What stands within a text has its quotes escaped.
        let alone = format!(r#""Principal":{{"AWS":{}}}"#, Value::from(principal));
        self.0.json.contains(&alone).then_some(id)
    }

    /// The statement as it is shown: under the ARNs that its principals have now, or their unique ids
    /// if they are gone.
    #[must_use]
    pub fn shown(&self, entities: &dyn Entities) -> Cow<'_, str> {
        if self.0.bindings.shows_as_written(entities) {
            return self.json().into();
        }
        let document = self.alone();
        let shown = self.0.bindings.show(&document, entities);
        let statement = shown.strip_prefix(ALONE_HEAD).and_then(|it| it.strip_suffix('}'));
        statement.unwrap_or(self.json()).to_owned().into()
    }

    /// A document that has nothing but the statement.
    fn alone(&self) -> String {
        format!("{ALONE_HEAD}{}}}", self.json())
    }

    /// The statement of a document of `version`, with its principals bound to whom they name now.
    fn bind(self, version: PolicyVersion, entities: &dyn Entities) -> Result<Self, LambdaError> {
        let bindings = Bindings::of(&self.alone(), entities);
        Ok(self.bound(version, bindings.map_err(|_| InvalidParameter::Principal)?))
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
        let parts = &*self.0;
        let variables = parts.version == PolicyVersion::V2012;
        let compile = || {
            let kind = DocumentKind::Resource;
            CompiledStatement::parse_under(kind, variables, &parts.json, &parts.bindings)
        };
        parts.compiled.get_or_init(compile).as_ref()
    }

    /// Reads a statement. That it is one that can be decided is for the policy engine to say; here
    /// it has the elements of one.
    ///
    /// # Errors
    /// [`InvalidValue`] when it has others.
    pub fn from_json(json: &str) -> Result<Self, InvalidValue> {
        match Self::split_first(json, PolicyVersion::default())? {
            (statement, "") => Ok(statement),
            _ => Err(Self::refusal(json)),
        }
    }

    /// Reads the statement that `text` begins with, as [`from_json`](Self::from_json), of a document
    /// of `version`; and what follows it.
    ///
    /// # Errors
    /// [`InvalidValue`] as there.
    pub fn split_first(text: &str, version: PolicyVersion) -> Result<(Self, &str), InvalidValue> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Shape<'_>>();
        let Some(Ok(shape)) = values.next() else { return Err(Self::refusal(text)) };
        let parts = text.split_at_checked(values.byte_offset());
        let (json, rest) = parts.ok_or_else(|| Self::refusal(text))?;
        Ok((Self::new(shape.sid.as_deref(), version, json, Bindings::default()), rest))
    }

    fn refusal(json: &str) -> InvalidValue {
        InvalidValue::new("policy statement", json, "the elements of a statement")
    }

    /// The statement's id, unique within its policy, if it has one.
    #[must_use]
    pub fn sid(&self) -> Option<&str> {
        self.0.sid.as_deref()
    }

    /// The statement as compact JSON; that of a grant has its keys in the order of AWS.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.0.json
    }

    /// The text at `pointer`, where a grant writes one text.
    fn text_at(&self, pointer: &str) -> Option<String> {
        let value: Value = serde_json::from_str(self.json()).ok()?;
        Some(value.pointer(pointer)?.as_str()?.to_owned())
    }

    /// Who is granted: `*`, a service, or the ARN of an AWS principal. The condition key
    /// `lambda:Principal` of `RemovePermission`.
    #[must_use]
    pub fn principal(&self) -> Option<String> {
        let places = ["/Principal", "/Principal/Service", "/Principal/AWS"];
        places.iter().find_map(|place| self.text_at(place))
    }

    /// Everybody whom it names: `*`, services, ARNs, account ids; `*` where it names who is left out.
    /// The condition key `lambda:Principal` of the operations on whole policies.
    #[must_use]
    pub fn principals(&self) -> BTreeSet<String> {
        let value: Value = serde_json::from_str(self.json()).unwrap_or_default();
        let mut named = BTreeSet::new();
        match value.get("Principal") {
            Some(Value::Object(kinds)) => kinds.values().for_each(|kind| collect(kind, &mut named)),
            Some(everybody) => collect(everybody, &mut named),
            None => drop(named.insert("*".to_owned())),
        }
        named
    }

    /// The condition key `lambda:FunctionUrlAuthType` of `RemovePermission`.
    #[must_use]
    pub fn function_url_auth_type(&self) -> Option<String> {
        self.text_at("/Condition/StringEquals/lambda:FunctionUrlAuthType")
    }
}

/// One text, or each of a list.
fn collect(value: &Value, texts: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(texts.insert(text.clone())),
        Value::Array(list) => list.iter().for_each(|one| collect(one, texts)),
        _ => {}
    }
}

/// The policy of one function, version or alias, or of a layer version.
///
/// Invariant: one statement or more (without any, there is no policy), in the order of their
/// addition, ids unique, at most [`RESOURCE_POLICY_BYTES_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourcePolicy {
    head: PolicyHead,
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
            match present.iter().all(|statement| statement.0.bindings.all_live(entities)) {
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
            let (json, version) = (grant.statement_json(version)?, PolicyVersion::default());
            Ok(Statement::new(Some(sid.as_str()), version, &json, Bindings::default()))
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
        if current.is_some_and(|policy| policy.statement(sid.as_str()).is_some()) {
            return Err(Conflict::StatementExists(sid.clone()).into());
        }
        let head = current.map_or_else(PolicyHead::default, |policy| policy.head.clone());
        let added = make(present)?.under(head.version);
        let statements = present.iter().cloned().chain([added.clone()]).collect();
        let policy = Self { head, statements, revision: fresh }.within_limit()?;
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
        let kept = policy.statements.iter().filter(|statement| statement.sid() != Some(sid));
        let statements: Vec<Statement> = kept.cloned().collect();
        let head = policy.head.clone();
        Ok((!statements.is_empty()).then_some(Self { head, statements, revision: fresh }))
    }

    /// `PutResourcePolicy`: the policy that `document` writes, in place of any. `resource`, `fresh`
    /// and `entities` as in [`add`](Self::add).
    ///
    /// # Errors
    /// [`InvalidParameter::LatestPolicy`], [`StaleRevision::Policy`], [`InvalidParameter::Policy`] of
    /// one that is about something else, [`InvalidParameter::Principal`].
    pub fn put(
        current: Option<&Self>,
        target: &Target,
        resource: RevisionId,
        document: &Self,
        expected: Option<&str>,
        fresh: RevisionId,
        entities: &dyn Entities,
    ) -> Result<Self, LambdaError> {
        Self::check_target(target)?;
        let revision = current.map_or(resource, |policy| policy.revision);
        check_revision(Some(revision), expected, StaleRevision::Policy)?;
        scope::check(&document.statements, target)?;
        let head = document.head.clone();
        let each = document.statements.iter().cloned();
        let bound = each.map(|statement| statement.bind(head.version, entities));
        Ok(Self { statements: bound.collect::<Result<_, _>>()?, head, revision: fresh })
    }

    /// `DeleteResourcePolicy`: whether the policy may go.
    ///
    /// # Errors
    /// [`NotFound::Resource`] where there is none, [`StaleRevision::Policy`].
    pub fn check_deletion(
        current: Option<&Self>,
        expected: Option<&str>,
    ) -> Result<(), LambdaError> {
        let policy = current.ok_or(NotFound::Resource)?;
        check_revision(Some(policy.revision), expected, StaleRevision::Policy)
    }

    /// Reads a whole document: any that the policy engine takes as that of a resource, with Deny,
    /// several principals, and all conditions. White space between its parts is not kept.
    ///
    /// # Errors
    /// [`InvalidParameter::Policy`], [`LambdaError::PolicyTooLong`].
    pub fn document(json: &str, revision: RevisionId) -> Result<Self, LambdaError> {
        let refusal = |why: String| LambdaError::from(InvalidParameter::Policy(why.into()));
        Policy::parse(DocumentKind::Resource, json).map_err(|why| refusal(why.to_string()))?;
        let written = Written::read(json).map_err(|why| refusal(why.to_string()))?;
        let head = PolicyHead { version: written.version, id: written.id };
        let read = |one: &&RawValue| match Statement::split_first(
            &portcullis_json::compact(one.get()),
            head.version,
        ) {
            Ok((statement, _)) => Ok(statement),
            Err(why) => Err(refusal(why.to_string())),
        };
        let statements = written.statements.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if statements.is_empty() {
            return Err(refusal("it has no statement".to_owned()));
        }
        statements.iter().try_for_each(Statement::check)?;
        Self::restore(head, statements, revision)
    }

    /// A policy from its statements, as they were stored.
    ///
    /// # Errors
    /// [`InvalidValue`] when there is none or an id comes twice, [`LambdaError::PolicyTooLong`].
    pub fn restore(
        head: PolicyHead,
        statements: Vec<Statement>,
        revision: RevisionId,
    ) -> Result<Self, LambdaError> {
        let mut sids: Vec<&str> = statements.iter().filter_map(Statement::sid).collect();
        sids.sort_unstable();
        if statements.is_empty() || sids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            let rule = "statements with unique ids";
            return Err(InvalidValue::new("resource policy", &sids.join(", "), rule).into());
        }
        Self { head, statements, revision }.within_limit()
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
        self.statements.iter().find(|statement| statement.sid() == Some(sid))
    }

    /// What stands before the statements.
    #[must_use]
    pub fn head(&self) -> &PolicyHead {
        &self.head
    }

    /// The policy's own `RevisionId`.
    #[must_use]
    pub fn revision(&self) -> RevisionId {
        self.revision
    }

    /// The length of [`ResourcePolicy::to_json`] in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let statements: usize =
            self.statements.iter().map(|statement| statement.json().len()).sum();
        self.head.json().len() + statements + self.statements.len().saturating_sub(1) + TAIL.len()
    }

    /// The whole document, compact, as it was written.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.joined(|statement| statement.json().into())
    }

    /// Whether all principals are shown as they are written.
    #[must_use]
    pub fn shows_as_written(&self, entities: &dyn Entities) -> bool {
        self.statements.iter().all(|statement| statement.0.bindings.shows_as_written(entities))
    }

    /// The whole document, compact, as `GetPolicy` answers it: users and roles under the names that
    /// they have now, and as their unique ids if they are gone.
    #[must_use]
    pub fn shown(&self, entities: &dyn Entities) -> String {
        self.joined(|statement| statement.shown(entities))
    }

    fn joined<'a>(&'a self, text: impl Fn(&'a Statement) -> Cow<'a, str>) -> String {
        let mut json = String::with_capacity(self.size());
        json.push_str(&self.head.json());
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
