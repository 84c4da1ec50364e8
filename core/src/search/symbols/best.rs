//! The best symbols of many: those that come behind enough others are counted and never copied.

use super::answer::{NameMatch, SymbolHit};
use super::place::Place;
use super::rank;
use crate::segment::NameRow;

/// Symbols beyond the limit that are kept before the worst are dropped.
const SLACK: usize = 64;

/// The best of the symbols that were met.
#[derive(Debug)]
pub(super) struct Best {
    limit: usize,
    /// From the front `n_sorted` of them in order, all that is met later behind them.
    hits: Vec<SymbolHit>,
    n_sorted: usize,
    /// All that were met.
    pub(super) n_met: usize,
}

impl Best {
    pub(super) fn of(limit: usize) -> Self {
        Self { limit, hits: Vec::new(), n_sorted: 0, n_met: 0 }
    }

    /// Takes in a symbol in a file.
    pub(super) fn meet(&mut self, place: Place<'_>, row: &NameRow, matched: NameMatch) {
        self.n_met += 1;
        let score = rank::score(row, matched, place.class);
        let worst = self.n_sorted.checked_sub(1).filter(|_| self.n_sorted >= self.limit).map(|nth| &self.hits[nth]);
        if worst.is_some_and(|worst| rank::is_behind((place, row, score), worst)) {
            return;
        }
        self.hits.push(rank::hit(place, row, matched));
        if self.hits.len() >= self.limit.saturating_add(SLACK) {
            self.settle();
        }
    }

    /// The best ones, in order.
    pub(super) fn finish(mut self) -> Vec<SymbolHit> {
        self.settle();
        self.hits
    }

    fn settle(&mut self) {
        self.hits.sort_by(rank::order);
        self.hits.truncate(self.limit);
        self.n_sorted = self.hits.len();
    }
}
