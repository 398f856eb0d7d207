//! Where a pattern and a text part: how far into both the text can be covered.

use serde::Serialize;

/// Where a pattern and a text that it does not cover part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parting {
    /// The pattern, as it is written.
    pub pattern: String,
    /// How many bytes of the request's text the pattern covers.
    pub at: usize,
    /// What the pattern asks for next; empty at its end.
    pub pattern_rest: String,
    /// What the request has there; empty at its end.
    pub actual_rest: String,
}

/// Longest texts that are compared, in bytes: the work is their product.
const BYTES_MAX: usize = 4096;

impl Parting {
    /// Where `text` parts from the one of `patterns` that covers most of it. `wild`: whether `*` and
    /// `?` are wildcards; `cased`: whether case matters. `None` where that says nothing: no pattern
    /// covers even the first character, or those that do have variables.
    pub(super) fn of_any(patterns: &[String], text: &str, wild: bool, cased: bool) -> Option<Self> {
        let known = patterns.iter().filter(|one| !one.contains("${") && one.len() <= BYTES_MAX);
        let all = known.map(|pattern| Self::of(pattern, text, wild, cased));
        let best = all.reduce(|best, next| if next.at > best.at { next } else { best });
        best.filter(|one| one.at > 0 && text.len() <= BYTES_MAX)
    }

    fn of(pattern: &str, text: &str, wild: bool, cased: bool) -> Self {
        let marks: Vec<(usize, char)> = pattern.char_indices().collect();
        let mut reached = Reached::start(&marks, wild);
        let mut covered = text.len();
        for (at, found) in text.char_indices() {
            match reached.after(&marks, found, wild, cased) {
                Some(next) => reached = next,
                None => {
                    covered = at;
                    break;
                }
            }
        }
        let furthest = reached.0.iter().rposition(|reached| *reached).unwrap_or_default();
        let place = marks.get(furthest).map_or(pattern.len(), |(byte, _)| *byte);
        Self {
            pattern: pattern.to_owned(),
            at: covered,
            pattern_rest: pattern.get(place..).unwrap_or_default().to_owned(),
            actual_rest: text.get(covered..).unwrap_or_default().to_owned(),
        }
    }
}

/// The places in a pattern up to each of which it covers the text so far.
struct Reached(Vec<bool>);

impl Reached {
    fn start(marks: &[(usize, char)], wild: bool) -> Self {
        let mut places = vec![false; marks.len() + 1];
        places.iter_mut().take(1).for_each(|place| *place = true);
        Self(places).closed(marks, wild)
    }

    /// With the places behind runs, which may cover nothing.
    fn closed(mut self, marks: &[(usize, char)], wild: bool) -> Self {
        let mut passed = false;
        for (place, (_, mark)) in self.0.iter_mut().zip(marks) {
            *place |= passed;
            passed = wild && *place && *mark == '*';
        }
        self.0.iter_mut().next_back().into_iter().for_each(|last| *last |= passed);
        self
    }

    /// The places one character later; `None` if there are none.
    fn after(&self, marks: &[(usize, char)], found: char, wild: bool, cased: bool) -> Option<Self> {
        let mut next = vec![false; self.0.len()];
        for (at, (reached, (_, mark))) in self.0.iter().zip(marks).enumerate() {
            let to = match mark {
                '*' if wild => at,
                '?' if wild => at + 1,
                mark if same(*mark, found, cased) => at + 1,
                _ => continue,
            };
            next.get_mut(to).into_iter().for_each(|place| *place |= reached);
        }
        next.contains(&true).then(|| Self(next).closed(marks, wild))
    }
}

fn same(one: char, other: char, cased: bool) -> bool {
    one == other || (!cased && one.to_lowercase().eq(other.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::Parting;

    #[track_caller]
    fn check(pattern: &str, text: &str, want: Option<(usize, &str, &str)>) {
        let got = Parting::of_any(&[pattern.to_owned()], text, true, true);
        let got = got.as_ref().map(|one| (one.at, &*one.pattern_rest, &*one.actual_rest));
        assert_eq!(got, want, "{pattern} {text}");
    }

    #[test]
    #[rustfmt::skip]
    fn a_pattern_and_a_text_part_where_the_text_is_no_longer_covered() {
        check("a/prod/GET/x",  "a/prod/POST/x", Some((7, "GET/x", "POST/x")));
        check("a/*/GET",       "a/b/c/GETS",    Some((10, "/GET", "")));
        check("a?c",           "abd",           Some((2, "c", "d")));
        check("abc",           "abcd",          Some((3, "", "d")));
        check("abcd",          "abc",           Some((3, "d", "")));
        check("x",             "abc",           None);
        check("a${b}",         "abc",           None);
        check("é*ü",           "éa",            Some((3, "ü", "")));
    }

    #[test]
    fn of_several_patterns_the_one_that_goes_furthest_is_told() {
        let patterns = ["a/x", "a/bc/y", "a/b"].map(str::to_owned);
        let got = Parting::of_any(&patterns, "a/bc/z", true, true).unwrap();
        assert_eq!((got.pattern.as_str(), got.at), ("a/bc/y", 5));
    }
}
