//! The index of one repository (or plain folder) of this machine, kept beside it: no database, no network, no job. It
//! lies in the common git folder, which all worktrees share and which needs no ignore rule.

mod choice;
mod code;
mod index;
mod nothing;
mod place;
mod read;
mod scip;
mod since;
mod working_tree;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::search::{Overlay, Visible};
use kotadb_core::segment::SegmentError;
use kotadb_core::store::{Store, StoreError, StoreOptions, Tip};
use uuid::Uuid;

pub use self::choice::Choice;
pub use self::code::LocalCode;
pub use self::index::{LocalOptions, index};
pub use self::nothing::nothing;
use self::place::Place;
pub use self::read::LocalFile;
pub use self::scip::{Imported, import};
pub use self::since::Since;
pub use self::working_tree::{Lag, Look, WorkingTree, name_symbols};
use crate::error::IndexError;
use crate::scip::ScipError;

/// The one repository of a local index.
pub const REPOSITORY: RepositoryId = RepositoryId(Uuid::nil());

/// Why there is no local index to work with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocalError {
    /// The path is no folder.
    #[error("`{0}` is no folder: give a repository or a folder")]
    NoFolder(String),
    /// Nothing was indexed there.
    #[error("`{0}` has no index yet: run `kotadb index` there first")]
    NotIndexed(String),
    /// Something else was indexed there.
    #[error("`{0}` is not indexed: run `kotadb index --ref {0}` first")]
    RefNotIndexed(String),
    /// git cannot open the repository.
    #[error("cannot open the repository at `{path}`: {message}")]
    Repository {
        /// As given.
        path: String,
        /// What git2 said.
        message: String,
    },
    /// What was indexed is no commit of the repository any more.
    #[error("the indexed commit {0} is no longer in the repository: run `kotadb index` again")]
    CommitGone(String),
    /// An object of the index is lost or broken.
    #[error("{reason}: delete `{folder}` and run `kotadb index` again")]
    Damaged {
        /// What is wrong.
        reason: String,
        /// Folder of the index.
        folder: String,
    },
    /// An SCIP index is of a commit, and there is none.
    #[error("an SCIP index is of a commit: import it into a repository that has one")]
    NoCommit,
    /// The SCIP index is of something else.
    #[error(
        "none of the {documents} documents of the SCIP index is a file of commit {commit}: its paths must be those from the root \
         of the repository, and `--commit` the commit that it was made of"
    )]
    ScipOfOther {
        /// Documents in it.
        documents: usize,
        /// The commit.
        commit: String,
    },
    /// The SCIP index cannot be read.
    #[error(transparent)]
    Scip(#[from] ScipError),
    /// The run failed.
    #[error(transparent)]
    Index(#[from] IndexError),
}

impl From<StoreError> for LocalError {
    fn from(error: StoreError) -> Self {
        Self::Index(error.into())
    }
}

impl From<git2::Error> for LocalError {
    fn from(error: git2::Error) -> Self {
        Self::Index(error.into())
    }
}

impl LocalError {
    /// Says what to do about lost and broken objects of the index in `folder`.
    fn explained(self, folder: &Path) -> Self {
        match self {
            Self::Index(
                error @ (IndexError::Store(StoreError::Corrupt { .. } | StoreError::NotFound(_))
                | IndexError::Segment(SegmentError::Corrupt { .. })),
            ) => Self::Damaged { reason: error.to_string(), folder: folder.display().to_string() },
            other => other,
        }
    }
}

/// A local index, to search in.
pub struct LocalIndex {
    /// Whose: always [`TenantId::LOCAL`].
    pub tenant: TenantId,
    /// Where its objects are.
    pub store: Store,
    /// Which repository: always [`REPOSITORY`].
    pub repository: RepositoryId,
    /// Name of the folder, for answers.
    pub name: String,
    /// Where the index is.
    pub folder: PathBuf,
    place: Place,
}

impl LocalIndex {
    /// Says what to do about lost and broken objects.
    pub fn explain(&self, error: StoreError) -> LocalError {
        LocalError::from(error).explained(&self.folder)
    }

    /// The working tree; of a bare repository its folder.
    pub fn root(&self) -> &Path {
        &self.place.root
    }

    /// The repository as a search wants it.
    pub fn visible(&self) -> Visible {
        Visible { id: self.repository, name: self.name.clone(), hidden: BTreeSet::new() }
    }

    /// The indexed ref or commit that `reference` names, or else the one at the HEAD of the working tree (all of them
    /// share one index), or else the default; `None`: the index is empty.
    pub async fn choose(&self, reference: Option<&str>) -> Result<Option<Choice>, LocalError> {
        choice::choose(&self.place, &self.store, reference).await.map_err(|error| error.explained(&self.folder))
    }

    /// Makes the next search of the same commit as fast as can be, where this one had to decode its snapshot.
    pub async fn keep_flat(&self, choice: &Choice) -> Result<(), LocalError> {
        let key = choice.tip.whole_snapshot();
        if self.store.flat_snapshot(key).is_some() {
            return Ok(());
        }
        Ok(self.store.keep_flat(self.tenant, key, choice.whole_snapshots.clone()).await?)
    }

    /// The code of `tip` with what lies over it, and what imported indexes say of it.
    pub async fn code(&self, tip: &Tip, overlay: Option<&Overlay>) -> Result<LocalCode, LocalError> {
        LocalCode::with(&self.store, tip, overlay, Some(&self.place)).await
    }

    /// Begins to look at the working tree; `None`: the repository is bare.
    pub fn look(&self) -> Result<Option<Look<'_>>, LocalError> {
        Look::begin(&self.place)
    }
}

/// Opens the index of the repository that `path` is in.
pub fn open(path: &Path) -> Result<LocalIndex, LocalError> {
    let place = Place::find(path)?;
    if !place.folder.is_dir() {
        return Err(LocalError::NotIndexed(path.display().to_string()));
    }
    Ok(LocalIndex {
        tenant: TenantId::LOCAL,
        store: place.store()?,
        repository: REPOSITORY,
        name: place.name.clone(),
        folder: place.folder.clone(),
        place,
    })
}

impl Place {
    fn store(&self) -> Result<Store, StoreError> {
        Store::open(&StoreOptions::Folder(self.folder.clone()))
    }
}

/// Local work is blocking for its caller; the store is not.
fn block_on<T>(work: impl Future<Output = Result<T, LocalError>>) -> Result<T, LocalError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(IndexError::io("cannot start the runtime"))?.block_on(work)
}
