//! The `PORTCULLIS_…` variables: an unknown one is an error at start, never silence.

use std::ffi::OsString;

/// What every variable of ours starts with.
const PREFIX: &str = "PORTCULLIS_";

/// Every variable that some command reads. Those of the flags are named at the flags.
pub(crate) const KNOWN: &[&str] = &[
    "PORTCULLIS_ACCOUNT_CONCURRENCY",
    "PORTCULLIS_ACCOUNT_ID",
    "PORTCULLIS_DATA_DIR",
    "PORTCULLIS_DECISIONS_IN_MEMORY",
    "PORTCULLIS_DECISION_LOG_FILES",
    "PORTCULLIS_DECISION_LOG_FILE_BYTES",
    "PORTCULLIS_DENY_CONFUSED_DEPUTY",
    "PORTCULLIS_ENDPOINT_URL",
    "PORTCULLIS_FUNCTION_LOG_FILES",
    "PORTCULLIS_FUNCTION_LOG_FILE_BYTES",
    "PORTCULLIS_FUNCTION_NETWORK",
    "PORTCULLIS_FUNCTION_URL_DOMAIN",
    "PORTCULLIS_FUNCTION_URL_SINGLE_GRANT",
    "PORTCULLIS_ISOLATION",
    "PORTCULLIS_LISTEN",
    "PORTCULLIS_LOG",
    "PORTCULLIS_OIDC_KEYS",
    "PORTCULLIS_REGION",
    "PORTCULLIS_RETRY_DELAYS",
    "PORTCULLIS_ROOT_ACCESS_KEY_ID",
    "PORTCULLIS_ROOT_SECRET_ACCESS_KEY",
    "PORTCULLIS_S3_ACCESS_KEY_ID",
    "PORTCULLIS_S3_BUCKET_OWNER",
    "PORTCULLIS_S3_CREDENTIALS_FILE",
    "PORTCULLIS_S3_ENDPOINT",
    "PORTCULLIS_S3_REGION",
    "PORTCULLIS_S3_SECRET_ACCESS_KEY",
    "PORTCULLIS_SEALING_KEY",
    "PORTCULLIS_SEALING_KEY_FILE",
    "PORTCULLIS_STORE",
];

/// A variable that starts like ours and is not.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown environment variable {name}{hint}; unset it, or use one of: {}", KNOWN.join(", "))]
pub(crate) struct UnknownVariable {
    name: String,
    hint: String,
}

/// Refuses the first variable among `names` that has our prefix but is not ours.
///
/// # Errors
/// [`UnknownVariable`], with the nearest known name where one is near.
pub(crate) fn refuse_unknown(
    names: impl IntoIterator<Item = OsString>,
) -> Result<(), UnknownVariable> {
    let name = names
        .into_iter()
        .map(|name| name.to_string_lossy().into_owned())
        .find(|name| name.starts_with(PREFIX) && !KNOWN.contains(&name.as_str()));
    name.map_or(Ok(()), |name| Err(UnknownVariable { hint: hint(&name), name }))
}

/// ` (did you mean …?)` when a known name differs by at most three edits.
fn hint(name: &str) -> String {
    let nearest = KNOWN.iter().map(|known| (distance(name, known), known)).min();
    match nearest {
        Some((edits, known)) if edits <= 3 => format!(" (did you mean {known}?)"),
        _ => String::new(),
    }
}

/// Levenshtein distance in bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.bytes()) {
            let substituted = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = substituted.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::{KNOWN, distance, refuse_unknown};

    #[track_caller]
    fn check(names: &[&str], want: Option<&str>) {
        let refused = refuse_unknown(names.iter().map(Into::into)).err();
        let refused = refused.map(|error| error.to_string());
        assert_eq!(refused.is_some(), want.is_some(), "{names:?}: {refused:?}");
        if let (Some(refused), Some(want)) = (refused, want) {
            assert!(refused.contains(want), "{refused}");
        }
    }

    #[test]
    fn an_unknown_variable_of_ours_is_an_error() {
        check(&[], None);
        check(&["PATH", "HOME", "MY_PORTCULLIS_X"], None);
        check(KNOWN, None);
        check(&["PORTCULLIS_PORT"], Some("unknown environment variable PORTCULLIS_PORT"));
        check(&["PATH", "PORTCULLIS_DATADIR"], Some("did you mean PORTCULLIS_DATA_DIR?"));
        check(&["PORTCULLIS_"], Some("unknown environment variable PORTCULLIS_"));
    }

    #[test]
    fn distance_counts_edits() {
        for (a, b, want) in [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3)] {
            assert_eq!(distance(a, b), want, "{a} {b}");
        }
    }
}
