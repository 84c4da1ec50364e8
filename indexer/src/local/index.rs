//! Indexes the commit at HEAD, or another ref, of a local repository, or a plain folder as it is.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, SystemTime};

use git2::Repository;
use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::store::{Store, Tip};
use uuid::Uuid;

use super::place::Place;
use super::{LocalError, REPOSITORY, block_on};
use crate::build::Step;
use crate::contents::Source;
use crate::error::IndexError;
use crate::halt::Halt;
use crate::held::HeldCache;
use crate::pipeline::{Listings, Made, Pipeline};
use crate::publish::{self, Publication};
use crate::scratch::Scratch;
use crate::summary::Summary;
use crate::tips::{self, Tips};
use crate::{folder, tree, upload};

/// Name of the one ref of a plain folder.
const FOLDER_REF: &str = "folder";
/// Age after which a scratch folder of an earlier run must be a dead one's.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// What to index.
#[derive(Clone, Debug, Default)]
pub struct LocalOptions {
    /// Branch, tag or commit instead of HEAD; it becomes searchable beside what is indexed already.
    pub reference: Option<String>,
}

/// A ref and its commit; `None`: nothing is there to index.
pub(super) type Wanted = Option<(String, ObjectId)>;

/// Indexes the repository or folder at `path`; blocks. A repository without a commit has an empty index.
pub fn index(path: &Path, options: &LocalOptions, progress: &mut dyn FnMut(Step)) -> Result<Summary, LocalError> {
    let place = Place::find(path)?;
    let (wanted, source, listings) = prepare(&place, options)?;
    let scratch = scratch(&place.folder)?;
    let store = place.store()?;
    let run = Run {
        place: &place,
        store: &store,
        source: &source,
        scratch: scratch.path(),
        add: options.reference.is_some(),
    };
    block_on(run.run(wanted, listings, progress)).map_err(|error| error.explained(&place.folder))
}

fn prepare(place: &Place, options: &LocalOptions) -> Result<(Wanted, Source, Listings), LocalError> {
    let Some(repository) = &place.repository else {
        if let Some(reference) = &options.reference {
            return Err(IndexError::UnknownRef(reference.clone()).into());
        }
        let (listing, files) = folder::list(&place.root)?;
        let wanted = Some((FOLDER_REF.to_owned(), listing.commit));
        return Ok((wanted, Source::Files(files), Listings::Ready(Some(listing))));
    };
    let wanted = match &options.reference {
        Some(reference) => Some(resolve(repository, reference)?),
        None => head(repository)?,
    };
    let commits = wanted.iter().map(|(_, commit)| *commit).collect::<VecDeque<_>>();
    // The common folder: a worktree has no object database of its own.
    Ok((wanted, Source::Repository(repository.commondir().to_owned()), Listings::Commits(commits)))
}

