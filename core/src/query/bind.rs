//! Which lists of one segment are worth reading: a list costs a read and its bytes, and saves reads of candidates.
//!
//! Measured on Linux (5 segments, 78,000 files): for identifiers of 16 characters and more all 16 lists take 105 reads in
//! the median, those chosen here 38, although they leave 29 candidates instead of 6.

use super::formula::Formula;
use crate::segment::{ListRef, Segment, SegmentError};
use crate::text::Trigram;

/// What a read costs by itself, in bytes that could be had in the same time.
const READ: f64 = 32.0 * 1024.0;

/// What a candidate costs: a read of the frame of an average document.
const CANDIDATE: f64 = READ + 4.0 * 1024.0;

/// Lists whose effect is estimated as if they were more or less independent of each other: the n-th counts with the 2^n-th
/// root of its share. Of later ones each is known to rule out a tenth of what is left, unless it is long. Measured for
/// random literals of 16 to 40 bytes: after 1, 3, 5 and 9 lists 337, 70, 60 and 45 candidates a segment are estimated,
/// and 337, 91, 60 and 45 left.
const INDEPENDENT: i32 = 3;

/// One part of a conjunction.
struct Choice {
    formula: Formula,
    /// Most documents that it leaves.
    count: f64,
    /// In bytes; 0: it is at hand.
    cost: f64,
}

impl Formula {
    /// What is to be asked of `segment`'s postings: trigrams it does not have become `Nothing`, and parts of conjunctions
    /// that would cost more to read than they save are left out. The result is implied by `self`. Lists for which
    /// `at_hand` says yes cost nothing, and are all taken.
    pub fn bind(&self, segment: &Segment, at_hand: &dyn Fn(Trigram) -> bool) -> Result<Self, SegmentError> {
        let parts = match self.present(segment)? {
            Self::And(parts) => parts,
            other => vec![other],
        };
        let choices = parts.into_iter().map(|part| Choice::new(part, segment, at_hand));
        Ok(worthwhile(choices.collect::<Result<_, _>>()?, f64::from(segment.n_docs())))
    }

    /// Without the trigrams that no document has.
    fn present(&self, segment: &Segment) -> Result<Self, SegmentError> {
        let each = |parts: &[Self]| parts.iter().map(|part| part.present(segment)).collect::<Result<Vec<_>, _>>();
        Ok(match self {
            Self::Gram(gram) if segment.list(*gram)?.is_none() => Self::Nothing,
            Self::Or(parts) => Self::or(each(parts)?),
            Self::And(parts) => Self::and(each(parts)?),
            other => other.clone(),
        })
    }
}

impl Choice {
    fn new(formula: Formula, segment: &Segment, at_hand: &dyn Fn(Trigram) -> bool) -> Result<Self, SegmentError> {
        let (count, cost) = weigh(&formula, segment, at_hand)?;
        Ok(Self { formula, count, cost })
    }
}

/// Most documents that a formula leaves, and what its lists cost.
fn weigh(formula: &Formula, segment: &Segment, at_hand: &dyn Fn(Trigram) -> bool) -> Result<(f64, f64), SegmentError> {
    let n_docs = f64::from(segment.n_docs());
    let parts =
        |parts: &[Formula]| parts.iter().map(|part| weigh(part, segment, at_hand)).collect::<Result<Vec<_>, _>>();
    Ok(match formula {
        Formula::All => (n_docs, 0.0),
        Formula::Nothing => (0.0, 0.0),
        Formula::Gram(gram) => match segment.list(*gram)? {
            None => (0.0, 0.0),
            Some(ListRef::Stored { range, count }) if !at_hand(*gram) => {
                (f64::from(count), READ + range.end.saturating_sub(range.start) as f64)
            }
            Some(list) => (f64::from(list.count()), 0.0),
        },
        Formula::And(inner) => {
            let parts = parts(inner)?;
            (parts.iter().map(|(count, _)| *count).fold(n_docs, f64::min), parts.iter().map(|(_, cost)| cost).sum())
        }
        Formula::Or(inner) => {
            let parts = parts(inner)?;
            let count: f64 = parts.iter().map(|(count, _)| count).sum();
            (count.min(n_docs), parts.iter().map(|(_, cost)| cost).sum())
        }
    })
}

/// All that is at hand, then the parts that save more than they cost, the most selective first.
fn worthwhile(mut choices: Vec<Choice>, n_docs: f64) -> Formula {
    choices.sort_by(|a, b| (a.cost > 0.0).cmp(&(b.cost > 0.0)).then(a.count.total_cmp(&b.count)));
    let (mut left, mut taken) = (n_docs, 0);
    let kept = choices.into_iter().filter(|choice| {
        let rest = left * share_left(choice.count / n_docs.max(1.0), taken);
        let worth = choice.cost == 0.0 || (left - rest) * CANDIDATE > choice.cost;
        if worth {
            (left, taken) = (rest, taken + 1);
        }
        worth
    });
    Formula::and(kept.map(|choice| choice.formula).collect::<Vec<_>>())
}

/// The share of candidates that a list with this share of the documents leaves, after `taken` others.
fn share_left(share: f64, taken: i32) -> f64 {
    if taken < INDEPENDENT { share.powf(0.5f64.powi(taken)) } else { 0.9 + 0.1 * share }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(gram: u32, count: u32, bytes: u32) -> Choice {
        let cost = if bytes == 0 { 0.0 } else { READ + f64::from(bytes) };
        Choice { formula: Formula::Gram(Trigram(gram)), count: f64::from(count), cost }
    }

    fn kept(choices: Vec<Choice>) -> usize {
        match worthwhile(choices, 16_000.0) {
            Formula::All => 0,
            Formula::And(parts) => parts.len(),
            _ => 1,
        }
    }

    #[test]
    fn lists_are_read_until_the_next_saves_too_little() {
        let common = |n: u32| (0..n).map(|gram| choice(gram, 8_000, 2_000)).collect::<Vec<_>>();
        assert_eq!(kept(common(16)), 16, "of thousands of candidates each list saves hundreds");
        let mut rare = common(16);
        rare.insert(0, choice(99, 2, 10));
        assert_eq!(kept(rare), 1, "two candidates are read sooner than further lists");
        let at_hand = |n: u32| (0..n).map(|gram| choice(gram, 5, 0)).collect::<Vec<_>>();
        assert_eq!(kept(at_hand(16)), 16, "what is at hand is used");
        assert_eq!(kept(vec![choice(1, 16_000, 2_000)]), 0, "a list of all documents says nothing");
        assert_eq!(kept(vec![choice(1, 2, 10)]), 1);
    }
}
