//! Indexes the commit at HEAD, or another ref, of a local repository, or a plain folder as it is.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use git2::Repository;
use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::store::{Root, Store, Tip};
use uuid::Uuid;

use super::place::Place;
use super::working_tree::Listed;
use super::{LocalError, REPOSITORY, block_on};
use crate::advance::Advance;
use crate::build::Step;
use crate::compact::{Extent, Touched};
use crate::contents::Source;
use crate::error::IndexError;
use crate::extractors::Extractors;
use crate::graphs::Graphs;
use crate::halt::Halt;
use crate::held::Held;
use crate::held_cache::HeldCache;
use crate::layers::Bases;
use crate::pipeline::{Listings, Made, Pipeline, Progress};
use crate::scratch::Scratch;
use crate::summary::Summary;
use crate::tips::{self, Tips};
use crate::upkeep::Upkeep;
use crate::{clock, folder, gc, tree};

/// Name of the one ref of a plain folder.
const FOLDER_REF: &str = "folder";
/// Branches, such as those of other worktrees, whose snapshots follow the one that was indexed last: 10 ms each on linux.
const LAID_ON_DEFAULT: usize = 8;
/// Segments above which a run merges some, whether or not one ref touches too many.
const MANY_SEGMENTS: usize = 12;

/// What to index.
#[derive(Clone, Debug, Default)]
pub struct LocalOptions {
    /// Branch, tag or commit instead of HEAD; it becomes searchable beside what is indexed already.
    pub reference: Option<String>,
    /// What looks for symbols.
    pub extractors: Extractors,
}

/// A ref and its commit; `None`: nothing is there to index.
pub(super) type Wanted = Option<(String, ObjectId)>;

/// Indexes the repository or folder at `path`; blocks. A repository without a commit has an empty index.
pub fn index(path: &Path, options: &LocalOptions, progress: &mut dyn FnMut(Step)) -> Result<Summary, LocalError> {
    let mut place = Place::find(path)?;
    let scratch = scratch(&place.folder)?;
    let listed = place.repository.is_none().then(|| Listed::begin(&place.folder)).transpose()?;
    let (wanted, source, listings) = prepare(&place, options)?;
    let commit = wanted.as_ref().map(|(_, commit)| *commit);
    let repository = place.repository.take();
    let store = place.store()?;
    let run = Run {
        place: &place,
        store: &store,
        source: &source,
        scratch: scratch.path(),
        add: options.reference.is_some(),
        extractors: options.extractors,
    };
    let run = async {
        let summary = run.run((wanted, repository), listings, progress).await?;
        // Searches only get slower without.
        let _not_kept = flatten(&store).await;
        Ok(summary)
    };
    let summary = block_on(run).map_err(|error| error.explained(&place.folder))?;
    if let (Some(listed), Some(commit)) = (listed, commit) {
        listed.end(commit);
    }
    Ok(summary)
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
    std::fs::create_dir_all(&parent).map_err(IndexError::io(format!(
        "cannot make `{}`, where the index belongs (make that folder writable, or index a clone)",
        parent.display()
    )))?;
    gc::clean_scratch(&parent);
    Ok(Scratch::at(parent.join(Uuid::now_v7().to_string()))?)
}

/// Leaves a flat file of the snapshot that most searches ask, and of others those that branches still use.
async fn flatten(store: &Store) -> Result<(), LocalError> {
    let (root, _) = store.head(TenantId::LOCAL).await?;
    let tips = Tips::read(store, TenantId::LOCAL, &root, REPOSITORY).await?;
    let Some(tip) = tips.default_tip() else { return Ok(store.drop_flat().await?) };
    let others = tips.by_name.values().map(Tip::whole_snapshot).collect();
    Ok(store.keep_flat(TenantId::LOCAL, tip.whole_snapshot(), others).await?)
}

/// Whether a ref of the repository, or of a plain folder, is there.
fn is_there(repository: Option<&Repository>, name: &str) -> bool {
    match repository {
        Some(repository) => repository.revparse_single(name).is_ok(),
        None => name == FOLDER_REF,
    }
}

struct Run<'a> {
    place: &'a Place,
    store: &'a Store,
    source: &'a Source,
    scratch: &'a Path,
    /// Whether the ref is added beside the default, rather than becoming it.
    add: bool,
    extractors: Extractors,
}

