//! Wildcards and ARNs: the fast matcher is the plain one, and an ARN is its parts. The input is two
//! lines: pattern, text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis_iam::{Arn, Principal, glob};

fuzz_target!(|input: &str| {
    let (pattern, text) = input.split_once('\n').unwrap_or((input, ""));
    assert_eq!(glob(pattern, text), plain(pattern, text), "{pattern:?} on {text:?}");
    check_arn(pattern);
    check_arn(text);
});

/// The definition, by dynamic programming: which beginnings of `text` the pattern so far covers.
fn plain(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut covered = vec![false; text.len() + 1];
    covered[0] = true;
    for part in pattern.chars() {
        if part == '*' {
            let first = covered.iter().position(|&is| is).unwrap_or(covered.len());
            covered[first..].fill(true);
            continue;
        }
        for end in (1..covered.len()).rev() {
            covered[end] = covered[end - 1] && (part == '?' || part == text[end - 1]);
        }
        covered[0] = false;
    }
    covered.last() == Some(&true)
}

fn check_arn(text: &str) {
    let is_arn = text.starts_with("arn:") && text.matches(':').count() >= 5;
    let arn = Arn::split(text);
    assert_eq!(arn.is_some(), is_arn, "{text:?}");
    if let Some(arn) = arn {
        assert_eq!(format!("{}:{}", arn.fields().join(":"), arn.resource()), text);
        assert_eq!(format!("{}{}", arn.head(), arn.resource()), text);
    }
    match Principal::parse(text) {
        Ok(principal) => assert_eq!(principal.as_str(), text),
        Err(error) => assert!(!error.to_string().contains(char::is_control)),
    }
}
