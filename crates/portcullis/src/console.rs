//! What the commands print for a person: a line at a time, errors of the terminal included.

use std::io::IsTerminal as _;

use portcullis_iam::analysis::Style;

/// Writes a line to standard output; a closed pipe is an error, not a panic.
macro_rules! say {
    ($($argument:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout(), $($argument)*)
    }};
}

pub(crate) use say;

/// How reports are written: with colours on a terminal that has them, unless `NO_COLOR` is set.
pub(crate) fn style() -> Style {
    let is = |name, wanted: fn(&str) -> bool| std::env::var(name).is_ok_and(|value| wanted(&value));
    let unwanted = is("NO_COLOR", |value| !value.is_empty()) || is("TERM", |value| value == "dumb");
    if std::io::stdout().is_terminal() && !unwanted { Style::Ansi } else { Style::Plain }
}

/// `text` as it may be printed: its lines, with other control characters escaped, so that what
/// comes from elsewhere cannot steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
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
        ] {
            assert_eq!(printable(text), want);
        }
    }
}
