//! Validation texts, row by row as AWS was recorded to send them (aws-lambda.md §1.8, §3.3, §4.3,
//! §6.6, §6.7), and the laws of the grammar.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::validate;
use crate::{IAM, LAMBDA, SERVICES, STS, Service};

const PAT_GET: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?";
const PAT_CREATE: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?";
const PAT_QUALIFIER: &str = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+";
const PAT_ROLE: &str = r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+";
const PAT_LAYER: &str = r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)";
const PAT_TAGGABLE: &str = r"arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)";
const ROLE: &str = "arn:aws:iam::123456789012:role/r";

/// The message for `input`, without its count; empty when nothing is wrong.
fn message(service: &Service, operation: &str, input: &Value) -> String {
    let operation = service.operation(operation).unwrap();
    validate(operation, input).map_or_else(|error| error.to_string(), |()| String::new())
}

/// `want` holds the entries `Value … constraint: …`, in order.
#[expect(clippy::needless_pass_by_value, reason = "rows build their input in place")]
#[track_caller]
fn check(service: &Service, operation: &str, input: Value, want: &[String]) {
    let prefix = match want.len() {
        0 => String::new(),
        1 => "1 validation error detected: ".to_owned(),
        count => format!("{count} validation errors detected: "),
    };
    assert_eq!(message(service, operation, &input), prefix + &want.join("; "));
}

fn pattern(value: &str, member: &str, pattern: &str) -> String {
    format!(
        "Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
    )
}

fn longest(value: &str, member: &str, max: usize) -> String {
    format!(
        "Value '{value}' at '{member}' failed to satisfy constraint: Member must have length less than or equal to {max}"
    )
}

fn missing(member: &str) -> String {
    format!("Value null at '{member}' failed to satisfy constraint: Member must not be null")
}

/// A valid AddPermission with one member replaced.
fn grant(member: &str, value: &str) -> Value {
    let mut grant = json!({"FunctionName": "f", "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*"});
    grant[member] = value.into();
    grant
}

fn function(member: &str, value: Value) -> Value {
    let mut function = json!({"FunctionName": "f", "Role": ROLE, "Code": {"ZipFile": ""}});
    function[member] = value;
    function
}

fn alias(member: &str, value: Value) -> Value {
    let mut alias = json!({"FunctionName": "f", "Name": "a", "FunctionVersion": "1"});
    alias[member] = value;
    alias
}

#[test]
#[rustfmt::skip]
fn permissions_are_refused_with_the_recorded_texts() {
    let check = |input, want: &[String]| check(&LAMBDA, "AddPermission", input, want);
    check(grant("StatementId", "s3"), &[]);
    check(grant("Qualifier", "$LATEST"), &[]);
    check(grant("Qualifier", "$LATEST.PUBLISHED"), &[]);
    check(grant("SourceArn", "arn:aws:s3:::bucket/*"), &[]);
    check(grant("SourceArn", "arn:aws-eusc:s3:eusc-de-east-1:123456789012:x"), &[]);
    check(grant("PrincipalOrgID", "o-1234567890"), &[]);
    check(grant("Action", "lambda:*"), &[]);
    check(grant("StatementId", "example.com"), &[pattern("example.com", "statementId", "([a-zA-Z0-9-_]+)")]);
    check(grant("Qualifier", "invalid-qualifier-with-?-char"), &[pattern("invalid-qualifier-with-?-char", "qualifier", PAT_QUALIFIER)]);
    check(grant("Action", "s3:GetObject"), &[pattern("s3:GetObject", "action", "(lambda:[*]|lambda:[a-zA-Z]+|[*])")]);
    check(grant("Principal", "a b"), &[pattern("a b", "principal", r"[^\s]+")]);
    check(grant("SourceAccount", "1234567890123"), &[longest("1234567890123", "sourceAccount", 12), pattern("1234567890123", "sourceAccount", r"\d{12}")]);
    check(grant("SourceAccount", "12345678901٣"), &[pattern("12345678901٣", "sourceAccount", r"\d{12}")]);
    check(grant("FunctionUrlAuthType", "none"), &["Value 'none' at 'functionUrlAuthType' failed to satisfy constraint: Member must satisfy enum value set: [NONE, AWS_IAM]".to_owned()]);
    check(grant("StatementId", "s\n"), &[pattern("s\n", "statementId", "([a-zA-Z0-9-_]+)")]);
    check(json!({"FunctionName": "f"}), &[missing("statementId"), missing("action"), missing("principal")]);
}

#[test]
fn an_empty_statement_id_breaks_length_and_pattern() {
    let want = [
        "Value '' at 'statementId' failed to satisfy constraint: Member must have length greater than or equal to 1".to_owned(),
        pattern("", "statementId", "([a-zA-Z0-9-_]+)"),
    ];
    check(&LAMBDA, "AddPermission", grant("StatementId", ""), &want);
}

