//! Finding, among many patterns, the few that can cover a text.
//!
//! Every list that a document may make long (statements, actions, principals, resources, values of
//! a condition) is searched through one of these, so that a full document costs hardly more than a
//! short one.

use std::borrow::Cow;
use std::cell::LazyCell;
use std::ops::Range;

use smallvec::SmallVec;

/// Shorter lists are tried one by one, which is faster.
pub(crate) const INDEXED_MIN: usize = 8;

/// What every text has that a pattern covers. The default is that of every text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Outline<'p> {
    /// What it begins with.
    pub(crate) begin: Cow<'p, str>,
    /// What it ends with and contains.
    rest: Features,
}

impl<'p> Outline<'p> {
    /// Of the text itself and no other.
    pub(crate) fn exact(text: &'p str) -> Self {
        Self::new(text, text, [text])
    }

    /// Of texts with a beginning, an end, and these parts.
    pub(crate) fn new(
        begin: impl Into<Cow<'p, str>>,
        end: &str,
        parts: impl IntoIterator<Item = &'p str>,
    ) -> Self {
        let bytes = parts.into_iter().fold(0, |all, part| all | bytes(part.as_bytes()));
        let mask = u64::MAX.checked_shl(64 - 8 * u32::try_from(end.len().min(8)).unwrap_or(8));
        let end = last(end.as_bytes());
        Self { begin: begin.into(), rest: Features { end, end_mask: mask.unwrap_or(0), bytes } }
    }

    /// Of texts that begin with `begin` and otherwise are as these.
    pub(crate) fn after(self, begin: &str) -> Self {
        let bytes = self.rest.bytes | bytes(begin.as_bytes());
        Self {
            begin: Cow::Owned(format!("{begin}{}", self.begin)),
            rest: Features { bytes, ..self.rest },
        }
    }

    /// Of texts that end as these, and begin in some other way.
    pub(crate) fn without_begin(self) -> Self {
        Self { begin: Cow::Borrowed(""), ..self }
    }
}

/// What is compared before a pattern is tried: numbers, which tell most texts that it cannot cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Features {
    /// The last eight bytes, as many as are known, and which those are.
    end: u64,
    end_mask: u64,
    /// The [`bytes`] that are in it.
    bytes: u64,
}

impl Features {
    fn of(text: &[u8]) -> Self {
        Self { end: last(text), end_mask: u64::MAX, bytes: bytes(text) }
    }

    /// Whether a text with features `text` can have these.
    #[inline]
    fn fit(&self, text: &Self) -> bool {
        self.bytes & !text.bytes == 0 && text.end & self.end_mask == self.end
    }
}

/// The set of the bytes in `text`, a bit each. Letters share theirs with the other case, and bytes
/// outside of ASCII with some within.
fn bytes(text: &[u8]) -> u64 {
    text.iter().fold(0, |all, byte| {
        let is_letter = byte & 0b0100_0000 != 0;
        all | 1 << (byte & 0b0001_1111) << if is_letter { 0 } else { 32 }
    })
}

/// The last eight bytes of `text` as a number, the last one highest; shorter ones have zeros below.
fn last(text: &[u8]) -> u64 {
    match text.last_chunk() {
        Some(last) => u64::from_le_bytes(*last),
        None => text.iter().fold(0, |number, byte| number >> 8 | u64::from(*byte) << 56),
    }
}

/// Entries, named by number, by the outlines of their patterns.
///
/// The beginnings are sorted. Those that a given text has are then a chain: the last one that does
/// not sort after the text, and the beginnings that it has itself, each of which knows the next.
#[derive(Clone, Debug)]
pub(crate) struct Prefixes {
    /// What all beginnings begin with.
    common: Box<[u8]>,
    /// Of each beginning the eight bytes after `common`, as a number that sorts as they do.
    keys: Box<[u64]>,
    beginnings: Box<[Beginning]>,
    /// All beginnings, one after the other.
    bytes: Box<[u8]>,
    /// The entries of all beginnings, one after the other; first those without any.
    entries: Box<[Entry]>,
    /// How many are without.
    always: usize,
}

#[derive(Clone, Debug)]
struct Beginning {
    bytes: Range<u32>,
    entries: Range<u32>,
    /// The longest other beginning that this one has, by position.
    parent: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    number: u32,
    features: Features,
}

/// So many entries are tried before it pays to look at the features of the text.
const FEW: usize = 3;

