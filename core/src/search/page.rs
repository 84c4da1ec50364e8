//! Fills a page: batch by batch, each ranked, until there is enough or the budget is spent.
//!
//! A batch is a number of *matching* files that follow each other in static order. So what is ranked together depends on
//! the query and the snapshots alone, and not on which candidates the postings left. One thing else has a say: where texts
//! had to be fetched from a bucket, another wave of them only to rank more is not worth its wait, and the batch ends when
//! it fills the page. The cursor says how long it was, so pages put together are the whole answer either way. The first one
//! may have files ahead of their turn: see `named`.

use std::cmp::Reverse;
use std::sync::Arc;

use super::answer::{FileMatch, SearchError, StopReason};
use super::cursor::{Passed, Place};
use super::lines::{Shown, files};
use super::reader::Reader;
use super::request::SearchRequest;
use super::spread::{folder, spread};
use super::verify::{Hit, Left, Tally, Text, Verified, Work};
use super::waves::{Wave, Waves};
use crate::store::StoreError;

/// Files of the first batch at least; later ones double up to the largest.
const FIRST_BATCH: usize = 128;
const LARGEST_BATCH: usize = 1024;

/// Matching lines that are ranked together where a name is looked for: its definition can be far behind its uses, and a
/// batch of such a query has more files until it has so many lines, which are what ranking costs.
const ENOUGH_LINES: u64 = 1024;
/// Files of such a batch at most, unless it would have as many anyway.
const MOST_OF_NAME: usize = 512;

/// Text of a batch, in bytes (one file may have more): it is in memory until its lines are cut out.
pub(super) const BATCH_BYTES: usize = 64 << 20;

/// Candidates of a wave. The first one is a batch's worth where most of them match; cold, it is one round trip.
const FIRST_WAVE: usize = 160;
const SMALLEST_WAVE: usize = 64;
const LARGEST_WAVE: usize = 2048;

/// A page, and where the next one begins.
#[derive(Debug, Default)]
pub(super) struct Filled {
    pub(super) files: Vec<FileMatch>,
    /// Everything that was verified for it.
    pub(super) tally: Tally,
    /// Why it ends before the last match, and where.
    pub(super) stopped: Option<(StopReason, Place)>,
}

/// A matching file, and the wave that it was found in.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) wave: Arc<Wave>,
    pub(super) hit: Hit,
}

impl Found {
    /// Bytes of text that it keeps in memory.
    pub(super) fn text_len(&self) -> usize {
        self.hit.text.as_ref().map_or(0, Text::len)
    }
}

/// How much of a page is still free.
struct Room {
    files: usize,
    lines: usize,
}

/// Matching files on their way into batches.
pub(super) struct Batches<'a, 'w> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) work: &'a Arc<Work>,
    pub(super) waves: &'a mut Waves<'w>,
    request: &'a SearchRequest,
    /// Found, in static order, and not in a batch yet.
    pub(super) found: Vec<Found>,
    pub(super) tally: Tally,
    /// Candidates that were verified, and how many of them matched.
    seen: (usize, usize),
    /// Why the last batch was cut short.
    pub(super) stopped: Option<StopReason>,
    /// Files of the batch that the page before gave out some of; 0: it ended with a batch.
    pub(super) begun: usize,
    /// Whether texts had to be fetched from a bucket.
    pub(super) is_far: bool,
    /// The last file that was verified in its turn.
    pub(super) verified: Option<Passed>,
    /// The file that came next when the time was over, or enough was read.
    left: Option<LeftFile>,
}

/// A file that was left.
struct LeftFile {
    why: Left,
    path: Vec<u8>,
    bytes: u64,
}

