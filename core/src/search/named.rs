//! Where names are looked for: the files that define what has the name, and those that are called so. One behind the first
//! batch is likely the best answer of all, and what the index says tells it, so these files are ranked with the first batch,
//! wherever they are.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::answer::StopReason;
use super::candidates::{Candidate, Place as At};
use super::cursor::{Passed, Place};
use super::open::{Document, OpenTarget, Opened};
use super::page::{BATCH_BYTES, Batches, Found};
use super::verify::{Left, Verified};
use super::waves::Waves;
use crate::query::{Plan, is_sought};
use crate::segment::Class;
use crate::store::StoreError;
use crate::text;

/// Most of them that join the first batch, if their texts are not long; further texts under the path of the last one do, too.
const MOST: usize = 64;
/// The same of those that have to be fetched from a bucket, in one wave.
const MOST_FAR: usize = 32;
/// Candidates that are verified together.
const WAVE: usize = 64;

/// What files have to do with the words that are looked for, to be ranked before their turn.
#[derive(Clone, Debug)]
pub(super) struct Called {
    /// To be called so.
    name: Option<Vec<u8>>,
    /// To define one of these, by their numbers in the plan.
    symbols: Vec<usize>,
}

/// Files that were ranked before their turn, and are not to be come across again.
#[derive(Clone, Debug)]
pub(super) struct Ahead {
    called: Called,
    /// The last of them.
    until: Passed,
}

impl Called {
    fn of(plan: &Plan) -> Option<Self> {
        let (name, symbols) = (plan.name().map(|name| name.as_bytes().to_vec()), plan.words_as_symbols());
        (name.is_some() || !symbols.is_empty()).then_some(Self { name, symbols })
    }

    fn is(&self, opened: &Opened, path: &[u8], document: Document) -> bool {
        let is_named = self.name.as_ref().is_some_and(|name| text::stem(path).eq_ignore_ascii_case(name));
        is_named || self.is_defined_in(opened, document)
    }

    fn is_defined_in(&self, opened: &Opened, document: Document) -> bool {
        let defined = opened.defined(document);
        self.symbols.iter().any(|name| defined.of(*name).iter().any(is_sought))
    }

    /// The entries of a base that are called by the name or define it and may match, whether or not a layer hides them.
    fn entries(&self, opened: &Opened, open: &OpenTarget) -> BTreeSet<usize> {
        let ranks = open.snapshot.ranks();
        let named = self.name.iter().flat_map(|name| open.snapshot.named(name)).filter(|entry| {
            let file = open.snapshot.entry(*entry);
            let of_class = ranks.of_class(file.class);
            let rank = (of_class.start + open.passed(of_class, file.path)).checked_sub(1);
            rank.is_some_and(|rank| open.found.contains(rank))
        });
        let mut entries: BTreeSet<usize> = named.collect();
        for (nth, segment) in open.segments.iter().enumerate() {
            let by_name = &opened.definitions[*segment as usize].by_name;
            let rows = self.symbols.iter().filter_map(|name| by_name.get(*name)).flat_map(|rows| rows.iter());
            ranks.each(nth, rows.filter(|row| is_sought(row)).map(|row| row.doc), |rank| {
                if open.found.contains(rank) {
                    entries.insert(ranks.entry(rank));
                }
            });
        }
        entries
    }

    fn candidates_of(&self, opened: &Opened, target: u32, open: &OpenTarget) -> Vec<Candidate> {
        let of_base = self.entries(opened, open).into_iter().filter(|entry| open.layers.show(*entry as u32));
        let of_base =
            of_base.map(|entry| Candidate { target, place: At::Base(entry as u32), document: open.document(entry) });
        let own = open.own.iter().filter(|file| self.is(opened, open.own_path(file), file.document));
        let own =
            own.map(|file| Candidate { target, place: At::Layer(file.layer, file.file), document: file.document });
        of_base.chain(own).collect()
    }

    /// The candidates in such files that come behind `after`, in static order.
    fn candidates(&self, opened: &Opened, classes: &[Class], after: &Passed) -> Vec<Candidate> {
        let of = |(target, open)| self.candidates_of(opened, target, open);
        let mut called: Vec<Candidate> = (0..).zip(&opened.targets).flat_map(of).collect();
        called.retain(|one| classes.contains(&opened.file(one).class) && opened.passed(one) > *after);
        called.sort_by_cached_key(|one| (opened.passed(one), one.document, one.target));
        called
    }
}

