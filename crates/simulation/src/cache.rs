//! Documents that come again: compiled once, within bounds.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use portcullis_iam::{DocumentKind, Policy, PolicyError};

/// Most text whose compiled form is kept, in bytes: the policies of a large account. Compiled, a
/// document takes several times its text.
const TEXT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// How many documents are remembered to have been seen once.
const SEEN: usize = 8 * 1024;

/// The compiled forms of documents that were seen more than once.
///
/// A document is kept when it comes the second time, so that a stream of documents none of which
/// comes again costs hardly more than without this, and nothing is kept of it.
pub(crate) struct Cache {
    hasher: RandomState,
    /// By hash: those that came once, the last of each place.
    seen: Box<[u64]>,
    kept: HashMap<u64, Kept>,
    text_bytes: usize,
}

struct Kept {
    kind: DocumentKind,
    text: Box<str>,
    policy: Arc<Policy>,
}

impl Cache {
    pub(crate) fn new() -> Self {
        let seen = vec![0; SEEN].into();
        Self { hasher: RandomState::new(), seen, kept: HashMap::new(), text_bytes: 0 }
    }

    /// The document that was read from this text before, or what `parse` makes of it.
    pub(crate) fn get_or(
        &mut self,
        kind: DocumentKind,
        text: &str,
        parse: impl FnOnce() -> Result<Policy, PolicyError>,
    ) -> Result<Arc<Policy>, PolicyError> {
        let hash = self.hasher.hash_one((kind, text));
        let kept = self.kept.get(&hash);
        if let Some(kept) = kept.filter(|kept| kept.kind == kind && *kept.text == *text) {
            return Ok(kept.policy.clone());
        }
        let policy = Arc::new(parse()?);
        if self.was_seen(hash) {
            self.keep(hash, Kept { kind, text: text.into(), policy: policy.clone() });
        }
        Ok(policy)
    }

    /// Whether the hash was seen, which it is from now on.
    fn was_seen(&mut self, hash: u64) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "any bits choose a place")]
        let place = hash as usize % SEEN;
        let seen = self.seen.get_mut(place).map(|seen| std::mem::replace(seen, hash));
        seen == Some(hash)
    }

    /// Keeps a document; when there is no room, those that came lately have it to themselves.
    fn keep(&mut self, hash: u64, kept: Kept) {
        if self.text_bytes + kept.text.len() > TEXT_BYTES_MAX {
            self.kept.clear();
            self.text_bytes = 0;
        }
        self.text_bytes += kept.text.len();
        let replaced = self.kept.insert(hash, kept);
        self.text_bytes -= replaced.map_or(0, |replaced| replaced.text.len());
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use portcullis_iam::DocumentKind::{Identity, Resource};
    use portcullis_iam::{DocumentKind, Policy};

    use super::{Cache, TEXT_BYTES_MAX};

    /// A document of about `bytes` bytes.
    fn document(name: usize, bytes: usize) -> String {
        let padding = " ".repeat(bytes);
        format!(
            r#"{{"Statement":{{"Sid":"{name}","Effect":"Allow","Action":"*","Resource":"*"}}{padding}}}"#
        )
    }

    /// How often the document is parsed until it is given.
    fn parsed(cache: &mut Cache, kind: DocumentKind, text: &str) -> u32 {
        let parsed = Cell::new(0);
        let policy = cache.get_or(kind, text, || {
            parsed.set(parsed.get() + 1);
            Policy::parse_unvalidated(kind, text)
        });
        assert_eq!(policy.unwrap().kind(), kind);
        parsed.get()
    }

    #[test]
    fn a_document_that_came_twice_is_not_parsed_again() {
        let mut cache = Cache::new();
        let text = document(1, 0);
        for want in [1, 1, 0, 0] {
            assert_eq!(parsed(&mut cache, Identity, &text), want);
        }
        assert_eq!(parsed(&mut cache, Resource, &text), 1, "another kind is another document");
        assert!(cache.get_or(Identity, "{}", || Policy::parse(Identity, "{}")).is_err());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut cache = Cache::new();
        for number in 0..200 {
            let text = document(number, 64 * 1024);
            for _ in 0..2 {
                parsed(&mut cache, Identity, &text);
            }
            assert_eq!(parsed(&mut cache, Identity, &text), 0, "the last is always kept");
            assert!(cache.text_bytes <= TEXT_BYTES_MAX);
            let held: usize = cache.kept.values().map(|kept| kept.text.len()).sum();
            assert_eq!(held, cache.text_bytes);
        }
    }
}
