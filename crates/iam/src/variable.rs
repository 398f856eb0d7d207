//! Finding policy variables (`${…}`) in the strings of a document. Source: iam.md §2.3, §6.

use thiserror::Error;

use crate::choice;

/// A piece of a string, with the text that it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    pub(crate) raw: &'a str,
    pub(crate) kind: PartKind<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartKind<'a> {
    /// Text outside variables; wildcards, if the place has them, are still in it.
    Text,
    /// `${*}`, `${?}`, `${$}`: the character itself.
    Escape(&'a str),
    /// `${name}` or `${name, 'default'}`.
    Variable { name: &'a str, default: Option<&'a str> },
    /// Begins like a variable but is none.
    Malformed(VariableError),
}

/// Why a `${…}` is no variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum VariableError {
    #[error("has no closing brace")]
    Unclosed,
    #[error("is empty")]
    Empty,
    #[error("has a blank in its name")]
    Blank,
    #[error("has a brace, dollar sign or quote in its name")]
    Character,
    #[error("has a default that is not written , 'text'")]
    Default,
}

/// Splits `text` into its parts; together their `raw` texts are `text`.
pub(crate) fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (part, after) = first(rest)?;
        rest = after;
        Some(part)
    })
}

fn first(text: &str) -> Option<(Part<'_>, &str)> {
    let start = opening(text).unwrap_or(text.len());
    if start > 0 {
        let (raw, after) = text.split_at_checked(start)?;
        return Some((Part { raw, kind: PartKind::Text }, after));
    }
    let body = text.strip_prefix("${")?;
    let (kind, after) = variable(body).unwrap_or_else(|error| (PartKind::Malformed(error), body));
    let raw = text.get(..text.len().checked_sub(after.len())?)?;
    Some((Part { raw, kind }, after))
}

/// Whether `text` has something that begins like a variable.
pub(crate) fn occurs_in(text: &str) -> bool {
    opening(text).is_some()
}

/// Where the first `${` stands.
fn opening(text: &str) -> Option<usize> {
    let mut dollars = memchr::memchr_iter(b'$', text.as_bytes());
    dollars.find(|at| text.as_bytes().get(at + 1) == Some(&b'{'))
}

/// Reads what follows `${`; returns the rest after the closing brace.
fn variable(body: &str) -> Result<(PartKind<'_>, &str), VariableError> {
    for escape in ["*", "?", "$"] {
        if let Some(after) = body.strip_prefix(escape).and_then(|b| b.strip_prefix('}')) {
            return Ok((PartKind::Escape(escape), after));
        }
    }
    let end = body.find(['}', ',']).ok_or(VariableError::Unclosed)?;
    let (name, rest) = body.split_at_checked(end).ok_or(VariableError::Unclosed)?;
    check_name(name)?;
    if let Some(after) = rest.strip_prefix('}') {
        return Ok((PartKind::Variable { name, default: None }, after));
    }
    let quoted = rest.trim_start_matches(',').trim_start_matches(' ').strip_prefix('\'');
    let quoted = quoted.ok_or(VariableError::Default)?;
    let (default, after) = quoted.split_once("'}").ok_or(VariableError::Default)?;
    Ok((PartKind::Variable { name, default: Some(default) }, after))
}

fn check_name(name: &str) -> Result<(), VariableError> {
    if name.is_empty() {
        return Err(VariableError::Empty);
    }
    if name.contains(['$', '{', '\'']) {
        return Err(VariableError::Character);
    }
    if name.contains(char::is_whitespace) && !choice::blank_is_legal_in_variable(name) {
        return Err(VariableError::Blank);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::PartKind::{Escape, Malformed, Text, Variable};
    use super::{PartKind, VariableError, parts};
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, want: &[PartKind<'_>]) {
        let got: Vec<_> = parts(text).map(|part| part.kind).collect();
        assert_eq!(got, want, "{text}");
    }

    fn key(name: &str) -> PartKind<'_> {
        Variable { name, default: None }
    }

    fn or<'a>(name: &'a str, default: &'a str) -> PartKind<'a> {
        Variable { name, default: Some(default) }
    }

    #[test]
    #[rustfmt::skip]
    fn variables_are_found_where_they_are() {
        check("",                             &[]);
        check("a$b{c}",                       &[Text]);
        check("a${k}b",                       &[Text, key("k"), Text]);
        check("${a}${b}",                     &[key("a"), key("b")]);
        check("${*}${?}${$}",                 &[Escape("*"), Escape("?"), Escape("$")]);
        check("${$}{x}",                      &[Escape("$"), Text]);
        check("${k, 'd'}",                    &[or("k", "d")]);
        check("${k, ''}",                     &[or("k", "")]);
        check("${k, 'a, b}c'}x",              &[or("k", "a, b}c"), Text]);
        check("${aws:PrincipalTag/my tag}",   &[key("aws:PrincipalTag/my tag")]);
        check("${}",                          &[Malformed(VariableError::Empty), Text]);
        check("${a",                          &[Malformed(VariableError::Unclosed), Text]);
        check("${ a}",                        &[Malformed(VariableError::Blank), Text]);
        check("${a, b}",                      &[Malformed(VariableError::Default), Text]);
        check("${a${b}}",                     &[Malformed(VariableError::Character), Text, key("b"), Text]);
    }

    proptest! {
        #[test]
        fn parts_together_are_the_text(text in "[$\\{\\}a,' *?]{0,16}") {
            let whole: String = parts(&text).map(|part| part.raw).collect();
            prop_assert_eq!(whole, text);
        }
    }
}
