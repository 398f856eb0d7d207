//! Patterns: from Java's dialect, in which models are written, to that of the `regex` crate.
//!
//! Only what the models use is translated; anything else stops the generator rather than change
//! its meaning. Java's `\d \w \s` are ASCII, and its `.` excludes five line ends.

use std::iter::Peekable;
use std::str::Chars;

/// A translated pattern.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Translation {
    pub(crate) text: String,
    /// Needs the engine with look-around.
    pub(crate) look_around: bool,
}

/// Translates one pattern; the error says what is not understood.
pub(crate) fn translate(java: &str) -> Result<Translation, String> {
    let mut text = String::new();
    let mut rest = java.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\\' => text.push_str(&escape(&mut rest, false)?),
            '[' => class(&mut rest, &mut text)?,
            '.' => text.push_str(r"[^\n\r\x{85}\x{2028}\x{2029}]"),
            _ => text.push(character),
        }
    }
    let look_around = ["(?!", "(?=", "(?<!", "(?<="].iter().any(|form| java.contains(form));
    Ok(Translation { text, look_around })
}

/// The rest of an escape sequence after its backslash.
fn escape(rest: &mut Peekable<Chars<'_>>, in_class: bool) -> Result<String, String> {
    let character = rest.next().ok_or("a trailing backslash")?;
    let ascii = |members: &str| if in_class { members.to_owned() } else { format!("[{members}]") };
    Ok(match character {
        'd' => ascii("0-9"),
        'w' => ascii("0-9A-Za-z_"),
        's' => ascii(r" \t\n\x0B\f\r"),
        'S' => r"[^ \t\n\x0B\f\r]".to_owned(), // Also within a class: classes nest.
        'u' => format!(r"\x{{{}}}", rest.by_ref().take(4).collect::<String>()),
        'x' => format!(r"\x{{{}}}", rest.by_ref().take(2).collect::<String>()),
        'p' => format!(r"\p{}", property(rest)),
        'n' | 'r' | 't' => format!("\\{character}"),
        _ if character.is_ascii_alphanumeric() => {
            return Err(format!("the escape \\{character}"));
        }
        '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' | '\\'
        | '-' => {
            format!("\\{character}")
        }
        _ => character.to_string(),
    })
}

/// `{L}` of a Unicode property.
fn property(rest: &mut Peekable<Chars<'_>>) -> String {
    let mut name = String::new();
    for character in rest.by_ref() {
        name.push(character);
        if character == '}' {
            break;
        }
    }
    name
}

/// What a class holds before a `-` decides what the `-` means.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// A single character that may begin a range.
    Single,
    /// A `-` that joins two ends.
    Dash,
    /// The end of a range, a class escape, or nothing.
    Closed,
}

/// The rest of a bracketed class after its `[`.
fn class(rest: &mut Peekable<Chars<'_>>, text: &mut String) -> Result<(), String> {
    text.push('[');
    if rest.next_if_eq(&'^').is_some() {
        text.push('^');
    }
    let mut before = Before::Closed;
    while let Some(character) = rest.next() {
        match character {
            ']' => {
                text.push(']');
                return Ok(());
            }
            '[' | '&' | '~' => return Err(format!("`{character}` in a class")),
            '-' if before == Before::Single && rest.peek() != Some(&']') => {
                text.push('-');
                before = Before::Dash;
                continue;
            }
            '-' => text.push_str(r"\-"),
            '\\' if matches!(rest.peek(), Some('d' | 'w' | 's' | 'S' | 'p')) => {
                text.push_str(&escape(rest, true)?);
                before = Before::Closed;
                continue;
            }
            '\\' => text.push_str(&escape(rest, true)?),
            _ => text.push(character),
        }
        before = if before == Before::Dash { Before::Closed } else { Before::Single };
    }
    Err("a class without end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn translation_keeps_the_meaning() {
        let rows = [
            (r"([a-zA-Z0-9-_]+)",       r"([a-zA-Z0-9\-_]+)",           false),
            (r"[\s\S]+",                 r"[ \t\n\x0B\f\r[^ \t\n\x0B\f\r]]+", false),
            (r"\d{12}",                 r"[0-9]{12}",                   false),
            (r"[\w+=,.@-]+",            r"[0-9A-Za-z_+=,.@\-]+",        false),
            (r"[^\s]+",                 r"[^ \t\n\x0B\f\r]+",           false),
            (r"\u002F[\u0021-\u007F]*", r"\x{002F}[\x{0021}-\x{007F}]*", false),
            (r"[^ $\x22]*(a\x2e)",      r"[^ $\x{22}]*(a\x{2e})",     false),
            (r"(?!^[0-9]+$)([a-z]+)",   r"(?!^[0-9]+$)([a-z]+)",        true),
            (r"[\p{L}\-@]*",            r"[\p{L}\-@]*",                 false),
            (r"[\s\S]*",                r"[ \t\n\x0B\f\r[^ \t\n\x0B\f\r]]*", false),
            (r"\/:",                    r"/:",                          false),
        ];
        for (java, text, look_around) in rows {
            assert_eq!(translate(java), Ok(Translation { text: text.to_owned(), look_around }));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for java in [r"\Qa\E", "[a&&b]", "[a[b]]", "[a", "\\"] {
            assert!(translate(java).is_err(), "{java}");
        }
    }
}
