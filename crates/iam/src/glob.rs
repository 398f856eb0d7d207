//! The wildcard matcher: `*`, `?` and literal text, on the whole string.

use smallvec::SmallVec;

use crate::prefixes::{Outline, Outlined};

/// One part of a split pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Token<T> {
    /// Text that stands for itself.
    Text(T),
    /// `*`: any run of characters, also none.
    Run,
    /// `?`: exactly one character.
    One,
}

impl Token<Box<str>> {
    pub(crate) fn borrow(&self) -> Token<&str> {
        match self {
            Self::Text(text) => Token::Text(text),
            Self::Run => Token::Run,
            Self::One => Token::One,
        }
    }
}

/// Whether `pattern` covers the whole of `text`: `*` is any run of characters, `?` exactly one
/// character, all else is literal and case-sensitive. Source: iam.md §3.1.
///
/// ```
/// assert!(portcullis_iam::glob("lambda:Get*", "lambda:GetFunction"));
/// assert!(!portcullis_iam::glob("lambda:Get?", "lambda:Get"));
/// ```
#[must_use]
pub fn glob(pattern: &str, text: &str) -> bool {
    let tokens: SmallVec<[Token<&str>; 16]> = tokens(pattern).collect();
    matches(&tokens, text.as_bytes(), &Plain)
}

/// Splits `pattern` at its wildcards; neighbouring `*` become one.
pub(crate) fn tokens(pattern: &str) -> impl Iterator<Item = Token<&str>> {
    let mut rest = pattern;
    std::iter::from_fn(move || {
        let (token, after) = first(rest)?;
        rest = after;
        Some(token)
    })
}

fn first(pattern: &str) -> Option<(Token<&str>, &str)> {
    if let Some(after) = pattern.strip_prefix('*') {
        return Some((Token::Run, after.trim_start_matches('*')));
    }
    if let Some(after) = pattern.strip_prefix('?') {
        return Some((Token::One, after));
    }
    let end = pattern.find(['*', '?']).unwrap_or(pattern.len());
    let (text, after) = pattern.split_at_checked(end)?;
    (!text.is_empty()).then_some((Token::Text(text), after))
}

/// What the parts of a pattern stand for. Texts are bytes, so that cutting them costs nothing; they
/// are cut between characters only.
pub(crate) trait Tokens<P> {
    /// Gives what `part` stands for to `use_it`; `None` if for nothing, which makes the whole
    /// pattern match nothing.
    fn with<R>(&self, part: &P, use_it: impl FnOnce(Option<Token<&str>>) -> R) -> R;

    /// `text` without the `literal` that it begins with.
    #[inline]
    fn strip<'t>(&self, text: &'t [u8], literal: &[u8]) -> Option<&'t [u8]> {
        text.strip_prefix(literal)
    }

    /// The end of `text`, from where it may first begin with `literal`.
    #[inline]
    fn find<'t>(&self, text: &'t [u8], literal: &[u8]) -> Option<&'t [u8]> {
        let Some(first) = literal.first() else { return Some(text) };
        text.get(text.iter().position(|byte| byte == first)?..)
    }
}

/// Parts that are tokens.
pub(crate) struct Plain;

/// Parts that are tokens, in lower case, of which ASCII letters cover those of either case.
struct IgnoringCase;

impl Tokens<Token<&str>> for Plain {
    #[inline]
    fn with<R>(&self, part: &Token<&str>, use_it: impl FnOnce(Option<Token<&str>>) -> R) -> R {
        use_it(Some(*part))
    }
}

impl Tokens<Token<Box<str>>> for Plain {
    #[inline]
    fn with<R>(&self, part: &Token<Box<str>>, use_it: impl FnOnce(Option<Token<&str>>) -> R) -> R {
        use_it(Some(part.borrow()))
    }
}

impl Tokens<Token<Box<str>>> for IgnoringCase {
    fn with<R>(&self, part: &Token<Box<str>>, use_it: impl FnOnce(Option<Token<&str>>) -> R) -> R {
        use_it(Some(part.borrow()))
    }

    fn strip<'t>(&self, text: &'t [u8], literal: &[u8]) -> Option<&'t [u8]> {
        let (head, rest) = text.split_at_checked(literal.len())?;
        head.eq_ignore_ascii_case(literal).then_some(rest)
    }

    fn find<'t>(&self, text: &'t [u8], _: &[u8]) -> Option<&'t [u8]> {
        Some(text)
    }
}

/// What one part makes of the beginning of a text.
enum Step<'t> {
    /// It covers it; this is the rest.
    Covers(&'t [u8]),
    Misses,
    /// It is a `*`.
    Run,
    /// It stands for nothing.
    Never,
}

