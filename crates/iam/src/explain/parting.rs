//! Where a pattern and a text part: how far the pattern covers the text.

use serde::Serialize;

use crate::arn::Arn;
use crate::arn_pattern::Entry;
use crate::choice;
use crate::context::{Context, Value};
use crate::variable::{self, PartKind};

/// Where a pattern and a text that it does not cover part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parting {
    /// The pattern, with the request's values for its variables.
    pub pattern: String,
    /// How many bytes of the request's text the pattern covers.
    pub at: usize,
    /// What the pattern asks for next; empty at its end.
    pub pattern_rest: String,
    /// What the request has there; empty at its end.
    pub actual_rest: String,
}

/// How patterns are read and compared with a text.
#[derive(Clone, Copy)]
pub(super) struct Reading<'r> {
    pub(super) form: Form,
    /// Whether case matters.
    pub(super) cased: bool,
    /// Whether `${…}` are variables; and their values.
    pub(super) variables: bool,
    pub(super) context: &'r dyn Context,
}

/// What patterns are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Text without wildcards.
    Literal,
    /// With `*` and `?`.
    Glob,
    /// ARNs, compared field by field.
    Arn,
}

/// A part of an expanded pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Character(char),
    /// `?`
    One,
    /// `*`
    Run,
}

impl Mark {
    fn written(self) -> char {
        match self {
            Self::Character(character) => character,
            Self::One => '?',
            Self::Run => '*',
        }
    }
}

/// How much work finding a parting may be, in comparisons of a mark with a character: some ten
/// milliseconds. Patterns for which nothing is left are not compared.
const WORK_MAX: usize = 1 << 21;

impl Reading<'_> {
    /// Where `text` parts from the pattern that goes furthest, of equals the first. `None` where that
    /// says nothing: no pattern covers even the first character, or is of the right form and has
    /// values for its variables.
    pub(super) fn parting(&self, patterns: &[String], text: &str) -> Option<Parting> {
        let mut work = WORK_MAX;
        let all = patterns.iter().filter_map(|pattern| self.part(pattern, text, &mut work));
        let best = all.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.filter(|(reached, _)| *reached > 0).map(|(_, parting)| parting)
    }

    /// Where one pattern parts, and how far into the text it surely goes.
    fn part(&self, pattern: &str, text: &str, work: &mut usize) -> Option<(usize, Parting)> {
        let (patterns, texts) = match self.form {
            Form::Literal | Form::Glob => (vec![self.expand(pattern)?], vec![text]),
            Form::Arn => self.fields(pattern, text)?,
        };
        *work = work.checked_sub(patterns.iter().map(Vec::len).sum::<usize>() * text.len())?;
        let mut start = 0;
        for (field, (marks, part)) in patterns.iter().zip(texts).enumerate() {
            if let Some(end) = covered(marks, part, self.cased) {
                let rest = marks.get(end.marks..).unwrap_or_default();
                let rest =
                    [rest].into_iter().chain(patterns.iter().skip(field + 1).map(Vec::as_slice));
                let at = start + end.bytes;
                let parting = Parting {
                    pattern: written(patterns.iter().map(Vec::as_slice)),
                    at,
                    pattern_rest: written(rest),
                    actual_rest: text.get(at..).unwrap_or_default().to_owned(),
                };
                return Some((start + end.reached, parting));
            }
            start += part.len() + 1;
        }
        None
    }

    /// The fields of pattern and text; `None` unless both are ARNs.
    fn fields<'t>(&self, pattern: &str, text: &'t str) -> Option<(Vec<Vec<Mark>>, Vec<&'t str>)> {
        let Entry::Arn(fields) = Entry::split(pattern, self.variables) else { return None };
        let (head, resource) = (fields.get(..5)?, fields.get(5)?);
        if self.variables && head.iter().any(|field| field.contains("${")) {
            return None; // such a pattern covers nothing
        }
        let arn = Arn::split(text)?;
        let head = head.iter().map(|field| Some(field.chars().map(wild).collect()));
        let patterns = head.chain([self.expand(resource)]).collect::<Option<_>>()?;
        Some((patterns, arn.fields().iter().copied().chain([arn.resource()]).collect()))
    }

    /// The marks of a pattern; `None` for want of a variable's value.
    fn expand(&self, pattern: &str) -> Option<Vec<Mark>> {
        let mut marks = Vec::new();
        let mark =
            |one: char| if self.form == Form::Literal { Mark::Character(one) } else { wild(one) };
        if !self.variables {
            return Some(pattern.chars().map(mark).collect());
        }
        for part in variable::parts(pattern) {
            match part.kind {
                PartKind::Text => marks.extend(part.raw.chars().map(mark)),
                PartKind::Escape(text) => marks.extend(text.chars().map(Mark::Character)),
                PartKind::Malformed(_) => marks.extend(part.raw.chars().map(Mark::Character)),
                PartKind::Variable { name, default } => {
                    let value = self.value(name).or(default.map(str::to_owned))?;
                    marks.extend(value.chars().map(Mark::Character));
                }
            }
        }
        Some(marks)
    }

    /// What a variable stands for.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        match self.context.get(&name.to_lowercase())? {
            Value::Single(text) => Some(text.into_owned()),
            Value::Multiple(_) => None,
        }
    }
}

