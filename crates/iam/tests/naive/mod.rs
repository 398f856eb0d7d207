//! A second evaluator, written straight from iam.md §3 to §7 on the JSON of documents and calls:
//! slow, without any compiled form or index, sharing nothing with the crate. It serves documents
//! that are well formed.

mod conditions;
mod statements;
mod values;

use std::collections::BTreeMap;

use serde_json::Value;

/// The condition keys of a call in lower case.
type Keys = BTreeMap<String, Value>;

/// A call, as statements see it.
struct Call<'a> {
    principal: &'a str,
    /// Of a federated user: the user who made the session.
    parent: Option<String>,
    action: &'a str,
    resource: &'a str,
    keys: Keys,
    /// Whether the caller has a permissions boundary.
    bounded: bool,
}

/// The documents that count for the caller: the table of §7.1. `None` is a type that does not.
struct Counted {
    identity: Option<Vec<Value>>,
    boundary: Option<Vec<Value>>,
    session: Option<Vec<Value>>,
    scps: Option<Vec<Vec<Value>>>,
    resource: Vec<Value>,
    rcps: Option<Vec<Vec<Value>>>,
}

/// Decides a call under documents, both in the form of case files, with two more members:
/// `resourcePolicies` (several documents on the resource) and `resourceRule`, whose value
/// `Required` makes the resource's documents those of a role. Answers `Allowed`, or the decision and
/// the type that is named.
pub(crate) fn decide(documents: &Value, call: &Value) -> String {
    let principal = call["principal"].as_str().unwrap();
    let keys = keys(&call["context"]);
    let counted = Counted::new(documents, principal, &keys);
    let bounded = counted.boundary.is_some();
    let account = call["resource"]["accountId"].as_str().unwrap();
    let call = &Call {
        principal,
        parent: parent(call, principal),
        action: call["action"].as_str().unwrap(),
        resource: call["resource"]["arn"].as_str().unwrap(),
        keys,
        bounded,
    };
    if let Some(name) = counted.denying(call) {
        return format!("ExplicitlyDenied({name})");
    }
    let required = documents["resourceRule"] == "Required";
    match silent(&counted, call, account, required) {
        None => "Allowed".to_owned(),
        Some(name) => format!("ImplicitlyDenied({name})"),
    }
}

/// Steps 2 to 6 of §7.2: the policy type whose Allow is missing.
fn silent(
    counted: &Counted,
    call: &Call<'_>,
    account: &str,
    required: bool,
) -> Option<&'static str> {
    let allows = |all: &[Value]| all.iter().any(|d| !strengths(d, call, "Allow").is_empty());
    // Step 2.
    if counted.scps.as_ref().is_some_and(|levels| !levels.iter().all(|level| allows(level))) {
        return Some("ServiceControl");
    }
    // Step 3.
    let grant: Vec<_> = counted.resource.iter().flat_map(|d| strengths(d, call, "Allow")).collect();
    let has = |strength: &str| grant.contains(&strength);
    match kind(call.principal) {
        "service" => return (!has("service") && !has("wildcard")).then_some("Resource"),
        "anonymous" => return (!has("wildcard")).then_some("Resource"),
        _ => {}
    }
    // Step 4.
    let own = counted.identity.as_ref().is_none_or(|all| allows(all));
    let cap = match (&counted.boundary, &counted.session) {
        (Some(boundary), _) if !allows(boundary) => Some("Boundary"),
        (_, Some(session)) if !allows(session) => Some("Session"),
        _ => None,
    };
    let own_side = if own { cap } else { Some("Identity") };
    let same_account = field(call.principal, 4) == account;
    // A role's trust policy has to allow in any case; it is named first, for nothing else helps.
    if required && grant.is_empty() {
        return Some("Resource");
    }
    // Step 5.
    if same_account {
        let direct = has("self") || has("wildcard") || (has("parent") && cap.is_none());
        return if direct { None } else { own_side };
    }
    // Step 6; of two missing halves the caller's own is named (aws-lambda.md §9.2).
    if grant.is_empty() && own { Some("Resource") } else { own_side }
}

impl Counted {
    fn new(documents: &Value, principal: &str, keys: &Keys) -> Self {
        let kind = kind(principal);
        let linked = is_service_linked(principal, keys);
        let iam = !matches!(kind, "service" | "anonymous");
        let caps = iam && !linked && kind != "root";
        let boundary = list_of(&documents["permissionBoundaries"]);
        let session = list_of(&documents["sessionPolicies"]);
        let session = session.or((kind == "federated").then(Vec::new)); // §7.5
        let identity = list_of(&documents["identityPolicies"]).unwrap_or_default();
        let one = documents.get("resourcePolicy").cloned();
        let several = list_of(&documents["resourcePolicies"]).unwrap_or_default();
        Self {
            // Root's allow is implicit: as if there were nothing to ask.
            identity: (iam && kind != "root").then_some(identity),
            boundary: boundary.filter(|all| caps && !all.is_empty()),
            session: session.filter(|_| caps),
            scps: levels(&documents["serviceControlPolicies"]).filter(|_| iam && !linked),
            resource: one.into_iter().chain(several).collect(),
            rcps: levels(&documents["resourceControlPolicies"]).filter(|_| !linked),
        }
    }

