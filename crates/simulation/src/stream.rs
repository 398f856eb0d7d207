//! Deciding a stream of cases, one line each, in order and in constant memory.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use portcullis_iam::Decision;

use crate::case::{Case, CaseReader, Explainer, Refused};
use crate::documents::Validation;
use crate::error::CaseError;
use crate::lines::{LINE_BYTES_MAX, Line, Lines};

/// What a stream held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many cases, which is how many lines were written.
    pub cases: u64,
    /// How many of them could not be read, hence were denied.
    pub refused: u64,
    /// The first of those: its line and what is wrong.
    pub first_refusal: Option<String>,
}

/// How a stream is decided.
#[derive(Clone, Copy, Default)]
pub struct Settings<'s> {
    /// How strictly documents are read.
    pub validation: Validation,
    /// Whether and how each decision is explained.
    pub explainer: Option<Explainer<'s>>,
}

/// Decides the cases of `input`, one JSON object a line, and writes a line of JSON for each:
/// `{"id":…,"decision":"Allowed"|"ImplicitlyDenied"|"ExplicitlyDenied"}`, with the
/// [`Explanation`](portcullis_iam::Explanation) as `"explanation"` where one is asked for.
///
/// A case without id is known by the number of its line, which counts from 1. One that cannot be
/// read is `ImplicitlyDenied` and has the place and the rule as `"error"`. Blank lines are passed
/// over. What was decided is written out before the input is waited for.
///
/// # Errors
/// Those of reading and writing.
pub fn simulate(
    input: impl Read,
    output: impl Write,
    settings: &Settings<'_>,
) -> io::Result<Summary> {
    let mut lines = Lines::new(input);
    let mut reader = CaseReader::new(settings.validation);
    let output = io::BufWriter::with_capacity(64 * 1024, output);
    let mut answers = Answers { output, explainer: settings.explainer };
    let mut summary = Summary::default();
    let mut number = 0;
    while let Some(line) = lines.next(|| answers.output.flush())? {
        number += 1;
        let case = match line {
            Line::Bytes(bytes) if is_blank(bytes) => continue,
            Line::Bytes(bytes) => text(bytes).and_then(|text| reader.read(text)),
            Line::TooLong => Err(anonymous(format!("has more than {LINE_BYTES_MAX} bytes"))),
        };
        summary.cases += 1;
        match case {
            Ok(case) => answers.decided(number, &case)?,
            Err(refused) => {
                let error = answers.refused(number, &refused)?;
                summary.refused += 1;
                summary.first_refusal.get_or_insert(error);
            }
        }
    }
    answers.output.flush()?;
    Ok(summary)
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

/// The line as text, without the mark that some editors put before the first.
fn text(line: &[u8]) -> Result<&str, Refused<'_>> {
    let text = std::str::from_utf8(line)
        .map_err(|error| anonymous(format!("not UTF-8 after {} bytes", error.valid_up_to())))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn anonymous<'a>(rule: String) -> Refused<'a> {
    Refused { id: None, error: CaseError::new("", rule) }
}

/// Writes answers.
struct Answers<'s, W: Write> {
    output: io::BufWriter<W>,
    explainer: Option<Explainer<'s>>,
}

impl<W: Write> Answers<'_, W> {
    fn decided(&mut self, line: u64, case: &Case<'_>) -> io::Result<()> {
        let id = identity(case.id(), line);
        let decision = word(case.decide());
        write!(self.output, r#"{{"id":{id},"decision":"{decision}""#)?;
        if let Some(explainer) = &self.explainer {
            self.output.write_all(br#","explanation":"#)?;
            case.explain(explainer, |told| serde_json::to_writer(&mut self.output, &told))?;
        }
        self.output.write_all(b"}\n")
    }

    /// Returns the error with its line.
    fn refused(&mut self, line: u64, refused: &Refused<'_>) -> io::Result<String> {
        let id = identity(refused.id, line);
        let error = format!("line {line}, {}", refused.error);
        write!(self.output, r#"{{"id":{id},"decision":"ImplicitlyDenied","error":"#)?;
        serde_json::to_writer(&mut self.output, &error)?;
        self.output.write_all(b"}\n")?;
        Ok(error)
    }
}

fn identity(id: Option<&str>, line: u64) -> Cow<'_, str> {
    id.map_or_else(|| Cow::Owned(line.to_string()), Cow::Borrowed)
}

/// The word that answers use for a decision.
fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Allowed => "Allowed",
        Decision::ImplicitlyDenied(_) => "ImplicitlyDenied",
        Decision::ExplicitlyDenied(_) => "ExplicitlyDenied",
    }
}
