//! The code as it is now: the index brought up to date where a commit is missing, and what lies over it in the working tree.

use std::path::{Path, PathBuf};

use anyhow::bail;
use kotadb_core::search::Overlay;
use kotadb_core::search::commit::CommitState;
use kotadb_core::wire::{Freshness, Timestamp};
use kotadb_indexer::local::{self, Choice, LocalError, LocalIndex, LocalOptions, WorkingTree};
use kotadb_mcp::progress::{Progress, Step};
use tokio::runtime::Runtime;

/// What an answer is made from.
pub struct Seen {
    /// The index.
    pub index: LocalIndex,
    /// The ref that is asked.
    pub choice: Choice,
    /// The working tree; `None`: a commit was asked for, or there is none.
    pub tree: Option<WorkingTree>,
}

impl Seen {
    /// Looks at the repository of `path`, and indexes what is not indexed yet. Blocks; never called on a runtime.
    pub fn now(path: &Path, reference: Option<&str>, runtime: &Runtime, progress: &Progress) -> anyhow::Result<Self> {
        match Self::look(path, reference, runtime) {
            Ok(Some(seen)) if !seen.is_behind() => return Ok(seen),
            Ok(_) => {}
            Err(LocalError::NotIndexed(_) | LocalError::RefNotIndexed(_)) => {}
            Err(error) => return Err(error.into()),
        }
        // Its own tips move on by themselves; a ref that was asked for becomes searchable beside them.
        let options = LocalOptions { reference: reference.map(ToOwned::to_owned), ..LocalOptions::default() };
        local::index(path, &options, &mut |step| {
            let (done, total) = (step.done as u64, Some(step.total as u64));
            progress.tell(Step { done, total, message: "files".to_owned() });
        })?;
        match Self::look(path, reference, runtime)? {
            Some(seen) => Ok(seen),
            None => bail!("there is nothing to index yet: commit something"),
        }
    }

    fn look(path: &Path, reference: Option<&str>, runtime: &Runtime) -> Result<Option<Self>, LocalError> {
        let index = local::open(path)?;
        let seen = runtime.block_on(async {
            let Some(choice) = index.choose(reference).await? else { return Ok(None) };
            let look = if reference.is_none() { index.look()? } else { None };
            let tree = match look {
                Some(look) => Some(look.end(&index.store, &choice.tip).await?),
                None => None,
            };
            Ok::<_, LocalError>(Some((choice, tree)))
        })?;
        Ok(seen.map(|(choice, tree)| Self { index, choice, tree }))
    }

    fn is_behind(&self) -> bool {
        self.choice.moved || self.tree.as_ref().and_then(|tree| tree.behind).is_some_and(|behind| behind > 0)
    }

    /// What lies over the commit.
    pub fn overlay(&self) -> Option<&Overlay> {
        self.tree.as_ref()?.overlay.as_ref()
    }

    /// What an answer about a file was made from.
    pub fn state(&self) -> CommitState {
        let tip = self.choice.tip.clone();
        CommitState {
            tenant: self.index.tenant,
            repository: self.index.repository,
            repository_name: self.index.name.clone(),
            ref_name: tip.ref_name,
            commit: tip.commit,
            is_default: self.choice.is_default(),
            snapshot: tip.snapshot,
            graph: tip.graph,
            is_pending: false,
        }
    }

    /// The commit, unless it is a plain folder.
    pub fn commit(&self) -> Option<String> {
        let commit = self.choice.tip.commit.to_string();
        commit.bytes().any(|digit| digit != b'0').then_some(commit)
    }

    /// When the commit was indexed: the name of its snapshot tells.
    pub fn indexed_at(&self) -> Option<Timestamp> {
        self.choice.tip.snapshot.written_ms().and_then(Timestamp::from_millis)
    }

    /// What an answer says of itself.
    pub fn freshness(&self) -> Freshness {
        let tree = self.tree.as_ref();
        Freshness {
            repository: self.index.name.clone(),
            commit: self.commit(),
            indexed_at: self.indexed_at(),
            behind_by: tree.and_then(|tree| tree.behind).map(|behind| behind as u64),
            tree: tree.map(|tree| match tree.n_changed {
                0 => "clean".to_owned(),
                n => format!("dirty({n})"),
            }),
            // Without a slash at its end.
            worktree: tree.map(|_| self.index.root().components().collect::<PathBuf>().display().to_string()),
        }
    }
}