impl Ahead {
    /// Whether a file was one of them, or comes before one that was and is called the same.
    pub(super) fn holds(&self, opened: &Opened, candidate: &Candidate) -> bool {
        let file = opened.file(candidate);
        self.called.is(opened, file.path, candidate.document) && opened.passed(candidate) <= self.until
    }
}

impl Batches<'_, '_> {
    /// Leaves out what a page before has ranked ahead of its turn.
    pub(super) fn pass_ahead(&mut self, until: Option<&Passed>) {
        if let (Some(called), Some(until)) = (Called::of(&self.work.plan), until) {
            self.waves.pass(Ahead { called, until: until.clone() });
        }
    }

    /// Adds to the first batch the files behind it that are called by the name that is looked for, or define it. Where some of
    /// the batch was given out before, those that it had then; where texts have to be fetched, those of which the text is
    /// there, and one wave of others if any of them defines it.
    pub(super) async fn call(&mut self, batch: &mut Vec<Found>, place: &mut Place) -> Result<(), StoreError> {
        let is_new = self.begun == 0;
        let (Some(called_by), Some(last)) = (Called::of(&self.work.plan), batch.last()) else { return Ok(()) };
        let last = self.passed(last);
        if self.stopped.is_some() || (is_new && !self.more()) || (!is_new && place.named.is_none()) {
            return Ok(());
        }
        let until = place.named.clone();
        let mut called = self.found_called(&called_by, until.as_ref());
        let verified = self.verified.clone().unwrap_or_else(|| last.clone()).max(last);
        let work = Arc::clone(self.work);
        let mut candidates = called_by.candidates(&work.opened, &work.plan.classes().shown, &verified);
        match &until {
            Some(until) => candidates.retain(|one| work.opened.passed(one) <= *until),
            None if self.is_far => {
                candidates.truncate(MOST_FAR);
                let last = candidates.iter().rposition(|one| called_by.is_defined_in(&work.opened, one.document));
                candidates.truncate(last.map_or(0, |last| last + 1));
            }
            None => {}
        }
        self.verify_called(candidates, until.as_ref(), &mut called).await?;
        if is_new {
            place.named = called.last().map(|found| self.passed(found));
        }
        self.pass_ahead(place.named.as_ref());
        batch.extend(called);
        Ok(())
    }

    /// Takes them out of what was found and is in no batch yet.
    fn found_called(&mut self, called_by: &Called, until: Option<&Passed>) -> Vec<Found> {
        let mut called: Vec<Found> = Vec::new();
        let mut rest = Vec::new();
        for found in std::mem::take(&mut self.found) {
            let passed = self.passed(&found);
            let document = found.wave.document(found.hit.unit);
            let is_called = called_by.is(&self.work.opened, &passed.path, document);
            if is_called && self.has_room(&called, &passed, until) { called.push(found) } else { rest.push(found) }
        }
        self.found = rest;
        called
    }

    /// Whether one more joins those that were called.
    fn has_room(&self, called: &[Found], next: &Passed, until: Option<&Passed>) -> bool {
        match until {
            Some(until) => next <= until,
            None => {
                let bytes: usize = called.iter().map(Found::text_len).sum();
                let is_room = called.len() < MOST && bytes < BATCH_BYTES;
                is_room || called.last().is_some_and(|last| self.passed(last) == *next)
            }
        }
    }

    /// Verifies those that were not come across. Where the time is over before, what was called before is as good.
    async fn verify_called(
        &mut self,
        candidates: Vec<Candidate>,
        until: Option<&Passed>,
        called: &mut Vec<Found>,
    ) -> Result<(), StoreError> {
        let (work, reader) = (Arc::clone(self.work), self.reader);
        let mut waves = Waves::new(&work.opened, &work.plan, candidates.into_iter());
        while let Some(wave) = waves.next(WAVE) {
            let wave = Arc::new(wave);
            let Verified { hits, tally, left } = work.verify(reader, &wave, true).await?;
            if let Some((_, why)) = left {
                let why = if why == Left::Bytes { StopReason::Bytes } else { StopReason::Deadline };
                self.stopped = until.map(|_| why);
                return Ok(());
            }
            self.tally.add_work(&tally);
            for hit in hits {
                let found = Found { wave: Arc::clone(&wave), hit };
                if !self.has_room(called, &self.passed(&found), until) {
                    return Ok(());
                }
                work.count(&found.wave, &found.hit, &mut self.tally);
                called.push(found);
            }
        }
        Ok(())
    }
}
