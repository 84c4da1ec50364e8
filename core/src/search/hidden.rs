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

/// What the query hides.
pub(super) async fn hidden(
    reader: &Reader<'_>,
    work: &Arc<Work>,
    request: &SearchRequest,
) -> Result<Hidden, StoreError> {
    let (opened, plan) = (&work.opened, &work.plan);
    let mut files = [0; Class::ALL.len()];
    let mut waves = Waves::new(opened, plan, Candidates::new(opened, &plan.classes().hidden));
    let mut exact = true;
    if request.count {
        exact = loop {
            if request.budget.passed(reader).is_some() {
                break false;
            }
            let Some(wave) = waves.next_to_count() else { break true };
            let Verified { tally, left, .. } = work.verify(reader, &Arc::new(wave), false).await?;
            (0..files.len()).for_each(|class| files[class] += tally.files[class]);
            tally.report(reader);
            if left.is_some() {
                break false;
            }
        };
    } else {
        waves.each(|candidate, file| {
            let scope = &opened.targets[candidate.target as usize].target.scope;
            exact &= plan.admits(scope, file.entry(), None) == Verdict::Yes;
            files[file.class as usize] += 1;
        });
    }
    Ok(Hidden { generated: files[Class::Generated as usize], vendored: files[Class::Vendored as usize], exact })
}