fn wild(one: char) -> Mark {
    match one {
        '*' => Mark::Run,
        '?' => Mark::One,
        other => Mark::Character(other),
    }
}

/// Fields as they are written, with their colons.
fn written<'m>(fields: impl Iterator<Item = &'m [Mark]>) -> String {
    let fields = fields.map(|marks| marks.iter().map(|mark| mark.written()).collect::<String>());
    fields.collect::<Vec<_>>().join(":")
}

/// How far a pattern covers a text.
struct End {
    /// How many marks, at most, cover a beginning of the text.
    marks: usize,
    /// The shortest such beginning.
    reached: usize,
    /// The longest: longer only where a run may go on.
    bytes: usize,
}

/// How far `marks` cover `text`; `None` if they cover the whole.
fn covered(marks: &[Mark], text: &str, cased: bool) -> Option<End> {
    let mut places = Places::start(marks);
    let (mut furthest, mut reached) = (places.furthest(), 0);
    for (at, found) in text.char_indices() {
        places = places.after(marks, found, cased);
        if places.furthest() > furthest {
            (furthest, reached) = (places.furthest(), at + found.len_utf8());
        }
    }
    if places.0.last() == Some(&true) {
        return None;
    }
    let behind_run = furthest.checked_sub(1).and_then(|last| marks.get(last)) == Some(&Mark::Run);
    let bytes = if behind_run { text.len() } else { reached };
    Some(End { marks: furthest, reached, bytes })
}

/// Whether the first so many marks of a pattern cover the text so far; one more than there are marks.
struct Places(Vec<bool>);

impl Places {
    fn start(marks: &[Mark]) -> Self {
        let mut places = vec![false; marks.len() + 1];
        places.iter_mut().take(1).for_each(|place| *place = true);
        Self(places).closed(marks)
    }

    /// With the places behind runs, which may cover nothing.
    fn closed(mut self, marks: &[Mark]) -> Self {
        let mut passed = false;
        let runs = marks.iter().map(|mark| *mark == Mark::Run).chain([false]);
        for (place, run) in self.0.iter_mut().zip(runs) {
            *place |= passed;
            passed = *place && run;
        }
        self
    }

    /// The places one character later.
    fn after(&self, marks: &[Mark], found: char, cased: bool) -> Self {
        let mut next = vec![false; self.0.len()];
        for (at, (reached, mark)) in self.0.iter().zip(marks).enumerate() {
            let to = match mark {
                Mark::Run => at,
                Mark::One => at + 1,
                Mark::Character(mark) if same(*mark, found, cased) => at + 1,
                Mark::Character(_) => continue,
            };
            next.get_mut(to).into_iter().for_each(|place| *place |= reached);
        }
        Self(next).closed(marks)
    }

    fn furthest(&self) -> usize {
        self.0.iter().rposition(|reached| *reached).unwrap_or_default()
    }
}

fn same(one: char, other: char, cased: bool) -> bool {
    one == other || (!cased && choice::folded(one).eq(choice::folded(other)))
}

#[cfg(test)]
mod tests {
    use super::{Form, Reading};
    use crate::context::MapContext;

