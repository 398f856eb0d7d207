//! The typed forms fit the tables.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json, to_string};

use super::Operation;
use crate::shape::OperationModel;
use crate::shape::tests::values;
use crate::{
    BindError, Blob, decode, iam, lambda, portcullis, served_iam, served_lambda, served_portcullis,
    served_sts, sts, validate,
};

/// An operation's row and the decoder of its typed input.
type Row = (&'static OperationModel, fn(Value) -> Result<(), BindError>);

fn row<O: Operation>() -> Row {
    (O::MODEL, |value| decode::<O>(value).map(drop))
}

/// The rows of one service.
macro_rules! rows {
    ($module:ident $service:ident: $($operation:ident $handler:ident,)*) => {
        vec![$(row::<$module::operation::$operation>()),*]
    };
}

/// Every served operation.
fn rows() -> Vec<Row> {
    let services =
        [served_lambda!(rows), served_iam!(rows), served_sts!(rows), served_portcullis!(rows)];
    services.concat()
}

#[test]
fn every_served_operation_is_a_type() {
    let lists = [lambda::ALL_SERVED, iam::ALL_SERVED, sts::ALL_SERVED, portcullis::ALL_SERVED];
    let typed: Vec<&OperationModel> = rows().into_iter().map(|(model, _)| model).collect();
    assert_eq!(typed, lists.concat());
}

#[test]
fn what_is_valid_decodes() {
    let mut runner = TestRunner::deterministic();
    for (model, decode) in rows() {
        let strategy = model.input.map_or_else(|| Just(json!({})).boxed(), values);
        let mut valid = 0;
        for _ in 0..200 {
            let value = strategy.new_tree(&mut runner).unwrap().current();
            if validate(model, &value).is_ok() {
                valid += 1;
                decode(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"));
            }
        }
        assert!(valid > 0, "{}: no generated input is valid", model.name);
    }
}

#[test]
fn outputs_follow_the_models_order_and_omit_what_is_absent() {
    let alias = lambda::types::AliasConfiguration {
        revision_id: Some("r".to_owned()),
        alias_arn: Some("a".to_owned()),
        description: Some(String::new()),
        ..Default::default()
    };
    let want = r#"{"AliasArn":"a","Description":"","RevisionId":"r"}"#;
    assert_eq!(to_string(&alias).unwrap(), want);
    let layers = lambda::types::FunctionConfiguration {
        kms_key_arn: Some("k".to_owned()),
        architectures: Some(vec![lambda::types::Architecture::X86_64]),
        ..Default::default()
    };
    assert_eq!(to_string(&layers).unwrap(), r#"{"KMSKeyArn":"k","Architectures":["x86_64"]}"#);
}

#[test]
fn what_travels_in_headers_is_not_in_the_body() {
    let output = lambda::types::InvokeOutput {
        status_code: Some(200),
        function_error: Some("Unhandled".to_owned()),
        ..Default::default()
    };
    assert_eq!(to_string(&output).unwrap(), "{}");
}

#[test]
fn debug_output_hides_secrets() {
    let value = json!({"Variables": {"KEY": "hunter2"}});
    let environment: lambda::types::Environment = serde_json::from_value(value).unwrap();
    let credentials = sts::types::Credentials {
        secret_access_key: "hunter2".to_owned(),
        session_token: "hunter2".to_owned(),
        ..Default::default()
    };
    let said = format!("{environment:?} {credentials:?} {:?}", Blob(b"hunter2".to_vec()));
    assert!(!said.contains("hunter2") && !said.contains("104"), "{said}");
    assert!(said.contains("Blob(7 bytes)"), "{said}");
}
