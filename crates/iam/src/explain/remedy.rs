//! What would allow a call that nothing denies: the smallest grants, each tried before it is told.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use super::as_json;
use crate::binding::Bindings;
use crate::context::{Context, Value};
use crate::decide::{Counted, Decision, Policies, PolicyType, Request, ResourceRule, decide};
use crate::document::DocumentKind;
use crate::policy::Policy;
use crate::principal::{Principal, PrincipalKind};
use crate::statement::Statement;

/// A condition key by which a grant to a service or to everyone is narrowed to what the request has:
/// a service acts for many, and its name alone lets all of them in (iam.md §10.5, rule 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Narrowing {
    /// The operator that the condition is written with: `ArnLike`.
    pub operator: &'static str,
    /// The key, as it is written: `AWS:SourceArn`.
    pub key: &'static str,
    /// The one action on which grants are narrowed by it; `None`: any.
    pub action: Option<&'static str>,
}

/// A statement that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingGrant {
    /// In a policy of which type.
    pub policy_type: PolicyType,
    /// Of a service control policy: at which level, 0 for the root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<usize>,
    /// Whom it names, as documents do: the type, and the name. `None` where the document is attached
    /// to its principals.
    #[serde(skip)]
    pub principal: Option<(&'static str, String)>,
    /// Its action.
    #[serde(skip)]
    pub action: String,
    /// Its resource: as the request has it, not as a pattern.
    #[serde(skip)]
    pub resource: String,
    /// Its conditions.
    #[serde(skip)]
    pub conditions: Vec<GrantCondition>,
    /// The statement, compact JSON.
    #[serde(serialize_with = "as_json")]
    pub statement: String,
    /// What is doubtful about it, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<&'static str>,
    /// A command that makes it, as [`Explanation::with_commands`](super::Explanation::with_commands)
    /// was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// A condition of a grant: the key has this value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantCondition {
    /// Operator and key.
    pub narrowing: Narrowing,
    /// The value, as the request has it, not as a pattern.
    pub value: String,
}

/// Grants that allow the call together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Way {
    /// All of them are needed.
    pub grants: Vec<MissingGrant>,
}

/// Each grant takes one denial away; more than there are types and levels are never needed.
const GRANTS_MAX: usize = 16;

/// The ways to allow an implicitly denied call: by what is named first; and, where the resource's
/// own policy would do, by that.
pub(super) fn ways(
    request: &Request<'_>,
    policies: &Policies<'_>,
    narrowing: &[Narrowing],
) -> Vec<Way> {
    let by_resource = Trial::new(request, policies, narrowing).with(PolicyType::Resource, None);
    let trials = [Some(Trial::new(request, policies, narrowing)), by_resource];
    let mut ways: Vec<Way> = trials.into_iter().flatten().filter_map(Trial::run).collect();
    ways.dedup_by(|later, earlier| covers(earlier, later));
    ways
}

/// Whether the second way only adds to the first.
fn covers(first: &Way, second: &Way) -> bool {
    first.grants.iter().all(|grant| second.grants.contains(grant))
}

/// The call, with grants added to its documents.
struct Trial<'t> {
    request: &'t Request<'t>,
    policies: &'t Policies<'t>,
    narrowing: &'t [Narrowing],
    added: Vec<(MissingGrant, Policy)>,
}

impl<'t> Trial<'t> {
    fn new(
        request: &'t Request<'t>,
        policies: &'t Policies<'t>,
        narrowing: &'t [Narrowing],
    ) -> Self {
        Self { request, policies, narrowing, added: Vec::new() }
    }

    /// Adds what is missing until the call is allowed; `None` if that does not help.
    fn run(mut self) -> Option<Way> {
        for _ in 0..GRANTS_MAX {
            match self.decide() {
                Decision::Allowed => {
                    self.drop_superfluous();
                    let grants = self.added.into_iter().map(|(grant, _)| grant).collect();
                    return Some(Way { grants });
                }
                Decision::ExplicitlyDenied(_) => return None,
                Decision::ImplicitlyDenied(kind) => {
                    let level = self.silent_level(kind);
                    self = self.with(kind, level)?;
                }
            }
        }
        None
    }

    /// Takes back what the call is allowed without: what is named first may not matter once another
    /// grant is there, as to a session whose role the resource lets in within its caps.
    fn drop_superfluous(&mut self) {
        let mut at = 0;
        while at < self.added.len() {
            let grant = self.added.remove(at);
            if self.decide() != Decision::Allowed {
                self.added.insert(at, grant);
                at += 1;
            }
        }
    }