/// The branch of HEAD (`HEAD` itself where detached) and its commit; `None` before the first commit.
pub(super) fn head(repository: &Repository) -> Result<Wanted, LocalError> {
    match repository.head() {
        Ok(head) => {
            let name = head.name().unwrap_or("HEAD").to_owned();
            Ok(Some((name, tree::object_id(head.peel_to_commit()?.id()))))
        }
        Err(error) if matches!(error.code(), git2::ErrorCode::UnbornBranch | git2::ErrorCode::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A commit that no ref names is searchable by its own name.
pub(super) fn resolve(repository: &Repository, reference: &str) -> Result<(String, ObjectId), LocalError> {
    let unknown = |_| IndexError::UnknownRef(reference.to_owned());
    let (object, named) = repository.revparse_ext(reference).map_err(unknown)?;
    let commit = tree::object_id(object.peel_to_commit().map_err(unknown)?.id());
    let name = named.as_ref().and_then(|named| named.name().ok()).filter(|name| *name != "HEAD");
    Ok((name.map_or_else(|| commit.to_string(), str::to_owned), commit))
}

/// Makes a scratch folder, and removes those that runs of long ago left behind.
fn scratch(folder: &Path) -> Result<Scratch, LocalError> {
    let parent = folder.join("scratch");
    std::fs::create_dir_all(&parent).map_err(IndexError::io(format!("cannot make `{}`", parent.display())))?;
    for entry in std::fs::read_dir(&parent).into_iter().flatten().flatten() {
        let changed = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        if changed.and_then(|changed| SystemTime::now().duration_since(changed).ok()).is_some_and(|age| age > STALE) {
            let _stays = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(Scratch::at(parent.join(Uuid::now_v7().to_string()))?)
}

struct Run<'a> {
    place: &'a Place,
    store: &'a Store,
    source: &'a Source,
    scratch: &'a Path,
    /// Whether the ref is added beside the default, rather than becoming it.
    add: bool,
}

impl Run<'_> {
    async fn run(
        &self,
        wanted: Wanted,
        listings: Listings,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Summary, LocalError> {
        let (root, _) = self.store.head(TenantId::LOCAL).await?;
        let held = HeldCache::default().load(self.store, TenantId::LOCAL, &root).await?;
        let mut before = Tips::load(self.store, TenantId::LOCAL, &root, REPOSITORY).await?;
        let usable = tips::is_current(&root, REPOSITORY, &held);
        if !usable {
            // Snapshots that an earlier version made cannot be mixed with new ones.
            before = Tips::default();
        }
        let known = wanted.as_ref().and_then(|(_, commit)| before.at(*commit)).map(|tip| tip.snapshot);
        let made = match known {
            Some(_) => Made::default(),
            None => self.pipeline(&Halt::default()).run(listings, held, progress).await?,
        };
        let after = self.after(&before, wanted, &made);
        if usable && after.same_commits(&before) && root.repositories.contains_key(&REPOSITORY) {
            return Ok(Summary { unchanged: true, refs: after.by_name.len() as u64, ..self.count(&after).await? });
        }
        self.publish(after, made).await
    }

    fn pipeline<'b>(&'b self, halt: &'b Halt) -> Pipeline<'b> {
        Pipeline { store: self.store, tenant: TenantId::LOCAL, source: self.source, folder: self.scratch, halt }
    }

    /// What was indexed before stays while its ref is there; the ref just indexed is the default unless it was added.
    fn after(&self, before: &Tips, wanted: Wanted, made: &Made) -> Tips {
        let mut after = Tips { default: before.default.clone(), ..Tips::default() };
        after.by_name = before
            .by_name
            .iter()
            .filter(|(name, _)| self.is_there(name))
            .map(|(n, t)| (n.clone(), t.clone()))
            .collect();
        if let Some((name, commit)) = wanted {
            let known = || before.at(commit).map(|tip| tip.snapshot);
            if let Some(snapshot) = made.snapshots.get(&commit).map(|made| made.key).or_else(known) {
                after.by_name.insert(name.clone(), Tip { ref_name: name.clone(), commit, snapshot });
            }
            if !self.add || after.default_tip().is_none() {
                after.default = Some(name);
            }
        } else {
            after.default = None;
        }
        after
    }

    fn is_there(&self, name: &str) -> bool {
        match &self.place.repository {
            Some(repository) => repository.revparse_single(name).is_ok(),
            None => name == FOLDER_REF,
        }
    }

    async fn publish(&self, mut after: Tips, mut made: Made) -> Result<Summary, LocalError> {
        let others = after.others();
        if !others.tips.is_empty() {
            let (key, bytes) = upload::refs(self.store, TenantId::LOCAL, &others).await?;
            made.summary.bytes_written += bytes;
            after.refs = Some(key);
        }
        made.summary.refs = after.by_name.len() as u64;
        let touched = after.segments(self.store, TenantId::LOCAL, &made).await?;
        let publication = Publication {
            tenant: TenantId::LOCAL,
            repository: REPOSITORY,
            fence: 0,
            default: after.default_tip().cloned(),
            refs: after.refs,
            touched,
            new_segments: std::mem::take(&mut made.segments),
        };
        publish::publish(self.store, &publication, &Halt::default()).await?;
        Ok(made.summary)
    }

    /// Counts of what is indexed already.
    async fn count(&self, tips: &Tips) -> Result<Summary, LocalError> {
        let mut summary = Summary::default();
        if let Some(tip) = tips.default_tip() {
            summary.count(&crate::inspect::snapshot(self.store, TenantId::LOCAL, tip).await?);
        }
        Ok(summary)
    }
}
