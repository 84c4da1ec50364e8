//! What is asked of a search.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::cursor::SearchCursor;
use super::overlay::Overlay;
use crate::id::{ObjectId, RepositoryId, TenantId};
use crate::query::Query;

/// A repository the asker may see; whoever calls has checked that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visible {
    /// Its id.
    pub id: RepositoryId,
    /// `owner/name`, for `repo:` and for answers.
    pub name: String,
    /// Commits that the asker may not see, although the index may still hold them.
    pub hidden: BTreeSet<ObjectId>,
}

/// What to search and how much of the answer is wanted.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// Whose index.
    pub tenant: TenantId,
    /// Repositories the asker may see; others are as if they did not exist.
    pub visible: Vec<Visible>,
    /// What is asked.
    pub query: Query,
    /// Which part of the answer is returned.
    pub page: Page,
    /// Whether every match is counted, also beyond the page. No lines are kept for that.
    pub count: bool,
    /// Whether matching files are counted by language, folder, repository and class.
    pub facets: bool,
    /// Lines wanted around each matching line.
    pub context: Context,
    /// Whether each file says how its score came about.
    pub explain: bool,
    /// What the search may cost.
    pub budget: Budget,
    /// A root version that the answer must not be older than: what a publish made. `None`: any root that was HEAD at most a
    /// second ago.
    pub min_version: Option<u64>,
    /// What lies over one ref: a working tree with its changes.
    pub overlay: Option<Arc<Overlay>>,
}

/// Which part of an answer is returned. It ends with whichever is reached first.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Most files; `None`: all of them.
    pub files: Option<usize>,
    /// Most lines (a file that matches without a line to show counts as one); `None`: all of them.
    pub lines: Option<usize>,
    /// Where the page begins; `None`: with the best match.
    pub cursor: Option<SearchCursor>,
}

/// Lines wanted around each matching line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Before it.
    pub before: u32,
    /// After it.
    pub after: u32,
}

/// What a search may cost. A search that passes it gives what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// When to stop, also while reads are on their way or within a text; texts that are there are searched for a second
    /// at least. Needs the clock of the tokio runtime.
    pub deadline: Option<Instant>,
    /// Most bytes to read from the store, looked at before each read of content. The first of them and all that comes
    /// before it, which the root bounds, is read in any case.
    pub bytes: Option<u64>,
}

impl SearchRequest {
    /// Every match of `query` with its lines, and no limit.
    pub fn new(tenant: TenantId, visible: Vec<Visible>, query: Query) -> Self {
        Self {
            tenant,
            visible,
            query,
            page: Page::default(),
            count: false,
            facets: false,
            context: Context::default(),
            explain: false,
            budget: Budget::default(),
            min_version: None,
            overlay: None,
        }
    }
}

impl Page {
    /// The first `files` files with all their lines.
    pub fn of_files(files: usize) -> Self {
        Self { files: Some(files), ..Self::default() }
    }

    /// The first `lines` lines.
    pub fn of_lines(lines: usize) -> Self {
        Self { lines: Some(lines), ..Self::default() }
    }
}
