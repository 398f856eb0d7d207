//! Paging: the markers of lists, and how many entries a page holds.
//!
//! A marker is the name of the last entry that was shown, in base64: a list stays in step while
//! entries come and go.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use portcullis_lambda::{InvalidValue, LambdaError};

use crate::error::ApiError;

/// Entries of a page when the client does not say. Source: the API reference, "up to 50 items".
pub(crate) const PAGE_ENTRIES: usize = 50;

/// Most entries of a page. Source: the API reference, MaxItems "limited to 50 items in each
/// response, even if you set the number higher".
const PAGE_ENTRIES_MAX: usize = 50;

/// How many entries a page may hold.
pub(crate) fn page_entries(max_items: Option<i32>) -> usize {
    let asked = max_items.and_then(|asked| usize::try_from(asked).ok()).unwrap_or(PAGE_ENTRIES);
    asked.clamp(1, PAGE_ENTRIES_MAX)
}

/// Most entries of a page of event source mappings, and how many there are when the client does not
/// say. Source: the API reference, "up to 100 items", "Lambda returns at most 100".
const MAPPING_ENTRIES_MAX: usize = 100;

/// How many event source mappings a page may hold.
pub(crate) fn mapping_entries(max_items: Option<i32>) -> usize {
    let asked = max_items.and_then(|asked| usize::try_from(asked).ok());
    asked.unwrap_or(MAPPING_ENTRIES_MAX).clamp(1, MAPPING_ENTRIES_MAX)
}

/// The marker that continues after `last`.
pub(crate) fn encode(last: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(last)
}

/// The name that a marker stands for.
///
/// # Errors
/// One that no page has given out.
pub(crate) fn decode(marker: Option<&str>) -> Result<Option<String>, ApiError> {
    let Some(marker) = marker.filter(|marker| !marker.is_empty()) else { return Ok(None) };
    let name = name_of(marker);
    let refusal =
        || LambdaError::from(InvalidValue::new("Marker", marker, "a NextMarker of a list"));
    Ok(Some(name.ok_or_else(refusal)?))
}

/// What [`encode`] was given, if it made `marker`.
pub(crate) fn name_of(marker: &str) -> Option<String> {
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(marker).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{PAGE_ENTRIES, decode, encode, page_entries};

    #[test]
    fn a_marker_reads_back_and_others_are_refused() {
        assert_eq!(decode(Some(&encode("my-function"))).unwrap().as_deref(), Some("my-function"));
        assert_eq!(decode(None).unwrap(), None);
        assert_eq!(decode(Some("")).unwrap(), None);
        for broken in ["!", "a", "_w"] {
            assert!(decode(Some(broken)).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_page_has_at_least_one_entry_and_at_most_its_limit() {
        let rows = [(None, PAGE_ENTRIES), (Some(1), 1), (Some(50), 50), (Some(10_000), 50)];
        for (asked, entries) in rows {
            assert_eq!(page_entries(asked), entries, "{asked:?}");
        }
    }
}
