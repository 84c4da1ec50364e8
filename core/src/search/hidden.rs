//! How many files match in classes that nobody asked for. Where everything is counted, they are verified; else they are
//! the candidates, which costs no content and is the most there can be.

use std::sync::Arc;

use super::answer::Hidden;
use super::candidates::Candidates;
use super::reader::Reader;
use super::request::SearchRequest;
use super::verify::{Verified, Work};
use super::waves::Waves;
use crate::query::Verdict;
use crate::segment::Class;
use crate::store::StoreError;

/// What the query hides. Where the budget ends the count, what there can be at most.
pub(super) async fn hidden(
    reader: &Reader<'_>,
    work: &Arc<Work>,
    request: &SearchRequest,
) -> Result<Hidden, StoreError> {
    let counted = if request.count { counted(reader, work, request).await? } else { None };
    let (files, exact) = match counted {
        Some(files) => (files, true),
        None => candidates(work),
    };
    Ok(Hidden { generated: files[Class::Generated as usize], vendored: files[Class::Vendored as usize], exact })
}

/// By class; `None`: the budget is spent.
async fn counted(
    reader: &Reader<'_>,
    work: &Arc<Work>,
    request: &SearchRequest,
) -> Result<Option<[u64; Class::ALL.len()]>, StoreError> {
    let mut files = [0; Class::ALL.len()];
    let mut waves = waves(work);
    while request.budget.passed(reader).is_none() {
        let Some(wave) = waves.next_to_count() else { return Ok(Some(files)) };
        let Verified { tally, left, .. } = work.verify(reader, &Arc::new(wave), false).await?;
        (0..files.len()).for_each(|class| files[class] += tally.files[class]);
        tally.report(reader);
        if left.is_some() {
            break;
        }
    }
    Ok(None)
}

/// By class, and whether they are matches in any case.
fn candidates(work: &Work) -> ([u64; Class::ALL.len()], bool) {
    let mut files = [0; Class::ALL.len()];
    let mut exact = true;
    waves(work).each(|candidate, file| {
        let scope = &work.opened.targets[candidate.target as usize].target.scope;
        exact &= work.plan.admits(scope, work.opened.entry(candidate), None) == Verdict::Yes;
        files[file.class as usize] += 1;
    });
    (files, exact)
}

fn waves(work: &Work) -> Waves<'_> {
    Waves::new(&work.opened, &work.plan, Candidates::new(&work.opened, &work.plan.classes().hidden))
}
