//! Commits in, segments and snapshots in the object store out: what a job and the local index have in common.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::store::{ObjectKey, SegmentEntry, Store, Tip};

use crate::build::{self, Built, Step, Workshop};
use crate::compact::LocalFile;
use crate::contents::{self, Source};
use crate::error::IndexError;
use crate::facts::Group;
use crate::graphs::LocalFiles;
use crate::halt::{Halt, Reason};
use crate::held::Held;
use crate::layers::{Bases, Layer};
use crate::listing::Listing;
use crate::publish::{self, Docs};
use crate::shelf::BuiltSegment;
use crate::summary::Summary;
use crate::{fail_point, limits, plan, snapshots, tree, upload};

/// Where the listings come from.
#[derive(Debug)]
pub enum Listings {
    /// These commits of the git folder that is the source.
    Commits(VecDeque<ObjectId>),
    /// One that is there already.
    Ready(Option<Listing>),
}

/// What a run tells while it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'p> {
    /// A slice of a group of commits is built.
    Built(Step),
    /// A segment is in the store; a later run may build on it.
    Uploaded(&'p SegmentEntry),
}

/// What one run works with.
#[derive(Clone, Copy, Debug)]
pub struct Pipeline<'a> {
    /// Where objects go.
    pub store: &'a Store,
    /// Whose they are.
    pub tenant: TenantId,
    /// Where blobs come from.
    pub source: &'a Source,
    /// For segment files.
    pub folder: &'a Path,
    /// Commits whose snapshots are written whole, such as that of the default ref.
    pub whole: &'a BTreeSet<ObjectId>,
    /// Tells to stop.
    pub halt: &'a Halt,
}

/// What is in the object store now, and not yet in HEAD.
#[derive(Debug, Default)]
pub struct Made {
    /// Snapshot by commit.
    pub snapshots: BTreeMap<ObjectId, MadeSnapshot>,
    /// New segments.
    pub segments: Vec<SegmentEntry>,
    /// Where the documents are that the snapshots name.
    pub docs: Docs,
    /// Segments of snapshot objects that are of no commit of this run.
    pub others: BTreeMap<ObjectKey, Vec<ObjectKey>>,
    /// Files of new segments; their names are gone.
    pub files: LocalFiles,
    /// Counts.
    pub summary: Summary,
}

/// A snapshot that was uploaded.
#[derive(Clone, Debug)]
pub struct MadeSnapshot {
    /// Its name.
    pub key: ObjectKey,
    /// The snapshot that it is a delta on; `None`: it is whole.
    pub base: Option<ObjectKey>,
    /// Segments that the object names.
    pub segments: Vec<ObjectKey>,
}

impl Made {
    /// Segments of every snapshot object that was written.
    pub fn named(&self) -> impl Iterator<Item = (ObjectKey, &Vec<ObjectKey>)> {
        let others = self.others.iter().map(|(key, segments)| (*key, segments));
        self.snapshots.values().map(|made| (made.key, &made.segments)).chain(others)
    }

    /// The tip of a ref at a commit of this run.
    pub fn tip(&self, ref_name: &str, commit: ObjectId) -> Option<Tip> {
        let MadeSnapshot { key, base, .. } = self.snapshots.get(&commit)?;
        Some(Tip { ref_name: ref_name.to_owned(), commit, snapshot: *key, base: *base, graph: None })
    }
}

