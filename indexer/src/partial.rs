//! Which blobs a run needs of the trees that were fetched: those that no held document settles, that are not ignored, and
//! that an earlier commit did not show to be binary or too large. They are fetched in one batch, after the rule files
//! that say what is ignored; if they are most of the commit, it is fetched whole instead.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use git2::{ObjectType, Odb, OdbLookupFlags, Oid, Repository};
use kotadb_core::id::ObjectId;
use kotadb_core::store::SkipReason;

use crate::complaint;
use crate::contents::{self, Left};
use crate::error::IndexError;
use crate::fetch::Fetcher;
use crate::held::Held;
use crate::layers::{Bases, MOST_BASES};
use crate::plan::Known;
use crate::rules::FILE_NAMES;
use crate::tree::{self, SYMLINK, object_id, oid};
use crate::{fail_point, ignore_rules};

/// A commit is fetched whole if more than one in so many of its blobs is wanted.
const SHARE: usize = 2;

/// Commits that are here, with their trees at least.
#[derive(Clone, Debug, Default)]
pub struct Commits {
    /// In no order.
    pub all: BTreeSet<ObjectId>,
    /// Those whose blobs were fetched as well, as far as they are not too large.
    pub whole: BTreeSet<ObjectId>,
}

/// Brings the blobs that `commits` need, and tells what is known of those that stay away.
pub async fn complete(
    fetcher: &Fetcher<'_>,
    commits: &Commits,
    (held, bases): (&Held, &Bases),
) -> Result<Left, IndexError> {
    let run = Run { fetcher, commits, known: known(commits, held, bases) };
    let mut left = blocking(|| run.left_before(bases))?;
    let rules = blocking(|| run.rule_files())?;
    let mut wanted = Wanted::default();
    let mut came_whole = false;
    if rules.ignore {
        came_whole = run.fetch(&rules.ids).await?;
    } else {
        wanted.blobs.extend(&rules.ids);
    }
    blocking(|| run.want(&mut wanted, &mut left))?;
    if wanted.blobs.len() * SHARE > wanted.of && !came_whole {
        fetcher.whole_again(&commits.all).await?;
    } else if !came_whole {
        run.fetch(&wanted.blobs).await?;
    }
    blocking(|| run.mark_too_large(&wanted.blobs, &mut left))?;
    fail_point::hit("fetch.completed");
    Ok(left)
}

fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// What a run knows without content. Snapshots tell the language of files whose path does not; a long run may forget some
/// of them before it gets there, so then they do not count.
fn known<'a>(commits: &Commits, held: &'a Held, bases: &'a Bases) -> Known<'a> {
    let all_stay = bases.snapshots().count() + commits.all.len() <= MOST_BASES;
    if all_stay { Known::new(held, bases) } else { Known::without_bases(held) }
}

struct Run<'a> {
    fetcher: &'a Fetcher<'a>,
    commits: &'a Commits,
    known: Known<'a>,
}

#[derive(Default)]
struct Wanted {
    blobs: BTreeSet<ObjectId>,
    /// Of how many.
    of: usize,
}

#[derive(Default)]
struct RuleFiles {
    /// Those that are not here.
    ids: BTreeSet<ObjectId>,
    /// Whether one of them says what is ignored.
    ignore: bool,
}

