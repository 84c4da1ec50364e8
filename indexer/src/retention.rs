//! Which commits stay searchable after their ref has moved on.

use std::collections::BTreeSet;
use std::time::Duration;

use kotadb_core::id::ObjectId;
use kotadb_core::store::{Retained, Tip};

use crate::tips::Tips;

/// Most snapshots that are kept of a ref, its tip apart.
pub const MOST_SNAPSHOTS: usize = 20;
/// Longest time that a commit is kept after its ref has left it.
pub const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// The history of the refs in `after`, which follow those in `before`. A ref that is gone takes its history with it; a
/// commit that a ref came back to is its tip, and no history.
pub fn history(before: &Tips, after: &Tips, now_ms: u64) -> Vec<Retained> {
    let oldest = oldest_ms(now_ms);
    let mut history = Vec::new();
    for (name, tip) in &after.by_name {
        let left =
            before.by_name.get(name).map(|tip| Retained { tip: Tip { graph: None, ..tip.clone() }, left_ms: now_ms });
        let earlier = before.history.iter().filter(|one| one.tip.ref_name == *name).cloned();
        let mut seen = BTreeSet::from([tip.commit]);
        let kept = left.into_iter().chain(earlier).filter(|one| one.left_ms >= oldest && seen.insert(one.tip.commit));
        history.extend(kept.take(MOST_SNAPSHOTS));
    }
    history
}

/// The history without these commits.
pub fn forget(history: &mut Vec<Retained>, commits: &BTreeSet<ObjectId>) {
    history.retain(|one| !commits.contains(&one.tip.commit));
}

/// The history without what was left too long ago, as that of a repository that nobody pushes to.
pub fn expire(history: &mut Vec<Retained>, now_ms: u64) {
    let oldest = oldest_ms(now_ms);
    history.retain(|one| one.left_ms >= oldest);
}

fn oldest_ms(now_ms: u64) -> u64 {
    now_ms.saturating_sub(LONGEST.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use kotadb_core::store::{ObjectKey, Tip};
    use uuid::Uuid;

    use super::*;

    const DAY: u64 = 24 * 3600 * 1000;

    fn tips(refs: &[(&str, u8)], history: Vec<Retained>) -> Tips {
        let tip = |(name, commit): &(&str, u8)| {
            let snapshot = ObjectKey { id: Uuid::from_u128((*commit).into()), hash: [0; 8] };
            let tip = Tip {
                ref_name: (*name).to_owned(),
                commit: ObjectId([*commit; 20]),
                snapshot,
                base: None,
                graph: None,
            };
            ((*name).to_owned(), tip)
        };
        Tips { by_name: refs.iter().map(tip).collect(), history, ..Tips::default() }
    }

    fn commits(history: &[Retained]) -> Vec<u8> {
        history.iter().map(|one| one.tip.commit.0[0]).collect()
    }

    #[test]
    fn what_a_ref_leaves_stays_and_the_newest_comes_first() {
        let first = history(&tips(&[("a", 1)], vec![]), &tips(&[("a", 2)], vec![]), DAY);
        let second = history(&tips(&[("a", 2)], first), &tips(&[("a", 3)], vec![]), 2 * DAY);
        assert_eq!(commits(&second), [2, 1]);
        assert_eq!(second[1].left_ms, DAY);
    }

    #[test]
    fn a_commit_that_is_the_tip_again_is_no_history() {
        let forced = history(&tips(&[("a", 1)], vec![]), &tips(&[("a", 2)], vec![]), DAY);
        let back = history(&tips(&[("a", 2)], forced), &tips(&[("a", 1)], vec![]), 2 * DAY);
        assert_eq!(commits(&back), [2]);
    }

    #[test]
    fn refs_that_are_gone_old_commits_and_more_than_twenty_are_not_kept() {
        let kept = history(&tips(&[("a", 1), ("b", 9)], vec![]), &tips(&[("a", 2)], vec![]), DAY);
        assert_eq!(commits(&kept), [1]);
        assert_eq!(commits(&history(&tips(&[("a", 2)], kept), &tips(&[("a", 2)], vec![]), 32 * DAY)), [0u8; 0]);
        let mut all = Vec::new();
        for nth in 1..60 {
            all = history(&tips(&[("a", nth)], all), &tips(&[("a", nth + 1)], vec![]), DAY + u64::from(nth));
        }
        assert_eq!(commits(&all), (40..60).rev().collect::<Vec<_>>());
    }
}
