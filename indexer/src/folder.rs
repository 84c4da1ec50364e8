//! Lists a folder that is no git repository as if it were a commit: blob names as git would give them, `.kotadbignore`
//! in force, `.git` and `.kotadb` left out. The commit's name is made from the listing, so equal trees are equal.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid};
use kotadb_core::id::ObjectId;
use kotadb_core::segment::Class;
use kotadb_core::store::{SkipReason, Skipped};

use crate::error::IndexError;
use crate::limits;
use crate::listing::{File, Listing};
use crate::rules::{FILE_NAMES, Rules};
use crate::tree::object_id;

/// Folder of the index of a plain folder.
pub const INDEX_FOLDER: &str = ".kotadb";

/// Lists `root`; also says at which path each blob was seen, to read it from.
pub fn list(root: &Path) -> Result<(Listing, HashMap<ObjectId, PathBuf>), IndexError> {
    let mut listing = Listing { commit: ObjectId([0; 20]), files: Vec::new(), skipped: Vec::new() };
    let mut blobs = HashMap::new();
    walk(root, &mut |seen| {
        match seen {
            Seen::File { path, full, metadata, class } => file(&mut listing, &mut blobs, path, (full, metadata, class)),
            Seen::Left { path, reason } => listing.skipped.push(Skipped { path: path.to_vec(), reason }),
        }
        if listing.files.len() + listing.skipped.len() > limits::MAX_FILES {
            return Err(IndexError::TooLarge("the folder has more than 500,000 files"));
        }
        Ok(())
    })?;
    listing.files.sort_by(|a, b| a.path.cmp(&b.path));
    listing.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    listing.commit = name_of(&listing)?;
    Ok((listing, blobs))
}

fn file(
    listing: &mut Listing,
    blobs: &mut HashMap<ObjectId, PathBuf>,
    path: &[u8],
    (full, metadata, class): (PathBuf, &Metadata, Class),
) {
    let Ok(blob) = Oid::hash_file(ObjectType::Blob, &full) else {
        return listing.skipped.push(Skipped { path: path.to_vec(), reason: SkipReason::Unreadable });
    };
    let blob = object_id(blob);
    let mode = if metadata.permissions().mode() & 0o111 == 0 { 0o100_644 } else { 0o100_755 };
    listing.files.push(File { path: path.to_vec(), mode, blob, class });
    blobs.entry(blob).or_insert(full);
}

/// What a walk comes across, by its path below the root.
#[derive(Debug)]
pub enum Seen<'a> {
    /// A file that may be indexed.
    File {
        /// Below the root.
        path: &'a [u8],
        /// With the root.
        full: PathBuf,
        /// Of the file.
        metadata: &'a Metadata,
        /// By attributes and path.
        class: Class,
    },
    /// A path that is left out.
    Left {
        /// Below the root.
        path: &'a [u8],
        /// Why.
        reason: SkipReason,
    },
}

/// Shows every path below `root` to `visit`, whose errors end the walk.
pub fn walk(root: &Path, visit: &mut dyn FnMut(Seen<'_>) -> Result<(), IndexError>) -> Result<(), IndexError> {
    Walk { root, rules: Rules::default(), visit }.folder(&mut Vec::new(), false)
}

struct Walk<'a> {
    root: &'a Path,
    rules: Rules,
    visit: &'a mut dyn FnMut(Seen<'_>) -> Result<(), IndexError>,
}

impl Walk<'_> {
    fn folder(&mut self, path: &mut Vec<u8>, ignored: bool) -> Result<(), IndexError> {
        let here = self.root.join(OsStr::from_bytes(path));
        let names = names(&here).map_err(IndexError::io(format!("cannot list `{}`", here.display())))?;
        self.rules.enter(path.len(), FILE_NAMES.map(|name| rule_file(&here.join(name))));
        let prefix = path.len();
        for name in names {
            path.extend_from_slice(&name);
            self.entry(path, ignored)?;
            path.truncate(prefix);
        }
        self.rules.leave();
        Ok(())
    }

    fn entry(&mut self, path: &mut Vec<u8>, ignored: bool) -> Result<(), IndexError> {
        let full = self.root.join(OsStr::from_bytes(path));
        let Ok(metadata) = full.symlink_metadata() else { return self.skip(path, SkipReason::Unreadable) };
        if path.len() > limits::MAX_PATH_BYTES {
            return self.skip(path, SkipReason::PathTooLong);
        }
        let ignored = ignored || self.rules.ignores(path, metadata.is_dir());
        if metadata.is_dir() {
            path.push(b'/');
            return self.folder(path, ignored);
        }
        match metadata.file_type() {
            kind if kind.is_symlink() => self.skip(path, SkipReason::Symlink),
            kind if !kind.is_file() => Ok(()),
            _ if ignored => self.skip(path, SkipReason::Ignored),
            _ if metadata.len() > limits::MAX_BLOB_BYTES => self.skip(path, SkipReason::TooLarge),
            _ => (self.visit)(Seen::File { path, full, metadata: &metadata, class: self.rules.class(path) }),
        }
    }

    fn skip(&mut self, path: &[u8], reason: SkipReason) -> Result<(), IndexError> {
        (self.visit)(Seen::Left { path, reason })
    }
}

fn names(folder: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name().into_vec();
        if name != b".git" && name != INDEX_FOLDER.as_bytes() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The text of a rule file; one that is a link, too large or unreadable says nothing.
pub fn rule_file(path: &Path) -> Option<Vec<u8>> {
    let metadata = path.symlink_metadata().ok()?;
    let usable = metadata.is_file() && metadata.len() <= limits::MAX_BLOB_BYTES;
    usable.then(|| std::fs::read(path).ok()).flatten()
}

/// The name git would give to a blob that lists modes, blobs and paths.
fn name_of(listing: &Listing) -> Result<ObjectId, IndexError> {
    let mut text = Vec::new();
    for file in &listing.files {
        text.extend_from_slice(format!("{:o} {} ", file.mode, file.blob).as_bytes());
        text.extend_from_slice(&file.path);
        text.push(0);
    }
    for skipped in &listing.skipped {
        text.extend_from_slice(format!("{:?} ", skipped.reason).as_bytes());
        text.extend_from_slice(&skipped.path);
        text.push(0);
    }
    Ok(object_id(Oid::hash_object(ObjectType::Blob, &text)?))
}
