//! A second evaluator, written straight from iam.md §3 to §7 on the documents' JSON: slow, without
//! any compiled form, sharing nothing with the crate. It serves documents that are well formed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

/// The condition keys of a request in lower case.
type Keys = BTreeMap<String, Value>;

struct Call<'a> {
    principal: &'a str,
    action: &'a str,
    resource: &'a str,
    keys: Keys,
    bounded: bool,
}

/// Decides a case: `Allowed`, or the decision and the type that is named.
pub(crate) fn decide(case: &Value) -> String {
    let text = |value: &'_ Value| value.as_str().unwrap().to_owned();
    let (principal, action) = (text(&case["principal"]), text(&case["action"]));
    let (resource, account) =
        (text(&case["resource"]["arn"]), text(&case["resource"]["accountId"]));
    let keys: Keys = case["context"].as_object().unwrap().iter().map(lower).collect();
    let kind = kind(&principal);
    let linked = principal.contains("/AWSServiceRoleFor")
        && keys.get("aws:principalarn").is_none_or(|arn| {
            arn.as_str().is_some_and(|arn| arn.contains(":role/aws-service-role/"))
        });
    let caps = !linked && !matches!(kind, "root" | "service" | "anonymous");
    let boundary = documents(&case["permissionBoundaries"]).filter(|all| caps && !all.is_empty());
    let bounded = boundary.is_some();
    let call = Call { principal: &principal, action: &action, resource: &resource, keys, bounded };
    let session = documents(&case["sessionPolicies"]).or((kind == "federated").then(Vec::new));
    let session = session.filter(|_| caps);
    let identity = documents(&case["identityPolicies"]).unwrap_or_default();
    let identity = Some(identity).filter(|_| !matches!(kind, "root" | "service" | "anonymous"));
    let resource_policy: Vec<Value> = case.get("resourcePolicy").cloned().into_iter().collect();
    let control = !linked && !matches!(kind, "service" | "anonymous");
    let scps = levels(&case["serviceControlPolicies"]).filter(|_| control);
    let rcps = levels(&case["resourceControlPolicies"]).filter(|_| !linked);

    let denies = |all: &[Value]| all.iter().any(|d| !applicable(d, &call, "Deny").is_empty());
    let allows = |all: &[Value]| all.iter().any(|d| !applicable(d, &call, "Allow").is_empty());
    for (name, all) in [
        ("ServiceControl", scps.clone().unwrap_or_default().concat()),
        ("ResourceControl", rcps.unwrap_or_default().concat()),
        ("Resource", resource_policy.clone()),
        ("Boundary", boundary.clone().unwrap_or_default()),
        ("Session", session.clone().unwrap_or_default()),
        ("Identity", identity.clone().unwrap_or_default()),
    ] {
        if denies(&all) {
            return format!("ExplicitlyDenied({name})");
        }
    }
    let no = |name: &str| format!("ImplicitlyDenied({name})");
    if scps.is_some_and(|levels| levels.iter().any(|level| !allows(level))) {
        return no("ServiceControl");
    }
    let grant: Vec<&str> =
        resource_policy.iter().flat_map(|d| applicable(d, &call, "Allow")).collect();
    let has = |strength: &str| grant.contains(&strength);
    match kind {
        "service" if has("service") || has("wildcard") => return "Allowed".to_owned(),
        "anonymous" if has("wildcard") => return "Allowed".to_owned(),
        "service" | "anonymous" => return no("Resource"),
        _ => {}
    }
    let own = kind == "root" || identity.is_some_and(|all| allows(&all));
    let silent = if boundary.is_some_and(|all| !allows(&all)) {
        Some("Boundary")
    } else if session.is_some_and(|all| !allows(&all)) {
        Some("Session")
    } else {
        None
    };
    let same = field(&principal, 4) == account;
    if same && (has("self") || has("wildcard") || (has("parent") && silent.is_none())) {
        return "Allowed".to_owned();
    }
    match (own, silent) {
        (false, _) => no("Identity"),
        _ if !same && grant.is_empty() => no("Resource"),
        (true, Some(name)) => no(name),
        (true, None) => "Allowed".to_owned(),
    }
}

