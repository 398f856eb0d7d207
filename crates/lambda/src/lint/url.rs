//! Rules about function URLs, which need two permissions. Source: iam.md §10.3.

use portcullis_iam::analysis::{Finding, Report, WrittenStatement};
use portcullis_iam::glob;

use super::rules;

const URL: &str = "lambda:InvokeFunctionUrl";
const INVOKE: &str = "lambda:InvokeFunction";
const AUTH_TYPE: &str = "lambda:FunctionUrlAuthType";
const VIA_URL: &str = "lambda:InvokedViaFunctionUrl";

/// Whether a statement is for calls by URL alone, by its condition.
fn is_via_url(statement: &WrittenStatement) -> bool {
    let truth = |values: &[String]| values.iter().all(|value| value.eq_ignore_ascii_case("true"));
    statement.conditions_on(VIA_URL).any(|one| one.restricts() && truth(one.values()))
}

/// Whether a statement opens a function URL whose authentication type is NONE, and nothing more.
fn opens_url(statement: &WrittenStatement) -> bool {
    let (element, actions) = statement.actions();
    let only = |action: &str| {
        element == "Action" && actions.iter().all(|one| one.eq_ignore_ascii_case(action))
    };
    let none = |values: &[String]| values.iter().all(|value| value == "NONE");
    let by_type =
        statement.conditions_on(AUTH_TYPE).any(|one| one.restricts() && none(one.values()));
    (only(URL) && by_type) || (only(INVOKE) && is_via_url(statement))
}

/// A public grant that only opens a function URL to everyone is what a URL of the type NONE is for:
/// worth a note.
pub(super) fn as_public_url(finding: Finding, statement: &WrittenStatement) -> Finding {
    if finding.rule != "public-grant" || !opens_url(statement) {
        return finding;
    }
    Finding::new(
        &rules::PUBLIC_URL,
        finding.spot,
        "Anyone who knows the function's URL may call it.",
        "Nothing, if that is meant; else use the authentication type AWS_IAM and name the callers.",
    )
}

/// Looks for URL permissions that lack their other half, or have one that opens too much.
pub(super) fn halves(statements: &[WrittenStatement], report: &mut Report) {
    let allows = |action: &'static str| {
        statements.iter().filter(move |one| one.allows() && one.has_action(action))
    };
    for url in allows(URL).filter(|one| !one.has_action(INVOKE)) {
        let others: Vec<_> = allows(INVOKE).filter(|other| reaches(other, url)).collect();
        if others.is_empty() {
            report.add(without_invoke(url));
        } else if !others.iter().any(|other| is_via_url(other)) {
            let open = others.into_iter().filter(|other| other.names_everyone());
            open.for_each(|other| report.add(opens_invoke(other)));
        }
    }
    for half in allows(INVOKE).filter(|one| is_via_url(one) && !one.has_action(URL)) {
        if !allows(URL).any(|url| meets(half, url)) {
            report.add(without_url(half));
        }
    }
}

/// Whether `half` is about the callers and the function of `url`, all of them.
fn reaches(half: &WrittenStatement, url: &WrittenStatement) -> bool {
    let named = |name| half.principals().any(|other| other == name);
    let covered = |arn: &String| half.resources().1.iter().any(|pattern| glob(pattern, arn));
    (half.names_everyone() || url.principals().all(named)) && url.resources().1.iter().all(covered)
}

/// Whether some caller and function may have both.
fn meets(half: &WrittenStatement, url: &WrittenStatement) -> bool {
    let named = |name| half.principals().any(|other| other == name);
    let covered = |arn: &String| {
        let patterns = half.resources().1;
        patterns.iter().any(|pattern| glob(pattern, arn) || glob(arn, pattern))
    };
    (half.names_everyone() || url.names_everyone() || url.principals().any(named))
        && url.resources().1.iter().any(covered)
}

fn without_invoke(url: &WrittenStatement) -> Finding {
    Finding::new(
        &rules::URL_WITHOUT_INVOKE,
        url.spot().element("Action").value(URL),
        "A function URL made since October 2025 needs lambda:InvokeFunction too, for the same \
         callers.",
        "Add a statement for lambda:InvokeFunction with --invoked-via-function-url.",
    )
}

fn without_url(half: &WrittenStatement) -> Finding {
    Finding::new(
        &rules::INVOKE_WITHOUT_URL,
        half.spot().element("Action").value(INVOKE),
        "The statement is for calls by the function's URL, which need lambda:InvokeFunctionUrl too, \
         for the same callers.",
        "Add a statement for lambda:InvokeFunctionUrl with --function-url-auth-type.",
    )
}

fn opens_invoke(half: &WrittenStatement) -> Finding {
    Finding::new(
        &rules::URL_OPENS_INVOKE,
        half.spot().element("Action").value(INVOKE),
        "This statement completes the permission for the function's URL, but also opens direct \
         calls to everyone.",
        "Write it with --invoked-via-function-url.",
    )
}
