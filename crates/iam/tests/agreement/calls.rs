//! Calls under documents: each is aimed at a statement, so that most parts of it fit, and may then
//! just miss it.

use serde_json::{Map, Value, json};

use super::documents::{ACCOUNTS, KEYS};
use super::random::Random;

/// In so many of a hundred calls a part is not taken from the statement that it is aimed at.
const ASTRAY: usize = 5;
/// And so often it is, and then changed in one character.
const NEAR: usize = 3;

/// All statements of a case's documents.
pub(crate) fn statements(case: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    walk(case, &mut found);
    found
}

fn walk(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Object(map) => match map.get("Statement") {
            Some(Value::Array(statements)) => found.extend(statements.iter().cloned()),
            Some(statement) => found.push(statement.clone()),
            None => map.values().for_each(|value| walk(value, found)),
        },
        Value::Array(list) => list.iter().for_each(|value| walk(value, found)),
        _ => {}
    }
}

/// A call that is aimed at one of the statements.
pub(crate) fn call(random: &mut Random, statements: &[Value]) -> Value {
    let nothing = json!({});
    let target = if statements.is_empty() { &nothing } else { random.pick(statements) };
    let context = context(random, target);
    let caller = caller(random, target);
    let own = caller.split(':').nth(4).filter(|account| !account.is_empty());
    let account = match own {
        Some(own) if random.chance(80) => own.to_owned(),
        _ => (*random.pick(&ACCOUNTS)).to_owned(),
    };
    let mut call = json!({
        "principal": caller,
        "action": action(random, target),
        "resource": { "arn": resource(random, target, &context), "accountId": account },
        "context": context,
    });
    if caller.contains(":federated-user/") && random.chance(50) {
        let home = caller.split_once(":federated-user/").unwrap().0.replace(":sts:", ":iam:");
        call["parent"] = json!(format!("{home}:user/u{}", random.below(12)));
    }
    call
}

/// One entry of an element of the statement, unless the call goes astray.
fn entry(random: &mut Random, list: Option<&Value>) -> Option<String> {
    let list = list.filter(|_| !random.chance(ASTRAY))?;
    let entries = list.as_array().cloned().unwrap_or_else(|| vec![list.clone()]);
    let entry = (!entries.is_empty()).then(|| random.pick(&entries).clone())?;
    Some(entry.as_str().map_or_else(|| entry.to_string(), str::to_owned))
}

fn action(random: &mut Random, target: &Value) -> String {
    let aimed = entry(random, target.get("Action"));
    let text = aimed.unwrap_or_else(|| {
        let others = [
            "lambda:InvokeFunction",
            "lambda:GetFunction",
            "s3:GetObject",
            "lambda:Invoke7Function7",
            "lambda:Zoë",
        ];
        (*random.pick(&others)).to_owned()
    });
    let text = if text == "*" { "lambda:InvokeFunction".to_owned() } else { text };
    let mut text = instantiated(random, &text, &json!({}));
    if random.chance(1) {
        text.push_str(&"X".repeat(130)); // longer than what is put into lower case at once
    }
    if random.chance(15) { swapped_case(&text) } else { near(random, text) }
}

fn resource(random: &mut Random, target: &Value, context: &Value) -> String {
    let aimed = entry(random, target.get("Resource"));
    let text = aimed.unwrap_or_else(|| {
        let n = random.below(30);
        let others = [
            format!("arn:aws:lambda:us-east-1:111111111111:function:f{n}"),
            format!("arn:aws:lambda:us-east-1:111111111111:function:f{n}:prod"),
            format!("arn:aws:s3:::b{n}/alice/x"),
            "*".to_owned(),
        ];
        random.pick(&others).clone()
    });
    let text = match text.as_str() {
        "*" if random.chance(80) => {
            format!("arn:aws:lambda:us-east-1:111111111111:function:f{}", random.below(30))
        }
        "arn" | "arn:aws:lambda" => "arn:aws:lambda:us-east-1:111111111111:function:f1".to_owned(),
        _ => text,
    };
    let text = instantiated(random, &text, context);
    near(random, text)
}

/// A caller whom the statement names.
fn caller(random: &mut Random, target: &Value) -> String {
    let kinds = target.get("Principal").or(target.get("NotPrincipal"));
    let services = entry(random, kinds.and_then(|who| who.get("Service")));
    let values = entry(random, kinds.and_then(|who| who.get("AWS")));
    let account = *random.pick(&ACCOUNTS);
    match (services, values) {
        (Some(service), None) if service != "*" => service,
        (Some(service), Some(_)) if service != "*" && random.chance(40) => service,
        (_, Some(value)) if value.starts_with("arn:") => of_entity(random, &value),
        (_, Some(value)) if value.len() == 12 => of_account(random, "aws", &value),
        _ => match random.below(12) {
            0 => "anonymous".to_owned(),
            1 => "s3.amazonaws.com".to_owned(),
            _ => of_account(random, "aws", account),
        },
    }
}

/// The caller that an ARN in a document names, or one that it names less directly.
fn of_entity(random: &mut Random, arn: &str) -> String {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    let (partition, account) = (fields[1], fields[4]);
    let name = fields[5].rsplit('/').next().unwrap();
    let session = random.below(3);
    match fields[5].split('/').next().unwrap() {
        "root" => of_account(random, partition, account),
        "role" if random.chance(90) => {
            format!("arn:{partition}:sts::{account}:assumed-role/{name}/s{session}")
        }
        "user" if random.chance(15) => {
            format!("arn:{partition}:sts::{account}:federated-user/{name}")
        }
        _ => arn.to_owned(),
    }
}

