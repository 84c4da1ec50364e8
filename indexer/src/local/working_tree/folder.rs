//! What changed in a plain folder since it was indexed. Nobody keeps a record of that, so the folder is walked: a file is
//! read again if its inode has changed since the indexing run began to list (by the file system's own clock, and also
//! where a file with an old date was moved there), or if it is new, or of another class by now.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use kotadb_core::id::ObjectId;
use kotadb_core::store::{Snapshot, Tip};

use super::super::LocalError;
use super::super::place::Place;
use super::contents::Finding;
use super::{WorkingTree, assemble};
use crate::error::IndexError;
use crate::folder::{self, Seen};

/// Start of the name of the mark.
const LISTED: &str = "listed-";

/// A mark in the folder of the index: its date is when the run began that made the index of the commit in its name.
pub(in crate::local) struct Listed {
    mark: PathBuf,
}

/// Seconds and nanoseconds of a file system's clock.
type Moment = (i64, i64);

impl Listed {
    /// Dates the mark.
    pub(in crate::local) fn begin(folder: &Path) -> Result<Self, LocalError> {
        let mark = folder.join(format!("listing-{}", uuid::Uuid::now_v7()));
        fs::File::create(&mark).map_err(IndexError::io(format!("cannot create `{}`", mark.display())))?;
        Ok(Self { mark })
    }

    /// Puts it in force, and takes away those of earlier runs. Without a mark every file counts as changed.
    pub(in crate::local) fn end(self, commit: ObjectId) {
        let Some(folder) = self.mark.parent() else { return };
        let name = format!("{LISTED}{commit}");
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let other = entry.file_name();
            if other.to_string_lossy().starts_with(LISTED) && *other != *name {
                let _stays = fs::remove_file(entry.path());
            }
        }
        let _missing = fs::rename(&self.mark, folder.join(name));
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let _renamed = fs::remove_file(&self.mark);
    }
}

/// Says what lies over the index of a plain folder.
pub(super) fn look(place: &Place, base: &Tip, snapshot: &Snapshot) -> Result<WorkingTree, LocalError> {
    let mark = place.folder.join(format!("{LISTED}{}", base.commit));
    let since = mark.metadata().ok().map(|mark| (mark.mtime(), mark.mtime_nsec()));
    let mut findings = Vec::new();
    let mut is_same = vec![false; snapshot.len()];
    folder::walk(&place.root, &mut |seen| {
        let Seen::File { path, metadata, class, .. } = seen else { return Ok(()) };
        let is_old = since.is_some_and(|since| changed_at(metadata) < since);
        match snapshot.find(path) {
            Some(entry) if is_old && snapshot.entry(entry).class == class => is_same[entry] = true,
            None if is_old && is_left_out(snapshot, path) => {}
            _ => findings.push((path.to_vec(), Finding::File { class, bytes: metadata.len() })),
        }
        Ok(())
    })?;
    let entries = is_same.iter().enumerate().filter(|(_, is_same)| !**is_same);
    let gone: Vec<_> = entries.map(|(entry, _)| (snapshot.path(entry).to_vec(), Finding::Gone)).collect();
    findings.extend(gone);
    let tree = assemble(place, base, findings);
    let n_changed = tree.overlay.as_ref().map_or(0, |overlay| {
        let is_new = |path: &&Vec<u8>| overlay.files.binary_search_by(|file| file.path.cmp(path)).is_err();
        overlay.files.len() + overlay.removed.iter().filter(is_new).count()
    });
    Ok(WorkingTree { n_changed, ..tree })
}

fn changed_at(metadata: &Metadata) -> Moment {
    (metadata.ctime(), metadata.ctime_nsec())
}

fn is_left_out(snapshot: &Snapshot, path: &[u8]) -> bool {
    snapshot.skipped.binary_search_by(|skipped| skipped.path.as_slice().cmp(path)).is_ok()
}
