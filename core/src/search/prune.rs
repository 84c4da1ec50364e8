//! Which of many targets have anything to open: with many repositories the lists of their segments are asked first, and
//! snapshots are read only where the root does not rule out that they name a document which the lists leave.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::future;

use super::cache::OpenSegment;
use super::reader::Reader;
use super::targets::Target;
use crate::query::Formula;
use crate::segment::DocId;
use crate::store::{Root, StoreError};

/// So many targets are opened at once, which saves a wave.
const FEW_TARGETS: usize = 16;

/// The documents of a segment that can match, ascending; `None`: all of them.
type Answers<'a> = HashMap<(u32, &'a Formula), Option<Vec<DocId>>>;

/// The targets in which anything can match. Which they are may differ from time to time: lists that are late are not
/// waited for where others leave little.
pub(super) async fn prune(reader: &Reader<'_>, root: &Root, targets: &[Target]) -> Result<Vec<Target>, StoreError> {
    if targets.len() <= FEW_TARGETS || targets.iter().any(|target| *target.scope.formula() == Formula::All) {
        return Ok(targets.to_vec());
    }
    let answers = ask(reader, root, targets).await?;
    let can_match =
        |target: &&Target| target.refs.iter().any(|one| one.overlaid) || has_candidates(root, target, &answers);
    Ok(targets.iter().filter(can_match).cloned().collect())
}

async fn ask<'a>(reader: &Reader<'_>, root: &Root, targets: &'a [Target]) -> Result<Answers<'a>, StoreError> {
    let pair = |target: &'a Target| target.likely().iter().map(|at| (*at, target.scope.formula()));
    let wanted: BTreeSet<u32> = targets.iter().flat_map(Target::likely).copied().collect();
    let there = wanted.into_iter().filter_map(|at| Some((at, root.segments.get(at as usize)?)));
    let reads = there.map(|(at, entry)| async move { Ok((at, reader.segment(entry).await?)) });
    let opened = reader.wave(future::try_join_all(reads)).await?;
    let opened: HashMap<u32, Arc<OpenSegment>> = opened.into_iter().collect();
    let questions: std::collections::HashSet<(u32, &Formula)> = targets.iter().flat_map(pair).collect();
    let reads = questions.into_iter().filter_map(|(at, formula)| Some((at, formula, opened.get(&at)?)));
    let reads = reads.map(|(at, formula, open)| async move {
        let documents = reader.documents(open, formula).await?;
        Ok(((at, formula), documents.map(|documents| documents.iter().collect())))
    });
    Ok(reader.wave(future::try_join_all(reads)).await?.into_iter().collect())
}

fn has_candidates(root: &Root, target: &Target, answers: &Answers<'_>) -> bool {
    let docs = root.repositories.get(&target.repository).map_or(&[][..], |entry| &entry.docs);
    let formula = target.scope.formula();
    let is_named = |at: &u32| target.named.as_ref().is_none_or(|named| named.binary_search(at).is_ok());
    let segments = target.segments.iter().enumerate().filter(|(_, at)| is_named(at));
    segments.into_iter().any(|(nth, at)| match answers.get(&(*at, formula)) {
        Some(Some(documents)) => docs.get(nth).map_or(!documents.is_empty(), |docs| docs.meet(documents)),
        _ => true,
    })
}
