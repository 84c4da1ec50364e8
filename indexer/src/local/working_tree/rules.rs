//! The rule files in force at any path of a working tree. One that git says has changed is read from the disk, every other
//! one from the indexed commit: so rule files that git ignores say nothing, as in the index.

use std::collections::BTreeSet;
use std::path::Path;

use git2::{Repository, Tree};
use kotadb_core::id::ObjectId;
use kotadb_core::segment::Class;

use super::super::LocalError;
use super::changes::{self, below};
use crate::rules::{FILE_NAMES, Rules};
use crate::{folder, tree};

/// Whether any of the paths is a rule file.
pub(super) fn any_changed(paths: &BTreeSet<Vec<u8>>) -> bool {
    let is_rule_file = |path: &Vec<u8>| {
        let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        FILE_NAMES.iter().any(|rules| rules.as_bytes() == name)
    };
    paths.iter().any(is_rule_file)
}

/// The folders above one path, with what their rule files say. Asked in path order, each is entered once.
pub(super) struct Folders<'a> {
    root: &'a Path,
    repository: &'a Repository,
    changed: &'a BTreeSet<Vec<u8>>,
    rules: Rules,
    /// From the root down; never empty.
    open: Vec<Folder<'a>>,
}

struct Folder<'a> {
    /// With its slash; empty: the root.
    path: Vec<u8>,
    /// In the indexed commit.
    tree: Option<Tree<'a>>,
    /// Whether it is a folder on the disk, and no link to one.
    is_there: bool,
    ignored: bool,
}

impl<'a> Folders<'a> {
    /// At the root of the working tree.
    pub(super) fn new(
        root: &'a Path,
        repository: &'a Repository,
        commit: ObjectId,
        changed: &'a BTreeSet<Vec<u8>>,
    ) -> Result<Self, LocalError> {
        let tree = changes::tree(repository, commit)?;
        let mut folders = Self { root, repository, changed, rules: Rules::default(), open: Vec::new() };
        folders.enter(Folder { path: Vec::new(), tree, is_there: true, ignored: false });
        Ok(folders)
    }

    /// Whether the folder of `path` is on the disk, and no link leads to it.
    pub(super) fn has_folder_of(&mut self, path: &[u8]) -> bool {
        self.go_to(path).is_there
    }

    /// The class that the index would give to a file at `path`; `None`: it would leave it out.
    pub(super) fn class_now(&mut self, path: &[u8]) -> Option<Class> {
        let ignored = self.go_to(path).ignored || self.rules.ignores(path, false);
        (!ignored).then(|| self.rules.class(path))
    }

    /// Enters and leaves folders until the one of `path` is the last.
    fn go_to(&mut self, path: &[u8]) -> &Folder<'a> {
        while self.open.len() > 1 && self.open.last().is_some_and(|folder| !path.starts_with(&folder.path)) {
            self.open.pop();
            self.rules.leave();
        }
        loop {
            let last = self.open.last().expect("the root is always open");
            let start = last.path.len();
            let Some(length) = path[start..].iter().position(|&byte| byte == b'/') else { break };
            let inner = self.inner(last, &path[..start + length]);
            self.enter(inner);
        }
        self.open.last().expect("the root is always open")
    }

    /// The folder `path` (without its slash) of `outer`.
    fn inner(&self, outer: &Folder<'a>, path: &[u8]) -> Folder<'a> {
        let name = &path[outer.path.len()..];
        let entry = outer.tree.as_ref().and_then(|tree| tree.get_name_bytes(name));
        Folder {
            path: [path, b"/"].concat(),
            tree: entry.and_then(|entry| self.repository.find_tree(entry.id()).ok()),
            is_there: outer.is_there && below(self.root, path).symlink_metadata().is_ok_and(|meta| meta.is_dir()),
            ignored: outer.ignored || self.rules.ignores(path, true),
        }
    }

    fn enter(&mut self, folder: Folder<'a>) {
        self.rules.enter(folder.path.len(), FILE_NAMES.map(|name| self.text(&folder, name)));
        self.open.push(folder);
    }

    fn text(&self, folder: &Folder<'_>, name: &str) -> Option<Vec<u8>> {
        let path = [&folder.path, name.as_bytes()].concat();
        if self.changed.contains(&path) {
            return folder.is_there.then(|| folder::rule_file(&below(self.root, &path))).flatten();
        }
        tree::rule_file(self.repository, folder.tree.as_ref()?, name)
    }
}
