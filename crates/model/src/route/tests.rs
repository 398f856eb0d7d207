//! Routing rows: every operation of aws-lambda.md §10, the forms of a path, and the laws.

use http::Method;
use proptest::prelude::*;

use super::{Route, route};
use crate::bind::BindError;
use crate::shape::{OperationModel, Protocol, ResourceForm, Segment};
use crate::{IAM, LAMBDA, ORGANIZATIONS, PORTCULLIS, SERVICES, STS};

mod operations;

fn routed<'path>(
    method: &str,
    path: &'path str,
    query: Option<&str>,
) -> Result<Option<Route<'path>>, BindError> {
    route(&LAMBDA, &Method::from_bytes(method.as_bytes()).unwrap(), path, query)
}

/// `want` is the operation's name and its label values; an empty name means no route.
#[track_caller]
fn check(method: &str, target: &str, want: &str, labels: &[(&str, &str)]) {
    let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
    let route = routed(method, path, query).unwrap();
    let got = route.as_ref().map_or("", |route| route.operation.name);
    assert_eq!(got, want, "{method} {target}");
    for (name, value) in labels {
        assert_eq!(route.as_ref().unwrap().labels.get(name), Some(*value), "{name}");
    }
}

#[test]
#[rustfmt::skip]
fn paths_lead_to_operations() {
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let encoded = "arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af";
    check("GET",    "/2015-03-31/functions",             "ListFunctions",  &[]);
    check("GET",    "/2015-03-31/functions/",            "ListFunctions",  &[]);
    check("POST",   "/2015-03-31/functions/",            "CreateFunction", &[]);
    check("GET",    "/2015-03-31/functions/f",           "GetFunction",    &[("FunctionName", "f")]);
    check("DELETE", "/2015-03-31/functions/f/",          "DeleteFunction", &[("FunctionName", "f")]);
    check("POST",   &format!("/2015-03-31/functions/{arn}/policy"),     "AddPermission", &[("FunctionName", arn)]);
    check("POST",   &format!("/2015-03-31/functions/{encoded}/policy"), "AddPermission", &[("FunctionName", arn)]);
    check("POST",   "/2015-03-31/functions/f:1/invocations?Qualifier=1", "Invoke",       &[("FunctionName", "f:1")]);
    check("DELETE", "/2015-03-31/functions/f/policy/s%2F1",             "RemovePermission", &[("StatementId", "s/1")]);
    check("GET",    &format!("/2017-03-31/tags/{encoded}"),             "ListTags",      &[("Resource", arn)]);
    check("GET",    "/2018-10-31/layers?find=LayerVersion&Arn=x", "GetLayerVersionByArn", &[]);
    check("GET",    "/2018-10-31/layers?Marker=x",       "ListLayers",     &[]);
    check("GET",    "/2019-09-30/functions/f/provisioned-concurrency?List=ALL",    "ListProvisionedConcurrencyConfigs", &[]);
    check("GET",    "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1", "GetProvisionedConcurrencyConfig",   &[]);
    check("GET",    "/2015-03-31/functions/%C3%A9",      "GetFunction",    &[("FunctionName", "é")]);
    check("GET",    "/2015-03-31/functions/a+b",         "GetFunction",    &[("FunctionName", "a+b")]);
}

#[test]
#[rustfmt::skip]
fn what_no_row_has_is_unknown() {
    check("PATCH", "/2015-03-31/functions",           "", &[]);
    check("get",   "/2015-03-31/functions",           "", &[]);
    check("GET",   "/2015-03-32/functions",           "", &[]);
    check("GET",   "/2015-03-31/functions//policy",   "", &[]);
    check("GET",   "/2015-03-31/functions//",         "", &[]);
    check("GET",   "/2015-03-31/functions/f/policy/s/t", "", &[]);
    check("GET",   "//2015-03-31/functions",          "", &[]);
    check("GET",   "/2015-03-31/functions/./policy",  "", &[]); // signed as GetFunction of `policy`
    check("DELETE", "/2015-03-31/functions/f/policy/..", "", &[]); // … as DeleteFunction of `f`
    check("GET",   &"/a".repeat(10_000),              "", &[]);
    check("GET",   "/",                               "", &[]);
    check("GET",   "",                                "", &[]);
}

#[test]
fn a_label_that_is_not_percent_encoded_utf8_is_refused() {
    for label in ["%", "%4", "%zz", "%C3", "%ff%fe", "a%2"] {
        let path = format!("/2015-03-31/functions/{label}/policy");
        let got = routed("GET", &path, None);
        assert_eq!(got, Err(BindError::Encoding { place: "path" }), "{label}");
    }
}

