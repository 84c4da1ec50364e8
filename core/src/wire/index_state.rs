//! What is known of the index of one repository.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;

/// The index of one repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndexState {
    /// `owner/name`; of a local index the name of its folder.
    pub repository: String,
    /// `indexed`, `not_indexed`, `queued`, `running` or `failed`; a repository that is being indexed anew stays searchable.
    pub status: String,
    /// Short name of the default branch, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_branch: Option<String>,
    /// The searchable commit of the default branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// When that was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexed_at: Option<Timestamp>,
    /// Commits by which that is behind, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_by: Option<u64>,
    /// Files of that commit in the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
    /// Paths of that commit that are not in the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<u64>,
    /// Id of the job that is queued or running, or was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// What went wrong, or what the job is at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl IndexState {
    /// One line: `acme/app  indexed  main @ 1a2b3c4d5e6f  2026-11-26T19:00:00.000Z  120 files`.
    pub fn line(&self) -> String {
        let commit = self.commit.as_deref().map(|commit| format!("@ {}", commit.get(..12).unwrap_or(commit)));
        let parts = [
            Some(self.status.clone()),
            self.default_branch.clone(),
            commit,
            self.indexed_at.as_ref().map(ToString::to_string),
            self.behind_by.filter(|n| *n > 0).map(|n| format!("behind_by {n}")),
            self.files.map(|n| format!("{n} files")),
            self.skipped.filter(|n| *n > 0).map(|n| format!("{n} left out")),
            self.job.as_ref().map(|job| format!("job {job}")),
            self.detail.clone(),
        ];
        parts.into_iter().flatten().fold(self.repository.clone(), |line, part| format!("{line}  {part}"))
    }
}
