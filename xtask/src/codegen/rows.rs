//! The service's row and the operation table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::emit::shape_imports;
use super::model::{Merged, Operation};
use super::names::{constant, snake};

/// The `SERVICE` table and the lists that it refers to.
pub(crate) fn service(merged: &Merged) -> String {
    let metadata = &merged.model.metadata;
    let protocol = match metadata.protocol.as_str() {
        "query" => "Query",
        "json" => "Json",
        _ => "RestJson",
    };
    let all: Vec<&String> = merged.model.operations.keys().collect();
    let served: Vec<&String> = merged.served().map(|(name, _)| name).collect();
    let routes = if protocol == "RestJson" { routes(merged) } else { String::new() };
    let body = format!(
        "/// The service's table.\n\
         pub static SERVICE: Service = Service {{ name: {:?}, signing_name: {:?}, api_version: {:?}, \
         protocol: Protocol::{protocol}, xml_namespace: {:?}, target_prefix: {:?}, operations: &[{}], routes: &[{routes}], \
         errors: &[{}] }};\n\
         /// The operations that this server carries out, in alphabetical order.\n\
         pub static ALL_SERVED: &[&OperationModel] = &[{}];\n\n",
        merged.service,
        metadata.signing_name.as_deref().unwrap_or(&merged.service),
        metadata.api_version,
        metadata.xml_namespace.as_deref().unwrap_or_default(),
        metadata.target_prefix.as_deref().unwrap_or_default(),
        references(&all),
        errors(merged),
        references(&served),
    );
    let words = ["ErrorModel", "OperationModel", "Protocol", "RouteGroup", "Service"];
    format!(
        "{}{body}",
        shape_imports(&words, &body.replace("[&OperationModel]", "OperationModel ="))
    )
}

fn references(names: &[&String]) -> String {
    names.iter().map(|name| format!("&rows::{},", constant(name))).collect()
}

fn errors(merged: &Merged) -> String {
    let mut out = String::new();
    for (name, error) in &merged.model.errors {
        let (code, status, key) = (&error.code, error.status, &error.message_key);
        let _ = write!(
            out,
            "ErrorModel {{ name: {name:?}, code: {code:?}, status: {status}, message_key: {key:?} }},"
        );
    }
    out
}

/// The operations by first path segment; those with literal queries first, so that they win.
fn routes(merged: &Merged) -> String {
    let mut groups: BTreeMap<&str, Vec<(&String, &Operation)>> = BTreeMap::new();
    for (name, operation) in &merged.model.operations {
        let path = split(&operation.http.request_uri).0;
        groups
            .entry(path.first().copied().unwrap_or_default())
            .or_default()
            .push((name, operation));
    }
    let mut out = String::new();
    for (first, mut operations) in groups {
        operations.sort_by_key(|(_, row)| !row.http.request_uri.contains('?'));
        let names: Vec<&String> = operations.into_iter().map(|(name, _)| name).collect();
        let _ = write!(
            out,
            "RouteGroup {{ first: {first:?}, operations: &[{}] }},",
            references(&names)
        );
    }
    out
}

/// Path segments and literal query of a request URI.
fn split(uri: &str) -> (Vec<&str>, Vec<(&str, &str)>) {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let segments = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    (segments, pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect())
}

/// The macro that says once which operations are served, to whoever needs a line for each.
pub(crate) fn served(merged: &Merged) -> String {
    let service = &merged.service;
    let rows: String =
        merged.served().map(|(name, _)| format!("            {name} {},\n", snake(name))).collect();
    format!(
        "/// Calls the macro `$with` with the service's module and table, then every served operation\n\
         /// and the name of its handler.\n\
         #[macro_export]\nmacro_rules! served_{service} {{\n    ($with:ident) => {{\n        \
         $with! {{ {service} {}:\n{rows}        }}\n    }};\n}}\n\n",
        constant(service),
    )
}

/// One static a row.
pub(crate) fn operations(merged: &Merged) -> String {
    let rows = merged.model.operations.iter().enumerate();
    let body: String =
        rows.map(|(index, (name, row))| operation_row(&merged.service, index, name, row)).collect();
    let words = ["Authorization", "OperationModel", "ResourceForm", "Segment"];
    let imports = shape_imports(&words, &body);
    format!("/// The operation table.\nmod rows {{\n{imports}use super::shapes;\n{body}}}\n\n")
}

fn operation_row(service: &str, index: usize, name: &str, operation: &Operation) -> String {
    let (path, query) = split(&operation.http.request_uri);
    let path: String = path.into_iter().map(segment).collect();
    let shape = |name: &Option<String>| match name {
        Some(name) => format!("Some(&shapes::{})", constant(name)),
        None => "None".to_owned(),
    };
    format!(
        "pub(super) static {}: OperationModel = OperationModel {{ service: {service:?}, index: {index}, \
         name: {name:?}, method: {:?}, path: &[{path}], required_query: &{query:?}, status: {}, \
         input: {}, output: {}, result_wrapper: {:?}, served: {}, authorization: {} }};\n",
        constant(name),
        operation.http.method,
        operation.http.response_code,
        shape(&operation.input),
        shape(&operation.output),
        operation.result_wrapper.as_deref().unwrap_or_default(),
        operation.served,
        authorization(operation),
    )
}

fn segment(segment: &str) -> String {
    match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(label) => format!("Segment::Label({label:?}),"),
        None => format!("Segment::Literal({segment:?}),"),
    }
}

fn authorization(operation: &Operation) -> String {
    operation.authorization.as_ref().map_or_else(
        || "None".to_owned(),
        |(action, form)| {
            let cross_account = operation.cross_account;
            format!(
                "Some(Authorization {{ action: {action:?}, resource: ResourceForm::{form}, \
                 cross_account: {cross_account} }})"
            )
        },
    )
}
