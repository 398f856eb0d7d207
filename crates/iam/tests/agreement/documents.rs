//! Documents to decide by: small ones, in which anything may stand, and full ones, in which so much
//! stands that it is looked up rather than tried.

use serde_json::{Map, Value, json};

use super::operators::BASES;
use super::random::Random;

/// The accounts that callers and resources are of.
pub(crate) const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];

/// The condition keys that documents ask for; none of a call has the last.
pub(crate) const KEYS: [&str; 8] = [
    "aws:username",
    "AWS:SourceArn",
    "aws:TagKeys",
    "aws:SourceIp",
    "aws:CurrentTime",
    "aws:PrincipalTag/Größe",
    "aws:k",
    "aws:none",
];

/// Values of every type, and of none.
const VALUES: [&str; 30] = [
    "",
    "alice",
    "Alice",
    "a*",
    "*",
    "a?",
    "É",
    "ß",
    "10",
    "10.0",
    "-9.5",
    " 007 ",
    "1e3",
    "true",
    "TRUE",
    "2024",
    "2024-02-30",
    "1704067200",
    "203.0.113.7",
    "::1",
    "0.0.0.0/0",
    "QUJD",
    "QUJ",
    "arn:aws:s3:::bucket",
    "arn:aws:s3:*",
    "${aws:username}",
    "${aws:none}",
    "${aws:TagKeys, 'd'}",
    "a${*}",
    "${$}{aws:none}",
];

/// The documents of a case: pools, levels and the resource's own.
pub(crate) fn documents(random: &mut Random) -> Value {
    let required = random.chance(8);
    let identity = if random.chance(20) { capped(random) } else { pool(random, false) };
    let mut case = json!({ "identityPolicies": identity });
    for (name, percent) in [("permissionBoundaries", 25), ("sessionPolicies", 25)] {
        if random.chance(percent) {
            case[name] = capped(random);
        }
    }
    for (name, named, percent) in
        [("serviceControlPolicies", false, 25), ("resourceControlPolicies", true, 15)]
    {
        if random.chance(percent) {
            case[name] = levels(random, named);
        }
    }
    if required {
        case["resourceRule"] = json!("Required");
    }
    if random.chance(75) || required {
        case["resourcePolicy"] = document(random, true);
    }
    if random.chance(20) {
        case["resourcePolicies"] = pool(random, true);
    }
    if required {
        without_resources(&mut case);
    }
    case
}

/// Trust policies are about their own role.
fn without_resources(case: &mut Value) {
    let mut all = vec![case["resourcePolicy"].clone()];
    all.extend(case["resourcePolicies"].as_array().cloned().unwrap_or_default());
    for statement in all.iter_mut().flat_map(|d| d["Statement"].as_array_mut().unwrap()) {
        statement.as_object_mut().unwrap().retain(|name, _| !name.ends_with("Resource"));
    }
    case["resourcePolicy"] = all.remove(0);
    case["resourcePolicies"] = Value::Array(all);
}

fn pool(random: &mut Random, named: bool) -> Value {
    let count = *random.weighted(&[(1, 0), (5, 1), (3, 2)]);
    (0..count).map(|_| document(random, named)).collect()
}

/// A pool that mostly allows everything somewhere, so that what others allow gets through.
fn capped(random: &mut Random) -> Value {
    let mut all = pool(random, false);
    if random.chance(60) {
        let wide = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        all.as_array_mut().unwrap().push(json!({ "Statement": wide }));
    }
    all
}

fn levels(random: &mut Random, named: bool) -> Value {
    let level = |random: &mut Random| {
        let mut all = if named { pool(random, true) } else { capped(random) };
        for document in all.as_array_mut().unwrap().iter_mut().filter(|_| named) {
            for statement in document["Statement"].as_array_mut().unwrap() {
                let statement = statement.as_object_mut().unwrap();
                statement.retain(|name, _| !name.ends_with("Principal"));
                statement.insert("Principal".to_owned(), json!("*"));
            }
        }
        json!({ "policies": all })
    };
    (0..random.within(0, 2)).map(|_| level(random)).collect()
}

/// A document; `named`: its statements name principals.
fn document(random: &mut Random, named: bool) -> Value {
    let version = *random.weighted(&[(8, "2012-10-17"), (1, "2008-10-17")]);
    let statements: Vec<Value> = match random.below(10) {
        0..6 => (0..random.within(0, 3)).map(|_| statement(random, named, 3)).collect(),
        6 | 7 => family(random, named),
        8 => vec![statement(random, named, 20)],
        _ => family(random, named).into_iter().chain(family(random, named)).collect(),
    };
    json!({ "Version": version, "Statement": statements })
}