    /// With one more grant; `None` if it cannot be written, or is there already.
    fn with(mut self, kind: PolicyType, level: Option<usize>) -> Option<Self> {
        let grant = MissingGrant::new(self.request, kind, level, self.narrowing)?;
        if self.added.iter().any(|(known, _)| *known == grant) {
            return None;
        }
        let document = document_kind(kind, self.policies.resource_rule);
        let variables = self.has_variables(kind);
        let statement: Arc<Statement> =
            Statement::parse_under(document, variables, &grant.statement, &Bindings::default())
                .ok()?;
        let policy = Policy::assemble(document, vec![statement]).ok()?;
        self.added.push((grant, policy));
        Some(self)
    }

    /// Whether `${…}` are variables in what is added. A statement goes into the resource's one
    /// policy, where they are none under Version 2008-10-17; elsewhere it may be a document of its
    /// own.
    fn has_variables(&self, kind: PolicyType) -> bool {
        let mut resource = self.policies.resource.iter().filter(|_| kind == PolicyType::Resource);
        resource.all(|policy| policy.has_variables())
    }

    /// What was added to documents of a type, at a level.
    fn extra(&self, kind: PolicyType, level: Option<usize>) -> impl Iterator<Item = &Policy> {
        let of = move |grant: &MissingGrant| grant.policy_type == kind && grant.level == level;
        self.added.iter().filter(move |(grant, _)| of(grant)).map(|(_, policy)| policy)
    }

    /// Decides with what was added.
    fn decide(&self) -> Decision {
        self.with_added(|policies| decide(self.request, policies))
    }

    /// The first level at which no service control policy allows.
    fn silent_level(&self, kind: PolicyType) -> Option<usize> {
        self.with_added(|policies| {
            let counted = Counted::new(self.request, policies);
            let levels = counted.levels(kind)?;
            let silent = |level: &usize| {
                let one = levels.get(*level..=*level).unwrap_or_default();
                let alone = Policies { service_control: Some(one), ..*policies };
                decide(self.request, &alone) == Decision::ImplicitlyDenied(kind)
            };
            (0..levels.len()).find(silent)
        })
    }

    fn with_added<R>(&self, use_it: impl FnOnce(&Policies<'_>) -> R) -> R {
        let pool = |kind, pool: &[&'t Policy]| {
            pool.iter().copied().chain(self.extra(kind, None)).collect::<Vec<_>>()
        };
        let identity = pool(PolicyType::Identity, self.policies.identity);
        let boundary = pool(PolicyType::Boundary, self.policies.boundary);
        let resource = pool(PolicyType::Resource, self.policies.resource);
        let session = pool(PolicyType::Session, self.policies.session.unwrap_or_default());
        let levels = self.policies.service_control.unwrap_or_default().iter().enumerate();
        let levels: Vec<Vec<&Policy>> = levels
            .map(|(level, pool)| {
                let extra = self.extra(PolicyType::ServiceControl, Some(level));
                pool.iter().copied().chain(extra).collect()
            })
            .collect();
        let levels: Vec<&[&Policy]> = levels.iter().map(Vec::as_slice).collect();
        let has_session = self.policies.session.is_some() || !session.is_empty();
        use_it(&Policies {
            identity: &identity,
            boundary: &boundary,
            session: has_session.then_some(&session[..]),
            service_control: self.policies.service_control.map(|_| &levels[..]),
            resource: &resource,
            ..*self.policies
        })
    }
}

fn document_kind(kind: PolicyType, rule: ResourceRule) -> DocumentKind {
    match kind {
        PolicyType::Identity => DocumentKind::Identity,
        PolicyType::Boundary => DocumentKind::Boundary,
        PolicyType::Session => DocumentKind::Session,
        PolicyType::ServiceControl => DocumentKind::ServiceControl,
        PolicyType::ResourceControl => DocumentKind::ResourceControl,
        PolicyType::Resource => match rule {
            ResourceRule::Suffices => DocumentKind::Resource,
            ResourceRule::Required => DocumentKind::Trust,
        },
    }
}

impl MissingGrant {
    /// The smallest statement of a policy of this type that is about the call.
    fn new(
        request: &Request<'_>,
        policy_type: PolicyType,
        level: Option<usize>,
        narrowing: &[Narrowing],
    ) -> Option<Self> {
        let names = policy_type == PolicyType::Resource;
        let principal = names.then(|| named(request.principal, request.context)).flatten();
        if names && principal.is_none() {
            return None;
        }
        let wide =
            matches!(request.principal.kind(), PrincipalKind::Service | PrincipalKind::Anonymous);
        let narrowing = narrowing.iter().filter(|_| names && wide);
        let conditions: Vec<_> = narrowing.filter_map(|one| one.of(request)).collect();
        let mut grant = Self {
            policy_type,
            level,
            principal,
            action: request.action.to_owned(),
            resource: request.resource.to_owned(),
            warning: too_wide(request.principal.kind()).filter(|_| names && conditions.is_empty()),
            conditions,
            statement: String::new(),
            command: None,
        };
        grant.statement = grant.written().to_string();
        Some(grant)
    }

