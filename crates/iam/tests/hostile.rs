//! Documents made to keep static analysis busy: as long as documents may be, and answered in time.

use std::time::{Duration, Instant};

use portcullis_iam::DocumentKind;
use portcullis_iam::analysis::{Knowledge, diff, lint};
use serde_json::{Value, json};

/// The longest document that is read.
const BYTES_MAX: usize = 131_072;

/// Far more than an optimized build needs on a busy machine: what explodes takes longer.
const TIME_MAX: Duration = Duration::from_secs(60);

/// As many of the values as fit into so many bytes.
fn as_many(bytes: usize, value: impl Fn(usize) -> Value) -> Vec<Value> {
    let mut left = bytes;
    let mut values = Vec::new();
    while let Some(rest) = left.checked_sub(value(values.len()).to_string().len() + 1) {
        left = rest;
        values.push(value(values.len()));
    }
    values
}

/// A statement that allows everything, but for one part.
fn statement(name: &str, part: Value) -> Value {
    let mut statement =
        json!({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"});
    if let Some(elements) = statement.as_object_mut() {
        elements.remove(name.trim_start_matches("Not"));
        elements.insert(name.to_owned(), part);
    }
    statement
}

/// Two statements, each with half of the bytes in a list.
fn lists(name: &str, entry: impl Fn(usize) -> String) -> Vec<Value> {
    let half = BYTES_MAX / 2 - 200;
    let list = |from: usize| as_many(half, |at| Value::from(entry(from + at)));
    vec![statement(name, Value::from(list(0))), statement(name, Value::from(list(100_000)))]
}

fn conditions() -> Vec<Value> {
    let part = |from: usize| {
        let keys = (0..2_500).map(|at| (format!("aws:k{}", from + at), json!("a*")));
        json!({"StringLike": keys.collect::<serde_json::Map<_, _>>()})
    };
    vec![statement("Condition", part(0)), statement("Condition", part(1))]
}

fn documents() -> Vec<(&'static str, Vec<Value>)> {
    let tower = |at: usize| format!("arn:aws:s3:::{}{at}", "*a".repeat(4_000));
    let many = |at: usize| statement("Action", json!(format!("a:{at}*")));
    vec![
        ("actions", lists("Action", |at| format!("a:{at}*"))),
        ("exact actions", lists("Action", |at| format!("a:{at}"))),
        ("excluded actions", lists("NotAction", |at| format!("a:*{at}"))),
        ("resources", lists("Resource", |at| format!("arn:aws:s3:::*{at}*"))),
        ("towers of wildcards", lists("Resource", tower)),
        ("excluded towers", lists("NotResource", tower)),
        ("conditions", conditions()),
        ("statements", as_many(BYTES_MAX - 100, many)),
    ]
}

fn document(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

#[test]
fn hostile_documents_are_answered_in_time() {
    for (name, statements) in documents() {
        let whole = document(&statements);
        assert!(whole.len() <= BYTES_MAX, "{name}: {}", whole.len());
        let rest = document(statements.get(1..).unwrap_or_default());
        let started = Instant::now();
        let findings = lint(DocumentKind::Resource, &whole, &Knowledge::default());
        let linted = started.elapsed();
        assert!(findings.iter().all(|finding| finding.rule != "invalid-json"), "{name}");
        assert!(diff(DocumentKind::Resource, &whole, &rest).is_ok(), "{name}");
        eprintln!("{name}: lint {linted:?}, diff {:?}", started.elapsed() - linted);
        assert!(started.elapsed() < TIME_MAX, "{name}: {:?}", started.elapsed());
    }
}
