//! How far the index lies behind the commit that is checked out, and how long it takes to bring it up to date. What is told is what
//! lies between the two commits: files that are changed and not committed are searched as they are, whatever is indexed.

use std::time::Duration;

use git2::{Delta, DiffOptions, Repository};
use kotadb_core::id::ObjectId;

use super::super::nothing::NOTHING;
use super::super::{Choice, LocalError, LocalIndex, index};
use super::changes;
use crate::tree::oid;

/// Files whose sizes are looked at: so many changes are never quick.
const MOST_SIZES: usize = 5000;
/// What a run takes in any case: measured 0.10 s for 2 files of 800.
const BASE: Duration = Duration::from_millis(80);
/// What each file of the repository adds where facts change, since all names are collected anew: 12 s for 78,566 files of linux.
const EACH_FILE: Duration = Duration::from_micros(155);
/// What each changed file adds beside its text.
const EACH_CHANGED: Duration = Duration::from_micros(500);
/// Bytes of changed text that are indexed in a second: linux takes 188 s of processor time for 1,154 MB.
const BYTES_PER_SECOND: f64 = 6e6;

/// What the index lacks of the commit that is checked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Commits, at most 10,000.
    pub commits: usize,
    /// Files that differ between the two.
    pub files: usize,
    /// Bytes of those that are there, of the first 5,000.
    pub bytes: u64,
    /// Files that are indexed.
    pub indexed: u64,
}

impl Lag {
    /// How long a run will take, about; no less than it takes on a machine of the speed that was measured.
    pub fn estimate(&self) -> Duration {
        if self.files > MOST_SIZES {
            return Duration::MAX;
        }
        let files = u32::try_from(self.indexed).unwrap_or(u32::MAX);
        let text = Duration::from_secs_f64(self.bytes as f64 / BYTES_PER_SECOND);
        let changed = EACH_CHANGED.saturating_mul(u32::try_from(self.files).unwrap_or(u32::MAX));
        BASE.saturating_add(EACH_FILE.saturating_mul(files)).saturating_add(text).saturating_add(changed)
    }
}

impl LocalIndex {
    /// What the chosen tip (`None`: the index is empty) lacks of the commit that is checked out; `None`: nothing, or there is no
    /// such commit.
    pub async fn lag(&self, choice: Option<&Choice>) -> Result<Option<Lag>, LocalError> {
        let Some(repository) = &self.place.repository else { return Ok(None) };
        let Some((_, head)) = index::head(repository)? else { return Ok(None) };
        let indexed = choice.map_or(NOTHING, |choice| choice.tip.commit);
        if indexed == head {
            return Ok(None);
        }
        let (files, bytes) = between(repository, indexed, head)?;
        let n_indexed = match choice {
            Some(choice) => self.count(&choice.tip).await?.0,
            None => 0,
        };
        let commits = changes::n_commits(repository, indexed, head)?;
        Ok(Some(Lag { commits, files, bytes, indexed: n_indexed }))
    }
}

/// Files that differ, and bytes of those that are there.
fn between(repository: &Repository, indexed: ObjectId, head: ObjectId) -> Result<(usize, u64), LocalError> {
    let old = changes::tree(repository, indexed)?;
    let new = repository.find_commit(oid(head))?.tree()?;
    let diff = repository.diff_tree_to_tree(old.as_ref(), Some(&new), Some(&mut DiffOptions::new()))?;
    let objects = repository.odb()?;
    let there = diff.deltas().filter(|delta| delta.status() != Delta::Deleted).take(MOST_SIZES);
    // A submodule has no size here.
    let sizes = there.filter_map(|delta| objects.read_header(delta.new_file().id()).ok());
    Ok((diff.deltas().len(), sizes.map(|(size, _)| size as u64).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_of_a_small_repository_are_quick_and_no_others() {
        let lag = Lag { commits: 3, files: 12, bytes: 90_000, indexed: 800 };
        assert!(lag.estimate() < Duration::from_secs(1));
        for slow in [Lag { indexed: 78_566, ..lag }, Lag { bytes: 9_000_000, ..lag }, Lag { files: 5001, ..lag }] {
            assert!(slow.estimate() >= Duration::from_secs(1), "{slow:?}");
        }
    }
}
