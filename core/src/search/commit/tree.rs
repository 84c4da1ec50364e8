//! The tree of a commit: what is in a folder, or all files below it, narrowed by a filter of the query language. Read from the
//! snapshot alone.

use super::{Ask, CommitError, OpenCommit};
use crate::query::{self, Plan, Query, Scope, Verdict};
use crate::search::answer::SearchError;
use crate::segment::Class;
use crate::store::{Entry, SkipReason, Skipped, Snapshot};
use crate::text::Language;

/// Asks for a folder.
#[derive(Clone, Debug)]
pub struct TreeRequest {
    /// Path from the root of the repository; empty: the root.
    pub folder: Vec<u8>,
    /// All files below, instead of files and folders directly in it.
    pub recursive: bool,
    /// Which files, in the query language, without text: `lang:rust path:*_test.go`. Only then generated and vendored ones
    /// are left out unless they are asked for; `None`: all, with those that the index has not.
    pub filter: Option<Query>,
    /// Items at most.
    pub limit: usize,
    /// The page begins behind this path, which is that of the last item of the page before.
    pub after: Option<Vec<u8>>,
}

/// What is in a folder, in path order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Items of the page.
    pub items: Vec<TreeItem>,
    /// Items on all pages.
    pub total: u64,
    /// Files that the filter leaves out only because they are generated or vendored.
    pub hidden: u64,
    /// Whether there are items behind this page.
    pub more: bool,
}

/// A file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeItem {
    /// Path from the root of the repository; that of a folder ends with `/`.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: TreeItemKind,
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeItemKind {
    /// A folder with so many files that were asked for.
    Folder {
        /// Files below it.
        files: u64,
    },
    /// A file of the index.
    File {
        /// Its language.
        language: Language,
        /// Its class.
        class: Class,
        /// git mode.
        mode: u32,
    },
    /// A file that the index has not.
    LeftOut(SkipReason),
}

impl TreeRequest {
    /// The first items of a folder.
    pub fn new(folder: &[u8], limit: usize) -> Self {
        Self { folder: folder.to_vec(), recursive: false, filter: None, limit, after: None }
    }
}

impl Ask for TreeRequest {
    type Answer = Tree;

    async fn ask(&self, commit: &OpenCommit<'_>) -> Result<Tree, CommitError> {
        let plan = self.filter.as_ref().map(Plan::new).transpose().map_err(SearchError::from)?;
        let snapshot = commit.snapshot().await?;
        let state = commit.state();
        let filter = plan
            .as_ref()
            .map(|plan| Filter { scope: plan.scope(&state.repository_name, &state.ref_name, state.is_default), plan });
        let folder = match self.folder.strip_suffix(b"/").unwrap_or(&self.folder) {
            b"" => Vec::new(),
            folder => [folder, b"/"].concat(),
        };
        if !folder.is_empty() && below(&snapshot, &folder).next().is_none() {
            return Err(CommitError::NoFolder(String::from_utf8_lossy(&self.folder).into_owned()));
        }
        let mut page = Page { request: self, prefix: folder.len(), open: None, tree: Tree::default() };
        for path in below(&snapshot, &folder) {
            match filter.as_ref().map_or(Asked::Yes, |filter| filter.asked(&path)) {
                Asked::Yes => page.take(&path),
                Asked::Hidden => page.tree.hidden += 1,
                Asked::No => {}
            }
        }
        Ok(page.finish())
    }
}

/// A page on its way.
struct Page<'a> {
    request: &'a TreeRequest,
    /// Bytes of each path that are those of the folder.
    prefix: usize,
    /// The folder that was met last.
    open: Option<TreeItem>,
    tree: Tree,
}

impl Page<'_> {
    fn take(&mut self, path: &Path<'_>) {
        let all = path.path();
        let end = all[self.prefix..].iter().position(|byte| *byte == b'/').filter(|_| !self.request.recursive);
        let Some(end) = end else {
            self.close();
            return self.add(path.item());
        };
        let child = &all[..=self.prefix + end];
        match &mut self.open {
            Some(TreeItem { path, kind: TreeItemKind::Folder { files } }) if path == child => *files += 1,
            _ => {
                self.close();
                self.open = Some(TreeItem { path: child.to_vec(), kind: TreeItemKind::Folder { files: 1 } });
            }
        }
    }

    fn close(&mut self) {
        if let Some(item) = self.open.take() {
            self.add(item);
        }
    }

    fn add(&mut self, item: TreeItem) {
        self.tree.total += 1;
        if self.request.after.as_ref().is_some_and(|after| item.path <= *after) {
            return;
        }
        if self.tree.items.len() < self.request.limit {
            self.tree.items.push(item);
        } else {
            self.tree.more = true;
        }
    }

    fn finish(mut self) -> Tree {
        self.close();
        self.tree
    }
}

/// A path of a commit.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'s> {
    Held(Entry<'s>),
    LeftOut(&'s Skipped),
}

impl<'s> Path<'s> {
    fn path(&self) -> &'s [u8] {
        match self {
            Self::Held(entry) => entry.path,
            Self::LeftOut(skipped) => &skipped.path,
        }
    }

    fn item(&self) -> TreeItem {
        let kind = match self {
            Self::Held(Entry { language, class, mode, .. }) => {
                TreeItemKind::File { language: *language, class: *class, mode: *mode }
            }
            Self::LeftOut(skipped) => TreeItemKind::LeftOut(skipped.reason),
        };
        TreeItem { path: self.path().to_vec(), kind }
    }
}

/// All paths that begin so, held and left out, in path order.
pub(super) fn below<'s>(snapshot: &'s Snapshot, prefix: &'s [u8]) -> impl Iterator<Item = Path<'s>> {
    let first = first_from(snapshot, prefix);
    let held = (first..snapshot.len()).map(|nth| Path::Held(snapshot.entry(nth)));
    let first = snapshot.skipped.partition_point(|skipped| skipped.path.as_slice() < prefix);
    let left_out = snapshot.skipped[first..].iter().map(Path::LeftOut);
    let is_below = move |path: &Path<'_>| path.path().starts_with(prefix);
    let (mut held, mut left_out) = (held.take_while(is_below).peekable(), left_out.take_while(is_below).peekable());
    std::iter::from_fn(move || match (held.peek(), left_out.peek()) {
        (Some(one), Some(other)) if other.path() < one.path() => left_out.next(),
        (None, _) => left_out.next(),
        _ => held.next(),
    })
}

fn first_from(snapshot: &Snapshot, path: &[u8]) -> usize {
    let (mut low, mut high) = (0, snapshot.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if snapshot.path(middle) < path { low = middle + 1 } else { high = middle }
    }
    low
}

/// What of the query is left for the commit.
struct Filter<'a> {
    plan: &'a Plan,
    scope: Option<Scope>,
}

enum Asked {
    Yes,
    No,
    Hidden,
}

impl Filter<'_> {
    fn asked(&self, path: &Path<'_>) -> Asked {
        let (Some(scope), Path::Held(entry)) = (&self.scope, path) else { return Asked::No };
        let asked = query::Entry::new(entry.path, entry.language);
        match self.plan.admits(scope, asked, None) {
            Verdict::Yes if self.plan.classes().shown.contains(&entry.class) => Asked::Yes,
            Verdict::Yes if self.plan.classes().hidden.contains(&entry.class) => Asked::Hidden,
            _ => Asked::No,
        }
    }
}
