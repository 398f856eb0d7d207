//! Finding, among many patterns, the few that can cover a text: by the literal text that each begins
//! with.
//!
//! Every list that a document may make long (statements, actions, principals, resources, values of
//! a condition) is searched through one of these, so that a full document costs hardly more than a
//! short one.

use std::borrow::Cow;

use smallvec::SmallVec;

/// Shorter lists are tried one by one, which is faster.
pub(crate) const INDEXED_MIN: usize = 8;

/// Entries, named by number, by the literal text that each begins with.
///
/// The texts are sorted. Those that a given text begins with are then a chain: the last one that is
/// not greater, and the texts that it begins with itself, each of which knows the next longest.
#[derive(Clone, Debug)]
pub(crate) struct Prefixes {
    /// The entries without literal text.
    always: Box<[u32]>,
    /// What all texts begin with.
    common: Box<[u8]>,
    /// Of each text the eight bytes after `common`, as a number that sorts as they do.
    keys: Box<[u64]>,
    texts: Box<[Text]>,
    /// All texts, one after the other.
    bytes: Box<[u8]>,
    /// The entries of all texts, one after the other.
    entries: Box<[u32]>,
}

#[derive(Clone, Debug)]
struct Text {
    bytes: std::ops::Range<u32>,
    entries: std::ops::Range<u32>,
    /// The longest other text that this one begins with, by position.
    parent: Option<u32>,
}

impl Prefixes {
    /// Indexes pairs of a literal text and an entry. An entry may have several texts.
    pub(crate) fn new<'a>(pairs: impl Iterator<Item = (Cow<'a, str>, usize)>) -> Self {
        let pairs = pairs.filter_map(|(text, entry)| Some((text, u32::try_from(entry).ok()?)));
        let (mut always, mut pairs): (Vec<_>, Vec<_>) =
            pairs.partition(|(text, _)| text.is_empty());
        always.dedup();
        pairs.sort_unstable();
        pairs.dedup();
        let mut builder = Builder::default();
        for same in pairs.chunk_by(|(left, _), (right, _)| left == right) {
            builder.text(same);
        }
        let common = common(&pairs);
        Self {
            always: always.into_iter().map(|(_, entry)| entry).collect(),
            keys: pairs
                .chunk_by(|(left, _), (right, _)| left == right)
                .filter_map(|same| Some(key(same.first()?.0.as_bytes().get(common.len()..)?)))
                .collect(),
            common: common.into(),
            texts: builder.texts.into(),
            bytes: builder.bytes.into(),
            entries: builder.entries.into(),
        }
    }

    /// Whether `test` holds of some entry that can cover `text`. Entries may be tested twice.
    #[inline]
    pub(crate) fn any(&self, text: &str, mut test: impl FnMut(usize) -> bool) -> bool {
        let mut test = |entry: &u32| test(*entry as usize);
        if self.always.iter().any(&mut test) {
            return true;
        }
        let mut next = self.last_not_after(text.as_bytes());
        while let Some(found) = next {
            if self.begins(text.as_bytes(), found) && self.entries(found).iter().any(&mut test) {
                return true;
            }
            next = found.parent.and_then(|parent| self.texts.get(parent as usize));
        }
        false
    }

    /// The greatest text that does not sort after `text`.
    fn last_not_after(&self, text: &[u8]) -> Option<&Text> {
        let rest = text.strip_prefix(&*self.common)?;
        let key = key(rest);
        let before = self.keys.partition_point(|known| *known < key);
        let same = self.keys.get(before..)?.partition_point(|known| *known == key);
        let same = self.texts.get(before..before + same)?;
        let not_after = same.partition_point(|known| self.bytes(known) <= text);
        self.texts.get((before + not_after).checked_sub(1)?)
    }

    fn begins(&self, text: &[u8], with: &Text) -> bool {
        text.starts_with(self.bytes(with))
    }

    fn bytes(&self, text: &Text) -> &[u8] {
        slice(&self.bytes, &text.bytes)
    }

    fn entries(&self, text: &Text) -> &[u32] {
        slice(&self.entries, &text.entries)
    }
}

fn slice<'a, T>(all: &'a [T], range: &std::ops::Range<u32>) -> &'a [T] {
    all.get(range.start as usize..range.end as usize).unwrap_or_default()
}

/// The first eight bytes as a number; shorter texts are filled up with zeros.
fn key(text: &[u8]) -> u64 {
    match text.first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let shift = 8 * (8 - text.len());
            text.iter().fold(0_u64, |key, byte| key << 8 | u64::from(*byte)) << (shift % 64)
        }
    }
}