/// The files from `place` on.
pub(super) async fn fill(
    reader: &Reader<'_>,
    work: &Arc<Work>,
    waves: &mut Waves<'_>,
    request: &SearchRequest,
    mut place: Place,
) -> Result<Filled, SearchError> {
    let page = &request.page;
    let mut room = Room { files: page.files.unwrap_or(usize::MAX), lines: page.lines.unwrap_or(usize::MAX) };
    let (found, tally, begun) = (Vec::new(), Tally::default(), place.ranked as usize);
    let (seen, is_far, stopped, verified, left) = ((0, 0), false, None, None, None);
    let mut batches =
        Batches { reader, work, waves, request, found, tally, seen, stopped, begun, is_far, verified, left };
    if place.batch > 0 {
        batches.pass_ahead(place.named.as_ref());
    }
    let mut out = Vec::new();
    let stopped = loop {
        let Some(mut batch) = batches.next(place.batch, &room).await? else { break None };
        let last = batch.last().map(|found| batches.passed(found));
        let ranked = batch.len() as u32;
        if place.batch == 0 {
            batches.call(&mut batch, &mut place).await?;
        }
        // Stable: equals stay in static order.
        batch.sort_by_key(|found| Reverse(found.hit.score));
        if batches.stopped.is_some() && (place.files, place.lines) != (0, 0) {
            // Some of the batch was given out, in an order that only the whole batch has.
            break batches.stopped.map(|reason| (reason, place));
        }
        if place.batch == 0 && !work.plan.lists_files() && !work.plan.asks_paths() {
            batch = spread(batch, |found| batches.folder(found));
        }
        place.ranked = ranked;
        let (shown, more) = room.choose(batch, &mut place);
        out.extend(files(work, shown, request).await);
        if more {
            break Some((StopReason::Limit, place));
        }
        let after = if batches.stopped.is_some() { batches.progress(place.after)? } else { last };
        place = Place { batch: place.batch.saturating_add(1), after, named: place.named, ..Place::default() };
        batches.begun = 0;
        let reason = if room.is_empty() { Some(StopReason::Limit) } else { batches.stopped };
        if let Some(reason) = reason {
            break batches.more().then_some((reason, place));
        }
    };
    Ok(Filled { files: out, tally: batches.tally, stopped })
}

impl Batches<'_, '_> {
    /// The next batch in static order; `None`: nothing is left.
    async fn next(&mut self, number: u32, room: &Room) -> Result<Option<Vec<Found>>, StoreError> {
        let least =
            FIRST_BATCH.checked_shl(number).map_or(LARGEST_BATCH, |least| least.clamp(FIRST_BATCH, LARGEST_BATCH));
        loop {
            if let Some(len) = self.cut(least).or_else(|| self.fills(room)) {
                let later = self.found.split_off(len);
                return Ok(Some(std::mem::replace(&mut self.found, later)));
            }
            self.stopped = match &self.left {
                Some(LeftFile { why: Left::Bytes, .. }) => Some(StopReason::Bytes),
                Some(_) => Some(StopReason::Deadline),
                // A batch of which some was given out is read to its end: nothing can be given out before.
                None if self.seen.0 > 0 && self.begun == 0 => self.request.budget.passed(self.reader),
                None => None,
            };
            let wave = if self.stopped.is_some() { None } else { self.waves.next(self.wave_len(least, room)) };
            let Some(wave) = wave else {
                let rest = std::mem::take(&mut self.found);
                return Ok((!rest.is_empty() || self.stopped.is_some()).then_some(rest));
            };
            let (wave, gets) = (Arc::new(wave), self.reader.stats().gets);
            let Verified { hits, tally, left } = self.work.verify(self.reader, &wave, true).await?;
            self.is_far |= !self.reader.store.is_near() && self.reader.stats().gets > gets;
            self.tally.add(tally);
            self.seen = (self.seen.0 + wave.len(), self.seen.1 + hits.len());
            self.note(&wave, left);
            self.found.extend(hits.into_iter().map(|hit| Found { wave: Arc::clone(&wave), hit }));
        }
    }

    /// Notes how far a wave was verified.
    fn note(&mut self, wave: &Wave, left: Option<(usize, Left)>) {
        if let Some(last) = left.map_or(wave.len(), |(unit, _)| unit).checked_sub(1) {
            self.verified = Some(self.passed_of(wave, last));
        }
        let opened = &self.work.opened;
        self.left = left.map(|(unit, why)| LeftFile {
            why,
            path: self.passed_of(wave, unit).path,
            bytes: opened.text_len(wave.document(unit)),
        });
    }

    /// Where the next page begins after a stop, where this one began behind `before`.
    fn progress(&self, before: Option<Passed>) -> Result<Option<Passed>, SearchError> {
        match (&self.verified, &self.left) {
            (None, Some(LeftFile { why: Left::Unsearched, path, bytes })) => {
                Err(SearchError::TooSlow { path: String::from_utf8_lossy(path).into_owned(), bytes: *bytes })
            }
            (verified, _) => Ok(verified.clone().or(before)),
        }
    }

    /// Length of the next batch, if that is known: texts under one path stay together.
    fn cut(&self, least: usize) -> Option<usize> {
        let len = if self.begun > 0 { self.begun } else { self.ranked(least).min(self.light()) };
        let last = self.passed(self.found.get(len - 1)?);
        let same = self.found[len..].iter().position(|found| self.passed(found) != last)?;
        Some(len + same)
    }