/// Statements that differ in one thing, as those of a full policy mostly do.
fn family(random: &mut Random, named: bool) -> Vec<Value> {
    let first = statement(random, named, 3);
    let differ = random.below(if named { 5 } else { 4 });
    let count = random.within(4, 24);
    let mut member = || {
        let mut one = first.clone();
        let (remove, name, value) = match differ {
            0 => ("Action", "Action", texts(random, 1, action)),
            1 => ("Resource", "Resource", texts(random, 1, resource)),
            2 => ("Condition", "Condition", source_condition(random)),
            3 => ("Condition", "Condition", condition(random, 3)),
            _ => ("Principal", "Principal", who(random, 2)),
        };
        let elements = one.as_object_mut().unwrap();
        elements.retain(|element, _| !element.ends_with(remove));
        elements.insert(name.to_owned(), value);
        if random.chance(10) {
            one["Effect"] = effect(random);
        }
        one
    };
    (0..count).map(|_| member()).collect()
}

/// A statement, whose lists have up to `longest` entries.
fn statement(random: &mut Random, named: bool, longest: usize) -> Value {
    let mut statement = Map::new();
    let effect = effect(random);
    if named {
        let negated = effect == "Deny" && random.chance(30);
        let name = if negated { "NotPrincipal" } else { "Principal" };
        statement.insert(name.to_owned(), who(random, longest));
    }
    statement.insert("Effect".to_owned(), effect);
    let name = *random.weighted(&[(6, "Action"), (1, "NotAction")]);
    statement.insert(name.to_owned(), texts(random, longest, action));
    let name = *random.weighted(&[(6, "Resource"), (1, "NotResource")]);
    statement.insert(name.to_owned(), texts(random, longest, resource));
    if random.chance(45) {
        statement.insert("Condition".to_owned(), condition(random, longest));
    }
    Value::Object(statement)
}

fn effect(random: &mut Random) -> Value {
    json!(random.weighted(&[(7, "Allow"), (3, "Deny")]))
}

/// One text, or a list of up to so many.
fn texts(random: &mut Random, longest: usize, text: fn(&mut Random) -> String) -> Value {
    if random.chance(if longest > 3 { 15 } else { 55 }) {
        return text(random).into();
    }
    (0..random.within(0, longest)).map(|_| text(random)).collect()
}

fn action(random: &mut Random) -> String {
    let n = random.below(30);
    let forms = [
        (4, "*".to_owned()),
        (3, "lambda:*".to_owned()),
        (3, "lambda:Invoke*".to_owned()),
        (2, "LAMBDA:invokefunction".to_owned()),
        (2, format!("lambda:InvokeFunction{n}")),
        (2, format!("lambda:Get{n}*")),
        (2, format!("lambda:*{n}")),
        (2, format!("lambda:?n*Function*{}*", n % 7)),
        (1, format!("s{n}:*")),
        (1, format!("s3:Get?bject{}", n % 4)),
        (1, "lambda:Invoke".to_owned()),
        (1, "lambda:Zoë*".to_owned()),
    ];
    random.weighted(&forms).clone()
}

fn resource(random: &mut Random) -> String {
    let n = random.below(30);
    let account = random.pick(&ACCOUNTS);
    let forms = [
        (5, "*".to_owned()),
        (3, format!("arn:aws:lambda:us-east-1:{account}:function:f{n}")),
        (2, format!("arn:aws:lambda:us-east-1:{account}:function:f{n}:*")),
        (2, format!("arn:aws:lambda:*:{account}:function:f{n}*")),
        (2, format!("arn:*:lambda:us-????-1:*:function:*-{n}")),
        (2, format!("arn:aws:lambda:us-east-1:{account}:function:*")),
        (2, format!("arn:aws:s3:::b{n}/${{aws:username}}/*")),
        (2, format!("arn:aws:s3:*:*:${{aws:username}}-{n}-*")),
        (1, format!("arn:aws:s3:::${{aws:none, 'd{}'}}/x", n % 3)),
        (1, format!("arn:aws:s3:::${{aws:k}}{}", n % 3)),
        (1, "arn:aws:lambda".to_owned()),
        (1, "arn:aws:s3:::${aws:none}".to_owned()),
        (1, "arn:aws:${aws:username}:::b".to_owned()),
        (1, "a*:aws:s3:::${*}é?".to_owned()),
        (1, "arn".to_owned()),
    ];
    random.weighted(&forms).clone()
}

/// A Principal element.
fn who(random: &mut Random, longest: usize) -> Value {
    let services = |random: &mut Random| texts(random, 3.max(longest), service);
    match random.below(10) {
        0 => json!("*"),
        1..7 => json!({ "AWS": texts(random, longest, aws_value) }),
        7 | 8 => json!({ "Service": services(random) }),
        _ => {
            json!({ "AWS": texts(random, longest, aws_value), "Service": services(random), "Federated": "x" })
        }
    }
}

fn service(random: &mut Random) -> String {
    let n = random.below(12);
    let forms = [
        (3, "s3.amazonaws.com".to_owned()),
        (1, "s3.us-east-1.amazonaws.com".to_owned()),
        (3, format!("s{n}.amazonaws.com")),
        (1, "*".to_owned()),
    ];
    random.weighted(&forms).clone()
}