    /// The first type, in the order of §8, of which a document denies.
    fn denying(&self, call: &Call<'_>) -> Option<&'static str> {
        let denies = |all: &&Vec<Value>| all.iter().any(|d| !strengths(d, call, "Deny").is_empty());
        let level = |levels: &Option<Vec<Vec<Value>>>| {
            levels.as_ref().is_some_and(|levels| levels.iter().any(|level| denies(&level)))
        };
        let pool = |pool: &Option<Vec<Value>>| pool.as_ref().is_some_and(|all| denies(&all));
        let found = [
            ("ServiceControl", level(&self.scps)),
            ("ResourceControl", level(&self.rcps)),
            ("Resource", denies(&&self.resource)),
            ("Boundary", pool(&self.boundary)),
            ("Session", pool(&self.session)),
            ("Identity", pool(&self.identity)),
        ];
        found.into_iter().find(|(_, denies)| *denies).map(|(name, _)| name)
    }
}

/// How the document's statements of this effect that apply name the caller.
fn strengths(document: &Value, call: &Call<'_>, effect: &str) -> Vec<&'static str> {
    let variables = document["Version"] == "2012-10-17";
    let statements = list(&document["Statement"]);
    let of_effect = statements.iter().filter(|statement| statement["Effect"] == effect);
    of_effect.filter_map(|statement| statements::applies(statement, call, variables)).collect()
}

/// §7.1: by name, unless the role's own ARN shows another path.
fn is_service_linked(principal: &str, keys: &Keys) -> bool {
    let of_role = matches!(kind(principal), "role" | "session");
    let arn = match (kind(principal), keys.get("aws:principalarn")) {
        ("role", _) => Some(principal),
        (_, None) => None,
        (_, Some(arn)) => Some(arn.as_str().unwrap_or("several")),
    };
    of_role
        && principal.contains("/AWSServiceRoleFor")
        && arn.is_none_or(|arn| field(arn, 5).starts_with("role/aws-service-role/"))
}

/// Keys in lower case; a key that comes twice has all the values (§5.1).
fn keys(context: &Value) -> Keys {
    let mut keys = Keys::new();
    for (key, value) in context.as_object().unwrap() {
        let value = match keys.remove(&key.to_lowercase()) {
            None => value.clone(),
            Some(known) => list(&known).into_iter().chain(list(value)).collect(),
        };
        keys.insert(key.to_lowercase(), value);
    }
    keys
}

/// Who made a federated user's session; where it is not said, the user of the same name.
fn parent(call: &Value, principal: &str) -> Option<String> {
    let of_same_name = || {
        let (head, name) = principal.split_once(":federated-user/")?;
        Some(format!("{}:user/{name}", head.replace(":sts:", ":iam:")))
    };
    call["parent"].as_str().map(str::to_owned).or_else(of_same_name)
}

/// What sort of caller it is.
fn kind(principal: &str) -> &'static str {
    match (field(principal, 2), field(principal, 5).split('/').next().unwrap()) {
        _ if principal == "anonymous" => "anonymous",
        _ if !principal.starts_with("arn:") => "service",
        ("iam", "root") => "root",
        ("iam", "user") => "user",
        ("iam", "role") => "role",
        ("sts", "assumed-role") => "session",
        ("sts", "federated-user") => "federated",
        other => panic!("{other:?}"),
    }
}

/// Documents, bare or under `policy`.
fn list_of(value: &Value) -> Option<Vec<Value>> {
    let entries = value.as_array()?;
    Some(entries.iter().map(|entry| entry.get("policy").unwrap_or(entry).clone()).collect())
}

fn levels(value: &Value) -> Option<Vec<Vec<Value>>> {
    value.as_array()?.iter().map(|level| list_of(&level["policies"])).collect()
}

/// A field of an ARN.
fn field(arn: &str, index: usize) -> &str {
    arn.splitn(6, ':').nth(index).unwrap_or_default()
}

/// A list, or one value as a list.
fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

/// The texts of a list; numbers and booleans as JSON has them.
fn texts(value: &Value) -> Vec<String> {
    let text = |item: &Value| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
    list(value).iter().map(text).collect()
}