/// What the first and the last of the sorted texts, hence all, begin with.
fn common<'p>(pairs: &'p [(Cow<'_, str>, u32)]) -> &'p [u8] {
    let (Some((first, _)), Some((last, _))) = (pairs.first(), pairs.last()) else { return &[] };
    let same = first.bytes().zip(last.bytes()).take_while(|(left, right)| left == right);
    first.as_bytes().get(..same.count()).unwrap_or_default()
}

#[derive(Default)]
struct Builder {
    texts: Vec<Text>,
    bytes: Vec<u8>,
    entries: Vec<u32>,
    /// The last text and those that it begins with, by position, the shortest first.
    chain: SmallVec<[u32; 8]>,
}

impl Builder {
    /// Adds a text that sorts after all others, with its entries.
    fn text(&mut self, same: &[(Cow<'_, str>, u32)]) {
        let Some((text, _)) = same.first() else { return };
        let ends = |builder: &Self| (length(&builder.bytes), length(&builder.entries));
        let (bytes, entries) = ends(self);
        while self.chain.last().is_some_and(|last| !text.as_bytes().starts_with(self.at(*last))) {
            self.chain.pop();
        }
        let parent = self.chain.last().copied();
        self.chain.push(length(&self.texts));
        self.bytes.extend_from_slice(text.as_bytes());
        self.entries.extend(same.iter().map(|(_, entry)| *entry));
        let (bytes_end, entries_end) = ends(self);
        self.texts.push(Text { bytes: bytes..bytes_end, entries: entries..entries_end, parent });
    }

    fn at(&self, position: u32) -> &[u8] {
        self.texts.get(position as usize).map_or(&[], |text| slice(&self.bytes, &text.bytes))
    }
}

/// Documents are far shorter than what a `u32` counts.
fn length<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

/// A pattern that can be indexed.
pub(crate) trait Prefixed {
    /// A text that everything which the pattern covers begins with; empty if there is none.
    fn prefix(&self) -> Cow<'_, str>;
}

/// Patterns of which one has to cover a text.
#[derive(Clone, Debug)]
pub(crate) struct Patterns<T> {
    list: SmallVec<[T; 1]>,
    /// Of lists that are long.
    index: Option<Box<Prefixes>>,
}

impl<T: Prefixed> FromIterator<T> for Patterns<T> {
    fn from_iter<I: IntoIterator<Item = T>>(patterns: I) -> Self {
        let list: SmallVec<_> = patterns.into_iter().collect();
        let pairs = list.iter().enumerate().map(|(entry, one): (_, &T)| (one.prefix(), entry));
        let index = (list.len() >= INDEXED_MIN).then(|| Box::new(Prefixes::new(pairs)));
        Self { list, index }
    }
}

impl<T> Patterns<T> {
    /// The patterns in the order of the document.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.list.iter()
    }

    /// Whether `test` holds of some pattern that can cover `text`.
    #[inline]
    pub(crate) fn any(&self, text: &str, mut test: impl FnMut(&T) -> bool) -> bool {
        match &self.index {
            None => self.list.iter().any(test),
            Some(index) => index.any(text, |entry| self.list.get(entry).is_some_and(&mut test)),
        }
    }
}

/// Lists are the same whose patterns are: the index follows from them.
impl<T: PartialEq> PartialEq for Patterns<T> {
    fn eq(&self, other: &Self) -> bool {
        self.list == other.list
    }
}

impl<T: Eq> Eq for Patterns<T> {}

impl<T: std::hash::Hash> std::hash::Hash for Patterns<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.list.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::Prefixes;
    use proptest::prelude::*;

    fn found(texts: &[String], text: &str) -> Vec<usize> {
        let pairs = texts.iter().enumerate().map(|(entry, text)| (text.into(), entry));
        let mut found = Vec::new();
        let all = Prefixes::new(pairs).any(text, |entry| {
            found.push(entry);
            false
        });
        assert!(!all);
        found.sort_unstable();
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]

        #[test]
        fn what_is_found_is_what_the_text_begins_with(
            common in "[ab]{0,9}",
            texts in prop::collection::vec("[ab\0é]{0,4}", 0..12),
            text in "[ab\0é]{0,12}",
        ) {
            let texts: Vec<_> = texts.iter().map(|text| format!("{common}{text}")).collect();
            for text in [text.clone(), format!("{common}{text}")] {
                let begins = |(_, with): &(usize, &String)| text.starts_with(with.as_str());
                let want: Vec<_> = texts.iter().enumerate().filter(begins).map(|(at, _)| at).collect();
                prop_assert_eq!(found(&texts, &text), want);
            }
        }
    }

    #[test]
    fn the_search_ends_with_the_first_that_passes() {
        let pairs =
            ["", "a", "ab"].into_iter().enumerate().map(|(entry, text)| (text.into(), entry));
        let prefixes = Prefixes::new(pairs);
        let mut tested = 0;
        assert!(prefixes.any("abc", |entry| {
            tested += 1;
            entry == 2
        }));
        assert_eq!(tested, 2);
    }
}