/// Two-pointer greedy match of `parts` on `text`, which is UTF-8.
///
/// Only the last `*` is ever retried, which is enough, because a longer run for an earlier one
/// cannot succeed where the shortest failed.
pub(crate) fn matches<P>(parts: &[P], text: &[u8], tokens: &impl Tokens<P>) -> bool {
    let (mut parts, mut rest) = (parts, text);
    let mut retry: Option<(&[P], &[u8])> = None;
    loop {
        let mut from = match parts.split_first() {
            None if rest.is_empty() => return true,
            None => None,
            Some((part, after)) => match step(part, rest, tokens) {
                Step::Never => return false,
                Step::Covers(after_text) => {
                    (parts, rest) = (after, after_text);
                    continue;
                }
                Step::Run => match after {
                    [] => return true,
                    [last] if is_text(last, tokens) => return ends(rest, last, tokens),
                    _ => Some((after, rest)),
                },
                Step::Misses => None,
            },
        };
        if from.is_none() {
            from = retry.and_then(|(after, from)| Some((after, skip_one(from)?)));
        }
        let Some((after, from)) = from else { return false };
        let Some(from) = start(after, from, tokens) else { return false };
        retry = Some((after, from));
        (parts, rest) = (after, from);
    }
}

#[inline]
fn step<'t, P>(part: &P, text: &'t [u8], tokens: &impl Tokens<P>) -> Step<'t> {
    tokens.with(part, |token| {
        let rest = match token {
            None => return Step::Never,
            Some(Token::Run) => return Step::Run,
            Some(Token::One) => skip_one(text),
            Some(Token::Text(literal)) => tokens.strip(text, literal.as_bytes()),
        };
        rest.map_or(Step::Misses, Step::Covers)
    })
}

fn is_text<P>(part: &P, tokens: &impl Tokens<P>) -> bool {
    tokens.with(part, |token| matches!(token, Some(Token::Text(_))))
}

fn ends<P>(text: &[u8], with: &P, tokens: &impl Tokens<P>) -> bool {
    tokens.with(with, |token| {
        let Some(Token::Text(with)) = token else { return false };
        let end = text.len().checked_sub(with.len()).and_then(|start| text.get(start..));
        end.is_some_and(|end| tokens.strip(end, with.as_bytes()).is_some())
    })
}

/// The end of `text`, from where `parts` may first cover it.
fn start<'t, P>(parts: &[P], text: &'t [u8], tokens: &impl Tokens<P>) -> Option<&'t [u8]> {
    let Some(first) = parts.first() else { return Some(text) };
    tokens.with(first, |token| match token {
        Some(Token::Text(literal)) => tokens.find(text, literal.as_bytes()),
        Some(Token::Run | Token::One) | None => Some(text),
    })
}

/// `text` without its first character, by [`choice`](crate::choice) a Unicode scalar value.
fn skip_one(text: &[u8]) -> Option<&[u8]> {
    let (first, rest) = text.split_first()?;
    if first.is_ascii() {
        return Some(rest);
    }
    let is_inner = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
    rest.get(rest.iter().take_while(|byte| is_inner(byte)).count()..)
}

/// A compiled pattern without variables; the common forms are told apart when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Glob {
    /// `*`.
    Any,
    /// No wildcard.
    Exact(Box<str>),
    /// One `*`, at the end.
    Prefix(Box<str>),
    /// Anything else.
    Tokens(Box<[Token<Box<str>>]>),
}

impl Glob {
    /// Compiles `pattern`, in which `*` and `?` are wildcards.
    pub(crate) fn new(pattern: &str) -> Self {
        let first = memchr::memchr2(b'*', b'?', pattern.as_bytes());
        match first.and_then(|first| pattern.split_at_checked(first)) {
            None => Self::exact(pattern),
            Some(("", "*")) => Self::Any,
            Some((prefix, "*")) => Self::Prefix(prefix.into()),
            Some(_) => Self::from_tokens(tokens(pattern).map(own).collect()),
        }
    }

    /// A pattern that is `text` and nothing else.
    pub(crate) fn exact(text: &str) -> Self {
        Self::Exact(text.into())
    }

    pub(crate) fn from_tokens(tokens: Vec<Token<Box<str>>>) -> Self {
        match tokens.as_slice() {
            [] => Self::exact(""),
            [Token::Run] => Self::Any,
            [Token::Text(text)] => Self::Exact(text.clone()),
            [Token::Text(text), Token::Run] => Self::Prefix(text.clone()),
            _ => Self::Tokens(tokens.into()),
        }
    }