impl Run<'_> {
    /// Opened anew each time, so that packs which came in meanwhile are seen.
    fn repository(&self) -> Result<Repository, IndexError> {
        contents::repository(self.fetcher.folder)
    }

    /// Fetches blobs by id; where the remote refuses that, all there is (`true`).
    async fn fetch(&self, ids: &BTreeSet<ObjectId>) -> Result<bool, IndexError> {
        match self.fetcher.blobs(ids).await {
            Err(error) if complaint::refuses_ids(&error) => {
                self.fetcher.whole_again(&self.commits.all).await.map(|()| true)
            }
            outcome => outcome.map(|()| false),
        }
    }

    /// The blobs that the snapshots of earlier commits left out after a look at their content.
    fn left_before(&self, bases: &Bases) -> Result<Left, IndexError> {
        let repository = self.repository()?;
        let mut left = Left::new();
        for snapshot in bases.snapshots() {
            let Ok(commit) = repository.find_commit(oid(snapshot.commit)) else { continue };
            let tree = commit.tree()?;
            let seen = |reason| matches!(reason, SkipReason::Binary | SkipReason::TooLarge);
            for skipped in snapshot.skipped.iter().filter(|skipped| seen(skipped.reason)) {
                if let Ok(entry) = tree.get_path(Path::new(OsStr::from_bytes(&skipped.path))) {
                    left.insert(object_id(entry.id()), skipped.reason);
                }
            }
        }
        Ok(left)
    }

    /// The rule files of all commits that are not here. Each tree is looked at once, however many commits share it.
    fn rule_files(&self) -> Result<RuleFiles, IndexError> {
        let repository = self.repository()?;
        let odb = repository.odb()?;
        let (mut files, mut seen, mut trees) = (RuleFiles::default(), HashSet::new(), Vec::new());
        for &commit in self.commits.all.difference(&self.commits.whole) {
            trees.push(repository.find_commit(oid(commit))?.tree_id());
        }
        while let Some(id) = trees.pop() {
            // A tree that is no tree is the listing's to report.
            let Ok(tree) = repository.find_tree(id) else { continue };
            for entry in tree.iter() {
                match entry.kind() {
                    Some(ObjectType::Tree) if seen.insert(entry.id()) => trees.push(entry.id()),
                    Some(ObjectType::Blob) => files.add(&entry, &odb),
                    _ => {}
                }
            }
        }
        Ok(files)
    }

    /// Adds the blobs whose content has to be seen and that are not here; of a commit that came whole those are too large.
    fn want(&self, wanted: &mut Wanted, left: &mut Left) -> Result<(), IndexError> {
        let repository = self.repository()?;
        let odb = repository.odb()?;
        let mut all = HashMap::new();
        for &commit in &self.commits.all {
            self.fetcher.halt.check()?;
            let is_whole = self.commits.whole.contains(&commit);
            for file in tree::list(&repository, commit)?.files {
                let is_here = *all.entry(file.blob).or_insert_with(|| is_here(&odb, oid(file.blob)));
                if is_here || left.contains_key(&file.blob) || self.known.place(&file).is_some() {
                    continue;
                }
                if is_whole {
                    left.insert(file.blob, SkipReason::TooLarge);
                } else {
                    wanted.blobs.insert(file.blob);
                }
            }
        }
        wanted.of = all.len();
        Ok(())
    }

    /// What was asked for and is not here although the remote has it was held back by the filter.
    fn mark_too_large(&self, wanted: &BTreeSet<ObjectId>, left: &mut Left) -> Result<(), IndexError> {
        let repository = self.repository()?;
        let odb = repository.odb()?;
        let away = wanted.iter().filter(|&&blob| !is_here(&odb, oid(blob)));
        left.extend(away.map(|&blob| (blob, SkipReason::TooLarge)));
        Ok(())
    }
}

impl RuleFiles {
    fn add(&mut self, entry: &git2::TreeEntry<'_>, odb: &Odb<'_>) {
        let name = FILE_NAMES.iter().find(|name| name.as_bytes() == entry.name_bytes());
        if let Some(&name) = name.filter(|_| entry.filemode() != SYMLINK && !is_here(odb, entry.id())) {
            self.ids.insert(object_id(entry.id()));
            self.ignore |= name == ignore_rules::FILE_NAME;
        }
    }
}

/// Without looking for new packs each time that something is away.
fn is_here(odb: &Odb<'_>, id: Oid) -> bool {
    odb.exists_ext(id, OdbLookupFlags::NO_REFRESH)
}
