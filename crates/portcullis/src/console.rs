//! What the commands print for a person: a line at a time, errors of the terminal included.

use std::{
    io::{self, ErrorKind, IsTerminal as _},
    process::ExitCode,
};

use portcullis_iam::analysis::Style;

use crate::CliError;

/// Writes a line to standard output; a closed pipe is an error, not a panic.
macro_rules! say {
    ($($argument:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout(), $($argument)*)
    }};
}

pub(crate) use say;

/// The exit status of a command whose status is its answer, once it was printed: the same for whoever
/// does not read it to its end, as `head` does not.
///
/// # Errors
/// [`CliError::Print`] when it could not be printed.
pub(crate) fn answered(printed: io::Result<()>, status: ExitCode) -> Result<ExitCode, CliError> {
    match printed {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(status),
    }
}

/// How reports are written: with colours on a terminal that has them, unless `NO_COLOR` is set.
pub(crate) fn style() -> Style {
    let is = |name, wanted: fn(&str) -> bool| std::env::var(name).is_ok_and(|value| wanted(&value));
    let unwanted = is("NO_COLOR", |value| !value.is_empty()) || is("TERM", |value| value == "dumb");
    if io::stdout().is_terminal() && !unwanted { Style::Ansi } else { Style::Plain }
}

/// `text` as it may be printed: its lines, with other control characters escaped, so that what
/// comes from elsewhere cannot steer the terminal, nor show itself in another order than it is in.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' || is_direction(c) {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

/// The characters that change the direction of a text, or end its line (Unicode UAX 9 and 14).
fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        for (text, want) in [
            ("a\nb ä", "a\nb ä"),
            ("\u{1b}[31m", "\\u{1b}[31m"),
            ("\r\u{7}\u{9b}", "\\r\\u{7}\\u{9b}"),
            ("a\u{202e}b\u{2028}", "a\\u{202e}b\\u{2028}"),
        ] {
            assert_eq!(printable(text), want);
        }
    }
}
