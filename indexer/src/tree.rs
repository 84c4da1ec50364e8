//! Lists a commit straight from the object database; nothing is ever checked out, so no path of a repository touches the
//! file system of this machine.

use git2::{ObjectType, Repository, Tree};
use kotadb_core::id::ObjectId;
use kotadb_core::store::{SkipReason, Skipped};

use crate::error::IndexError;
use crate::limits;
use crate::listing::{File, Listing};
use crate::rules::{FILE_NAMES, Rules};

/// git's mode of a symbolic link.
pub const SYMLINK: i32 = 0o120_000;

/// Our id of git2's.
pub fn object_id(oid: git2::Oid) -> ObjectId {
    let mut id = ObjectId([0; 20]);
    id.0.copy_from_slice(&oid.as_bytes()[..20]);
    id
}

/// git2's id of ours.
pub fn oid(id: ObjectId) -> git2::Oid {
    git2::Oid::from_bytes(&id.0).expect("twenty bytes are a SHA-1 name")
}

/// Lists the files of a commit.
pub fn list(repository: &Repository, commit: ObjectId) -> Result<Listing, IndexError> {
    let tree = repository.find_commit(oid(commit))?.tree()?;
    let listing = Listing { commit, files: Vec::new(), skipped: Vec::new() };
    let mut walk = Walk { repository, rules: Rules::default(), listing, path: Vec::new(), folders: 0 };
    walk.folder(&tree, false)?;
    Ok(in_path_order(walk.listing))
}

struct Walk<'r> {
    repository: &'r Repository,
    rules: Rules,
    listing: Listing,
    /// Path of the entry at hand; between entries, that of the folder with its slash.
    path: Vec<u8>,
    folders: usize,
}

impl Walk<'_> {
    fn folder(&mut self, tree: &Tree<'_>, ignored: bool) -> Result<(), IndexError> {
        self.rules.enter(self.path.len(), FILE_NAMES.map(|name| rule_file(self.repository, tree, name)));
        let prefix = self.path.len();
        for entry in tree {
            self.path.extend_from_slice(entry.name_bytes());
            self.entry(&entry, ignored)?;
            self.path.truncate(prefix);
        }
        self.rules.leave();
        Ok(())
    }

    fn entry(&mut self, entry: &git2::TreeEntry<'_>, ignored: bool) -> Result<(), IndexError> {
        let is_folder = entry.kind() == Some(ObjectType::Tree);
        if self.path.len() > limits::MAX_PATH_BYTES {
            return self.skip(SkipReason::PathTooLong);
        }
        let ignored = ignored || self.rules.ignores(&self.path, is_folder);
        match entry.kind() {
            Some(ObjectType::Tree) => self.descend(entry, ignored),
            Some(ObjectType::Commit) => self.skip(SkipReason::Submodule),
            _ if entry.filemode() == SYMLINK => self.skip(SkipReason::Symlink),
            _ if ignored => self.skip(SkipReason::Ignored),
            _ => self.file(entry),
        }
    }

    fn descend(&mut self, entry: &git2::TreeEntry<'_>, ignored: bool) -> Result<(), IndexError> {
        self.folders += 1;
        if self.folders > limits::MAX_FILES {
            return Err(IndexError::TooLarge("a commit has more than 500,000 folders"));
        }
        match self.repository.find_tree(entry.id()) {
            Ok(tree) => {
                self.path.push(b'/');
                self.folder(&tree, ignored)
            }
            Err(_) => self.skip(SkipReason::Unreadable),
        }
    }

    fn file(&mut self, entry: &git2::TreeEntry<'_>) -> Result<(), IndexError> {
        let mode = if entry.filemode() & 0o111 == 0 { 0o100_644 } else { 0o100_755 };
        let class = self.rules.class(&self.path);
        self.listing.files.push(File { path: self.path.clone(), mode, blob: object_id(entry.id()), class });
        self.count()
    }

    fn skip(&mut self, reason: SkipReason) -> Result<(), IndexError> {
        self.listing.skipped.push(Skipped { path: self.path.clone(), reason });
        self.count()
    }

    fn count(&self) -> Result<(), IndexError> {
        if self.listing.files.len() + self.listing.skipped.len() > limits::MAX_FILES {
            return Err(IndexError::TooLarge("a commit has more than 500,000 files"));
        }
        Ok(())
    }
}

/// The text of a rule file; one that is a link, too large or unreadable says nothing.
pub fn rule_file(repository: &Repository, folder: &Tree<'_>, name: &str) -> Option<Vec<u8>> {
    let entry = folder.get_name(name)?;
    if entry.kind() != Some(ObjectType::Blob) || entry.filemode() == SYMLINK {
        return None;
    }
    let odb = repository.odb().ok()?;
    let (size, _) = odb.read_header(entry.id()).ok()?;
    let small = size as u64 <= limits::MAX_BLOB_BYTES;
    small.then(|| odb.read(entry.id()).ok().map(|object| object.data().to_vec())).flatten()
}

/// git writes trees so that a walk is in path order, but a hand-made tree may repeat or shuffle names.
fn in_path_order(mut listing: Listing) -> Listing {
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    listing.files.dedup_by(|a, b| a.path == b.path);
    listing.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    listing.skipped.dedup_by(|a, b| a.path == b.path);
    listing
}
