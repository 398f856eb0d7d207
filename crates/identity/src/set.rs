//! Small sets that many values hold: sorted, and no larger than what is in them.

/// A few distinct values in order. With 100,000 identities, the room that a tree keeps free counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmallSet<T>(Box<[T]>);

impl<T> Default for SmallSet<T> {
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T: Ord + Clone> SmallSet<T> {
    /// Whether `value` is among them.
    #[must_use]
    pub fn contains(&self, value: &T) -> bool {
        self.0.binary_search(value).is_ok()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// These and `value`.
    #[must_use]
    pub fn with(&self, value: T) -> Self {
        self.iter().cloned().chain([value]).collect()
    }

    /// These without `value`.
    #[must_use]
    pub fn without(&self, value: &T) -> Self {
        self.iter().filter(|other| *other != value).cloned().collect()
    }
}

impl<T: Ord> FromIterator<T> for SmallSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut values: Vec<T> = values.into_iter().collect();
        values.sort();
        values.dedup();
        Self(values.into())
    }
}

impl<'a, T> IntoIterator for &'a SmallSet<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::SmallSet;

    proptest! {
        #[test]
        fn it_is_a_set(start in proptest::collection::vec(0u8..20, 0..12), value in 0u8..20) {
            let (small, tree): (SmallSet<u8>, BTreeSet<u8>) =
                (start.iter().copied().collect(), start.iter().copied().collect());
            prop_assert!(small.iter().eq(&tree));
            prop_assert_eq!((small.len(), small.is_empty()), (tree.len(), tree.is_empty()));
            prop_assert_eq!(small.contains(&value), tree.contains(&value));
            let mut more = tree.clone();
            more.insert(value);
            prop_assert!(small.with(value).iter().eq(&more));
            let mut less = tree;
            less.remove(&value);
            prop_assert!(small.without(&value).iter().eq(&less));
        }
    }
}