impl Prefixes {
    /// Indexes outlines and entries. An entry may have several outlines.
    pub(crate) fn new<'a>(pairs: impl Iterator<Item = (Outline<'a>, usize)>) -> Self {
        let pairs =
            pairs.filter_map(|(outline, entry)| Some((outline, u32::try_from(entry).ok()?)));
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable();
        pairs.dedup();
        let always = pairs.partition_point(|(outline, _)| outline.begin.is_empty());
        let mut builder = Builder::default();
        let (without, with) = pairs.split_at_checked(always).unwrap_or_default();
        builder.entries(without);
        let common = common(with);
        for same in with.chunk_by(|(left, _), (right, _)| left.begin == right.begin) {
            builder.beginning(same, common.len());
        }
        Self {
            common: common.into(),
            keys: builder.keys.into(),
            beginnings: builder.beginnings.into(),
            bytes: builder.bytes.into(),
            entries: builder.entries.into(),
            always,
        }
    }

    /// Whether `test` holds of some entry that can cover `text`. Entries may be tested twice.
    #[inline]
    pub(crate) fn any(&self, text: &[u8], mut test: impl FnMut(usize) -> bool) -> bool {
        let features = LazyCell::new(|| Features::of(text));
        let mut some = |entries: &[Entry]| {
            let many = entries.len() > FEW;
            let fit = |entry: &&Entry| !many || entry.features.fit(&features);
            entries.iter().filter(fit).any(|entry| test(entry.number as usize))
        };
        if some(self.entries.get(..self.always).unwrap_or_default()) {
            return true;
        }
        let mut next = self.last_not_after(text);
        while let Some(found) = next {
            if text.starts_with(self.bytes(found)) && some(slice(&self.entries, &found.entries)) {
                return true;
            }
            next = found.parent.and_then(|parent| self.beginnings.get(parent as usize));
        }
        false
    }

    /// The last beginning that does not sort after `text`.
    fn last_not_after(&self, text: &[u8]) -> Option<&Beginning> {
        let rest = text.strip_prefix(&*self.common)?;
        let key = first(rest);
        let before = self.keys.partition_point(|known| *known < key);
        let same = self.keys.get(before..)?.partition_point(|known| *known == key);
        let same = self.beginnings.get(before..before + same)?;
        let not_after = same.partition_point(|known| self.bytes(known) <= text);
        self.beginnings.get((before + not_after).checked_sub(1)?)
    }

    fn bytes(&self, beginning: &Beginning) -> &[u8] {
        slice(&self.bytes, &beginning.bytes)
    }
}

fn slice<'a, T>(all: &'a [T], range: &Range<u32>) -> &'a [T] {
    all.get(range.start as usize..range.end as usize).unwrap_or_default()
}

/// The first eight bytes as a number, the first one highest; shorter ones have zeros below.
fn first(text: &[u8]) -> u64 {
    match text.first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => text.iter().rev().fold(0, |number, byte| number >> 8 | u64::from(*byte) << 56),
    }
}

