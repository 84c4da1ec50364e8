//! The working tree as it is: what lies in it that the index does not hold, as an [`Overlay`] over the indexed commit.
//! git says which paths differ ([`changes`]); this module decides about each of them just as the indexer would
//! ([`rules`], [`contents`]). A plain folder has no git to ask and is walked ([`folder`]).

mod changes;
mod contents;
mod folder;
mod lag;
mod rules;
mod symbols;

use std::collections::BTreeSet;

use git2::Repository;
use kotadb_core::id::{ObjectId, TenantId};
use kotadb_core::search::Overlay;
use kotadb_core::store::{SkipReason, Skipped, Snapshot, Store, Tip};

use self::changes::{Changes, Status};
use self::contents::{Candidate, Contents, Finding};
pub(super) use self::folder::Listed;
pub use self::lag::Lag;
use self::rules::Folders;
pub use self::symbols::name_symbols;
use super::place::Place;
use super::{LocalError, REPOSITORY, index};
use crate::error::IndexError;
use crate::inspect;

/// What a search of the working tree has to know beside the index.
#[derive(Clone, Debug)]
pub struct WorkingTree {
    /// What differs from the indexed commit; `None`: nothing.
    pub overlay: Option<Overlay>,
    /// Files that differ from the commit that is checked out (of a plain folder: from what is indexed).
    pub n_changed: usize,
    /// Commits that the indexed one lacks; `None`: nothing is checked out.
    pub behind: Option<usize>,
    /// Of the files that differ, those that cannot be searched.
    pub left_out: Vec<Skipped>,
    /// Files that differ and were not read, because there are too many bytes of them: the largest texts.
    pub unread: Vec<Vec<u8>>,
}

/// A look at a working tree that has begun: git works while its caller opens the index.
pub struct Look<'p> {
    place: &'p Place,
    status: Option<Status>,
}

impl<'p> Look<'p> {
    pub(super) fn begin(place: &'p Place) -> Result<Option<Self>, LocalError> {
        let status = match &place.repository {
            Some(repository) if repository.is_bare() => return Ok(None),
            Some(repository) => Some(Status::begin(&place.root, changes::is_sparse(repository))?),
            None => None,
        };
        Ok(Some(Self { place, status }))
    }

    /// Says what lies over `base`, the tip to search.
    pub async fn end(self, store: &Store, base: &Tip) -> Result<WorkingTree, LocalError> {
        let (Some(repository), Some(status)) = (&self.place.repository, self.status) else {
            let snapshot = inspect::snapshot(store, TenantId::LOCAL, base).await?;
            return folder::look(self.place, base, &snapshot);
        };
        let head = index::head(repository)?.map(|(_, commit)| commit);
        let moved = changes::between(repository, base.commit, head)?;
        let behind = head.map(|head| changes::n_commits(repository, base.commit, head)).transpose()?;
        // Not on this thread, which may have something else to do meanwhile.
        let ended = tokio::task::spawn_blocking(|| status.end()).await.map_err(|_| IndexError::BuildThread)?;
        let changes = ended?;
        let n_changed = changes.paths.len() + changes.nested.len();
        let Changes { paths, dropped, nested, .. } = changes.with(moved);
        let mut look = Decision::new(self.place, repository, base.commit, &paths)?;
        if rules::any_changed(&paths) {
            let snapshot = inspect::snapshot(store, TenantId::LOCAL, base).await?;
            look.follow_rules(&snapshot);
        }
        for path in &paths {
            match dropped.contains(path) {
                true => look.findings.push((path.clone(), Finding::Gone)),
                false => look.path(path),
            }
        }
        nested.into_iter().for_each(|path| look.findings.push((path, Finding::Left(SkipReason::Submodule))));
        Ok(WorkingTree { n_changed, behind, ..look.finish(base) })
    }
}

/// Decides path by path, and reads at the end.
struct Decision<'a> {
    place: &'a Place,
    folders: Folders<'a>,
    changed: &'a BTreeSet<Vec<u8>>,
    findings: Vec<(Vec<u8>, Finding)>,
}

impl<'a> Decision<'a> {
    fn new(
        place: &'a Place,
        repository: &'a Repository,
        commit: ObjectId,
        changed: &'a BTreeSet<Vec<u8>>,
    ) -> Result<Self, LocalError> {
        let folders = Folders::new(&place.root, repository, commit, changed)?;
        Ok(Self { place, folders, changed, findings: Vec::new() })
    }

    /// Looks at one path that differs.
    fn path(&mut self, path: &[u8]) {
        let finding = contents::look_at(&self.place.root, path, &mut self.folders);
        self.findings.push((path.to_vec(), finding));
    }

    /// A rule file that changed speaks of files that did not: of those that it lets in, shuts out, or gives another class.
    fn follow_rules(&mut self, snapshot: &Snapshot) {
        let changed = self.changed;
        let mut ignored = snapshot.skipped.iter().filter(|skipped| skipped.reason == SkipReason::Ignored).peekable();
        let entries = snapshot.entries().map(|entry| (entry.path, entry.class)).collect::<Vec<_>>();
        for (path, class) in entries {
            while let Some(before) = ignored.next_if(|skipped| skipped.path.as_slice() < path) {
                self.ignored_before(&before.path);
            }
            if !changed.contains(path) && self.folders.class_now(path) != Some(class) {
                self.path(path);
            }
        }
        ignored.for_each(|skipped| self.ignored_before(&skipped.path));
    }

    fn ignored_before(&mut self, path: &[u8]) {
        if !self.changed.contains(path) && self.folders.class_now(path).is_some() {
            self.path(path);
        }
    }

    fn finish(self, base: &Tip) -> WorkingTree {
        assemble(self.place, base, self.findings)
    }
}

/// Reads the files among the findings, and puts everything in path order.
fn assemble(place: &Place, base: &Tip, findings: Vec<(Vec<u8>, Finding)>) -> WorkingTree {
    let mut removed = Vec::new();
    let mut left_out = Vec::new();
    let mut candidates = Vec::new();
    for (path, finding) in findings {
        match finding {
            Finding::File { class, bytes } => candidates.push(Candidate { path, class, bytes }),
            Finding::Gone => removed.push(path),
            Finding::Left(reason) => {
                removed.push(path.clone());
                left_out.push(Skipped { path, reason });
            }
        }
    }
    let Contents { mut files, left, gone, mut unread, .. } = contents::read(&place.root, candidates);
    unread.sort();
    removed.extend(left.iter().map(|skipped| skipped.path.clone()).chain(gone).chain(unread.iter().cloned()));
    left_out.extend(left);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    removed.sort();
    left_out.sort_by(|a, b| a.path.cmp(&b.path));
    let is_empty = files.is_empty() && removed.is_empty();
    let overlay = Overlay { repository: REPOSITORY, ref_name: base.ref_name.clone(), removed, files };
    WorkingTree { overlay: (!is_empty).then_some(overlay), n_changed: 0, behind: None, left_out, unread }
}