#[test]
fn length_is_counted_in_characters() {
    check(
        &LAMBDA,
        "PublishVersion",
        json!({"FunctionName": "f", "Description": "é".repeat(256)}),
        &[],
    );
    let long = "é".repeat(257);
    let want = [longest(&long, "description", 256)];
    check(&LAMBDA, "PublishVersion", json!({"FunctionName": "f", "Description": long}), &want);
}

#[test]
#[rustfmt::skip]
fn function_names_are_refused_as_their_class_of_operation_does() {
    let arn = |region: &str, name: &str| format!("arn:aws:lambda:{region}:123456789012:function:{name}");
    let long_legal = arn("us-east-1", &"a".repeat(120));
    let long_illegal = arn("us-EAST-1", &"a".repeat(120));
    let too_long = arn("us-EAST-1", &"a".repeat(300));
    for operation in ["GetFunction", "DeleteFunction", "Invoke", "GetPolicy"] {
        let check = |name: &str, want: &[String]| check(&LAMBDA, operation, json!({"FunctionName": name}), want);
        for legal in ["f", "f:1", "f:$LATEST", "123456789012:function:f", "function:f", &"a".repeat(65), &long_legal, "arn:aws:lambda:us-east-1:123456789012:function"] {
            check(legal, &[]);
        }
        for illegal in ["my-function!", "arn:aws:s3:us-east-1:123456789012:function:f", "f:1:2", &long_illegal, &too_long] {
            check(illegal, &[pattern(illegal, "functionName", PAT_GET)]);
        }
        let qualifier = "a".repeat(129);
        self::check(&LAMBDA, operation, json!({"FunctionName": "f!", "Qualifier": qualifier}),
            &[pattern("f!", "functionName", PAT_GET), longest(&qualifier, "qualifier", 128)]);
    }
    let check = |name: &str, want: &[String]| check(&LAMBDA, "CreateFunction", function("FunctionName", name.into()), want);
    check("my-function!", &[pattern("my-function!", "functionName", PAT_CREATE)]);
    check("a.b", &[pattern("a.b", "functionName", PAT_CREATE)]);
    check(&"a".repeat(65), &[]);
    check(&long_legal, &[longest(&long_legal, "functionName", 140)]);
    check(&long_illegal, &[longest(&long_illegal, "functionName", 140), pattern(&long_illegal, "functionName", PAT_CREATE)]);
    let qualified = format!("f:{}", "?".repeat(140));
    check(&qualified, &[longest(&qualified, "functionName", 140), pattern(&qualified, "functionName", PAT_CREATE)]);
}

#[test]
#[rustfmt::skip]
fn functions_are_refused_with_the_recorded_texts() {
    let check = |member, value, want: &[String]| check(&LAMBDA, "CreateFunction", function(member, value), want);
    check("Role", json!("r"), &[pattern("r", "role", PAT_ROLE)]);
    check("Architectures", json!(["x86_64", "arm64"]), &["Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1".to_owned()]);
    check("Architectures", json!(["X86_64"]), &["Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]".to_owned()]);
    check("Layers", json!(["l"]), &[format!("Value '[l]' at 'layers' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 2048, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: {PAT_LAYER}, Member must not be null]")]);
    check("Timeout", json!(0), &["Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1".to_owned()]);
    check("Timeout", json!(901), &["Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900".to_owned()]);
    check("MemorySize", json!(127), &["Value '127' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128".to_owned()]);
    check("VpcConfig", json!({"SubnetIds": ["bad"]}), &["Value '[bad]' at 'vpcConfig.subnetIds' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: subnet-[0-9a-z]*, Member must not be null]".to_owned()]);
    check("FileSystemConfigs", json!([{"LocalMountPath": "/mnt/x"}]), &[missing("fileSystemConfigs.1.member.arn")]);
    check("EphemeralStorage", json!({}), &[missing("ephemeralStorage.size")]);
}

#[test]
fn a_runtime_is_no_shape_constraint() {
    check(&LAMBDA, "CreateFunction", function("Runtime", json!("Python3.12")), &[]);
}

#[test]
fn secrets_are_not_repeated() {
    let environment = json!({"Variables": {"1": "secret"}});
    let want = ["Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]".to_owned()];
    check(&LAMBDA, "CreateFunction", function("Environment", environment), &want);
}

