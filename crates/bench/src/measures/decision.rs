//! Signed and decided calls, against signed ones alone: a build of the same server in which the
//! decision is a constant, so that nothing is asked, decided, kept or logged.

use std::{path::Path, thread, time::Duration};

use jiff::Timestamp;
use portcullis_sigv4::Credentials;
use serde_json::{Value, json};

use super::{Bench, micros};
use crate::{
    Fallible,
    load::Plan,
    report::{Goal, Row},
    say,
    server::Server,
    session::{self, ACCOUNT},
    wire::Call,
};

const CONNECTIONS: usize = 16;

/// Different signatures in a plan, one a second of the past.
const SIGNATURES: i64 = 64;

/// How often the sides take turns in a run.
const TURNS: u32 = 8;

const FUNCTION: &str = "my-function";
const BASE: &str = "a constant decision";

/// Both servers, alike but for the decision, and who calls them.
struct Sides {
    constant: (Server, Credentials),
    deciding: (Server, Credentials),
}

pub(super) fn measure(bench: &Bench<'_>) -> Fallible<Vec<Row>> {
    say!("Decisions at {CONNECTIONS} connections, and a server that decides nothing in turns");
    let sides = Sides {
        constant: furnished(bench, bench.constant, "constant-decision")?,
        deciding: furnished(bench, bench.server, "decision")?,
    };
    if !sides.constant.0.is_constant || sides.deciding.0.is_constant {
        return Err("the servers are not what they should be: the decision is a constant".into());
    }
    Ok(vec![
        row(bench, &sides, "GetPolicy by a user, decided: processor time a request", &|| {
            session::get_policy(FUNCTION)
        })?,
        row(
            bench,
            &sides,
            "Invoke (DryRun) by a user, decided: processor time a request",
            &|| session::dry_run(FUNCTION),
        )?,
    ])
}

/// Loads both sides in turns.
fn row(
    bench: &Bench<'_>,
    sides: &Sides,
    what: &'static str,
    call: &dyn Fn() -> Call,
) -> Fallible<Row> {
    let mut runs = Vec::new();
    for run in 0..=bench.effort.runs {
        let pair = pair(bench, sides, call)?;
        if run > 0 {
            runs.push(pair); // The first only warms up.
        }
    }
    Ok(Row::compared(what, "µs", BASE, Goal::Ratio(1.25), runs))
}

/// One run: both sides for a short time, again and again, so that what else happens on the machine
/// meets both alike. Microseconds a request.
fn pair(bench: &Bench<'_>, sides: &Sides, call: &dyn Fn() -> Call) -> Fallible<(f64, f64)> {
    let (mut base, mut own) = (Spent::default(), Spent::default());
    for _ in 0..TURNS {
        base.load(bench, &sides.constant, call)?;
        own.load(bench, &sides.deciding, call)?;
    }
    Ok((base.micros / base.requests, own.micros / own.requests))
}

/// What a server spent on its requests.
#[derive(Default)]
struct Spent {
    /// Processor time of all its threads, in microseconds.
    micros: f64,
    requests: f64,
}

impl Spent {
    /// Adds a turn.
    fn load(
        &mut self,
        bench: &Bench<'_>,
        (server, user): &(Server, Credentials),
        call: &dyn Fn() -> Call,
    ) -> Fallible<()> {
        let now = Timestamp::now();
        let request = |age: i64| {
            let then = now - jiff::SignedDuration::from_secs(age);
            Ok(String::from_utf8(call().sign(server.address, user, then)?)?)
        };
        let requests = (0..SIGNATURES).map(request).collect::<Fallible<_>>()?;
        let time = bench.effort.load / TURNS;
        let plan = Plan { address: server.address, connections: CONNECTIONS, time, requests };
        let before = server.process.cpu_time()?;
        self.requests += plan.run()?.requests;
        // What was recorded last is yet to be written.
        thread::sleep(Duration::from_millis(30));
        self.micros += micros(server.process.cpu_time()?.saturating_sub(before));
        Ok(())
    }
}

/// A server with a function whose policy has five statements, and a user whose policy has five.
fn furnished(bench: &Bench<'_>, binary: &Path, name: &str) -> Fallible<(Server, Credentials)> {
    let server = bench.start_of(binary, name)?;
    let mut session = bench.furnish(&server)?;
    bench.deploy(&mut session, FUNCTION)?;
    for grant in grants() {
        session.grant(FUNCTION, &grant)?;
    }
    let user = session.create_user("caller", &user_policy())?;
    Ok((server, user))
}

/// What a function is usually granted to: services for a source, an organization, an account.
fn grants() -> Vec<Value> {
    let service = |id: &str, service: &str, source: &str| {
        json!({
            "StatementId": id,
            "Action": "lambda:InvokeFunction",
            "Principal": format!("{service}.amazonaws.com"),
            "SourceArn": source,
            "SourceAccount": ACCOUNT,
        })
    };
    let rule = format!("arn:aws:events:us-east-1:{ACCOUNT}:rule/nightly");
    let api = format!("arn:aws:execute-api:us-east-1:{ACCOUNT}:a1b2c3d4e5/*/POST/orders");
    vec![
        service("s3", "s3", "arn:aws:s3:::photos"),
        service("events", "events", &rule),
        service("api", "apigateway", &api),
        json!({
            "StatementId": "organization",
            "Action": "lambda:InvokeFunction",
            "Principal": "*",
            "PrincipalOrgID": "o-abcdefghij",
        }),
        json!({
            "StatementId": "account",
            "Action": "lambda:InvokeFunction",
            "Principal": "223456789012",
        }),
    ]
}

/// What a user who works with functions may do.
fn user_policy() -> Value {
    let functions = format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:my-*");
    json!({"Version": "2012-10-17", "Statement": [
        {
            "Effect": "Deny", "Action": "*", "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}},
        },
        {"Effect": "Allow", "Action": ["lambda:Get*", "lambda:List*"], "Resource": "*"},
        {
            "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": functions,
            "Condition": {"IpAddress": {"aws:SourceIp": ["127.0.0.0/8", "10.0.0.0/8"]}},
        },
        {
            "Effect": "Allow", "Action": "lambda:Update*", "Resource": functions,
            "Condition": {"StringEquals": {"aws:PrincipalTag/team": "${aws:ResourceTag/team}"}},
        },
        {
            "Effect": "Allow", "Action": "iam:PassRole", "Resource": "*",
            "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        },
    ]})
}
