//! Reading the documents and the request of a case.

use portcullis_iam::{
    DocumentKind, MapContext, Policies, Policy, PolicyError, Principal, Request, ResourceRule,
};
use serde_json::Value;

/// How a document of a case is read.
pub(crate) type Parse = fn(DocumentKind, &str) -> Result<Policy, PolicyError>;

/// The documents of one organization policy type, by level.
type Levels = Option<Vec<Vec<Policy>>>;

/// The documents of a case.
pub(crate) struct Documents {
    identity: Vec<Policy>,
    boundary: Vec<Policy>,
    session: Option<Vec<Policy>>,
    service_control: Levels,
    resource: Vec<Policy>,
    resource_control: Levels,
    rule: ResourceRule,
}

/// The request of a case.
pub(crate) struct Call {
    principal: Principal,
    action: String,
    resource: String,
    resource_account: String,
    context: MapContext,
}

impl Call {
    /// Reads the request of a case; `parent` may name the user who made a federated user's session.
    pub(crate) fn read(case: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let caller = case["principal"].as_str().unwrap();
        let parent = case["parent"].as_str();
        Self {
            principal: parent.map_or_else(
                || principal(caller),
                |parent| Principal::parse(caller).unwrap().with_parent(parent).unwrap(),
            ),
            action: text(&case["action"]),
            resource: text(&case["resource"]["arn"]),
            resource_account: text(&case["resource"]["accountId"]),
            context: context(&case["context"]),
        }
    }
}

impl Documents {
    /// Reads the documents of a case. There may also be `resourcePolicies`, several documents on the
    /// resource, and a `resourceRule`, whose value `Required` makes these a role's.
    pub(crate) fn read(case: &Value, parse: Parse) -> Result<Self, PolicyError> {
        let pool = |name: &str, kind| pool(&case[name], kind, parse);
        let levels = |name, kind| levels(&case[name], kind, parse);
        let required = case["resourceRule"] == "Required";
        let (rule, kind) = match required {
            true => (ResourceRule::Required, DocumentKind::Trust),
            false => (ResourceRule::Suffices, DocumentKind::Resource),
        };
        let one = case.get("resourcePolicy").map(|document| parse(kind, &document.to_string()));
        let several = pool("resourcePolicies", kind)?.unwrap_or_default();
        Ok(Self {
            identity: pool("identityPolicies", DocumentKind::Identity)?.unwrap_or_default(),
            boundary: pool("permissionBoundaries", DocumentKind::Boundary)?.unwrap_or_default(),
            session: pool("sessionPolicies", DocumentKind::Session)?,
            service_control: levels("serviceControlPolicies", DocumentKind::ServiceControl)?,
            resource: one.transpose()?.into_iter().chain(several).collect(),
            resource_control: levels("resourceControlPolicies", DocumentKind::ResourceControl)?,
            rule,
        })
    }

    /// What `ask` makes of a call under these documents.
    pub(crate) fn ask<R>(
        &self,
        call: &Call,
        ask: impl FnOnce(&Request<'_>, &Policies<'_>) -> R,
    ) -> R {
        let identity: Vec<_> = self.identity.iter().collect();
        let boundary: Vec<_> = self.boundary.iter().collect();
        let session: Option<Vec<_>> = self.session.as_ref().map(|pool| pool.iter().collect());
        let resource: Vec<_> = self.resource.iter().collect();
        let service_control = self.service_control.as_ref().map(|levels| borrow(levels));
        let service_control: Option<Vec<_>> = service_control.as_ref().map(|levels| slices(levels));
        let resource_control = self.resource_control.as_ref().map(|levels| borrow(levels));
        let resource_control: Option<Vec<_>> =
            resource_control.as_ref().map(|levels| slices(levels));
        let request = Request {
            principal: &call.principal,
            action: &call.action,
            resource: &call.resource,
            resource_account: &call.resource_account,
            context: &call.context,
        };
        let policies = Policies {
            identity: &identity,
            boundary: &boundary,
            session: session.as_deref(),
            service_control: service_control.as_deref(),
            resource: &resource,
            resource_control: resource_control.as_deref(),
            resource_rule: self.rule,
        };
        ask(&request, &policies)
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