#[test]
fn the_operation_table_has_every_row_of_the_fact_sheet() {
    for (name, method, uri, status, action, resource) in operations::ROWS {
        let row = LAMBDA.operation(name).unwrap_or_else(|| panic!("{name}"));
        let path = uri.replace(['{', '}'], "");
        check(method, &path, name, &[]);
        assert_eq!(row.status, *status, "{name}");
        let authorization = row.authorization.unwrap();
        assert_eq!(authorization.action, *action, "{name}");
        assert_eq!(authorization.resource, *resource, "{name}");
    }
    assert_eq!(operations::ROWS.len(), 85);
}

/// A target that names the row, with label text where the row has labels.
fn target(operation: &OperationModel) -> (String, String) {
    let segments = operation.path.iter().map(|segment| match segment {
        Segment::Literal(text) => *text,
        Segment::Label(_) => "label",
    });
    let query = operation.required_query.iter().map(|(name, value)| format!("{name}={value}"));
    let path = segments.map(|segment| format!("/{segment}")).collect();
    (path, query.collect::<Vec<_>>().join("&"))
}

#[test]
fn every_operation_routes_to_itself() {
    for service in SERVICES.into_iter().filter(|service| service.protocol == Protocol::RestJson) {
        for operation in service.operations {
            let (path, query) = target(operation);
            let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
            let found = route(service, &method, &path, Some(&query)).unwrap().unwrap();
            assert_eq!(found.operation, *operation);
        }
    }
}

#[test]
fn every_path_fits_the_segment_buffer() {
    let rows = SERVICES.iter().flat_map(|service| service.operations);
    let longest = rows.map(|operation| operation.path.len()).max();
    assert_eq!(longest, Some(7));
}

#[test]
fn every_operation_is_found_by_name_and_index() {
    for service in SERVICES {
        for (index, operation) in service.operations.iter().enumerate() {
            assert_eq!(usize::from(operation.index), index);
            assert_eq!(service.operation(operation.name), Some(*operation));
            assert_eq!(operation.service, service.name);
        }
        for error in service.errors {
            assert_eq!(service.error(error.name), Some(error));
        }
        assert_eq!(service.operation("Nonesuch"), None);
    }
    assert_eq!(IAM.error("NoSuchEntityException").map(|error| error.code), Some("NoSuchEntity"));
}

#[test]
fn every_served_operation_says_what_it_demands() {
    let free: Vec<&str> = SERVICES
        .iter()
        .flat_map(|service| service.operations)
        .filter(|operation| operation.served && operation.authorization.is_none())
        .map(|operation| operation.name)
        .collect();
    assert_eq!(free, ["GetCallerIdentity", "GetSessionToken"]);
    assert!(LAMBDA.operations.iter().all(|operation| operation.authorization.is_some()));
    let role = STS.operation("AssumeRole").unwrap().authorization.unwrap();
    assert_eq!((role.action, role.resource), ("sts:AssumeRole", ResourceForm::Role));
}

#[test]
fn the_served_lists_are_exhaustive() {
    let lists = [
        (&LAMBDA, crate::lambda::ALL_SERVED),
        (&IAM, crate::iam::ALL_SERVED),
        (&STS, crate::sts::ALL_SERVED),
        (&ORGANIZATIONS, crate::organizations::ALL_SERVED),
        (&PORTCULLIS, crate::portcullis::ALL_SERVED),
    ];
    for (service, list) in lists {
        let served: Vec<_> =
            service.operations.iter().copied().filter(|operation| operation.served).collect();
        assert_eq!(served, list);
    }
}

proptest! {
    /// Any method, path and query are answered without panicking.
    #[test]
    fn any_request_is_routed_or_not(path in ".{0,60}", query in ".{0,30}", known in "[a-z%:/]{0,20}") {
        let _ = routed("GET", &path, Some(&query));
        let _ = routed("GET", &format!("/2015-03-31/functions/{known}"), Some(&query));
    }

    /// What a client encodes into a label comes back whole.
    #[test]
    fn an_encoded_label_comes_back(text in ".{1,40}") {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/2015-03-31/functions/{encoded}");
        let found = routed("GET", &path, None).unwrap().unwrap();
        prop_assert_eq!(found.labels.get("FunctionName"), Some(text.as_str()));
    }
}
