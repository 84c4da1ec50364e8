//! How fresh an answer is: of which commit, when that was indexed, and what has happened since.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// What an answer was made from, and how far that is from what there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Freshness {
    /// `owner/name`; of a local index the name of its folder.
    pub repository: String,
    /// The commit, 40 hexadecimal digits; absent for a plain folder, and where nothing is indexed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// When it was indexed, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexed_at: Option<Timestamp>,
    /// Commits by which the index is behind its branch: here by git, in a service by what pushes have told of the default branch;
    /// absent where nobody has told by how many, and for other refs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_by: Option<u64>,
    /// Of a working tree: `clean`, or `dirty(n)` with files that differ from the commit; the answer knows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<String>,
    /// Which working tree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worktree: Option<String>,
}

impl Freshness {
    /// One line: `acme/app @ 1a2b3c4d5e6f indexed 2026-11-26T19:00:00.000Z, behind_by 0, tree: dirty(2) in app`.
    pub fn line(&self) -> String {
        let commit = self.commit.as_deref().map(|commit| format!(" @ {}", commit.get(..12).unwrap_or(commit)));
        let indexed = self.indexed_at.as_ref().map(|at| format!(" indexed {at}"));
        let behind = self.behind_by.map(|n| format!(", behind_by {n}"));
        let tree = self.tree.as_ref().map(|tree| format!(", tree: {tree}"));
        let worktree = self.worktree.as_ref().map(|path| format!(" in {path}"));
        let parts = [commit, indexed, behind, tree, worktree].into_iter().flatten().collect::<String>();
        format!("{}{parts}", self.repository)
    }
}