/// A value of `AWS`.
fn aws_value(random: &mut Random) -> String {
    let (n, account) = (random.below(12), *random.pick(&ACCOUNTS));
    let partition = *random.weighted(&[(9, "aws"), (1, "aws-cn")]);
    let forms = [
        (1, "*".to_owned()),
        (2, account.to_owned()),
        (2, format!("arn:{partition}:iam::{account}:root")),
        (3, format!("arn:{partition}:iam::{account}:user/u{n}")),
        (2, format!("arn:{partition}:iam::{account}:user/team/u{n}")),
        (4, format!("arn:{partition}:iam::{account}:role/r{n}")),
        (2, format!("arn:{partition}:iam::{account}:role/team/r{n}")),
        (1, format!("arn:aws:iam::{account}:role/AWSServiceRoleFor{n}")),
        (3, format!("arn:{partition}:sts::{account}:assumed-role/r{n}/s{}", n % 2)),
        (2, format!("arn:{partition}:sts::{account}:federated-user/u{n}")),
        (1, "AROAJQABLZS4A3QDU576Q".to_owned()),
    ];
    random.weighted(&forms).clone()
}

/// The condition that tells the sources of a full policy apart.
fn source_condition(random: &mut Random) -> Value {
    let n = random.below(40);
    let forms = [
        ("ArnLike", format!("arn:aws:s3:::bucket-{n}")),
        ("ArnLike", format!("arn:aws:execute-api:us-east-1:111111111111:api/*/GET/o{n}")),
        ("ArnEquals", format!("arn:aws:*:*:*:x-{n}")),
        ("StringLike", format!("arn:aws:s3:::bucket-{n}*")),
        ("StringEquals", format!("arn:aws:s3:::${{aws:username}}-{n}")),
    ];
    let (operator, value) = random.pick(&forms).clone();
    json!({ operator: { "AWS:SourceArn": value }, "StringEquals": { "aws:k": "v1" } })
}

/// A Condition element.
fn condition(random: &mut Random, longest: usize) -> Value {
    let mut block = Map::new();
    for _ in 0..random.within(0, 3) {
        let operator = operator(random);
        let key = key(random);
        let values = values(random, &operator, longest);
        let keys = block.entry(operator).or_insert_with(|| json!({}));
        keys[key] = values;
    }
    Value::Object(block)
}

/// A key; sometimes one of many, so that a document may ask for more than are remembered.
fn key(random: &mut Random) -> String {
    if random.chance(30) {
        format!("aws:k{}", random.below(12))
    } else {
        (*random.pick(&KEYS)).to_owned()
    }
}

fn operator(random: &mut Random) -> String {
    let base = *random.pick(&BASES);
    let set = *random.weighted(&[(5, ""), (1, "ForAllValues:"), (1, "ForAnyValue:")]);
    let exists = *random.weighted(&[(5, ""), (1, "IfExists")]);
    let name = if base == "Null" { "Null".to_owned() } else { format!("{set}{base}{exists}") };
    if random.chance(5) { name.to_lowercase() } else { name }
}

/// Values that mostly are of the operator's type.
fn values(random: &mut Random, operator: &str, longest: usize) -> Value {
    let lower = operator.to_lowercase();
    let of_type: fn(&mut Random) -> String = if lower.contains("numeric") {
        |random| format!("{}{}", random.pick(&["", "-", "+"]), random.below(30))
    } else if lower.contains("date") {
        date
    } else if lower.contains("ip") {
        |random| format!("203.0.{}.{}/{}", random.below(3), random.below(9), random.within(16, 32))
    } else if lower.contains("arn") {
        |random| {
            format!(
                "arn:{}:s3:::b{}{}",
                random.pick(&["aws", "*"]),
                random.below(30),
                random.pick(&["", "*", "/${aws:username}"])
            )
        }
    } else if lower.contains("bool") || lower == "null" {
        |random| (*random.pick(&["true", "false", "TRUE", "${aws:none, 'true'}"])).to_owned()
    } else if lower.contains("binary") {
        |random| (*random.pick(&["QUJD", "QUI=", "QQ==", "QR=="])).to_owned()
    } else {
        |random| {
            format!(
                "v{}{}",
                random.below(30),
                random.pick(&["", "", "*", "?", "É", "${aws:username}"])
            )
        }
    };
    if random.chance(20) {
        texts(random, longest, any_value)
    } else {
        texts(random, longest, of_type)
    }
}

fn any_value(random: &mut Random) -> String {
    (*random.pick(&VALUES)).to_owned()
}

fn date(random: &mut Random) -> String {
    let n = random.below(28) + 1;
    let forms = [
        format!("2024-01-{n:02}"),
        format!("2024-01-{n:02}T0{}:00:00Z", n % 10),
        format!("2024-01-{n:02}T12:00+0{}:30", n % 10),
        format!("{}", 1_704_067_200 + n * 86_400),
        format!("{}.5", 1_704_067_200 + n * 43_200),
        "2024-01".to_owned(),
    ];
    random.pick(&forms).clone()
}