impl Pipeline<'_> {
    /// Works off all listings in groups. Blocks its thread while it reads and builds, so it needs a runtime of several.
    pub async fn run(
        &self,
        mut listings: Listings,
        mut held: Held,
        mut bases: Bases,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Made, IndexError> {
        let mut made = Made::default();
        loop {
            let built = tokio::task::block_in_place(|| self.build_group(&mut listings, (&held, &bases), progress))?;
            let Some((group, built)) = built else { return Ok(made) };
            fail_point::hit("upload.start");
            made.summary.code.add(&built.code);
            self.upload_segments(built.segments, &mut held, &mut made, progress).await?;
            if !built.is_whole {
                return Err(IndexError::Halted(Reason::Stopped));
            }
            self.upload_snapshots(group, (&held, &mut bases), &mut made).await?;
        }
    }

    fn build_group(
        &self,
        listings: &mut Listings,
        (held, bases): (&Held, &Bases),
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Option<(Group, Built)>, IndexError> {
        let group = self.next_group(listings)?;
        if group.is_empty() {
            return Ok(None);
        }
        fail_point::hit("build.listed");
        let mut group = Group::new(group);
        let items = plan::plan(&mut group, (held, bases), &self.source.open()?);
        fail_point::hit("build.planned");
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let workshop = Workshop { source: self.source, held, folder: self.folder, halt: self.halt, threads };
        let built = build::build(workshop, &mut group, &items, &mut |step| progress(Progress::Built(step)))?;
        fail_point::hit("build.done");
        Ok(Some((group, built)))
    }

    fn next_group(&self, listings: &mut Listings) -> Result<Vec<Listing>, IndexError> {
        match (listings, self.source.folder()) {
            (Listings::Ready(listing), _) => Ok(listing.take().into_iter().collect()),
            (Listings::Commits(commits), Some(folder)) => self.list_group(commits, folder),
            (Listings::Commits(_), None) => Ok(Vec::new()),
        }
    }

    fn list_group(&self, commits: &mut VecDeque<ObjectId>, folder: &Path) -> Result<Vec<Listing>, IndexError> {
        let (mut group, mut n_files) = (Vec::new(), 0);
        let repository = contents::repository(folder)?;
        while n_files < limits::GROUP_FILES
            && let Some(commit) = commits.pop_front()
        {
            self.halt.check()?;
            let listing = tree::list(&repository, commit)?;
            n_files += listing.files.len() + listing.skipped.len();
            group.push(listing);
        }
        Ok(group)
    }

    async fn upload_segments(
        &self,
        segments: Vec<BuiltSegment>,
        held: &mut Held,
        made: &mut Made,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), IndexError> {
        for built in segments {
            self.halt.check_writing()?;
            // What is resolved from it is neither fetched back nor mapped, which would count as memory.
            let file = LocalFile::open(&built.path)?;
            let entry = upload::segment(self.store, self.tenant, &built).await?;
            made.files.insert(entry.key, Arc::new(file));
            held.add(entry.key, built.documents);
            for (name, bytes) in built.summary.sections {
                *made.summary.sections.entry(name).or_default() += bytes;
            }
            made.summary.new_documents += u64::from(entry.n_docs);
            made.summary.bytes_written += entry.bytes;
            progress(Progress::Uploaded(&entry));
            made.segments.push(entry);
        }
        Ok(())
    }

    async fn upload_snapshots(
        &self,
        group: Group,
        (held, bases): (&Held, &mut Bases),
        made: &mut Made,
    ) -> Result<(), IndexError> {
        for (listing, facts) in group.into_listings() {
            self.halt.check()?;
            let snapshot = snapshots::assemble(listing, &facts, &held.table);
            made.summary.count(&snapshot);
            let places = snapshot.entries().map(|entry| (snapshot.segments[entry.segment as usize], entry.doc));
            publish::add_docs(&mut made.docs, places);
            let commit = snapshot.commit;
            let is_whole = self.whole.contains(&commit);
            let layer = if is_whole { Layer::Whole } else { bases.layer(&snapshot) };
            let (written, bytes) = match layer {
                Layer::Delta(delta) => {
                    let (key, bytes) = upload::delta(self.store, self.tenant, &delta).await?;
                    (MadeSnapshot { key, base: Some(delta.base), segments: delta.segments }, bytes)
                }
                Layer::Whole => {
                    let (key, bytes) = upload::snapshot(self.store, self.tenant, &snapshot).await?;
                    let segments = snapshot.segments.clone();
                    bases.add(key, snapshot, is_whole);
                    (MadeSnapshot { key, base: None, segments }, bytes)
                }
            };
            made.summary.bytes_written += bytes;
            made.snapshots.insert(commit, written);
        }
        Ok(())
    }
}