    /// Whether this covers `text`, which is UTF-8.
    #[inline]
    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => exact.as_bytes() == text,
            Self::Prefix(prefix) => text.starts_with(prefix.as_bytes()),
            Self::Tokens(tokens) => matches(tokens, text, &Plain),
        }
    }

    /// Whether this, in lower case, covers `text` whatever the case of its ASCII letters.
    pub(crate) fn matches_ignoring_case(&self, text: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => exact.as_bytes().eq_ignore_ascii_case(text),
            Self::Prefix(prefix) => IgnoringCase.strip(text, prefix.as_bytes()).is_some(),
            Self::Tokens(tokens) => matches(tokens, text, &IgnoringCase),
        }
    }
}

impl Outlined for Glob {
    fn outline(&self) -> Outline<'_> {
        match self {
            Self::Any => Outline::default(),
            Self::Exact(text) => Outline::exact(text),
            Self::Prefix(text) => Outline::new(&**text, "", [&**text]),
            Self::Tokens(tokens) => outline(tokens.iter().map(|token| match token {
                Token::Text(text) => Some(&**text),
                Token::Run | Token::One => None,
            })),
        }
    }
}

/// The outline of a sequence of literal texts and other things.
pub(crate) fn outline<'p>(
    parts: impl DoubleEndedIterator<Item = Option<&'p str>> + Clone,
) -> Outline<'p> {
    let begin = parts.clone().next().flatten().unwrap_or_default();
    let end = parts.clone().next_back().flatten().unwrap_or_default();
    Outline::new(begin, end, parts.flatten())
}

fn own(token: Token<&str>) -> Token<Box<str>> {
    match token {
        Token::Text(text) => Token::Text(text.into()),
        Token::Run => Token::Run,
        Token::One => Token::One,
    }
}

#[cfg(test)]
mod tests {
    use super::{Glob, glob};
    use crate::prefixes::Outlined as _;
    use proptest::prelude::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, want: bool) {
        assert_eq!(glob(pattern, text), want, "{pattern} on {text}");
        assert_eq!(
            Glob::new(pattern).matches(text.as_bytes()),
            want,
            "compiled {pattern} on {text}"
        );
    }

    #[test]
    #[rustfmt::skip]
    fn a_pattern_covers_the_whole_text() {
        check("",            "",             true);
        check("",            "a",            false);
        check("*",           "",             true);
        check("**",          "a/b:c\nd",     true);
        check("a",           "a",            true);
        check("a",           "A",            false);
        check("a",           "ab",           false);
        check("?",           "",             false);
        check("?",           "é",            true);
        check("?",           "\u{1F980}",    true);
        check("??",          "é",            false);
        check("a*",          "a",            true);
        check("*a",          "ba",           true);
        check("*a",          "ab",           false);
        check("a*b*c",       "a-b-b-c",      true);
        check("a*b*c",       "a-c-b",        false);
        check("*ab?",        "aababx",       true);
        check("b/*/test/*",  "b//test/",     true);
        check("b/*/test/*",  "b/test/o",     false);
        check("[a-z].+(x)$", "[a-z].+(x)$",  true);
        check("[a-z]",       "b",            false);
        check("*b?a",        "bxya",         false);
        check("*b?a",        "bbxa",         true);
        check("*?*?*",       "a",            false);
        check("*?*?*",       "ab",           true);
    }

    /// The definition of a match, by recursion, as slow as it is plain.
    fn defined(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| defined(rest, &text[skip..])),
            Some(('?', rest)) => !text.is_empty() && defined(rest, &text[1..]),
            Some((c, rest)) => text.first() == Some(c) && defined(rest, &text[1..]),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn the_fast_matcher_is_the_definition(pattern in "[ab*?é]{0,7}", text in "[abé]{0,8}") {
            let chars = |s: &str| s.chars().collect::<Vec<_>>();
            let want = defined(&chars(&pattern), &chars(&text));
            prop_assert_eq!(glob(&pattern, &text), want);
            prop_assert_eq!(Glob::new(&pattern).matches(text.as_bytes()), want);
            prop_assert_eq!(Glob::new(&pattern).matches_ignoring_case(text.to_ascii_uppercase().as_bytes()), want);
            prop_assert!(!want || text.starts_with(&*Glob::new(&pattern).outline().begin));
        }
    }

    #[test]
    fn a_hostile_pattern_does_not_blow_up() {
        let pattern = "*a".repeat(2_000) + "b";
        assert!(!glob(&pattern, &"a".repeat(8_000)));
    }
}
