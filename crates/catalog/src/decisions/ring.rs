//! The last decisions, with all that decided them.

use std::collections::VecDeque;

use super::record::{Decided, RequestId};

/// Largest sum of what the decisions hold of their own (ARNs, values of condition keys), in bytes.
/// Ours: 10,000 usual decisions hold 5 MB; those of requests with very large headers push others out
/// rather than fill the memory.
const OWN_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The last decisions, oldest first: at most so many.
#[derive(Debug)]
pub(crate) struct Ring {
    decisions: VecDeque<Decided>,
    most: usize,
    own_bytes: usize,
}

impl Ring {
    /// Holds at most `most` decisions.
    pub(crate) fn new(most: usize) -> Self {
        Self { decisions: VecDeque::new(), most, own_bytes: 0 }
    }

    /// Adds decisions; the oldest go for them.
    pub(crate) fn extend(&mut self, newer: impl Iterator<Item = Decided>) {
        for decided in newer {
            self.own_bytes += decided.own_bytes();
            while self.decisions.len() >= self.most || self.own_bytes > OWN_BYTES_MAX {
                let Some(oldest) = self.decisions.front() else { break };
                self.own_bytes -= oldest.own_bytes();
                // Where it is: to pop it would copy what nobody wants out of memory that no cache
                // has.
                self.decisions.drain(..1);
            }
            self.decisions.push_back(decided);
        }
    }

    /// The decisions of a request, in order.
    pub(crate) fn of_request(&self, id: &RequestId) -> Vec<Decided> {
        let of_request = self.decisions.iter().filter(|one| one.origin.request_id == *id);
        of_request.cloned().collect()
    }
}