fn of_account(random: &mut Random, partition: &str, account: &str) -> String {
    let n = random.below(12);
    let forms = [
        (4, format!("arn:{partition}:iam::{account}:user/u{n}")),
        (2, format!("arn:{partition}:iam::{account}:user/team/u{n}")),
        (4, format!("arn:{partition}:sts::{account}:assumed-role/r{n}/s{}", n % 3)),
        (1, format!("arn:{partition}:sts::{account}:assumed-role/AWSServiceRoleFor{n}/s")),
        (1, format!("arn:{partition}:iam::{account}:role/team/r{n}")),
        (2, format!("arn:{partition}:sts::{account}:federated-user/u{n}")),
        (2, format!("arn:{partition}:iam::{account}:root")),
    ];
    random.weighted(&forms).clone()
}

/// Condition keys that satisfy the statement, mostly.
fn context(random: &mut Random, target: &Value) -> Value {
    let mut context = Map::new();
    if random.chance(80) {
        context.insert("aws:username".to_owned(), json!(random.pick(&["alice", "al*ce", "É"])));
    }
    if random.chance(3) {
        let path =
            random.pick(&["role/", "role/aws-service-role/x/", "role/x:role/aws-service-role/"]);
        let arn = format!("arn:aws:iam::111111111111:{path}AWSServiceRoleFor1");
        context.insert("aws:PrincipalArn".to_owned(), json!(arn));
    }
    for n in 0..random.below(12) {
        if random.chance(25) {
            context.insert(format!("aws:k{n}"), json!(random.pick(&["v1", "v2", "10", "true"])));
        }
    }
    for _ in 0..random.below(3) {
        let value = random.pick(&[
            "v1",
            "v2É",
            "10",
            "true",
            "203.0.113.7",
            "2024-01-05",
            "arn:aws:s3:::b1",
            "",
        ]);
        let key = random.pick(&KEYS[1..7]);
        context.insert((*key).to_owned(), json!(value));
    }
    let block = target.get("Condition").and_then(Value::as_object).cloned().unwrap_or_default();
    for (operator, keys) in &block {
        for (key, values) in keys.as_object().unwrap() {
            let other_case = random.chance(10).then(|| swapped_case(key));
            let name = other_case
                .filter(|name| !context.contains_key(key) && name != key)
                .unwrap_or_else(|| key.clone());
            match satisfying(random, operator, values, &Value::Object(context.clone())) {
                Some(value) => context.insert(name, value),
                None => context.remove(key),
            };
        }
    }
    Value::Object(context)
}

/// A value of the call under which the condition holds, mostly; `None` is no key at all.
fn satisfying(
    random: &mut Random,
    operator: &str,
    values: &Value,
    context: &Value,
) -> Option<Value> {
    let lower = operator.to_lowercase();
    let absent = if lower.contains("ifexists") || lower.contains("not") { 30 } else { 4 };
    if random.chance(absent) || (lower == "null" && values.to_string().contains("true")) {
        return None;
    }
    if lower == "null" {
        return Some(json!("x"));
    }
    let one = |random: &mut Random| {
        let aimed = if lower.contains("not") && random.chance(75) {
            None
        } else {
            entry(random, Some(values))
        };
        let text = aimed.unwrap_or_else(|| {
            (*random.pick(&["v7", "7", "2024-01-09", "203.0.2.8", "arn:aws:s3:::b9", "true"]))
                .to_owned()
        });
        let text = instantiated(random, &text, context);
        let text = text
            .split_once('/')
            .filter(|_| lower.contains("ip"))
            .map_or(text.clone(), |(address, _)| address.to_owned());
        let text = ordered(random, &lower, text);
        near(random, text)
    };
    let is_list = if lower.contains(':') { random.chance(70) } else { random.chance(3) };
    if is_list {
        return Some((0..random.within(0, 3)).map(|_| one(random)).collect());
    }
    Some(one(random).into())
}

/// A number or date that stands to the policy's as the operator wants it, mostly.
fn ordered(random: &mut Random, operator: &str, text: String) -> String {
    let Ok(number) = text.parse::<i64>() else { return text };
    let step = if operator.contains("numeric") { 1 } else { 3_600 };
    match random.below(3) {
        _ if !operator.contains("than") => text,
        0 => text,
        _ if operator.contains("less") => (number - step).to_string(),
        _ => (number + step).to_string(),
    }
}

/// A text that the pattern covers: its wildcards and variables replaced.
fn instantiated(random: &mut Random, pattern: &str, context: &Value) -> String {
    let mut text = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if let Some((variable, after)) =
            rest.strip_prefix("${").and_then(|body| body.split_once('}'))
        {
            let (name, default) = variable.split_once(", ").unwrap_or((variable, "x"));
            let value =
                context.get(name).and_then(Value::as_str).unwrap_or(default.trim_matches('\''));
            text.push_str(if ["*", "?", "$"].contains(&name) { name } else { value });
            rest = after;
            continue;
        }
        match c {
            '*' => text += random.pick::<&str>(&["", "x", "Function", "a:b/c", "-1", "é"]),
            '?' => text += random.pick::<&str>(&["a", "I", "e", "O", "é", "F"]),
            c => text.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    text
}

/// The text, rarely changed in one character.
fn near(random: &mut Random, text: String) -> String {
    if !random.chance(NEAR) || text.is_empty() {
        return text;
    }
    let mut characters: Vec<char> = text.chars().collect();
    let at = random.below(characters.len());
    match random.below(3) {
        0 => {
            characters.remove(at);
        }
        1 => characters.insert(at, *random.pick(&['1', 'x', ':', '/', 'é'])),
        _ => characters[at] = *random.pick(&['1', 'x', ':', '*', 'É']),
    }
    characters.into_iter().collect()
}

fn swapped_case(text: &str) -> String {
    let swap = |c: char| {
        if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
    };
    text.chars().map(swap).collect()
}
