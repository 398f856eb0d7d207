//! Query answers, byte for byte.

use proptest::prelude::*;
use serde_json::{Value, json, to_value};

use super::{xml, xml_error};
use crate::iam::types::{CreateUserOutput, ListUsersOutput, Tag, User};
use crate::{IAM, STS, Service, Timestamp};

const ID: &str = "7a62c49f-347e-4fc4-9331-6e8eEXAMPLE";

#[track_caller]
fn check(service: &Service, operation: &str, output: &Value, want: &str) {
    let got = xml(service, service.operation(operation).unwrap(), output, ID);
    let metadata = format!("<ResponseMetadata><RequestId>{ID}</RequestId></ResponseMetadata>");
    let namespace = service.xml_namespace;
    let want = format!(
        "<{operation}Response xmlns=\"{namespace}\">{want}{metadata}</{operation}Response>"
    );
    assert_eq!(got, want);
}

fn user(name: &str) -> User {
    User {
        path: Some("/".to_owned()),
        user_name: Some(name.to_owned()),
        user_id: "AIDACKCEVSQ6C2EXAMPLE".to_owned(),
        arn: format!("arn:aws:iam::123456789012:user/{name}"),
        create_date: Timestamp("2026-11-25T08:00:00.987Z".parse().unwrap()),
        ..User::default()
    }
}

#[test]
fn a_structure_is_elements_in_the_models_order() {
    let tags = vec![Tag { key: "k".to_owned(), value: String::new() }];
    let output = CreateUserOutput { user: Some(User { tags: Some(tags), ..user("a<b") }) };
    let want = "<CreateUserResult><User><Path>/</Path><UserName>a&lt;b</UserName>\
                <UserId>AIDACKCEVSQ6C2EXAMPLE</UserId><Arn>arn:aws:iam::123456789012:user/a&lt;b</Arn>\
                <CreateDate>2026-11-25T08:00:00Z</CreateDate>\
                <Tags><member><Key>k</Key><Value/></member></Tags></User></CreateUserResult>";
    check(&IAM, "CreateUser", &to_value(output).unwrap(), want);
}

#[test]
fn an_empty_list_is_an_empty_element() {
    let output = ListUsersOutput { is_truncated: Some(false), ..ListUsersOutput::default() };
    let want = "<ListUsersResult><Users/><IsTruncated>false</IsTruncated></ListUsersResult>";
    check(&IAM, "ListUsers", &to_value(output).unwrap(), want);
}

#[test]
fn an_answer_without_output_has_metadata_only() {
    check(&IAM, "DeleteUser", &to_value(()).unwrap(), "");
}

#[test]
fn sts_has_its_own_namespace() {
    let output = json!({"UserId": "AIDA", "Account": "123456789012", "Arn": "arn"});
    let want = "<GetCallerIdentityResult><UserId>AIDA</UserId><Account>123456789012</Account>\
                <Arn>arn</Arn></GetCallerIdentityResult>";
    check(&STS, "GetCallerIdentity", &output, want);
}

#[test]
fn errors_name_the_party_at_fault() {
    let got = xml_error(
        &IAM,
        404,
        "NoSuchEntity",
        "The user with name <a> & \"b\"\0 cannot be found.",
        ID,
    );
    let want = format!(
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
         <Code>NoSuchEntity</Code><Message>The user with name &lt;a&gt; &amp; &quot;b&quot;\u{FFFD} cannot \
         be found.</Message></Error><RequestId>{ID}</RequestId></ErrorResponse>"
    );
    assert_eq!(got, want);
    let got = xml_error(&STS, 500, "ServiceFailure", "", ID);
    assert!(got.contains("<Type>Receiver</Type>") && got.contains("<Message/>"), "{got}");
}

proptest! {
    /// Whatever text an answer carries, the document is well formed and gives the text back, but for
    /// characters that XML cannot hold.
    #[test]
    fn text_survives(text in "\\PC{0,40}") {
        let output = json!({"UserId": text});
        let got = xml(&STS, STS.operation("GetCallerIdentity").unwrap(), &output, ID);
        let inner = got.split("<UserId>").nth(1).and_then(|rest| rest.split("</UserId>").next());
        let back = quick_xml::escape::unescape(inner.unwrap_or_default()).unwrap();
        let want: String = text.chars().map(|c| if matches!(c, '\u{FFFE}' | '\u{FFFF}') { '\u{FFFD}' } else { c }).collect();
        prop_assert_eq!(back.as_ref(), want.as_str());
    }
}
