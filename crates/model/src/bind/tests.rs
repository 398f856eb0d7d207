//! What binding makes of requests, and what it refuses.

use http::{HeaderMap, HeaderValue, Method};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{BindError, bind, decode};
use crate::lambda::operation::{AddPermission, CreateFunction, Invoke};
use crate::lambda::types::{FunctionUrlAuthType, InvocationType};
use crate::{LAMBDA, Protocol, SERVICES, route, validate};

const ADD: &str = "/2015-03-31/functions/f/policy";
const CREATE: &str = "/2015-03-31/functions";

fn bound(method: &str, target: &str, headers: &HeaderMap, body: &[u8]) -> Result<Value, BindError> {
    let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let found = route(&LAMBDA, &method, path, query)?.unwrap();
    bind(found.operation, &found.labels, query, headers, body)
}

#[track_caller]
fn check(method: &str, target: &str, body: &str, want: Value) {
    let got = bound(method, target, &HeaderMap::new(), body.as_bytes());
    assert_eq!(got, Ok(want), "{method} {target} {body}");
}

#[track_caller]
fn refused(method: &str, target: &str, body: &str, want: &str) {
    let got = bound(method, target, &HeaderMap::new(), body.as_bytes());
    assert_eq!(got.map_err(|error| error.to_string()), Err(want.to_owned()), "{target} {body}");
}

