//! Shows what an index holds, for people, scripts and the crash suite: sizes, paths, or every searchable fact.

pub mod edges;
mod facts;
mod sizes;

use std::io::Write;

use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::store::{Root, Snapshot, Store, Tip};

use crate::error::IndexError;
use crate::tips::Tips;

/// The index of one repository.
#[derive(Clone, Debug)]
pub struct Inspected<'a> {
    /// Where its objects are.
    pub store: &'a Store,
    /// Whose.
    pub tenant: TenantId,
    /// Which repository.
    pub repository: RepositoryId,
}

/// Reads the snapshot of a tip.
pub async fn snapshot(store: &Store, tenant: TenantId, tip: &Tip) -> Result<Snapshot, IndexError> {
    Ok(store.snapshot(tenant, tip).await?)
}

impl Inspected<'_> {
    /// Every searchable fact, in a canonical order and without names of objects or times: two indexes of the same commits
    /// give the same bytes.
    pub async fn facts(&self, out: &mut (dyn Write + Send)) -> Result<(), IndexError> {
        let (root, tips) = self.load().await?;
        facts::write(self, &root, &tips, out).await
    }

    /// Every edge of the graphs of all refs, in a canonical order and without names of objects.
    pub async fn edges(&self, out: &mut (dyn Write + Send)) -> Result<(), IndexError> {
        edges::write(self, &self.load().await?.1, out).await
    }

    /// The paths that the default ref's snapshot holds, each followed by `end`.
    pub async fn paths(&self, end: u8, out: &mut (dyn Write + Send)) -> Result<(), IndexError> {
        let (_, tips) = self.load().await?;
        let Some(tip) = tips.default_tip() else { return Ok(()) };
        for entry in snapshot(self.store, self.tenant, tip).await?.entries() {
            out.write_all(entry.path).and_then(|()| out.write_all(&[end])).map_err(printing)?;
        }
        Ok(())
    }

    /// Sizes and counts.
    pub async fn sizes(&self, out: &mut (dyn Write + Send)) -> Result<(), IndexError> {
        let (root, tips) = self.load().await?;
        sizes::write(self, &root, &tips, out).await
    }

    async fn load(&self) -> Result<(Root, Tips), IndexError> {
        let (root, _) = self.store.head(self.tenant).await?;
        let tips = Tips::load(self.store, self.tenant, &root, self.repository).await?;
        Ok((root, tips))
    }
}

fn printing(source: std::io::Error) -> IndexError {
    IndexError::Io { what: "cannot print".into(), source }
}
