//! Which of many targets have anything to open: with many repositories the lists of their segments are asked first, and
//! snapshots are read only where the root does not rule out that they name a document which the lists leave.

use std::collections::{BTreeMap, HashMap, HashSet};

use futures::future;

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
    let mut questions: BTreeMap<u32, HashSet<&Formula>> = BTreeMap::new();
    for target in targets {
        for at in target.likely() {
            questions.entry(*at).or_default().insert(target.scope.formula());
        }
    }
    let there =
        questions.into_iter().filter_map(|(at, formulas)| Some((at, root.segments.get(at as usize)?, formulas)));
    let there: Vec<_> = there.collect();
    let tails_are_there = there.iter().all(|(_, entry, _)| reader.asks_at_once(entry));
    let reads = there.into_iter().map(|(at, entry, formulas)| async move {
        let open = reader.segment(entry).await?;
        let asked = formulas.into_iter().map(async |formula| {
            let documents = reader.documents(&open, formula).await?;
            Ok(((at, formula), documents.map(|documents| documents.iter().collect())))
        });
        future::try_join_all(asked).await
    });
    let answers = reader.overlapping_waves(future::try_join_all(reads), tails_are_there).await?;
    Ok(answers.into_iter().flatten().collect())
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
