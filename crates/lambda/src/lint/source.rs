//! Rules about the services that call functions, and for whose resources. Source: iam.md §10.4.

use portcullis_iam::analysis::{Finding, PrincipalName, Report, WrittenStatement};

use super::rules;

const SOURCE_ARN: &str = "aws:SourceArn";

/// The conditions that say for whose resource a service calls.
const OWNERS: [&str; 4] =
    [SOURCE_ARN, "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths"];

/// What the services of Alexa send in their place: the id of a skill.
const TOKEN: &str = "lambda:EventSourceToken";

/// What a service sends as the ARN of the resource for which it calls.
#[rustfmt::skip]
const SOURCES: [(&str, &str); 8] = [
    ("s3.",                   "arn:aws:s3:::BUCKET"),
    ("sns.",                  "arn:aws:sns:REGION:ACCOUNT:TOPIC"),
    ("events.",               "arn:aws:events:REGION:ACCOUNT:rule/NAME"),
    ("scheduler.",            "arn:aws:scheduler:REGION:ACCOUNT:schedule/GROUP/NAME"),
    ("apigateway.",           "arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH"),
    ("elasticloadbalancing.", "arn:aws:elasticloadbalancing:REGION:ACCOUNT:targetgroup/NAME/ID"),
    ("logs.",                 "arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*"),
    ("iot.",                  "arn:aws:iot:REGION:ACCOUNT:rule/NAME"),
];

/// A service that anybody can make call, on behalf of a resource of their own.
pub(super) fn confused_deputy(statement: &WrittenStatement, report: &mut Report) {
    let owned = OWNERS.iter().any(|key| statement.restricts(key));
    if !statement.allows() || statement.excludes_principals() || owned {
        return;
    }
    for name in statement.principals() {
        let (service, element) = match name {
            PrincipalName::Service(service) if is_skills(service, statement) => continue,
            PrincipalName::Service(service) => (service, "Principal.Service"),
            PrincipalName::Everyone if statement.is_for_services() => ("any service", "Principal"),
            _ => continue,
        };
        report.add(Finding::new(
            &rules::CONFUSED_DEPUTY,
            statement.spot().element(element).value(name.parts().1),
            format!(
                "Anyone with an account can have {service} call this function: the statement does \
                 not say for whose resource."
            ),
            remedy(service),
        ));
    }
}

/// Whether a service calls for skills, and the statement says for which.
fn is_skills(service: &str, statement: &WrittenStatement) -> bool {
    service.starts_with("alexa-") && statement.restricts(TOKEN)
}

/// What to add for a service.
fn remedy(service: &str) -> String {
    if service.starts_with("alexa-") {
        return "Add a condition on lambda:EventSourceToken (--event-source-token) with the \
                skill's id."
            .to_owned();
    }
    let source = SOURCES.iter().find(|(prefix, _)| service.starts_with(prefix));
    let example =
        source.map_or_else(String::new, |(_, example)| format!(", for example {example},"));
    format!(
        "Add a condition on aws:SourceArn (--source-arn){example} and one on aws:SourceAccount \
         (--source-account)."
    )
}

/// A source such as a bucket: its name may be taken by another account once it is deleted.
pub(super) fn without_account(statement: &WrittenStatement, report: &mut Report) {
    let account = ["aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths"];
    if !statement.allows() || account.iter().any(|key| statement.restricts(key)) {
        return;
    }
    for condition in statement.conditions_on(SOURCE_ARN).filter(|one| one.restricts()) {
        for value in condition.values().iter().filter(|value| field(value, 4) == Some("")) {
            report.add(Finding::new(
                &rules::SOURCE_ARN_WITHOUT_ACCOUNT,
                statement.spot().element(condition.element()).value(value),
                "The ARN does not name an account: whoever gets a resource of this name once it is \
                 deleted may have the function called.",
                "Add a condition on aws:SourceAccount (--source-account) with the owner's account.",
            ));
        }
    }
}

/// A field of an ARN, from zero; the sixth keeps the rest.
fn field(arn: &str, at: usize) -> Option<&str> {
    arn.splitn(6, ':').nth(at)
}

/// The methods that API Gateway puts into a source ARN.
const METHODS: [&str; 8] = ["ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// Source ARNs of API Gateway that match fewer calls than it seems.
pub(super) fn execute_api(statement: &WrittenStatement, report: &mut Report) {
    for condition in statement.conditions_on(SOURCE_ARN).filter(|one| !one.is_negated()) {
        for value in condition.values() {
            let resource = field(value, 5).filter(|_| field(value, 2) == Some("execute-api"));
            let Some((message, remedy)) = resource.and_then(execute_api_fault) else { continue };
            let spot = statement.spot().element(condition.element()).value(value);
            report.add(Finding::new(&rules::EXECUTE_API_SOURCE_ARN, spot, message, remedy));
        }
    }
}

/// What is wrong with `API/STAGE/METHOD/PATH`, and what to write.
fn execute_api_fault(resource: &str) -> Option<(&'static str, &'static str)> {
    let parts: Vec<&str> = resource.splitn(4, '/').collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    let stage_missing = METHODS.contains(&part(1)) && !part(0).contains('*');
    if parts.iter().any(|part| part.contains(['{', '}'])) {
        Some((
            "The source ARN has the path of the request, never the template in braces.",
            "Write * in the place of the braces and what is in them.",
        ))
    } else if stage_missing || (parts.len() < 3 && !resource.ends_with('*')) {
        Some((
            "The source ARN is API/STAGE/METHOD/PATH; here the stage is missing.",
            "Write API/*/METHOD/PATH for every stage, or API/* for the whole API.",
        ))
    } else if part(2) == "ANY" {
        Some((
            "The source ARN has the method of the request; ANY is never one.",
            "Write * in the place of ANY.",
        ))
    } else if parts.len() == 4 && part(2) == "*" && part(3).split('/').all(|part| part == "*") {
        Some((
            "The $default route of an HTTP API sends API/STAGE/$default, which has too few parts \
             for this.",
            "Write API/*/* for all routes of all stages.",
        ))
    } else {
        None
    }
}