fn lower((key, value): (&String, &Value)) -> (String, Value) {
    (key.to_lowercase(), value.clone())
}

fn documents(list: &Value) -> Option<Vec<Value>> {
    let list = list.as_array()?;
    Some(list.iter().map(|entry| entry.get("policy").unwrap_or(entry).clone()).collect())
}

fn levels(list: &Value) -> Option<Vec<Vec<Value>>> {
    list.as_array()?.iter().map(|level| documents(&level["policies"])).collect()
}

fn kind(principal: &str) -> &'static str {
    if principal == "anonymous" {
        "anonymous"
    } else if !principal.starts_with("arn:") {
        "service"
    } else if principal.ends_with(":root") {
        "root"
    } else if principal.contains(":federated-user/") {
        "federated"
    } else if principal.contains(":assumed-role/") {
        "session"
    } else if principal.contains(":role/") {
        "role"
    } else {
        "user"
    }
}

fn field(arn: &str, index: usize) -> &str {
    arn.splitn(6, ':').nth(index).unwrap_or_default()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_else(|| vec![value.clone()])
}

fn texts(value: &Value) -> Vec<String> {
    let text = |item: &Value| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
    list(value).iter().map(text).collect()
}

/// The strengths of the document's statements of this effect that apply.
fn applicable(document: &Value, call: &Call<'_>, effect: &str) -> Vec<&'static str> {
    let variables = document["Version"] == "2012-10-17";
    let applies = |s: &Value| s["Effect"] == effect && matches(s, call, variables);
    let statements = list(&document["Statement"]);
    let found = statements.iter().filter(|s| applies(s)).map(|s| principal(s, call));
    found.filter(|strength| *strength != "none").collect()
}

fn matches(statement: &Value, call: &Call<'_>, variables: bool) -> bool {
    let action = |pattern: &String| {
        glob(
            &chars(&pattern.to_lowercase()),
            &call.action.to_lowercase().chars().collect::<Vec<_>>(),
        )
    };
    let resource = |pattern: &String| resource(pattern, call, variables);
    element(statement, "Action", action)
        && element(statement, "Resource", resource)
        && conditions(&statement["Condition"], call, variables)
}

fn element(statement: &Value, name: &str, covers: impl Fn(&String) -> bool) -> bool {
    match statement.get(name) {
        Some(list) => texts(list).iter().any(covers),
        None => !texts(&statement[format!("Not{name}")]).iter().any(covers),
    }
}

fn principal(statement: &Value, call: &Call<'_>) -> &'static str {
    let strongest = |who: &Value| {
        let all = strengths(who, call.principal);
        let order = ["wildcard", "self", "service", "parent", "account"];
        order.into_iter().find(|strength| all.contains(strength)).unwrap_or("none")
    };
    if let Some(who) = statement.get("Principal") {
        return strongest(who);
    }
    let Some(who) = statement.get("NotPrincipal") else { return "wildcard" };
    let all = strengths(who, call.principal);
    let layers: &[&str] = match kind(call.principal) {
        "user" | "federated" => &["account", "self"],
        "session" => &["account", "parent", "self"],
        "role" => &["account", "parent"],
        "root" => &["account"],
        "service" => &["service"],
        _ => &["wildcard"],
    };
    let listed = all.contains(&"wildcard") || layers.iter().all(|layer| all.contains(layer));
    if listed && !call.bounded { "none" } else { "wildcard" }
}

fn strengths(who: &Value, caller: &str) -> Vec<&'static str> {
    if who == "*" {
        return vec!["wildcard"];
    }
    let aws = who.get("AWS").map(texts).unwrap_or_default();
    let service = who.get("Service").map(texts).unwrap_or_default();
    let mut found: Vec<_> = aws.iter().filter_map(|value| aws_strength(value, caller)).collect();
    if kind(caller) == "service" && service.iter().any(|name| name == caller) {
        found.push("service");
    }
    found
}

fn aws_strength(value: &str, caller: &str) -> Option<&'static str> {
    let last = |arn: &str| arn.rsplit('/').next().unwrap().to_owned();
    let same_account = field(value, 4) == field(caller, 4) && field(value, 1) == field(caller, 1);
    let resource = field(caller, 5);
    if value == "*" {
        Some("wildcard")
    } else if value.len() == 12 {
        (field(caller, 4) == value).then_some("account")
    } else if value.ends_with(":root") {
        same_account.then_some("account")
    } else if field(value, 5).starts_with("role/") {
        let role = match kind(caller) {
            "session" => resource.split('/').nth(1).unwrap().to_owned(),
            "role" => last(resource),
            _ => return None,
        };
        (same_account && last(value) == role).then_some("parent")
    } else if value == caller {
        Some("self")
    } else {
        let parent = caller.replace(":sts:", ":iam:").replace("federated-user/", "user/");
        (kind(caller) == "federated" && parent == value).then_some("parent")
    }
}

