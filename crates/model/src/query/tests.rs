//! What the query protocol makes of forms, and what it refuses.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Form, bind_query};
use crate::bind::{BindError, decode};
use crate::iam::operation::CreateRole;
use crate::shape::Protocol;
use crate::{IAM, STS, Service, validate};

fn bound(service: &Service, operation: &str, form: &str) -> Result<Value, BindError> {
    bind_query(service.operation(operation).unwrap(), &Form::parse(form.as_bytes())?)
}

#[track_caller]
fn check(service: &Service, operation: &str, form: &str, want: Value) {
    assert_eq!(bound(service, operation, form), Ok(want), "{operation} {form}");
}

#[test]
#[rustfmt::skip]
fn forms_become_objects() {
    check(&IAM, "CreateUser", "Action=CreateUser&Version=2010-05-08&UserName=a%40b&Path=%2Fx%2F", json!({"Path": "/x/", "UserName": "a@b"}));
    check(&IAM, "CreateUser", "UserName=u&Tags.member.10.Key=c&Tags.member.2.Key=b&Tags.member.2.Value=&Tags.member.1.Key=a",
        json!({"UserName": "u", "Tags": [{"Key": "a"}, {"Key": "b", "Value": ""}, {"Key": "c"}]}));
    check(&IAM, "CreateUser", "UserName=u&Tags=", json!({"UserName": "u", "Tags": []}));
    check(&IAM, "ListUsers", "MaxItems=5", json!({"MaxItems": 5}));
    check(&IAM, "PutUserPolicy", "PolicyDocument=%7B%22a%22%3A+1%7D", json!({"PolicyDocument": "{\"a\": 1}"}));
    check(&IAM, "CreateUser", "UserName=one&UserName=two", json!({"UserName": "one"}));
    check(&IAM, "CreateUser", "", json!({}));
    check(&STS, "AssumeRole", "TransitiveTagKeys.member.1=a&DurationSeconds=900&PolicyArns.member.1.arn=x",
        json!({"PolicyArns": [{"arn": "x"}], "DurationSeconds": 900, "TransitiveTagKeys": ["a"]}));
    check(&STS, "GetCallerIdentity", "Action=GetCallerIdentity\r\n", json!({}));
}

#[test]
#[rustfmt::skip]
fn what_does_not_fit_is_named() {
    let refused = |form: &str, want: &str| {
        let error = bound(&IAM, "CreateUser", form).or_else(|_| bound(&IAM, "ListUsers", form)).unwrap_err();
        assert_eq!(error.to_string(), want, "{form}");
        assert_eq!(error.code(Protocol::Query), "MalformedInput");
    };
    refused("UserName=%zz", "The form of the request is not valid percent-encoded UTF-8.");
    refused("UserName.x=1&MaxItems=x", "STRING_VALUE can not be converted to an Integer at 'maxItems'.");
    let index = bound(&IAM, "CreateUser", "Tags.member.x.Key=1").unwrap_err().to_string();
    assert_eq!(index, "STRING_VALUE can not be converted to a list index at 'tags'.");
    let structure = bound(&IAM, "CreateUser", "UserName.x=1").unwrap_err().to_string();
    assert_eq!(structure, "START_OBJECT can not be converted to a String at 'userName'.");
}

#[test]
fn a_form_is_bounded() {
    let many = "a=1&".repeat(4_097);
    assert_eq!(Form::parse(many.as_bytes()), Err(BindError::TooManyParameters { max: 4_096 }));
    let deep = format!("{}=1", "a.".repeat(100_000));
    assert_eq!(Form::parse(deep.as_bytes()), Err(BindError::TooDeep { max: 12 }));
}

#[test]
fn plain_parameters_are_readable_before_the_operation_is_known() {
    let form = Form::parse(b"Action=GetUser&Version=2010-05-08").unwrap();
    assert_eq!(form.get("Action"), Some("GetUser"));
    assert_eq!(form.get("Version"), Some(IAM.api_version));
    assert_eq!(form.get("UserName"), None);
}

#[test]
fn a_bound_form_becomes_its_typed_input() {
    let form = "RoleName=r&AssumeRolePolicyDocument=%7B%7D&MaxSessionDuration=3600";
    let value = bound(&IAM, "CreateRole", form).unwrap();
    validate(IAM.operation("CreateRole").unwrap(), &value).unwrap();
    let input = decode::<CreateRole>(value).unwrap();
    assert_eq!(input.role_name, "r");
    assert_eq!(input.max_session_duration, Some(3600));
}

proptest! {
    /// Any form is bound or refused, never a panic; what is bound can be validated.
    #[test]
    fn any_form_is_read_or_refused(noise in prop::collection::vec(any::<u8>(), 0..60), form in "([A-Za-z.%0-9]{0,20}(=|&)){0,8}") {
        for text in [noise.as_slice(), form.as_bytes()] {
            let Ok(form) = Form::parse(text) else { continue };
            for operation in IAM.operations.iter().chain(STS.operations) {
                if let Ok(value) = bind_query(operation, &form) {
                    let _ = validate(operation, &value);
                }
            }
        }
    }
}