    fn read(form: Form, patterns: &[&str], text: &str) -> Option<(usize, String, String, String)> {
        let context = MapContext::from_iter([("aws:username", "al*ce")]);
        let reading = Reading { form, cased: true, variables: true, context: &context };
        let patterns: Vec<_> = patterns.iter().map(|&one| one.to_owned()).collect();
        let got = reading.parting(&patterns, text)?;
        Some((got.at, got.pattern_rest, got.actual_rest, got.pattern))
    }

    #[track_caller]
    fn check(form: Form, pattern: &str, text: &str, want: Option<(usize, &str, &str)>) {
        let got = read(form, &[pattern], text);
        let got = got.as_ref().map(|(at, rest, actual, _)| (*at, &**rest, &**actual));
        assert_eq!(got, want, "{pattern} {text}");
    }

    #[test]
    #[rustfmt::skip]
    fn a_pattern_and_a_text_part_where_the_pattern_goes_no_further() {
        check(Form::Glob, "a/prod/GET/x",     "a/prod/POST/x",    Some((7, "GET/x", "POST/x")));
        check(Form::Glob, "a/*/GET/x",        "a/prod/POST/x",    Some((7, "GET/x", "POST/x")));
        check(Form::Glob, "*.example.com",    "a.b.example.org",  Some((12, "com", "org")));
        check(Form::Glob, "a/*/GET",          "a/b/c/GETS",       Some((9, "", "S")));
        check(Form::Glob, "a*z",              "abc",              Some((3, "z", "")));
        check(Form::Glob, "a?c",              "abd",              Some((2, "c", "d")));
        check(Form::Glob, "abc",              "abcd",             Some((3, "", "d")));
        check(Form::Glob, "abcd",             "abc",              Some((3, "d", "")));
        check(Form::Glob, "é*ü",              "éa",               Some((3, "ü", "")));
        check(Form::Glob, "x",                "abc",              None);
        check(Form::Glob, "*x",               "abc",              None);
        check(Form::Glob, "",                 "abc",              None);
        check(Form::Glob, "a*",               "abc",              None); // it covers the text
        check(Form::Literal, "a*",            "abc",              Some((1, "*", "bc")));
        check(Form::Glob, "a${aws:none}",     "abc",              None);
        check(Form::Glob, "a${aws:none, 'x'}", "abc",             Some((1, "x", "bc")));
        check(Form::Glob, "x/${aws:UserName}/", "x/alice/",       Some((4, "*ce/", "ice/")));
        check(Form::Literal, "x/${$}{",       "x/${a",            Some((4, "", "a")));
    }

    #[test]
    #[rustfmt::skip]
    fn arns_part_in_a_field() {
        let orders = "arn:aws:lambda:us-east-1:111111111111:function:orders";
        check(Form::Arn, "arn:aws:lambda:us-east-1:111111111111:function:orders:prod", orders, Some((53, ":prod", "")));
        check(Form::Arn, "arn:aws:lambda:us-west-2:111111111111:function:orders", orders, Some((18, "west-2:111111111111:function:orders", "east-1:111111111111:function:orders")));
        check(Form::Arn, "arn:aws:lambda:*:function:orders", orders, Some((25, "function:orders", "111111111111:function:orders")));
        check(Form::Arn, "arn:aws:s3",             orders,  Some((8, "s3:*:*:*", "lambda:us-east-1:111111111111:function:orders")));
        check(Form::Arn, "arn:aws:s3:*",           "arn:aws:s3:::b", None);
        check(Form::Arn, "arn:aws:s3:::b",         "b",              None);
        check(Form::Arn, "b",                      "arn:aws:s3:::b", None);
        check(Form::Arn, "arn:aws:${aws:username}:::b", "arn:aws:s3:::b", None);
        check(Form::Arn, "arn:aws:s3:::${aws:username}/x", "arn:aws:s3:::al*ce/y", Some((19, "x", "y")));
    }

    #[test]
    fn of_several_patterns_the_one_that_goes_furthest_is_told() {
        let got = read(Form::Glob, &["a/x", "*q/", "a/bc/y", "a/b"], "a/bc/z").unwrap();
        assert_eq!((got.0, got.3.as_str()), (5, "a/bc/y"));
    }

    #[test]
    fn long_texts_are_not_compared_for_long() {
        let pattern = "*a".repeat(2_000);
        let text = "ab".repeat(200_000);
        assert_eq!(read(Form::Glob, &[pattern.as_str(); 30], &text), None);
    }
}