impl Run<'_> {
    async fn run(
        &self,
        (wanted, repository): (Wanted, Option<Repository>),
        listings: Listings,
        progress: &mut dyn FnMut(Step),
    ) -> Result<Summary, LocalError> {
        let (root, _) = self.store.head(TenantId::LOCAL).await?;
        let held = HeldCache::of(self.extractors).load(self.store, TenantId::LOCAL, &root, &[]).await?;
        let before = Tips::load(self.store, TenantId::LOCAL, &root, REPOSITORY).await?;
        let place = (&root, REPOSITORY);
        let usable = tips::is_current(self.store, TenantId::LOCAL, place, &before, &held).await?;
        // Snapshots that an earlier version made cannot be mixed with new ones.
        let none = Tips::default();
        let kept = if usable { &before } else { &none };
        let known = wanted.as_ref().is_some_and(|(_, commit)| kept.at(*commit).is_some());
        let mut made = match known {
            true => Made::default(),
            false => self.make(kept, wanted.as_ref(), (listings, held), progress).await?,
        };
        let mut after = Self::after(self.add, kept, wanted, (&made, repository.as_ref()));
        // Its packs stay mapped as long as it is open, which counts as memory.
        drop(repository);
        let (store, folder, halt) = (self.store, self.scratch, &Halt::default());
        let graphs = Graphs { store, tenant: TenantId::LOCAL, folder, before: Some(kept), imports: &[], halt };
        graphs.complete(&mut after, &mut made, &mut BTreeMap::new()).await?;
        if usable
            && after.same_commits(&before)
            && after.same_graphs(&before)
            && root.repositories.contains_key(&REPOSITORY)
        {
            let (root_version, refs) = (root.version, after.by_name.len() as u64);
            return Ok(Summary { unchanged: true, root_version, refs, ..self.count(&after).await? });
        }
        self.publish((&before, usable), after, made).await
    }

    async fn make(
        &self,
        kept: &Tips,
        wanted: Option<&(String, ObjectId)>,
        (listings, held): (Listings, Held),
        progress: &mut dyn FnMut(Step),
    ) -> Result<Made, LocalError> {
        let becomes_default = !self.add || kept.default_tip().is_none();
        let whole = wanted.filter(|_| becomes_default).map(|(_, commit)| *commit).into_iter().collect();
        let pipeline = Pipeline {
            store: self.store,
            tenant: TenantId::LOCAL,
            source: self.source,
            folder: self.scratch,
            whole: &whole,
            halt: &Halt::default(),
        };
        let bases = Bases::load(self.store, TenantId::LOCAL, kept).await?;
        let mut tell = |told: Progress<'_>| match told {
            Progress::Built(step) => progress(step),
            Progress::Uploaded(_) => {}
        };
        Ok(pipeline.run(listings, held, bases, &mut tell).await?)
    }

    /// What was indexed before stays while its ref is there; the ref just indexed is the default unless it was added.
    fn after(add: bool, before: &Tips, wanted: Wanted, (made, repository): (&Made, Option<&Repository>)) -> Tips {
        let mut after = Tips { default: before.default.clone(), ..Tips::default() };
        after.by_name = before
            .by_name
            .iter()
            .filter(|(name, _)| is_there(repository, name))
            .map(|(n, t)| (n.clone(), t.clone()))
            .collect();
        if let Some((name, commit)) = wanted {
            let known = || Some(Tip { ref_name: name.clone(), ..before.at(commit)?.clone() });
            if let Some(tip) = made.tip(&name, commit).or_else(known) {
                after.by_name.insert(name.clone(), tip);
            }
            if !add || after.default_tip().is_none() {
                after.default = Some(name);
            }
        } else {
            after.default = None;
        }
        after
    }

    async fn publish(&self, (before, usable): (&Tips, bool), after: Tips, made: Made) -> Result<Summary, LocalError> {
        let advance = Advance {
            store: self.store,
            tenant: TenantId::LOCAL,
            repository: REPOSITORY,
            fence: 0,
            before,
            usable,
            most_bytes: None,
            now_ms: clock::now_ms(),
            halt: &Halt::default(),
        };
        let (root, summary) = advance.publish_laid(after, made, LAID_ON_DEFAULT).await?;
        self.look_after(&root).await;
        Ok(summary)
    }

    /// What was published is there, whatever becomes of this; the next run tries again.
    async fn look_after(&self, root: &Root) {
        let (store, folder, halt) = (self.store, self.place.folder.as_path(), &Halt::default());
        let upkeep = Upkeep { store, tenant: TenantId::LOCAL, folder, now_ms: clock::now_ms(), halt };
        if root.segments.len() > MANY_SEGMENTS || self.touch_too_many(root).await {
            let _later = upkeep.compact(Extent::Local).await;
        }
        let _later = upkeep.collect().await;
    }

    async fn touch_too_many(&self, root: &Root) -> bool {
        let tips = Tips::load(self.store, TenantId::LOCAL, root, REPOSITORY).await;
        tips.is_ok_and(|tips| Touched::of(root, &tips).into_iter().any(Touched::is_too_many))
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