    /// Length of the next batch where all that was found shall be it: texts had to be fetched, and it fills the page. A
    /// wave never ends between texts under one path.
    fn fills(&self, room: &Room) -> Option<usize> {
        let is_whole = self.begun == 0 && self.left.is_none() && self.is_far;
        (is_whole && room.is_filled_by(&self.found)).then_some(self.found.len())
    }

    /// Files of a batch of at least so many, as far as what was found tells it.
    fn ranked(&self, least: usize) -> usize {
        if self.work.plan.name().is_none() {
            return least;
        }
        let mut lines = 0;
        let few = self.found.iter().take_while(|found| {
            lines += found.hit.lines;
            lines < ENOUGH_LINES
        });
        (few.count() + 1).clamp(least, MOST_OF_NAME.max(least))
    }

    /// Files whose texts are not too long together; where all that were found are not, any number.
    fn light(&self) -> usize {
        let mut bytes = 0;
        let heavy = self.found.iter().position(|found| {
            bytes += found.text_len();
            bytes > BATCH_BYTES
        });
        heavy.map_or(usize::MAX, |heavy| heavy.max(1))
    }

    /// Files that the next batch will have, by the lines of those that were found.
    fn likely(&self, least: usize, room: &Room) -> usize {
        let lines: u64 = self.found.iter().map(|found| found.hit.lines).sum();
        if self.begun > 0 {
            return self.begun;
        }
        if self.is_far {
            let by_lines = (self.found.len() as u64).saturating_mul(room.lines as u64).checked_div(lines);
            return by_lines.map_or(least, |files| (files as usize).min(room.files).clamp(1, least));
        }
        match (self.found.len() as u64 * ENOUGH_LINES).checked_div(lines) {
            Some(likely) if self.work.plan.name().is_some() => (likely as usize).clamp(least, MOST_OF_NAME.max(least)),
            _ => least,
        }
    }

    /// As many candidates as a batch should need, by what came of those before.
    fn wave_len(&self, least: usize, room: &Room) -> usize {
        let missing = (self.likely(least, room) + 1).saturating_sub(self.found.len()).max(1);
        let wanted = match self.seen {
            (0, _) => FIRST_WAVE,
            (_, 0) => LARGEST_WAVE,
            (seen, matched) => missing.saturating_mul(seen).div_ceil(matched).saturating_mul(5) / 4,
        };
        wanted.clamp(SMALLEST_WAVE, LARGEST_WAVE)
    }

    /// Whether anything may come after the batches so far.
    pub(super) fn more(&mut self) -> bool {
        !self.found.is_empty() || self.left.is_some() || self.waves.more()
    }

    /// Repository and folder of a file.
    fn folder(&self, found: &Found) -> (u32, &[u8]) {
        let candidate = &found.wave.candidates(found.hit.unit)[0];
        (candidate.target, folder(self.work.opened.file(candidate).path))
    }

    pub(super) fn passed(&self, found: &Found) -> Passed {
        self.passed_of(&found.wave, found.hit.unit)
    }

    fn passed_of(&self, wave: &Wave, unit: usize) -> Passed {
        self.work.opened.passed(&wave.candidates(unit)[0])
    }
}

impl Room {
    fn is_empty(&self) -> bool {
        self.files == 0 || self.lines == 0
    }

    /// Whether there is no room for more than these files.
    fn is_filled_by(&self, found: &[Found]) -> bool {
        found.len() >= self.files || found.iter().map(|found| found.hit.lines).sum::<u64>() >= self.lines as u64
    }

    /// The files from `place` on that there is room for; moves `place` behind them. Whether there are more.
    fn choose(&mut self, batch: Vec<Found>, place: &mut Place) -> (Vec<Shown>, bool) {
        let mut shown = Vec::new();
        for found in batch.into_iter().skip(place.files as usize) {
            if self.is_empty() {
                return (shown, true);
            }
            let skip = place.lines as usize;
            let lines = usize::try_from(found.hit.lines).unwrap_or(usize::MAX);
            let take = lines.saturating_sub(skip).min(self.lines);
            self.lines -= take.max(1);
            shown.push(Shown { found, skip, take });
            if skip + take < lines {
                place.lines = (skip + take) as u32;
                return (shown, true);
            }
            self.files -= 1;
            (place.files, place.lines) = (place.files + 1, 0);
        }
        (shown, false)
    }
}
