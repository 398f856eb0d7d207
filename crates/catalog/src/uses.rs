//! The last use of an access key or role: what this node knows of it, and what the store has.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use portcullis_identity::LastUse;

/// Shared by every state of the key or role, so that no change of it forgets a use.
#[derive(Debug, Default)]
pub struct Uses {
    /// The last use that this node knows of.
    known: ArcSwapOption<LastUse>,
    /// The last use that the store has.
    saved: ArcSwapOption<LastUse>,
}

impl Uses {
    /// Notes that a request for `service` and `region` was signed with it and believed, to the
    /// minute.
    pub fn note(&self, service: &str, region: &str, now: Timestamp) {
        let known = self.known.load();
        if !known.as_ref().is_some_and(|known| known.is_same(now, service, region)) {
            self.known.store(Some(Arc::new(LastUse::new(now, service, region))));
        }
    }

    /// When it was last used; `None` if it never was.
    #[must_use]
    pub fn last(&self) -> Option<Arc<LastUse>> {
        self.known.load_full()
    }

    /// Takes in what the store has; a use that this node knows of may be later.
    pub(crate) fn remember(&self, stored: Option<Arc<LastUse>>) {
        let known = self.known.load_full();
        if known.map(|known| known.at) < stored.as_ref().map(|stored| stored.at) {
            self.known.store(stored.clone());
        }
        self.saved.store(stored);
    }

    /// The last use, if it is another than what the store has.
    pub(crate) fn unsaved(&self) -> Option<Arc<LastUse>> {
        let saved = self.saved.load();
        self.last().filter(|used| saved.as_deref() != Some(used))
    }
}
