//! Cuts the candidates into waves, whose texts are read and verified together. Where a wave ends says nothing of the
//! answer: what is ranked together is the business of `page`.

use super::candidates::{Candidate, Candidates, File};
use super::named::Ahead;
use super::open::{Document, Opened};
use crate::query::{Plan, Verdict};

/// Most text of a wave, in bytes (one file may have more).
const WAVE_BYTES: u64 = 32 << 20;
/// What is counted at once: nothing is kept of it, so it may be more.
const COUNTED: usize = 8192;
const COUNTED_BYTES: u64 = 128 << 20;

/// Files that are verified together.
#[derive(Debug, Default)]
pub(super) struct Wave {
    candidates: Vec<Candidate>,
    units: Vec<Unit>,
    /// Bytes of text in it.
    pub(super) bytes: u64,
}

/// One text under one path, with the candidates that stand for it.
#[derive(Clone, Copy, Debug)]
struct Unit {
    document: Document,
    first: u32,
}

/// The candidates, cut.
#[derive(Debug)]
pub(super) struct Waves<'a, I = Candidates<'a>> {
    opened: &'a Opened,
    plan: &'a Plan,
    candidates: I,
    /// Taken from `candidates`, but part of the next wave.
    ahead: Option<Candidate>,
    /// Those that had their turn before.
    passed: Option<Ahead>,
}

impl<'a, I: Iterator<Item = Candidate>> Waves<'a, I> {
    pub(super) fn new(opened: &'a Opened, plan: &'a Plan, candidates: I) -> Self {
        Self { opened, plan, candidates, ahead: None, passed: None }
    }

    /// Leaves these out from now on.
    pub(super) fn pass(&mut self, passed: Ahead) {
        self.passed = Some(passed);
    }

    /// The next `most` files that path and language admit, or fewer if their text is long.
    pub(super) fn next(&mut self, most: usize) -> Option<Wave> {
        self.cut(most, WAVE_BYTES, true)
    }

    /// The next files to be counted, whether or not path and language admit them: whoever counts asks.
    pub(super) fn next_to_count(&mut self) -> Option<Wave> {
        self.cut(COUNTED, COUNTED_BYTES, false)
    }

    /// Whether another wave comes.
    pub(super) fn more(&mut self) -> bool {
        while let Some(candidate) = self.pull() {
            if self.admits(&candidate) {
                self.ahead = Some(candidate);
                return true;
            }
        }
        false
    }

    fn pull(&mut self) -> Option<Candidate> {
        let passed = self.passed.as_ref();
        let has_turn = |one: &Candidate| passed.is_none_or(|passed| !passed.holds(self.opened, one));
        self.ahead.take().into_iter().chain(&mut self.candidates).find(has_turn)
    }

    /// Calls `found` with each file that path and language admit, once for all refs that have it.
    pub(super) fn each(mut self, mut found: impl FnMut(&Candidate, File<'_>)) {
        while let Some(wave) = self.cut(COUNTED, COUNTED_BYTES, true) {
            for unit in 0..wave.len() {
                let candidate = &wave.candidates(unit)[0];
                found(candidate, self.opened.file(candidate));
            }
        }
    }

    fn admits(&self, candidate: &Candidate) -> bool {
        let scope = &self.opened.targets[candidate.target as usize].target.scope;
        self.plan.admits(scope, self.opened.entry(candidate), None) != Verdict::No
    }

    fn cut(&mut self, most: usize, bytes: u64, admitted: bool) -> Option<Wave> {
        let mut wave = Wave::default();
        while let Some(candidate) = self.pull() {
            if admitted && !self.admits(&candidate) {
                continue;
            }
            if !wave.joins(self.opened, &candidate) {
                let len = self.opened.text_len(candidate.document);
                let full = wave.units.len() == most || wave.bytes + len > bytes;
                if full && !wave.units.is_empty() && !wave.ends_with_path_of(self.opened, &candidate) {
                    self.ahead = Some(candidate);
                    break;
                }
                wave.bytes += len;
                let first = wave.candidates.len() as u32;
                wave.units.push(Unit { document: candidate.document, first });
            }
            wave.candidates.push(candidate);
        }
        (!wave.units.is_empty()).then_some(wave)
    }
}

impl Wave {
    /// Texts in it.
    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    pub(super) fn document(&self, unit: usize) -> Document {
        self.units[unit].document
    }

    /// The candidates of a text; at least one.
    pub(super) fn candidates(&self, unit: usize) -> &[Candidate] {
        let end = self.units.get(unit + 1).map_or(self.candidates.len(), |next| next.first as usize);
        &self.candidates[self.units[unit].first as usize..end]
    }

    /// The first unit under the path of this one: texts under one path stay together.
    pub(super) fn first_of_path(&self, opened: &Opened, unit: usize) -> usize {
        let same = |other: &usize| same_path(opened, &self.candidates(*other)[0], &self.candidates(unit)[0]);
        (0..unit).rev().take_while(same).last().unwrap_or(unit)
    }

    fn ends_with_path_of(&self, opened: &Opened, candidate: &Candidate) -> bool {
        self.candidates.last().is_some_and(|last| same_path(opened, last, candidate))
    }

    /// Whether a candidate stands for the same file as the one before it, at another ref.
    fn joins(&self, opened: &Opened, candidate: &Candidate) -> bool {
        let Some(last) = self.candidates.last() else { return false };
        last.document == candidate.document
            && same_path(opened, last, candidate)
            && opened.file(last).language == opened.file(candidate).language
    }
}

fn same_path(opened: &Opened, one: &Candidate, other: &Candidate) -> bool {
    let repository = |one: &Candidate| opened.targets[one.target as usize].target.nth_repository;
    repository(one) == repository(other) && {
        let (File { path, class, .. }, other) = (opened.file(one), opened.file(other));
        (path, class) == (other.path, other.class)
    }
}
