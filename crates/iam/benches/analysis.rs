//! How long static answers about full documents take. Run
//! `cargo bench -p portcullis-iam --bench analysis`.

use divan::{Bencher, black_box};
use portcullis_iam::analysis::{
    Candidate, Document, GLOBAL_KEYS, Inquiry, Knowledge, Question, WrittenPolicy, diff, lint,
    redundancies,
};
use portcullis_iam::{DocumentKind, MapContext, Principal, ResourceRule};

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

/// Who may invoke a function with a full policy, of 1,000 users with a policy of three statements
/// each, which is read for each.
#[divan::bench(args = [0, 1_000])]
fn who_can_of(bencher: Bencher<'_, '_>, users: usize) {
    let policy = WrittenPolicy::read(DocumentKind::Resource, &grants());
    let documents = [Document { name: "function", policy: &policy }];
    let question = Question {
        action: "lambda:InvokeFunction",
        resource: "arn:aws:lambda:us-east-1:111111111111:function:orders",
        resource_account: "111111111111",
        resource_rule: ResourceRule::Suffices,
        documents: &documents,
        resource_control: &[],
        keys: &MapContext::new(),
        condition_keys: &GLOBAL_KEYS,
    };
    let own = concat!(
        r#"{"Version":"2012-10-17","Statement":["#,
        r#"{"Effect":"Allow","Action":["lambda:Get*","lambda:List*"],"Resource":"*"},"#,
        r#"{"Effect":"Allow","Action":"lambda:InvokeFunction","#,
        r#""Resource":"arn:aws:lambda:*:111111111111:function:*","#,
        r#""Condition":{"Bool":{"aws:SecureTransport":"true"}}},"#,
        r#"{"Effect":"Deny","Action":"lambda:Delete*","Resource":"*"}]}"#
    );
    bencher.bench_local(|| {
        let mut inquiry = Inquiry::new(black_box(&question));
        for user in 0..users {
            let arn = format!("arn:aws:iam::111111111111:user/user-{user}");
            let Ok(principal) = Principal::parse(&arn) else { continue };
            let policy = WrittenPolicy::read(DocumentKind::Identity, own);
            let identity = [Document { name: "own", policy: &policy }];
            inquiry.ask(&Candidate { identity: &identity, ..Candidate::new(&principal) });
        }
        inquiry.into_entries()
    });
}
