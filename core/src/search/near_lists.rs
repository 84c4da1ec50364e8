//! The posting lists of a segment whose bytes are at hand: each is decoded only while what is known leaves so many documents
//! that it is cheaper than reading them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cache::{OpenSegment, Part};
use super::reader::Reader;
use crate::query::Formula;
use crate::segment::{DocSet, ListRef, SegmentError};
use crate::store::StoreError;
use crate::text::Trigram;

/// Numbers of a list that are decoded in the time that a further list saves for each document that is left, and in which a
/// list is found. Measured on linux: a number takes 1.2 ns, finding a list 2 µs, a candidate 20 µs to decompress and search,
/// and of rare identifiers a further list rules out a tenth of what is left.
const NUMBERS: usize = 1600;

/// One part of a conjunction, with the lists that it needs.
struct Needed {
    part: Formula,
    lists: BTreeMap<Trigram, ListRef>,
    /// Documents in all of them.
    numbers: usize,
}

impl Reader<'_> {
    /// The documents of a segment that can satisfy `formula`, or some more; `None`: all of them.
    pub(super) async fn near_documents(
        &self,
        open: &OpenSegment,
        formula: &Formula,
    ) -> Result<Option<DocSet>, StoreError> {
        let needed = needed(open, formula).map_err(|error| self.dictionary_error(open, &error))?;
        let mut left: Option<DocSet> = None;
        for Needed { part, lists, numbers } in needed {
            if left.as_ref().is_some_and(|left| numbers > left.len().saturating_sub(1) * NUMBERS) {
                break;
            }
            let known = self.near_lists(open, lists).await?;
            let list = |gram: Trigram| known.get(&gram).map(|list| &**list);
            match (&mut left, part.set(&list)) {
                (_, None) => {}
                (Some(left), Some(documents)) => left.intersect(&documents),
                (none, Some(documents)) => *none = Some(documents.into_owned()),
            }
        }
        Ok(left)
    }

    async fn near_lists(
        &self,
        open: &OpenSegment,
        lists: BTreeMap<Trigram, ListRef>,
    ) -> Result<BTreeMap<Trigram, Arc<DocSet>>, StoreError> {
        let (mut known, mut missing, mut ranges) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (gram, list) in lists {
            match &list {
                ListRef::Inline(doc) => drop(known.insert(gram, Arc::new(DocSet::ascending(vec![*doc])))),
                ListRef::Stored { range, .. } => match self.look_up(open.key, Part::List(gram)) {
                    Some(kept) => {
                        self.count_hits(1);
                        known.insert(gram, kept);
                    }
                    None => {
                        ranges.push(range.clone());
                        missing.push((gram, list));
                    }
                },
            }
        }
        for (((gram, list), range), bytes) in missing.into_iter().zip(&ranges).zip(self.lists_at(open, &ranges).await?)
        {
            let decoded = self.keep_list(open, gram, (&list, &bytes));
            known.insert(gram, decoded.map_err(|error| self.segment_error(open.key, range, &error))?);
        }
        Ok(known)
    }
}

/// The parts of a conjunction, those with the shortest lists first.
fn needed(open: &OpenSegment, formula: &Formula) -> Result<Vec<Needed>, SegmentError> {
    let parts = match formula.bind(&open.segment, &|_| true)? {
        Formula::And(parts) => parts,
        other => vec![other],
    };
    let needed = parts.into_iter().map(|part| {
        let lists = part.lists(&open.segment)?;
        let numbers = lists.values().map(|list| list.count() as usize).sum();
        Ok(Needed { part, lists, numbers })
    });
    let mut needed = needed.collect::<Result<Vec<_>, SegmentError>>()?;
    needed.sort_by_key(|needed| needed.numbers);
    Ok(needed)
}
