//! What lint reports: findings, their rules, and how they are written.

use std::borrow::Cow;

use serde::Serialize;

use crate::analysis::style::{Paint, Style};
use crate::error::excerpt;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document is refused, or a part of it can never do what it says.
    Error,
    /// More is open, or less, than the document seems to say.
    Warning,
    /// Could be shorter or clearer.
    Note,
}

impl Severity {
    /// `error`, `warning` or `note`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// A rule of lint. Its code never changes its meaning.
#[derive(Debug, PartialEq, Eq)]
pub struct LintRule {
    /// Stable name: lower case and hyphens.
    pub code: &'static str,
    /// Of its findings.
    pub severity: Severity,
    /// What it looks for, in a sentence.
    pub about: &'static str,
}

/// Where in a document something is. Fields that do not apply are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Spot {
    /// The statement, counted from zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<usize>,
    /// The statement's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The element, from the statement inwards: `Condition.ArnLike.AWS:SourceArn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// The value in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl Spot {
    /// An element of the same statement.
    #[must_use]
    pub fn element(mut self, element: impl Into<String>) -> Self {
        self.element = Some(element.into());
        self
    }

    /// A value of the same element.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// As errors write places: `Statement[2] (Sid "s3").Condition.StringEquals "a*"`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.statement.map_or_else(String::new, |at| format!("Statement[{at}]"));
        if let Some(sid) = &self.sid {
            let sid = format!("Sid \"{}\"", excerpt(sid));
            text = if text.is_empty() { sid } else { format!("{text} ({sid})") };
        }
        if let Some(element) = &self.element {
            let point = if text.is_empty() { "" } else { "." };
            text.push_str(&format!("{point}{}", excerpt(element)));
        }
        if let Some(value) = &self.value {
            text.push_str(&format!(" \"{}\"", excerpt(value)));
        }
        if text.is_empty() { "the document".to_owned() } else { text }
    }
}

/// One thing that lint found.
///
/// As JSON: `rule`, `severity`, the fields of [`Spot`], `message`, `remedy`, and `saves` and
/// `replacement` where the remedy makes the document shorter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The [code](LintRule::code) of its rule.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Where it is.
    #[serde(flatten)]
    pub spot: Spot,
    /// What is the matter, in a sentence or two.
    pub message: Cow<'static, str>,
    /// What to do about it.
    pub remedy: Cow<'static, str>,
    /// Bytes of compact JSON by which the remedy shortens the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saves: Option<usize>,
    /// The statement that the remedy writes in the place of others, as compact JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
}

impl Finding {
    /// A finding of `rule` at `spot`.
    pub fn new(
        rule: &LintRule,
        spot: Spot,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        let LintRule { code, severity, .. } = *rule;
        let (message, remedy) = (message.into(), remedy.into());
        Self { rule: code, severity, spot, message, remedy, saves: None, replacement: None }
    }

    /// Two lines for a person: what and where, what to do.
    #[must_use]
    pub fn text(&self, style: Style) -> String {
        let paint = match self.severity {
            Severity::Error => Paint::Bad,
            Severity::Warning => Paint::Doubtful,
            Severity::Note => Paint::Faint,
        };
        let head = style.paint(paint, &format!("{}[{}]", self.severity.name(), self.rule));
        let place = style.paint(Paint::Strong, &self.spot.text());
        let remedy = style.paint(Paint::Faint, "remedy:");
        let (message, advice) = (printable(&self.message), printable(&self.remedy));
        format!("{head} {place}\n  {message}\n  {remedy} {advice}\n")
    }
}

/// `text` with control characters escaped, so that a document cannot steer the terminal.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// The findings for a person, with a last line that counts them.
#[must_use]
pub fn findings_text(findings: &[Finding], style: Style) -> String {
    let mut text: String = findings.iter().map(|finding| finding.text(style)).collect();
    let count = |severity| findings.iter().filter(|found| found.severity == severity).count();
    let counts = [Severity::Error, Severity::Warning, Severity::Note].map(|severity| {
        let (count, name) = (count(severity), severity.name());
        format!("{count} {name}{}", if count == 1 { "" } else { "s" })
    });
    text.push_str(&counts.join(", "));
    text.push('\n');
    text
}

/// Findings while they are gathered.
#[derive(Debug, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Adds a finding.
    pub fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// Whether something is wrong that weighs as an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Puts another finding, or the same, in the place of each.
    #[must_use]
    pub fn map(self, change: impl FnMut(Finding) -> Finding) -> Self {
        Self { findings: self.findings.into_iter().map(change).collect() }
    }

    /// The findings by weight (errors, warnings, notes), then by place; those of the rule with the
    /// code `first` before all others.
    #[must_use]
    pub fn into_findings(mut self, first: &str) -> Vec<Finding> {
        let key = |found: &Finding| (found.rule != first, found.severity, found.spot.statement);
        self.findings.sort_by_key(key);
        self.findings
    }
}