#[test]
#[rustfmt::skip]
fn aliases_are_refused_with_the_recorded_texts() {
    let check = |member, value, want: &[String]| check(&LAMBDA, "CreateAlias", alias(member, value), want);
    let weights = |weights: Value| json!({"AdditionalVersionWeights": weights});
    let at = "at 'routingConfig.additionalVersionWeights' failed to satisfy constraint:";
    let bad_value = "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]";
    let bad_key = "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]";
    check("Name", json!("2024-01-02"), &[]);
    check("Name", json!("42"), &[pattern("42", "name", "(?!^[0-9]+$)([a-zA-Z0-9-_]+)")]);
    check("Name", json!("a!"), &[pattern("a!", "name", "(?!^[0-9]+$)([a-zA-Z0-9-_]+)")]);
    check("RoutingConfig", weights(json!({"2": 2})), &[format!("Value '{{2=2.0}}' {at} {bad_value}")]);
    check("RoutingConfig", weights(json!({"2": -1.0})), &[format!("Value '{{2=-1.0}}' {at} {bad_value}")]);
    check("RoutingConfig", weights(json!({"2": null})), &[format!("Value '{{2=null}}' {at} {bad_value}")]);
    check("RoutingConfig", weights(json!({"v": 0.5})), &[format!("Value '{{v=0.5}}' {at} {bad_key}")]);
    check("RoutingConfig", weights(json!({"2": 0.1, "3": 0.2})), &[]);
    check("RoutingConfig", weights(json!({})), &[]);
}

#[test]
fn tags_are_refused_with_the_recorded_texts() {
    let tag = |arn: &str| json!({"Resource": arn, "Tags": {}});
    check(&LAMBDA, "TagResource", tag("x"), &[pattern("x", "resource", PAT_TAGGABLE)]);
    check(&LAMBDA, "TagResource", tag("arn:aws:lambda:us-east-1:123456789012:function:f"), &[]);
}

#[test]
#[rustfmt::skip]
fn query_services_share_the_grammar() {
    let tag = json!({"UserName": "u", "Tags": [{"Key": "", "Value": "v"}]});
    check(&IAM, "CreateUser", tag, &[
        "Value at 'tags.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1".to_owned(),
        r"Value at 'tags.1.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+".to_owned(),
    ]);
    let many: Vec<_> = (0..51).map(|n| json!({"Key": format!("k{n}"), "Value": ""})).collect();
    check(&IAM, "CreateUser", json!({"UserName": "u", "Tags": many}), &[
        "Value at 'tags' failed to satisfy constraint: Member must have length less than or equal to 50".to_owned(),
    ]);
    check(&IAM, "CreateUser", json!({"UserName": "a b"}), &[pattern("a b", "userName", r"[\w+=,.@-]+")]);
    check(&IAM, "CreateUser", json!({"UserName": "é"}), &[pattern("é", "userName", r"[\w+=,.@-]+")]);
    check(&IAM, "CreateUser", json!({"UserName": "u", "Path": "/a/b/"}), &[]);
    check(&IAM, "CreateUser", json!({"UserName": "u", "Path": "a"}), &[pattern("a", "path", r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)")]);
    check(&IAM, "CreateRole", json!({"RoleName": "r"}), &[missing("assumeRolePolicyDocument")]);
    check(&STS, "AssumeRole", json!({"RoleArn": ROLE, "RoleSessionName": "s"}), &[
        "Value 's' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2".to_owned(),
    ]);
    check(&STS, "AssumeRole", json!({"RoleArn": ROLE, "RoleSessionName": "me", "DurationSeconds": 60}), &[
        "Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900".to_owned(),
    ]);
}

#[test]
fn our_own_operations_are_validated_too() {
    let name = |name: &str| json!({"ServiceName": name});
    check(&crate::PORTCULLIS, "CreateServiceAccessKey", name("s3.amazonaws.com"), &[]);
    check(&crate::PORTCULLIS, "CreateServiceAccessKey", name("alexa-appkit.amazon.com"), &[]);
    let names = r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?|alexa-(appkit|connectedhome)\.amazon\.com";
    let want = [pattern("s3", "serviceName", names)];
    check(&crate::PORTCULLIS, "CreateServiceAccessKey", name("s3"), &want);
}

#[test]
fn a_message_lists_a_bounded_number_of_failures() {
    let tags: Vec<Value> = (0..5_000).map(|_| json!({})).collect();
    let said = message(&IAM, "CreateUser", &json!({"UserName": "u", "Tags": tags}));
    assert!(said.starts_with("100 validation errors detected: "), "{said:.80}");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[A-Za-z]{1,8}", inner, 0..4)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    /// Validation looks at any value without panicking, even one that was never bound.
    #[test]
    fn any_value_is_judged(value in any_json(), pick in any::<prop::sample::Index>()) {
        let members = ["FunctionName", "Code", "Tags", "Layers", "RoutingConfig", "Environment", "Timeout"];
        let member = members[pick.index(members.len())];
        for service in SERVICES {
            for operation in service.operations {
                let mut input = serde_json::Map::new();
                input.insert(member.to_owned(), value.clone());
                let _ = validate(operation, &Value::Object(input));
            }
        }
    }
}
