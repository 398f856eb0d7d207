//! `portcullis lint`: what is doubtful in a policy.

use std::process::ExitCode;

use portcullis_iam::{
    DocumentKind,
    analysis::{Finding, Severity, findings_text},
};
use portcullis_lambda::{Facts, lint};
use portcullis_simulation::{GivenText, document_text, likely_kind};
use serde_json::json;

use crate::{
    CliError,
    cli::{FailOn, LintArguments, Output, PolicySource, ServerArguments},
    console::{answered, say, style},
    files::Files,
    server::function_policy,
};

/// Prints the findings. Some that weigh as much as `--fail-on` make the exit status 1.
///
/// # Errors
/// [`CliError`] when the policy cannot be had.
pub(crate) async fn run(arguments: &LintArguments) -> Result<ExitCode, CliError> {
    let source = match (&arguments.function, &arguments.policy) {
        (Some(function), _) => PolicySource::Function(function.clone()),
        (None, Some(policy)) => policy.clone(),
        // The command line has one or the other.
        (None, None) => return Ok(ExitCode::SUCCESS),
    };
    let text = read(&source, &Files::default(), &arguments.server).await?;
    let document = document_text(&text.json);
    let kind = arguments.kind.map_or_else(|| likely_kind(&document), DocumentKind::from);
    let findings = lint(kind, &document, &Facts::default());
    let printed = match arguments.output.output {
        Output::Text => say!("{}", findings_text(&findings, style()).trim_end()),
        Output::Json => say!("{}", json!({"Kind": kind.to_string(), "Findings": findings})),
    };
    let failed = findings.iter().any(|finding| weighs(finding, arguments.fail_on));
    answered(printed, if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Whether a finding is a failure.
fn weighs(finding: &Finding, fail_on: FailOn) -> bool {
    let needed = match finding.severity {
        Severity::Error => FailOn::Error,
        Severity::Warning => FailOn::Warning,
        Severity::Note => FailOn::Note,
    };
    fail_on != FailOn::Never && needed <= fail_on
}

/// The text of a document, wherever it is.
///
/// # Errors
/// [`CliError`] when it cannot be had.
pub(crate) async fn read(
    source: &PolicySource,
    files: &Files,
    server: &ServerArguments,
) -> Result<GivenText, CliError> {
    match source {
        PolicySource::File(file) => files.read(file),
        PolicySource::Function(function) => {
            let json = function_policy(&server.client()?, function).await?;
            Ok(GivenText { name: format!("function {function}"), json })
        }
    }
}

#[cfg(test)]
mod tests {
    use portcullis_iam::analysis::{Finding, LintRule, Severity, Spot};

    use super::weighs;
    use crate::cli::FailOn;

    #[test]
    #[rustfmt::skip]
    fn a_finding_fails_from_its_severity_on() {
        let rows = [
            (Severity::Error,   [true,  true,  true, false]),
            (Severity::Warning, [false, true,  true, false]),
            (Severity::Note,    [false, false, true, false]),
        ];
        for (severity, want) in rows {
            let rule = LintRule { code: "x", severity, about: "" };
            let finding = Finding::new(&rule, Spot::default(), "", "");
            let got = [FailOn::Error, FailOn::Warning, FailOn::Note, FailOn::Never];
            assert_eq!(got.map(|fail_on| weighs(&finding, fail_on)), want, "{severity:?}");
        }
    }
}
