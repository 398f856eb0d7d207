//! How long a decision takes in each shape, and what a policy costs to make. Run
//! `cargo bench -p portcullis-iam`; for the goals, and the ratio to Cedar, `benches/cedar`.

mod shapes;

use std::sync::{Arc, LazyLock};

use divan::{AllocProfiler, Bencher, black_box};
use portcullis_iam::{DocumentKind, Policy, Statement, decide};
use shapes::{Shape, bucket_grant, full, nth};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(shapes::all);

fn main() {
    divan::main();
}

/// One decision.
#[divan::bench(args = SHAPES.iter())]
fn decision(bencher: Bencher<'_, '_>, shape: &Shape) {
    shape.ask(|request, policies| {
        bencher.bench_local(|| decide(black_box(request), black_box(policies)));
    });
}

fn parse(text: &str) -> Policy {
    let policy = Policy::parse(DocumentKind::Resource, text);
    policy.unwrap_or_else(|error| unreachable!("{error}: {text}"))
}

/// Reading and compiling a full policy.
#[divan::bench]
fn parse_full(bencher: Bencher<'_, '_>) {
    let text = full(bucket_grant);
    bencher.bench(|| parse(&text));
}

fn statement(text: &str) -> Arc<Statement> {
    let parsed = Statement::parse(DocumentKind::Resource, text);
    parsed.unwrap_or_else(|error| unreachable!("{error}: {text}"))
}

fn assemble(statements: &[Arc<Statement>]) -> Policy {
    let policy = Policy::assemble(DocumentKind::Resource, statements.to_vec());
    policy.unwrap_or_else(|error| unreachable!("{error}"))
}

/// Reading and compiling one statement: what a grant adds to a policy that is compiled.
#[divan::bench]
fn parse_statement(bencher: Bencher<'_, '_>) {
    let text = bucket_grant(1);
    bencher.bench(|| statement(&text));
}

/// A full policy from statements that are compiled, with conditions of one kind.
#[divan::bench]
fn assemble_full(bencher: Bencher<'_, '_>) {
    let count = parse(&full(bucket_grant)).statements().len();
    let statements: Vec<_> = (0..count).map(|n| statement(&bucket_grant(n))).collect();
    bencher.bench(|| assemble(&statements));
}

/// The same where neighbours have nothing in common.
#[divan::bench]
fn assemble_mixed(bencher: Bencher<'_, '_>) {
    let mixed = |n: usize| {
        let text = bucket_grant(n).replace("s3.amazonaws", &format!("s{n}.amazonaws"));
        let key = nth(&["AWS:SourceAccount", "aws:PrincipalOrgID"], n);
        text.replace("AWS:SourceAccount", key)
    };
    let count = parse(&full(bucket_grant)).statements().len();
    let statements: Vec<_> = (0..count).map(|n| statement(&mixed(n))).collect();
    bencher.bench(|| assemble(&statements));
}