fn resource(pattern: &str, call: &Call<'_>, variables: bool) -> bool {
    if pattern.chars().all(|c| c == '*') {
        return true;
    }
    let mut fields: Vec<&str> = pattern.splitn(6, ':').collect();
    fields.resize(6, "*");
    call.resource != "*" && six_fields(&fields, call.resource, &call.keys, variables)
}

fn six_fields(fields: &[&str], arn: &str, keys: &Keys, variables: bool) -> bool {
    let text = |index| field(arn, index).chars().collect::<Vec<_>>();
    let head = (0..5).all(|index| {
        !(variables && fields[index].contains("${")) && glob(&chars(fields[index]), &text(index))
    });
    let tail = expand(fields[5], keys, variables);
    head && tail.is_some_and(|tail| glob(&tail, &text(5)))
}

/// A character of a pattern; `true`: it may be a wildcard.
type PatternCharacter = (char, bool);

fn chars(text: &str) -> Vec<PatternCharacter> {
    text.chars().map(|c| (c, true)).collect()
}

fn glob(pattern: &[PatternCharacter], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((('*', true), rest)) => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
        Some((('?', true), rest)) => !text.is_empty() && glob(rest, &text[1..]),
        Some(((c, _), rest)) => text.first() == Some(c) && glob(rest, &text[1..]),
    }
}

/// Replaces variables; `None` for want of a value. Substituted characters are never wildcards.
fn expand(text: &str, keys: &Keys, variables: bool) -> Option<Vec<PatternCharacter>> {
    let Some((before, rest)) = text.split_once("${").filter(|_| variables) else {
        return Some(chars(text));
    };
    let (inner, after) = rest.split_once('}').unwrap();
    let (name, default) = match inner.split_once(", ") {
        None => (inner, None),
        Some((name, default)) => (name, Some(default.trim_matches('\'').to_owned())),
    };
    let value = match keys.get(&name.to_lowercase()) {
        _ if ["*", "?", "$"].contains(&name) => Some(name.to_owned()),
        Some(Value::String(value)) => Some(value.clone()),
        _ => default,
    };
    let mut expanded = chars(before);
    expanded.extend(value?.chars().map(|c| (c, false)));
    expanded.extend(expand(after, keys, variables)?);
    Some(expanded)
}

fn conditions(block: &Value, call: &Call<'_>, variables: bool) -> bool {
    let Some(block) = block.as_object() else { return true };
    block.iter().all(|(operator, keys)| {
        let mut keys = keys.as_object().unwrap().iter();
        keys.all(|(key, values)| condition(operator, key, &texts(values), &call.keys, variables))
    })
}

fn condition(operator: &str, key: &str, policy: &[String], keys: &Keys, variables: bool) -> bool {
    let (set, base) = operator.split_once(':').unwrap_or(("", operator));
    let (base, if_exists) = match base.strip_suffix("IfExists") {
        None => (base, false),
        Some(base) => (base, true),
    };
    let negated = base.contains("Not");
    let base = base.replace("Not", "");
    let value = keys.get(&key.to_lowercase());
    let missing = value.is_none_or(|value| value.as_array().is_some_and(Vec::is_empty));
    if base == "Null" {
        return policy.iter().any(|text| boolean(text) == Some(missing));
    }
    let one = |x: &String| {
        let results: Vec<_> =
            policy.iter().map(|p| compare(&base, p, x, keys, variables)).collect();
        if negated {
            results.iter().all(|result| *result == Some(false))
        } else {
            results.contains(&Some(true))
        }
    };
    match (set, value.filter(|_| !missing)) {
        (_, None) if if_exists => true,
        ("ForAllValues", None) => true,
        ("ForAnyValue", None) => false,
        (_, None) => negated,
        ("ForAllValues", Some(value)) => texts(value).iter().all(one),
        ("ForAnyValue", Some(value)) => texts(value).iter().any(one),
        (_, Some(Value::Array(_))) => false,
        (_, Some(value)) => one(&texts(value)[0]),
    }
}