/// What the first and the last of the sorted beginnings, hence all, begin with.
fn common<'p>(pairs: &'p [(Outline<'_>, u32)]) -> &'p [u8] {
    let (Some((first, _)), Some((last, _))) = (pairs.first(), pairs.last()) else { return &[] };
    let both = first.begin.bytes().zip(last.begin.bytes());
    let same = both.take_while(|(left, right)| left == right).count();
    first.begin.as_bytes().get(..same).unwrap_or_default()
}

#[derive(Default)]
struct Builder {
    keys: Vec<u64>,
    beginnings: Vec<Beginning>,
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// The last beginning and those that it has itself, by position, the shortest first.
    chain: SmallVec<[u32; 8]>,
}

impl Builder {
    /// Adds a beginning that sorts after all others, with its entries. All have `common` bytes in
    /// common.
    fn beginning(&mut self, same: &[(Outline<'_>, u32)], common: usize) {
        let Some((Outline { begin, .. }, _)) = same.first() else { return };
        let begin = begin.as_bytes();
        while self.chain.last().is_some_and(|last| !begin.starts_with(self.at(*last))) {
            self.chain.pop();
        }
        let parent = self.chain.last().copied();
        self.chain.push(length(&self.beginnings));
        self.keys.push(first(begin.get(common..).unwrap_or_default()));
        let (bytes, entries) = (length(&self.bytes), length(&self.entries));
        self.bytes.extend_from_slice(begin);
        self.entries(same);
        let (bytes, entries) = (bytes..length(&self.bytes), entries..length(&self.entries));
        self.beginnings.push(Beginning { bytes, entries, parent });
    }

    fn entries(&mut self, pairs: &[(Outline<'_>, u32)]) {
        let entry = |(outline, number): &(Outline<'_>, u32)| Entry {
            number: *number,
            features: outline.rest,
        };
        self.entries.extend(pairs.iter().map(entry));
    }

    fn at(&self, position: u32) -> &[u8] {
        let known = self.beginnings.get(position as usize);
        known.map_or(&[], |known| slice(&self.bytes, &known.bytes))
    }
}

/// Documents are far shorter than what a `u32` counts.
fn length<T>(list: &[T]) -> u32 {
    u32::try_from(list.len()).unwrap_or(u32::MAX)
}

/// A pattern that can be indexed.
pub(crate) trait Outlined {
    /// What every text has that the pattern covers.
    fn outline(&self) -> Outline<'_>;
}

/// Patterns of which one has to cover a text.
#[derive(Clone, Debug)]
pub(crate) struct Patterns<T> {
    list: SmallVec<[T; 1]>,
    /// Of lists that are long.
    index: Option<Box<Prefixes>>,
}

impl<T: Outlined> FromIterator<T> for Patterns<T> {
    fn from_iter<I: IntoIterator<Item = T>>(patterns: I) -> Self {
        let list: SmallVec<_> = patterns.into_iter().collect();
        let pairs = list.iter().enumerate().map(|(entry, one): (_, &T)| (one.outline(), entry));
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
    pub(crate) fn any(&self, text: &[u8], mut test: impl FnMut(&T) -> bool) -> bool {
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
    use super::{Outline, Prefixes};
    use proptest::prelude::*;

    /// The entries that are tested for `text`, in order.
    fn found<'a>(outlines: impl Iterator<Item = Outline<'a>>, text: &str) -> Vec<usize> {
        let mut found = Vec::new();
        let pairs = outlines.enumerate().map(|(entry, outline)| (outline, entry));
        let all = Prefixes::new(pairs).any(text.as_bytes(), |entry| {
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
                let outlines = texts.iter().map(|text| Outline::new(text, "", []));
                prop_assert_eq!(found(outlines, &text), want);
            }
        }

        #[test]
        fn no_pattern_is_missed_that_covers_the_text(
            parts in prop::collection::vec(prop::collection::vec("[abA1é/]{0,10}", 2..4), 0..9),
            runs in prop::collection::vec("[ab1é*]{0,3}", 3),
            which in any::<prop::sample::Index>(),
        ) {
            prop_assume!(!parts.is_empty());
            let chosen = which.index(parts.len());
            let text: String = parts[chosen].iter().zip(&runs).flat_map(|(part, run)| [run.as_str(), part]).skip(1).collect();
            let outline = |parts: &'_ Vec<String>| {
                let (first, last) = (parts.first().unwrap().clone(), parts.last().unwrap());
                let whole: &'static [String] = Vec::leak(parts.clone());
                Outline::new(first, last, whole.iter().map(String::as_str))
            };
            prop_assert!(found(parts.iter().map(outline), &text).contains(&chosen), "{:?} in {}", parts, text);
        }
    }

    #[test]
    #[rustfmt::skip]
    fn most_patterns_that_cannot_cover_the_text_are_not_tried() {
        let tried = |begin: &'static str, end: &str, parts: &[&'static str], text: &str| {
            let many = || (0..9).map(|_| Outline::new(begin, end, parts.iter().copied()));
            !found(many(), text).is_empty()
        };
        assert!(tried("api/",  "/orders",   &[],        "api/GET/orders"));
        assert!(!tried("api/", "/orders",   &[],        "api/GET/order"));
        assert!(!tried("api/", "/orders",   &[],        "api/GET/borders"));
        assert!(!tried("",     "/pay",      &[],        "pay"));
        assert!(tried("",      "",          &["bac"],   "cab"));
        assert!(tried("",      "",          &["-1"],    "a1-"));
        assert!(!tried("",     "",          &["-1"],    "a2-"));
        assert!(!tried("",     "",          &["q"],     "a1-"));
    }

    #[test]
    fn the_search_ends_with_the_first_that_passes() {
        let outlines = ["", "a", "ab"].map(|begin| Outline::new(begin, "", []));
        let prefixes = Prefixes::new(outlines.into_iter().zip(0..));
        let mut tested = 0;
        assert!(prefixes.any(b"abc", |entry| {
            tested += 1;
            entry == 2
        }));
        assert_eq!(tested, 2);
    }
}