#[test]
#[rustfmt::skip]
fn members_come_from_path_query_and_body() {
    check("POST", &format!("{ADD}?Qualifier=prod"), r#"{"StatementId":"s","Action":"lambda:*"}"#,
        json!({"FunctionName": "f", "StatementId": "s", "Action": "lambda:*", "Qualifier": "prod"}));
    check("POST", ADD, "", json!({"FunctionName": "f"}));
    check("POST", ADD, r#"{"FunctionName":"other","Qualifier":"x","Unknown":{"a":[1]},"StatementId":null}"#, json!({"FunctionName": "f"}));
    check("POST", ADD, r#"{"InvokedViaFunctionUrl":true}"#, json!({"FunctionName": "f", "InvokedViaFunctionUrl": true}));
    check("POST", &format!("{ADD}?Qualifier"), "", json!({"FunctionName": "f", "Qualifier": ""}));
    check("GET", "/2015-03-31/functions?MaxItems=5&Marker=a%2Fb+c", "", json!({"Marker": "a/b c", "MaxItems": 5}));
    check("DELETE", "/2017-03-31/tags/x?tagKeys=a&tagKeys=b", "", json!({"Resource": "x", "TagKeys": ["a", "b"]}));
    check("DELETE", "/2017-03-31/tags/x", "", json!({"Resource": "x"}));
    check("POST", CREATE, r#"{"Layers":["a",null],"Environment":{"Variables":{"A":null}},"Timeout":3}"#,
        json!({"Timeout": 3, "Environment": {"Variables": {"A": null}}, "Layers": ["a", null]}));
    check("POST", CREATE, r#"{"Timeout":1,"Timeout":null}"#, json!({}));
    check("POST", "/2015-03-31/functions/f/aliases", r#"{"RoutingConfig":{"AdditionalVersionWeights":{"2":1}}}"#,
        json!({"FunctionName": "f", "RoutingConfig": {"AdditionalVersionWeights": {"2": 1}}}));
}

#[test]
#[rustfmt::skip]
fn what_does_not_fit_is_named() {
    refused("POST", CREATE, r#"{"Timeout":"3"}"#,      "STRING_VALUE can not be converted to an Integer at 'timeout'.");
    refused("POST", CREATE, r#"{"Timeout":3.5}"#,      "NUMBER_VALUE can not be converted to an Integer at 'timeout'.");
    refused("POST", CREATE, r#"{"Timeout":2147483648}"#, "NUMBER_VALUE can not be converted to an Integer at 'timeout'.");
    refused("POST", CREATE, r#"{"Timeout":99999999999999999999}"#, "NUMBER_VALUE can not be converted to an Integer at 'timeout'.");
    refused("POST", CREATE, r#"{"Role":["r"]}"#,       "START_ARRAY can not be converted to a String at 'role'.");
    refused("POST", CREATE, r#"{"Publish":"true"}"#,   "STRING_VALUE can not be converted to a Boolean at 'publish'.");
    refused("POST", CREATE, r#"{"VpcConfig":{"SubnetIds":["a",1]}}"#, "NUMBER_VALUE can not be converted to a String at 'vpcConfig.subnetIds.2.member'.");
    refused("POST", CREATE, r#"{"FileSystemConfigs":[{"Arn":{}}]}"#, "START_OBJECT can not be converted to a String at 'fileSystemConfigs.1.member.arn'.");
    refused("POST", CREATE, r#"{"Environment":{"Variables":{"A":true}}}"#, "TRUE_VALUE can not be converted to a String at 'environment.variables.A'.");
    refused("POST", CREATE, r#"{"Code":"x"}"#,         "STRING_VALUE can not be converted to a structure at 'code'.");
    refused("POST", CREATE, "[]",                      "START_ARRAY can not be converted to a structure at 'request body'.");
    refused("POST", CREATE, "null",                    "NULL_VALUE can not be converted to a structure at 'request body'.");
    refused("POST", CREATE, "{\n\"Role\" \"r\"}",      "Could not parse request body into json: expected `:` at line 2 column 8.");
    refused("POST", CREATE, "{} x",                    "Could not parse request body into json: trailing characters at line 1 column 4.");
    refused("GET", "/2015-03-31/functions?MaxItems=x", "", "STRING_VALUE can not be converted to an Integer at 'maxItems'.");
    refused("GET", "/2015-03-31/functions?Marker=%zz", "", "The query string of the request is not valid percent-encoded UTF-8.");
    refused("GET", "/2015-03-31/functions?Marker=%FF", "", "The query string of the request is not valid percent-encoded UTF-8.");
}

#[test]
fn a_body_that_is_not_utf8_is_refused() {
    let got = bound("POST", CREATE, &HeaderMap::new(), b"{\"Role\":\"\xFF\"}");
    assert!(matches!(got, Err(BindError::Json { line: 1, .. })), "{got:?}");
}

#[test]
fn depth_is_bounded_where_it_counts() {
    let deep = "[".repeat(100_000);
    let got = bound("POST", CREATE, &HeaderMap::new(), format!("{{\"Unknown\":{deep}").as_bytes());
    assert!(matches!(got, Err(BindError::Json { .. })), "{got:?}");
    let got = bound("POST", CREATE, &HeaderMap::new(), format!("{{\"Layers\":{deep}").as_bytes());
    assert!(matches!(got, Err(BindError::Type { .. })), "{got:?}");
}

#[test]
fn a_list_is_bounded() {
    let layers = vec!["\"\""; 10_001].join(",");
    let got =
        bound("POST", CREATE, &HeaderMap::new(), format!("{{\"Layers\":[{layers}]}}").as_bytes());
    assert_eq!(got, Err(BindError::TooManyElements { max: 10_000 }));
}

#[test]
fn headers_are_members_and_the_payload_stays_in_the_body() {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-invocation-type", HeaderValue::from_static("DryRun"));
    let value =
        bound("POST", "/2015-03-31/functions/f/invocations", &headers, b"not json").unwrap();
    assert_eq!(value, json!({"FunctionName": "f", "InvocationType": "DryRun"}));
    let input = decode::<Invoke>(value).unwrap();
    assert_eq!(input.invocation_type, Some(InvocationType::DryRun));

    headers.insert("x-amz-log-type", HeaderValue::from_bytes(b"\xFF").unwrap());
    let got = bound("POST", "/2015-03-31/functions/f/invocations", &headers, b"");
    assert_eq!(got, Err(BindError::Header { name: "X-Amz-Log-Type" }));
}

#[test]
fn a_bound_request_becomes_its_typed_input() {
    let body = br#"{"StatementId":"s","Action":"lambda:InvokeFunctionUrl","Principal":"*","FunctionUrlAuthType":"AWS_IAM","PrincipalOrgID":"o-1234567890"}"#;
    let value = bound("POST", ADD, &HeaderMap::new(), body).unwrap();
    let input = decode::<AddPermission>(value).unwrap();
    assert_eq!(input.function_name, "f");
    assert_eq!(input.function_url_auth_type, Some(FunctionUrlAuthType::AwsIam));
    assert_eq!(input.principal_org_id.as_deref(), Some("o-1234567890"));
    assert_eq!(input.source_arn, None);
}

#[test]
fn blobs_are_base64() {
    let create = |zip: &str| {
        let body = json!({"FunctionName": "f", "Role": "r", "Code": {"ZipFile": zip}});
        bound("POST", CREATE, &HeaderMap::new(), body.to_string().as_bytes())
    };
    let input = decode::<CreateFunction>(create("UEs=").unwrap()).unwrap();
    assert_eq!(input.code.zip_file.unwrap().0, b"PK");
    let error = decode::<CreateFunction>(create("!").unwrap()).unwrap_err();
    assert!(matches!(error, BindError::Value { .. }));
    assert_eq!(error.code(Protocol::RestJson), "SerializationException");
}

proptest! {
    /// Any body is bound or refused, never a panic; what is bound can be validated.
    #[test]
    fn any_body_is_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..80), text in "[\\[\\]{}\",:a-zA-Z0-9 ]{0,60}") {
        for service in SERVICES {
            for operation in service.operations {
                for body in [body.as_slice(), text.as_bytes()] {
                    let labels = crate::Labels::default();
                    if let Ok(value) = bind(operation, &labels, Some(&text), &HeaderMap::new(), body) {
                        let _ = validate(operation, &value);
                    }
                }
            }
        }
    }
}