/// Whether one policy value matches one value of the request; `None` is a type error.
fn compare(base: &str, policy: &str, x: &str, keys: &Keys, variables: bool) -> Option<bool> {
    let plain = || {
        let expanded = expand(policy, keys, variables)?;
        Some(expanded.into_iter().map(|(c, _)| c).collect::<String>())
    };
    if let Some(comparison) = base.strip_prefix("Numeric") {
        return Some(ordered(comparison, number(x)?.partial_cmp(&number(policy)?)?));
    }
    if let Some(comparison) = base.strip_prefix("Date") {
        return Some(ordered(comparison, date(x)?.partial_cmp(&date(policy)?)?));
    }
    match base {
        "StringEquals" => Some(plain().is_some_and(|text| text == x)),
        "StringEqualsIgnoreCase" => {
            Some(plain().is_some_and(|text| text.to_lowercase() == x.to_lowercase()))
        }
        "StringLike" => Some(
            expand(policy, keys, variables)
                .is_some_and(|pattern| glob(&pattern, &x.chars().collect::<Vec<_>>())),
        ),
        "Bool" => {
            let x = boolean(x)?;
            plain().map_or(Some(false), |text| boolean(&text).map(|text| text == x))
        }
        "IpAddress" => in_range(policy, x.parse().ok()?),
        "ArnEquals" | "ArnLike" => {
            let fields: Vec<&str> = policy.splitn(6, ':').collect();
            let typed = |fields: &[&str]| fields.len() == 6 && fields[0] == "arn";
            let both = typed(&fields) && typed(&x.splitn(6, ':').collect::<Vec<_>>());
            both.then(|| six_fields(&fields, x, keys, variables))
        }
        other => panic!("{other}"),
    }
}

fn ordered(comparison: &str, ordering: std::cmp::Ordering) -> bool {
    match comparison {
        "Equals" => ordering.is_eq(),
        "LessThan" => ordering.is_lt(),
        "LessThanEquals" => ordering.is_le(),
        "GreaterThan" => ordering.is_gt(),
        "GreaterThanEquals" => ordering.is_ge(),
        other => panic!("{other}"),
    }
}

fn number(text: &str) -> Option<f64> {
    let digits = text.trim().trim_start_matches(['+', '-']);
    let legal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    legal.then(|| text.trim().parse().ok()).flatten()
}

/// Seconds since 1970, by completing the text and leaving the calendar to a library.
fn date(text: &str) -> Option<f64> {
    let epoch = text.len() != 4 && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if epoch {
        return text.parse().ok();
    }
    let whole = match text.len() {
        4 => format!("{text}-01-01T00:00:00Z"),
        7 => format!("{text}-01T00:00:00Z"),
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    let timestamp: jiff::Timestamp = whole.parse().ok()?;
    Some(timestamp.as_duration().as_secs_f64())
}

fn boolean(text: &str) -> Option<bool> {
    text.to_lowercase().parse().ok()
}

fn in_range(range: &str, x: IpAddr) -> Option<bool> {
    let (base, length) = range.split_once('/').map_or((range, None), |(b, l)| (b, Some(l)));
    let base: IpAddr = base.parse().ok()?;
    let bits = |address| match address {
        IpAddr::V4(address) => format!("{:032b}", address.to_bits()),
        IpAddr::V6(address) => format!("{:0128b}", address.to_bits()),
    };
    let (base, x) = (bits(base), bits(x));
    let length: usize = length.map_or(Some(base.len()), |length| length.parse().ok())?;
    Some(base.len() == x.len() && base.get(..length)? == &x[..length])
}
