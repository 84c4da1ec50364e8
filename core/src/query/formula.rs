//! What the trigrams of a document must satisfy for it to be able to match: a monotone boolean formula.

use std::collections::BTreeMap;

use crate::segment::{ListRef, Segment, SegmentError};
use crate::text::Trigram;

/// A necessary condition on the trigrams of a document. Always kept simplified by [`Formula::and`] and [`Formula::or`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Formula {
    /// Nothing is known: every document can match.
    All,
    /// No document can match.
    Nothing,
    /// The document has this trigram.
    Gram(Trigram),
    /// All of them hold. Sorted, distinct, at least two, neither `All` nor `Nothing` nor `And` inside.
    And(Vec<Self>),
    /// At least one holds. Sorted, distinct, at least two, neither `All` nor `Nothing` nor `Or` inside.
    Or(Vec<Self>),
}

impl Formula {
    /// All of `parts` hold.
    pub fn and(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut out = Vec::new();
        for part in parts {
            match part {
                Self::All => {}
                Self::Nothing => return Self::Nothing,
                Self::And(inner) => out.extend(inner),
                other => out.push(other),
            }
        }
        Self::join(out, Self::All, Self::And)
    }

    /// At least one of `parts` holds.
    pub fn or(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut out = Vec::new();
        for part in parts {
            match part {
                Self::All => return Self::All,
                Self::Nothing => {}
                Self::Or(inner) => out.extend(inner),
                other => out.push(other),
            }
        }
        Self::join(out, Self::Nothing, Self::Or)
    }

    fn join(mut parts: Vec<Self>, empty: Self, wrap: fn(Vec<Self>) -> Self) -> Self {
        parts.sort_unstable();
        parts.dedup();
        absorb(&mut parts);
        match parts.len() {
            0 => empty,
            1 => parts.pop().unwrap_or(empty),
            _ => wrap(parts),
        }
    }

    /// Whether a document with exactly the trigrams `has` answers yes to can match.
    pub fn holds(&self, has: &dyn Fn(Trigram) -> bool) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Gram(gram) => has(*gram),
            Self::And(parts) => parts.iter().all(|part| part.holds(has)),
            Self::Or(parts) => parts.iter().any(|part| part.holds(has)),
        }
    }

    /// Nodes, as a measure of size.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::And(parts) | Self::Or(parts) => 1 + parts.iter().map(Self::size).sum::<usize>(),
            _ => 1,
        }
    }

    /// The lists that `Formula::documents` needs, by trigram.
    pub fn lists(&self, segment: &Segment) -> Result<BTreeMap<Trigram, ListRef>, SegmentError> {
        let mut grams = Vec::new();
        self.grams(&mut grams);
        let mut lists = BTreeMap::new();
        for gram in grams {
            if let Some(list) = segment.list(gram)? {
                lists.insert(gram, list);
            }
        }
        Ok(lists)
    }

    fn grams(&self, out: &mut Vec<Trigram>) {
        match self {
            Self::Gram(gram) => out.push(*gram),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.grams(out)),
            Self::All | Self::Nothing => {}
        }
    }

    /// What is left when nothing is known of the trigrams without a `known` list: a weaker condition.
    pub fn where_known(&self, known: &dyn Fn(Trigram) -> bool) -> Self {
        match self {
            Self::Gram(gram) if !known(*gram) => Self::All,
            Self::And(parts) => Self::and(parts.iter().map(|part| part.where_known(known))),
            Self::Or(parts) => Self::or(parts.iter().map(|part| part.where_known(known))),
            other => other.clone(),
        }
    }
}

/// Most parts among which redundant ones are looked for: it costs their square.
const MAX_ABSORB: usize = 64;

/// Drops parts that another one makes redundant: `a | (a & b)` is `a`, and so is `a & (a | b)`.
fn absorb(parts: &mut Vec<Formula>) {
    if parts.len() > MAX_ABSORB {
        return;
    }
    let redundant = |part: &Formula| {
        let others = parts.iter().filter(|other| *other != part);
        others.map(components).any(|other| other.iter().all(|one| components(part).contains(one)))
    };
    let keep: Vec<bool> = parts.iter().map(|part| !redundant(part)).collect();
    let mut keep = keep.into_iter();
    parts.retain(|_| keep.next().unwrap_or(true));
}

/// What a part is made of; the parts of one formula are all of the other kind, or trigrams.
fn components(part: &Formula) -> &[Formula] {
    match part {
        Formula::And(inner) | Formula::Or(inner) => inner,
        other => std::slice::from_ref(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gram(n: u32) -> Formula {
        Formula::Gram(Trigram(n))
    }

    #[test]
    fn simplifies() {
        assert_eq!(Formula::and([gram(2), Formula::All, gram(1), gram(2)]), Formula::And(vec![gram(1), gram(2)]));
        assert_eq!(Formula::and([gram(2), Formula::Nothing]), Formula::Nothing);
        assert_eq!(Formula::or([gram(2), Formula::All]), Formula::All);
        assert_eq!(Formula::or([gram(2), Formula::Nothing]), gram(2));
        assert_eq!(Formula::and([]), Formula::All);
        assert_eq!(Formula::or([]), Formula::Nothing);
        assert_eq!(Formula::or([gram(1), Formula::and([gram(2), gram(1)])]), gram(1));
        assert_eq!(Formula::and([gram(1), Formula::or([gram(2), gram(1)])]), gram(1));
    }

    #[test]
    fn what_is_not_known_can_hold() {
        let formula = Formula::and([gram(1), Formula::or([gram(2), gram(3)])]);
        let without = |unknown: u32| formula.where_known(&|gram| gram.0 != unknown);
        assert_eq!(without(1), Formula::Or(vec![gram(2), gram(3)]));
        assert_eq!((without(2), without(4)), (gram(1), formula.clone()));
        assert_eq!(formula.where_known(&|_| false), Formula::All);
    }
}
