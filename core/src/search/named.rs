//! Where one name is looked for: the files that are called so. One behind the first batch is likely the best answer of all,
//! and its path alone tells it, so these files are ranked with the first batch, wherever they are.

use std::sync::Arc;

use super::answer::StopReason;
use super::candidates::{Candidate, Place as At};
use super::cursor::{Passed, Place};
use super::open::{OpenTarget, Opened};
use super::page::{BATCH_BYTES, Batches, Found};
use super::verify::{Left, Verified};
use super::waves::Waves;
use crate::segment::Class;
use crate::store::StoreError;
use crate::text;

/// Most of them that join the first batch, if their texts are not long; further texts under the path of the last one do, too.
const MOST: usize = 64;
/// Candidates that are verified together.
const WAVE: usize = 64;

/// Files that were ranked before their turn, and are not to be come across again.
#[derive(Clone, Debug)]
pub(super) struct Ahead {
    pub(super) name: Vec<u8>,
    /// The last of them.
    pub(super) until: Passed,
}

impl Ahead {
    /// Whether a file was one of them, or comes before one that was and is called the same.
    pub(super) fn holds(&self, opened: &Opened, candidate: &Candidate) -> bool {
        let file = opened.file(candidate);
        is_named(file.path, &self.name) && opened.passed(candidate) <= self.until
    }
}

impl Opened {
    /// The candidates in files of this name that come behind `after`, in static order.
    fn named(&self, classes: &[Class], name: &[u8], after: &Passed) -> Vec<Candidate> {
        let of = |(target, open)| named_of(target, open, name);
        let mut named: Vec<Candidate> = (0..).zip(&self.targets).flat_map(of).collect();
        named.retain(|one| classes.contains(&self.file(one).class) && self.passed(one) > *after);
        named.sort_by_cached_key(|one| (self.passed(one), one.document, one.target));
        named
    }
}

fn named_of(target: u32, open: &OpenTarget, name: &[u8]) -> Vec<Candidate> {
    let ranks = open.snapshot.ranks();
    let of_base = open.snapshot.named(name).filter(|entry| {
        let file = open.snapshot.entry(*entry);
        let of_class = ranks.of_class(file.class);
        let rank = (of_class.start + open.passed(of_class, file.path)).checked_sub(1);
        rank.is_some_and(|rank| open.found.contains(rank)) && open.layers.show(*entry as u32)
    });
    let of_base =
        of_base.map(|entry| Candidate { target, place: At::Base(entry as u32), document: open.document(entry) });
    let own = open.own.iter().filter(|file| is_named(open.own_path(file), name));
    let own = own.map(|file| Candidate { target, place: At::Layer(file.layer, file.file), document: file.document });
    of_base.chain(own).collect()
}

fn is_named(path: &[u8], name: &[u8]) -> bool {
    text::stem(path).eq_ignore_ascii_case(name)
}

impl Batches<'_, '_> {
    /// Leaves out what a page before has ranked ahead of its turn.
    pub(super) fn pass_ahead(&mut self, until: Option<&Passed>) {
        if let (Some(name), Some(until)) = (self.work.plan.name(), until) {
            self.waves.pass(Ahead { name: name.as_bytes().to_vec(), until: until.clone() });
        }
    }

    /// Adds to the first batch the files behind it that are called by the name that is looked for. Where some of the batch
    /// was given out before, those that it had then; where texts had to be fetched, those of which the text is there.
    pub(super) async fn call(&mut self, batch: &mut Vec<Found>, place: &mut Place) -> Result<(), StoreError> {
        let is_new = self.begun == 0;
        let (Some(name), Some(last)) = (self.work.plan.name(), batch.last()) else { return Ok(()) };
        let (name, last) = (name.as_bytes().to_vec(), self.passed(last));
        if self.stopped.is_some() || (is_new && !self.more()) || (!is_new && place.named.is_none()) {
            return Ok(());
        }
        let until = place.named.clone();
        let mut called = self.found_called(&name, until.as_ref());
        let verified = self.verified.clone().unwrap_or_else(|| last.clone()).max(last);
        if until.is_some() || !self.is_far {
            self.verify_called((&name, &verified), until.as_ref(), &mut called).await?;
        }
        if is_new {
            place.named = called.last().map(|found| self.passed(found));
        }
        self.pass_ahead(place.named.as_ref());
        batch.extend(called);
        Ok(())
    }

    /// Takes them out of what was found and is in no batch yet.
    fn found_called(&mut self, name: &[u8], until: Option<&Passed>) -> Vec<Found> {
        let mut called: Vec<Found> = Vec::new();
        let mut rest = Vec::new();
        for found in std::mem::take(&mut self.found) {
            let passed = self.passed(&found);
            let joins = is_named(&passed.path, name) && self.has_room(&called, &passed, until);
            if joins { called.push(found) } else { rest.push(found) }
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
        (name, after): (&[u8], &Passed),
        until: Option<&Passed>,
        called: &mut Vec<Found>,
    ) -> Result<(), StoreError> {
        let (work, reader) = (Arc::clone(self.work), self.reader);
        let mut candidates = work.opened.named(&work.plan.classes().shown, name, after);
        candidates.retain(|one| until.is_none_or(|until| work.opened.passed(one) <= *until));
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
