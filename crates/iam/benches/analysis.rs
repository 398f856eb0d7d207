//! How long static answers about full documents take. Run
//! `cargo bench -p portcullis-iam --bench analysis`.

use divan::{Bencher, black_box};
use portcullis_iam::DocumentKind;
use portcullis_iam::analysis::{Knowledge, WrittenPolicy, diff, lint, redundancies};

/// The most bytes that a function's policy may have.
const FULL: usize = 20_480;

fn main() {
    divan::main();
}

/// As many statements as fit, each made from its number.
fn full(statement: impl Fn(usize) -> String) -> String {
    let document = |statements: &[String]| {
        format!(
            r#"{{"Version":"2012-10-17","Id":"default","Statement":[{}]}}"#,
            statements.join(",")
        )
    };
    let mut statements = Vec::new();
    while document(&statements).len() <= FULL {
        statements.push(statement(statements.len()));
    }
    statements.pop();
    document(&statements)
}

/// Grants to S3, as AddPermission writes them.
fn grants() -> String {
    full(|at| {
        format!(
            concat!(
                r#"{{"Sid":"s{at}","Effect":"Allow","Principal":{{"Service":"s3.amazonaws.com"}},"#,
                r#""Action":"lambda:InvokeFunction","#,
                r#""Resource":"arn:aws:lambda:us-east-1:111111111111:function:orders","#,
                r#""Condition":{{"StringEquals":{{"AWS:SourceAccount":"111111111111"}},"#,
                r#""ArnLike":{{"AWS:SourceArn":"arn:aws:s3:::bucket-{at}"}}}}}}"#
            ),
            at = at
        )
    })
}

/// The shortest statements that are all different.
fn shortest() -> String {
    full(|at| format!(r#"{{"Effect":"Allow","Principal":"*","Action":"a:{at}","Resource":"*"}}"#))
}

/// One long list of patterns against another one.
fn lists() -> String {
    let list = |from: usize| {
        let actions: Vec<String> = (from..from + 900).map(|at| format!("\"a:{at}*\"")).collect();
        format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":[{}],"Resource":"*"}}"#,
            actions.join(",")
        )
    };
    format!(r#"{{"Version":"2012-10-17","Statement":[{},{}]}}"#, list(0), list(5_000))
}

/// Patterns that take long to compare.
fn hostile() -> String {
    full(|at| {
        let pattern = "*a".repeat(500);
        format!(r#"{{"Effect":"Allow","Principal":"*","Action":"a:{pattern}{at}","Resource":"*"}}"#)
    })
}

/// Makes a document.
type Make = fn() -> String;

const DOCUMENTS: [(&str, Make); 4] =
    [("grants", grants), ("shortest", shortest), ("lists", lists), ("hostile", hostile)];

fn document(name: &str) -> String {
    let found = DOCUMENTS.iter().find(|(known, _)| *known == name);
    found.map(|(_, make)| make()).unwrap_or_default()
}

/// Lint of a full function policy.
#[divan::bench(args = DOCUMENTS.map(|(name, _)| name))]
fn lint_full(bencher: Bencher<'_, '_>, name: &str) {
    let document = document(name);
    let knowledge = Knowledge::default();
    bencher.bench_local(|| lint(DocumentKind::Resource, black_box(&document), &knowledge));
}

/// Of which reading the document.
#[divan::bench(args = DOCUMENTS.map(|(name, _)| name))]
fn read_full(bencher: Bencher<'_, '_>, name: &str) {
    let document = document(name);
    bencher.bench_local(|| WrittenPolicy::read(DocumentKind::Resource, black_box(&document)));
}

/// Of which comparing its statements with each other.
#[divan::bench(args = DOCUMENTS.map(|(name, _)| name))]
fn redundancies_full(bencher: Bencher<'_, '_>, name: &str) {
    let written = WrittenPolicy::read(DocumentKind::Resource, &document(name));
    bencher.bench_local(|| redundancies(black_box(&written)));
}

/// A full document whose first statement goes away.
#[divan::bench(args = DOCUMENTS.map(|(name, _)| name))]
fn diff_one_removed(bencher: Bencher<'_, '_>, name: &str) {
    let old = document(name);
    let new = without_first(&old);
    bencher.bench_local(|| diff(DocumentKind::Resource, black_box(&old), black_box(&new)));
}

/// A full document all of whose statements go away.
#[divan::bench(args = DOCUMENTS.map(|(name, _)| name))]
fn diff_all_removed(bencher: Bencher<'_, '_>, name: &str) {
    let old = document(name);
    let new = r#"{"Version":"2012-10-17","Statement":[]}"#;
    bencher.bench_local(|| diff(DocumentKind::Resource, black_box(&old), black_box(new)));
}

fn without_first(document: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    if let Some(statements) = value.get_mut("Statement").and_then(|list| list.as_array_mut()) {
        statements.remove(0);
    }
    value.to_string()
}
