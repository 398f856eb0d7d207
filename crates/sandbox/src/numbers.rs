//! Small numbers, one for each worker that lives: they make its user id and name its groups.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crate::lock;

/// Gives numbers out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers(Arc<Mutex<BTreeSet<u32>>>);

/// A number that nobody else has while this lives.
#[derive(Debug)]
pub(crate) struct Number {
    value: u32,
    of: Numbers,
}

impl Numbers {
    /// The smallest number that is free.
    pub(crate) fn take(&self) -> Number {
        let mut taken = lock(&self.0);
        let free = (0..).zip(taken.iter()).find(|(number, taken)| number != *taken);
        let value = free.map_or(u32::try_from(taken.len()).unwrap_or(u32::MAX), |(free, _)| free);
        taken.insert(value);
        Number { value, of: self.clone() }
    }
}

impl Number {
    pub(crate) fn value(&self) -> u32 {
        self.value
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        lock(&self.of.0).remove(&self.value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_free_number_is_taken() {
        let numbers = Numbers::default();
        let mut taken: Vec<_> = (0..4).map(|_| numbers.take()).collect();
        assert_eq!(taken.iter().map(Number::value).collect::<Vec<_>>(), [0, 1, 2, 3]);
        drop(taken.remove(1));
        drop(taken.remove(0));
        let again = [numbers.take(), numbers.take(), numbers.take()];
        assert_eq!(again.each_ref().map(Number::value), [0, 1, 4]);
    }
}
