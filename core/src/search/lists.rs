//! The posting lists of one segment that a formula wants: kept ones, those that others are reading, and the rest in one
//! wave, which is cut short when what is there leaves few documents. Where no wave is needed, see `near_lists`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::cache::{CacheItem, Kept, Key, OpenSegment, Part};
use super::flights::{Follow, Lead, Seat};
use super::reader::Reader;
use crate::query::Formula;
use crate::segment::{DocSet, ListRef, SegmentError};
use crate::store::StoreError;
use crate::text::Trigram;

/// So few documents that reading them costs less than waiting for further lists. Measured with GETs of 22 ms in the
/// median, one in a hundred of 300: a wave of 12 lists takes 49 ms, half of them are there after 22; each further list
/// rules out a tenth of what is left.
const FEW_DOCUMENTS: usize = 64;

/// The lists of one question.
struct Lists<'a> {
    open: &'a OpenSegment,
    formula: &'a Formula,
    known: BTreeMap<Trigram, Arc<DocSet>>,
}

/// A list to be read.
struct Missing<'a> {
    gram: Trigram,
    list: ListRef,
    range: Range<u64>,
    lead: Option<Lead<'a, Key, CacheItem>>,
}

impl Reader<'_> {
    /// The documents of a segment that can satisfy `formula`; `None`: all of them. One wave.
    pub(super) async fn documents(&self, open: &OpenSegment, formula: &Formula) -> Result<Option<DocSet>, StoreError> {
        if self.store.is_near() || open.whole.is_some() {
            return self.near_documents(open, formula).await;
        }
        let at_hand = |gram| self.look_up::<Arc<DocSet>>(open.key, Part::List(gram)).is_some();
        let bound = formula.bind(&open.segment, &at_hand).map_err(|error| self.dictionary_error(open, &error))?;
        let wanted = bound.lists(&open.segment).map_err(|error| self.dictionary_error(open, &error))?;
        let mut lists = Lists { open, formula: &bound, known: BTreeMap::new() };
        let mut rest = Vec::new();
        let mut hits = 0;
        for (gram, list) in wanted {
            match &list {
                ListRef::Inline(doc) => drop(lists.known.insert(gram, Arc::new(DocSet::ascending(vec![*doc])))),
                ListRef::Stored { range, .. } => match self.look_up(open.key, Part::List(gram)) {
                    Some(kept) => {
                        hits += 1;
                        lists.known.insert(gram, kept);
                    }
                    None => rest.push((gram, range.clone(), list)),
                },
            }
        }
        self.count_hits(hits);
        self.complete(&mut lists, rest).await?;
        Ok(lists.documents())
    }

    /// Reads the lists that are not known, or as many of them as it takes.
    async fn complete(
        &self,
        lists: &mut Lists<'_>,
        rest: Vec<(Trigram, Range<u64>, ListRef)>,
    ) -> Result<(), StoreError> {
        let (mut missing, mut followed) = (Vec::new(), Vec::new());
        for (gram, range, list) in rest {
            match self.seat(lists.open, gram) {
                Ok(lead) => missing.push(Missing { gram, list, range, lead }),
                Err(follow) => followed.push((gram, range, list, follow)),
            }
        }
        self.read_lists(lists, missing).await?;
        let mut forsaken = Vec::new();
        for (gram, range, list, follow) in followed {
            if lists.are_enough(1, 1) {
                return Ok(());
            }
            match follow.wait().await.and_then(Arc::<DocSet>::unwrap) {
                Some(known) => {
                    self.count_hits(1);
                    lists.known.insert(gram, known);
                }
                None => forsaken.push(Missing { gram, list, range, lead: None }),
            }
        }
        if forsaken.is_empty() || lists.are_enough(1, 1) { Ok(()) } else { self.read_lists(lists, forsaken).await }
    }

    pub(super) fn dictionary_error(&self, open: &OpenSegment, error: &SegmentError) -> StoreError {
        self.segment_error(open.key, &(open.segment.frame_range(0).end..u64::MAX), error)
    }

    /// Whether to read a list, or whom to wait for.
    fn seat(&self, open: &OpenSegment, gram: Trigram) -> Result<Option<Lead<'_, Key, CacheItem>>, Follow<CacheItem>> {
        match self.cache.objects.board((self.tenant, open.key, Part::List(gram))) {
            Seat::Lead(lead) => Ok(Some(lead)),
            Seat::Follow(follow) => Err(follow),
        }
    }

    async fn read_lists(&self, lists: &mut Lists<'_>, missing: Vec<Missing<'_>>) -> Result<(), StoreError> {
        let ranges: Vec<_> = missing.iter().map(|missing| missing.range.clone()).collect();
        let n_missing = ranges.len();
        let mut missing: Vec<Option<Missing<'_>>> = missing.into_iter().map(Some).collect();
        let (mut read, mut damage) = (0, None);
        let open = lists.open;
        self.ranges_until(open, &ranges, &mut |arrived| {
            for (nth, bytes) in arrived {
                let Some(Missing { gram, list, range, lead }) = missing[*nth].take() else { continue };
                match self.keep_list(open, gram, (&list, bytes)) {
                    Ok(decoded) => {
                        if let Some(lead) = lead {
                            lead.land(Arc::clone(&decoded).wrap());
                        }
                        lists.known.insert(gram, decoded);
                    }
                    Err(error) => damage = Some((range, error)),
                }
            }
            read += arrived.len();
            damage.is_some() || (read < n_missing && lists.are_enough(read, n_missing))
        })
        .await?;
        damage.map_or(Ok(()), |(range, error)| Err(self.segment_error(open.key, &range, &error)))
    }

    pub(super) fn keep_list(
        &self,
        open: &OpenSegment,
        gram: Trigram,
        (list, bytes): (&ListRef, &Bytes),
    ) -> Result<Arc<DocSet>, SegmentError> {
        let decoded = Arc::new(open.segment.decode_list(list, bytes)?);
        self.cache.keep(self.tenant, open.key, Part::List(gram), Arc::clone(&decoded));
        Ok(decoded)
    }
}

impl Lists<'_> {
    /// What the lists that are known leave; a superset of what all of them would.
    fn documents(&self) -> Option<DocSet> {
        let known = self.formula.where_known(&|gram| self.known.contains_key(&gram));
        known.documents(&|gram| self.known.get(&gram).map(|list| &**list))
    }

    /// Whether further lists are not worth waiting for, when `read` of `n` that were asked for are there.
    fn are_enough(&self, read: usize, n: usize) -> bool {
        let most = if read * 2 >= n { FEW_DOCUMENTS } else { 0 };
        self.documents().is_some_and(|documents| documents.len() <= most)
    }
}
