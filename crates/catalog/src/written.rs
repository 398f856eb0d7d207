//! What this node itself commits, as it was before it was encoded: it need not be decoded again, and
//! what was compiled of it on the way need not be compiled again.

use std::{any::Any, sync::Arc};

use portcullis_store::{Key, Revision};

use crate::{address::Address, documents::Document};

/// A [`Document`] of any type.
pub(crate) type Value = Arc<dyn Any + Send + Sync>;

/// The values that one commit puts; those of no commit by default.
#[derive(Default)]
pub(crate) struct Written {
    /// Zero until it is committed: no commit has that.
    revision: Revision,
    values: Vec<(Key, Address, Value)>,
}

impl Written {
    /// Adds a value and where it is put: `key` is that of `address`.
    pub(crate) fn push(&mut self, key: Key, address: Address, value: impl Document) {
        self.values.push((key, address, Arc::new(value)));
    }

    /// The values, now that they were committed at this revision.
    pub(crate) fn at(self, revision: Revision) -> Self {
        Self { revision, ..self }
    }

    /// What the commit at `revision` put at `key`, if that was this one.
    pub(crate) fn find(&self, revision: Revision, key: &Key) -> Option<(&Address, &Value)> {
        let values = if self.revision == revision { self.values.as_slice() } else { &[] };
        let found = values.iter().find(|(put, ..)| put == key);
        found.map(|(_, address, value)| (address, value))
    }
}

#[cfg(test)]
mod tests {
    use portcullis_identity::{Account, OperatorKey};
    use portcullis_store::Revision;

    use super::{Address, Written};

    fn written() -> Written {
        let account =
            Account { id: "123456789012".parse().unwrap(), created: jiff::Timestamp::UNIX_EPOCH };
        let address = Address::Account(account.id);
        let mut written = Written::default();
        written.push(address.key(), address, account);
        written
    }

    #[track_caller]
    fn check(written: &Written, revision: u64, address: &Address, want: bool) {
        let found = written.find(Revision::new(revision), &address.key());
        assert_eq!(found.is_some(), want, "{address} at {revision}");
        let Some((at, value)) = found else { return };
        assert_eq!(at, address);
        assert!(value.downcast_ref::<Account>().is_some());
        assert!(value.downcast_ref::<OperatorKey>().is_none());
    }

    #[test]
    fn a_value_is_found_in_its_own_commit_and_no_other() {
        let account = Address::Account("123456789012".parse().unwrap());
        let other = Address::Account("223456789012".parse().unwrap());
        check(&written(), 7, &account, false);
        let written = written().at(Revision::new(7));
        check(&written, 7, &account, true);
        check(&written, 8, &account, false);
        check(&written, 7, &other, false);
    }
}
