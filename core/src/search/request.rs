//! What is asked of a search.

use crate::id::{RepositoryId, TenantId};
use crate::query::Query;

/// A repository the asker may see; whoever calls has checked that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visible {
    /// Its id.
    pub id: RepositoryId,
    /// `owner/name`, for `repo:` and for answers.
    pub name: String,
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
    /// Lines wanted (files, for a file that matches without a line to show); `None`: all of them.
    pub limit: Option<usize>,
}
