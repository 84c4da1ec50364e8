//! Bounded sets of folded byte strings: what an expression can match exactly, begin with or end with.

use std::collections::BTreeSet;

use super::formula::Formula;
use crate::text::{self, Trigram};

/// Most strings of an exact set.
pub(super) const MAX_EXACT: usize = 7;

/// Most strings of a prefix or suffix set.
pub(super) const MAX_SET: usize = 20;

/// Folded strings, sorted and distinct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Strings(BTreeSet<Vec<u8>>);

/// Which end of a string is kept when it is shortened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Of prefixes.
    Front,
    /// Of suffixes.
    Back,
}

impl Strings {
    /// The set of the given strings, folded.
    pub(super) fn new<T: AsRef<[u8]>>(strings: impl IntoIterator<Item = T>) -> Self {
        Self(strings.into_iter().map(|string| text::fold(string.as_ref())).collect())
    }

    /// The set of the empty string: anything begins and ends with it.
    pub(super) fn empty_string() -> Self {
        Self(BTreeSet::from([Vec::new()]))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Length of the shortest; 0 for no string at all.
    pub(super) fn min_len(&self) -> usize {
        self.0.iter().map(Vec::len).min().unwrap_or(0)
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        Self(&self.0 | &other.0)
    }

    /// Every string of `self` followed by every one of `other`. Folds again: U+212A and U+017F may come together from
    /// bytes on both sides. Folding is compositional otherwise.
    pub(super) fn cross(&self, other: &Self) -> Self {
        let pairs = self.0.iter().flat_map(|a| other.0.iter().map(move |b| [a.as_slice(), b].concat()));
        Self::new(pairs)
    }

    /// Shortens every string to at most `len` bytes at the given end.
    pub(super) fn shorten(&self, len: usize, end: End) -> Self {
        let cut = |string: &Vec<u8>| match end {
            End::Front => string[..len.min(string.len())].to_vec(),
            End::Back => string[string.len() - len.min(string.len())..].to_vec(),
        };
        Self(self.0.iter().map(cut).collect())
    }

    /// Drops strings of which a shorter one at the same end says all that can be used: with `b` at the end, `ab` is no news.
    pub(super) fn without_longer(self, end: End) -> Self {
        let shorter_is_there = |string: &Vec<u8>| {
            (0..string.len()).any(|len| match end {
                End::Front => self.0.contains(&string[..len]),
                End::Back => self.0.contains(&string[string.len() - len..]),
            })
        };
        Self(self.0.iter().filter(|string| !shorter_is_there(string)).cloned().collect())
    }

    /// That one of the strings is in the document.
    pub(super) fn formula(&self) -> Formula {
        if self.min_len() < 3 && self.len() > 0 {
            return Formula::All;
        }
        Formula::or(self.0.iter().map(|string| string_formula(string)))
    }
}

/// That `string` is in the document: all its trigrams are. Edges that folding might have eaten together with their
/// neighbours in the document say nothing.
fn string_formula(string: &[u8]) -> Formula {
    let folded = text::fold_literal(string);
    Formula::and(folded.windows(3).map(|w| {
        let number = u32::from_be_bytes([0, w[0], w[1], w[2]]);
        Formula::Gram(Trigram(number))
    }))
}