    fn written(&self) -> Json {
        let mut statement = Map::new();
        statement.insert("Effect".to_owned(), "Allow".into());
        if let Some((kind, name)) = &self.principal {
            let principal = if name == "*" { json!("*") } else { json!({ *kind: name }) };
            statement.insert("Principal".to_owned(), principal);
        }
        statement.insert("Action".to_owned(), self.action.as_str().into());
        if self.principal.is_none() || !self.action.starts_with("sts:AssumeRole") {
            statement.insert("Resource".to_owned(), escaped(&self.resource).into());
        }
        let mut conditions = Map::new();
        for GrantCondition { narrowing, value } in &self.conditions {
            let keys = conditions.entry(narrowing.operator).or_insert_with(|| json!({}));
            if let Some(keys) = keys.as_object_mut() {
                keys.insert(narrowing.key.to_owned(), escaped(value).into());
            }
        }
        if !conditions.is_empty() {
            statement.insert("Condition".to_owned(), Json::Object(conditions));
        }
        Json::Object(statement)
    }
}

impl Narrowing {
    fn of(self, request: &Request<'_>) -> Option<GrantCondition> {
        if self.action.is_some_and(|action| !action.eq_ignore_ascii_case(request.action)) {
            return None;
        }
        match request.context.get(&self.key.to_lowercase())? {
            Value::Single(value) => {
                Some(GrantCondition { narrowing: self, value: value.into_owned() })
            }
            Value::Multiple(_) => None,
        }
    }
}

/// What a grant that nothing narrows lets in, where that is more than the caller.
fn too_wide(kind: PrincipalKind) -> Option<&'static str> {
    match kind {
        PrincipalKind::Service => Some(
            "the request does not say for whose resource the service calls: this lets in calls \
             for anyone's",
        ),
        PrincipalKind::Anonymous => Some("this lets in everyone"),
        PrincipalKind::User
        | PrincipalKind::Role
        | PrincipalKind::RoleSession
        | PrincipalKind::FederatedUser
        | PrincipalKind::Federated
        | PrincipalKind::Root => None,
    }
}

/// A text as a pattern that covers it alone (iam.md §6). `*` alone is no text but the resource of
/// actions without one.
fn escaped(text: &str) -> String {
    if text == "*" {
        return text.to_owned();
    }
    let mut pattern = String::with_capacity(text.len());
    for (at, mark) in text.char_indices() {
        let opens = text.get(at..).is_some_and(|rest| rest.starts_with("${"));
        match mark {
            '*' => pattern.push_str("${*}"),
            '?' => pattern.push_str("${?}"),
            '$' if opens => pattern.push_str("${$}"),
            other => pattern.push(other),
        }
    }
    pattern
}

/// How a grant names the caller and no one else; sessions by their role, since sessions end. `None`
/// for a caller that no statement can name.
fn named(caller: &Principal, context: &dyn Context) -> Option<(&'static str, String)> {
    Some(match caller.kind() {
        PrincipalKind::Anonymous => ("AWS", "*".to_owned()),
        PrincipalKind::Service => ("Service", caller.to_string()),
        PrincipalKind::Federated => ("Federated", caller.to_string()),
        PrincipalKind::RoleSession => ("AWS", role_of(caller, context)?),
        PrincipalKind::User
        | PrincipalKind::Role
        | PrincipalKind::FederatedUser
        | PrincipalKind::Root => ("AWS", caller.to_string()),
    })
}

/// The ARN of a session's role: with its path where the request tells it.
fn role_of(session: &Principal, context: &dyn Context) -> Option<String> {
    let name = session.role_name()?;
    if let Some(Value::Single(arn)) = context.get("aws:principalarn")
        && arn.contains(":role/")
    {
        return Some(arn.into_owned());
    }
    Some(format!("arn:{}:iam::{}:role/{name}", session.partition(), session.account()?))
}
