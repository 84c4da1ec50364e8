//! What the trigrams of a document must satisfy for it to be able to match: a monotone boolean formula, and its
//! evaluation on the postings of one segment.

use std::collections::BTreeMap;

use crate::segment::{DocSet, ListRef, Segment, SegmentError};
use crate::text::Trigram;

/// A necessary condition on the trigrams of a document. Always kept simplified by [`Formula::and`] and [`Formula::or`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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

    /// What remains to be asked of `segment`'s postings: trigrams it does not have become `Nothing`, lists that would
    /// cost more to read than they rule out become `All`. The result implies nothing that `self` does not.
    pub fn bind(&self, segment: &Segment) -> Result<Self, SegmentError> {
        Ok(match self {
            Self::Gram(gram) if segment.list(*gram)?.is_none() => Self::Nothing,
            Self::Or(parts) => Self::or(bind_each(parts, segment)?),
            Self::And(parts) => match Self::and(bind_each(parts, segment)?) {
                Self::And(parts) => worthwhile(parts, segment)?,
                other => other,
            },
            other => other.clone(),
        })
    }

    /// The lists that [`Formula::documents`] needs, by trigram.
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

    /// The documents that can match; `None`: all of them. A trigram without a list in `lists` is in no document.
    pub fn documents<'a>(&self, lists: &dyn Fn(Trigram) -> Option<&'a DocSet>) -> Option<DocSet> {
        match self {
            Self::All => None,
            Self::Nothing => Some(DocSet::default()),
            Self::Gram(gram) => Some(lists(*gram).cloned().unwrap_or_default()),
            Self::And(parts) => {
                let mut sets: Vec<_> = parts.iter().filter_map(|part| part.documents(lists)).collect();
                sets.sort_unstable_by_key(|set| set.0.len());
                sets.into_iter().reduce(|a, b| a.intersect(&b))
            }
            Self::Or(parts) => {
                let sets: Option<Vec<_>> = parts.iter().map(|part| part.documents(lists)).collect();
                sets.map(|sets| sets.iter().fold(DocSet::default(), |sum, set| sum.union(set)))
            }
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

/// Most bytes of postings that one conjunction reads from one segment; further lists are the least selective ones.
const LIST_BUDGET: u64 = 256 * 1024;

/// Lists that a conjunction reads whatever they cost.
const MIN_LISTS: usize = 3;

fn bind_each(parts: &[Formula], segment: &Segment) -> Result<Vec<Formula>, SegmentError> {
    parts.iter().map(|part| part.bind(segment)).collect()
}

/// Of a conjunction's lists keeps the rarest within the budget, and none of more than half of the documents unless
/// there is nothing rarer.
fn worthwhile(parts: Vec<Formula>, segment: &Segment) -> Result<Formula, SegmentError> {
    let (grams, rest): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| matches!(part, Formula::Gram(_)));
    let mut costs = Vec::with_capacity(grams.len());
    for formula in grams {
        let Formula::Gram(gram) = &formula else { continue };
        let (count, bytes) = match segment.list(*gram)? {
            None => (0, 0),
            Some(ListRef::Inline(_)) => (1, 0),
            Some(ListRef::Stored { range, count }) => (count, range.end.saturating_sub(range.start)),
        };
        costs.push((count, bytes, formula));
    }
    costs.sort();
    let mut spent = 0;
    let kept = costs.into_iter().enumerate().filter(|(i, (count, bytes, _))| {
        spent += bytes;
        let common = u64::from(*count) * 2 > u64::from(segment.n_docs());
        *i == 0 || (!common && (*i < MIN_LISTS || spent <= LIST_BUDGET))
    });
    Ok(Formula::and(kept.map(|(_, (_, _, formula))| formula).chain(rest).collect::<Vec<_>>()))
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
}
