//! The searchable commits of a repository.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// A commit that the index holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndexedCommit {
    /// 40 hexadecimal digits; `ref:` finds it by these, or by the first seven or more.
    #[schema(pattern = "^[0-9a-f]{40}$")]
    pub commit: String,
    /// Whether a ref is there now.
    pub is_tip: bool,
    /// Full names of the refs that are there; of those that were, where none is.
    pub refs: Vec<String>,
    /// When the last of them moved on; `null`: a ref is there.
    pub left_at: Option<Timestamp>,
}
