//! What is doubtful about a grant: told beside the answer, which is as if it were not.

use http::{HeaderName, HeaderValue};
use portcullis_iam::analysis::{Finding, LintRule, PUBLIC_GRANT, Severity};
use portcullis_lambda::{
    CONFUSED_DEPUTY, Facts, InvalidParameter, LambdaError, Statement, lint_grant,
};

use crate::context::RequestCx;

/// On a success that is to be thought over: what is doubtful, in one line.
pub(crate) const WARNING: HeaderName = HeaderName::from_static("x-portcullis-warning");

/// Longest warning, in bytes. Ours: clients take 8 KiB of headers, all together.
const WARNING_BYTES_MAX: usize = 1_024;

/// What lint says about a grant, beyond mere notes.
pub(crate) struct Doubts(Vec<Finding>);

impl Doubts {
    /// Of statements that the caller is permitted to add to a function of its own account.
    pub(crate) fn of<'s>(statements: impl IntoIterator<Item = &'s Statement>) -> Self {
        let facts = Facts::default();
        let each = statements.into_iter().map(|statement| lint_grant(statement, &facts));
        let mut findings: Vec<Finding> = each.flatten().collect();
        findings.retain(|finding| finding.severity != Severity::Note);
        Self(findings)
    }

    /// Refuses a grant that strangers can use: by a service that calls for anybody's resource, or
    /// themselves, but for one that only opens a function URL to everyone.
    ///
    /// # Errors
    /// [`InvalidParameter::ConfusedDeputy`], [`InvalidParameter::PublicGrant`].
    pub(crate) fn refuse_open_grant(&self) -> Result<(), LambdaError> {
        let why = |rule: &LintRule| {
            let finding = self.0.iter().find(|finding| finding.rule == rule.code)?;
            Some(format!("{} {}", finding.message, finding.remedy).into())
        };
        match (why(&CONFUSED_DEPUTY), why(&PUBLIC_GRANT)) {
            (Some(why), _) => Err(InvalidParameter::ConfusedDeputy(why).into()),
            (None, Some(why)) => Err(InvalidParameter::PublicGrant(why).into()),
            (None, None) => Ok(()),
        }
    }

    /// Has the operator told about `what`, a statement's id or more, and gives the header for the
    /// caller; `None` if there is no doubt.
    pub(crate) fn warn(&self, cx: &RequestCx<'_>, what: &str) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return None;
        }
        let text = line(&self.0);
        let request_id = cx.request_id();
        tracing::warn!(%request_id, statement = what, warning = ?text, "a doubtful grant was made");
        HeaderValue::from_str(&text).ok()
    }
}

/// All findings in one line of visible ASCII, cut where it becomes too long for a header.
fn line(findings: &[Finding]) -> String {
    let each =
        findings.iter().map(|found| format!("{}: {} {}", found.rule, found.message, found.remedy));
    let text = each.collect::<Vec<_>>().join(" | ");
    let visible = text.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' });
    let mut line: String = visible.take(WARNING_BYTES_MAX + 1).collect();
    if line.len() > WARNING_BYTES_MAX {
        line.truncate(WARNING_BYTES_MAX - 3);
        line.push_str("...");
    }
    line
}

#[cfg(test)]
mod tests {
    use portcullis_lambda::{Facts, Statement, lint_grant};

    use super::{WARNING_BYTES_MAX, line};

    #[test]
    fn a_warning_is_one_bounded_line_of_ascii() {
        for length in [1, 200, 5_000] {
            let service = format!("{}\u{1f980}\\n.amazonaws.com", "s".repeat(length));
            let json = format!(
                r#"{{"Sid":"s","Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:123456789012:function:f"}}"#
            );
            let findings = lint_grant(&Statement::from_json(&json).unwrap(), &Facts::default());
            let line = line(&findings);
            assert!(line.starts_with("confused-deputy: "), "{line}");
            assert!(line.len() <= WARNING_BYTES_MAX);
            assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        }
    }
}
