//! What an answer about a commit was made from.

use crate::id::{ObjectId, RepositoryId, TenantId};
use crate::store::{ObjectKey, Tip, TipGraph};

/// What an answer about a commit was made from. The same state gives the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitState {
    /// Whose index.
    pub tenant: TenantId,
    /// The repository.
    pub repository: RepositoryId,
    /// `owner/name`.
    pub repository_name: String,
    /// Full name of the ref; of a commit that refs have left, or that was asked for itself, its 40 digits.
    pub ref_name: String,
    /// The commit.
    pub commit: ObjectId,
    /// Whether it is the tip of the default branch.
    pub is_default: bool,
    /// Its snapshot.
    pub snapshot: ObjectKey,
    /// Its graph; `None`: names are all that is known.
    pub graph: Option<TipGraph>,
    /// Whether symbols of some files are still to come, where the question was about symbols.
    pub is_pending: bool,
}

impl CommitState {
    pub(super) fn tip(&self, base: Option<ObjectKey>) -> Tip {
        let Self { ref_name, commit, snapshot, graph, .. } = self.clone();
        Tip { ref_name, commit, snapshot, base, graph }
    }

    /// Bytes that differ where an answer may.
    pub fn fingerprint(&self) -> Vec<u8> {
        let graph = self.graph.map_or([0; 24], |graph| graph.key.to_bytes());
        let parts = [self.tenant.0.as_bytes(), self.repository.0.as_bytes(), &self.commit.0[..]];
        let objects = [&self.snapshot.to_bytes()[..], &graph, self.repository_name.as_bytes(), b"\0"];
        [parts.concat(), objects.concat(), self.ref_name.clone().into_bytes()].concat()
    }
}
