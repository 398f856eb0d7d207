//! Reading a line of the case files: one request, the documents, the expected answer.

use portcullis_iam::explain::{Naming, Verdict};
use portcullis_iam::{
    Decision, DocumentKind, Explanation, MapContext, Policies, Policy, PolicyError, PolicyType,
    Principal, Request, decide,
};
use serde_json::Value;

/// How a document of a case is read.
pub(crate) type Parse = fn(DocumentKind, &str) -> Result<Policy, PolicyError>;

/// The documents of one organization policy type, by level.
type Levels = Option<Vec<Vec<Policy>>>;

/// One line of a case file, parsed.
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) expected: String,
    principal: Principal,
    action: String,
    resource: String,
    resource_account: String,
    context: MapContext,
    identity: Vec<Policy>,
    boundary: Vec<Policy>,
    session: Option<Vec<Policy>>,
    service_control: Levels,
    resource_policy: Vec<Policy>,
    resource_control: Levels,
}

impl Case {
    /// Reads a line; `Err` if `parse` refuses one of its documents.
    pub(crate) fn read(line: &str, parse: Parse) -> Result<Self, PolicyError> {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let pool = |name, kind| pool(&case[name], kind, parse);
        let levels = |name, kind| levels(&case[name], kind, parse);
        let resource_policy = case.get("resourcePolicy");
        Ok(Self {
            id: text(&case["id"]),
            expected: text(&case["expected"]),
            principal: principal(case["principal"].as_str().unwrap()),
            action: text(&case["action"]),
            resource: text(&case["resource"]["arn"]),
            resource_account: text(&case["resource"]["accountId"]),
            context: context(&case["context"]),
            identity: pool("identityPolicies", DocumentKind::Identity)?.unwrap_or_default(),
            boundary: pool("permissionBoundaries", DocumentKind::Boundary)?.unwrap_or_default(),
            session: pool("sessionPolicies", DocumentKind::Session)?,
            service_control: levels("serviceControlPolicies", DocumentKind::ServiceControl)?,
            resource_policy: resource_policy
                .map(|document| parse(DocumentKind::Resource, &document.to_string()))
                .transpose()?
                .into_iter()
                .collect(),
            resource_control: levels("resourceControlPolicies", DocumentKind::ResourceControl)?,
        })
    }

    /// What the engine decides.
    pub(crate) fn decide(&self) -> Decision {
        self.ask(decide)
    }

    /// What `ask` makes of the case.
    pub(crate) fn ask<R>(&self, ask: impl FnOnce(&Request<'_>, &Policies<'_>) -> R) -> R {
        let identity: Vec<_> = self.identity.iter().collect();
        let boundary: Vec<_> = self.boundary.iter().collect();
        let session: Option<Vec<_>> = self.session.as_ref().map(|pool| pool.iter().collect());
        let resource: Vec<_> = self.resource_policy.iter().collect();
        let service_control = self.service_control.as_ref().map(|levels| borrow(levels));
        let service_control: Option<Vec<_>> = service_control.as_ref().map(|levels| slices(levels));
        let resource_control = self.resource_control.as_ref().map(|levels| borrow(levels));
        let resource_control: Option<Vec<_>> =
            resource_control.as_ref().map(|levels| slices(levels));
        let request = Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: &self.resource_account,
            context: &self.context,
        };
        let policies = Policies {
            identity: &identity,
            boundary: &boundary,
            session: session.as_deref(),
            service_control: service_control.as_deref(),
            resource: &resource,
            resource_control: resource_control.as_deref(),
            ..Policies::default()
        };
        ask(&request, &policies)
    }
}

/// The word that case files use for a decision.
pub(crate) fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "Allowed",
        Decision::ImplicitlyDenied(_) => "ImplicitlyDenied",
        Decision::ExplicitlyDenied(_) => "ExplicitlyDenied",
    }
}

/// Case files do not name a federated user's parent: it is the user of the same name.
pub(crate) fn principal(text: &str) -> Principal {
    let principal = Principal::parse(text).unwrap();
    match text.split_once(":federated-user/") {
        None => principal,
        Some((head, name)) => {
            let head = head.replace(":sts:", ":iam:");
            principal.with_parent(&format!("{head}:user/{name}")).unwrap()
        }
    }
}

fn context(value: &Value) -> MapContext {
    let mut context = MapContext::new();
    for (key, value) in value.as_object().unwrap() {
        match value {
            Value::String(text) => context.insert(key, text.as_str()),
            Value::Array(list) => {
                context.insert_list(key, list.iter().map(|item| item.as_str().unwrap().to_owned()));
            }
            other => panic!("{key} is {other}"),
        }
    }
    context
}

/// Entries are documents, bare or under `policy`.
fn pool(
    list: &Value,
    kind: DocumentKind,
    parse: Parse,
) -> Result<Option<Vec<Policy>>, PolicyError> {
    let document = |entry: &Value| parse(kind, &entry.get("policy").unwrap_or(entry).to_string());
    list.as_array().map(|list| list.iter().map(document).collect()).transpose()
}

fn levels(list: &Value, kind: DocumentKind, parse: Parse) -> Result<Levels, PolicyError> {
    let level =
        |entry: &Value| pool(&entry["policies"], kind, parse).map(Option::unwrap_or_default);
    list.as_array().map(|list| list.iter().map(level).collect()).transpose()
}

fn borrow(levels: &[Vec<Policy>]) -> Vec<Vec<&Policy>> {
    levels.iter().map(|level| level.iter().collect()).collect()
}

fn slices<'a, 'p>(levels: &'a [Vec<&'p Policy>]) -> Vec<&'a [&'p Policy]> {
    levels.iter().map(Vec::as_slice).collect()
}

/// The decision, made from nothing but the trace of an explanation: iam.md §7.2 once more.
pub(crate) fn decision_by_trace(told: &Explanation<'_>) -> Decision {
    use Decision::{Allowed, ExplicitlyDenied, ImplicitlyDenied};
    use PolicyType::{Boundary, Identity, Resource, ResourceControl, ServiceControl, Session};
    let of = |kind| told.trace.iter().find(|one| one.policy_type == kind).unwrap();
    let order = [ServiceControl, ResourceControl, Resource, Boundary, Session, Identity];
    if let Some(kind) = order.into_iter().find(|kind| !of(*kind).denies.is_empty()) {
        return ExplicitlyDenied(kind);
    }
    let silent = |kind| of(kind).verdict == Verdict::Silent;
    if silent(ServiceControl) {
        return ImplicitlyDenied(ServiceControl);
    }
    let names = |naming| of(Resource).allows.iter().any(|one| one.names_caller == naming);
    let granted = !of(Resource).allows.is_empty();
    let caller = Principal::parse(&told.caller).unwrap();
    let cap = [Boundary, Session].into_iter().find(|kind| silent(*kind));
    let own = || if silent(Identity) { Some(Identity) } else { cap };
    let missing = match caller.account() {
        None if granted => None,
        None => Some(Resource),
        Some(account) if account == told.resource_account => {
            let direct = names(Naming::Everyone) || names(Naming::Itself);
            let by_role = names(Naming::Parent) && cap.is_none();
            if direct || by_role { None } else { own() }
        }
        Some(_) if granted => own(),
        Some(_) if silent(Identity) => Some(Identity),
        Some(_) => Some(Resource),
    };
    missing.map_or(Allowed, ImplicitlyDenied)
}
