//! Questions about one commit of a repository: its files, what is in them, and what its graph says. Every surface asks in
//! the same way: [`Searcher::ask`] with the commit that is meant and a question, which is a type of its own.
//!
//! HEAD says which commit that is (and the refs object, where another than the default is meant); snapshot and graph come in
//! one wave, then tails of segments, then what is read of them.

mod choose;
mod code;
mod content;
mod error;
mod names_only;
mod open;
mod outline;
mod since;
mod state;
mod tree;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::answer::SearchStats;
use super::request::Visible;
use super::searcher::Searcher;
use crate::id::TenantId;
use crate::metrics;

pub use self::code::{
    CallsRequest, Changed, DefinitionRequest, DependenciesRequest, ImpactRequest, MapRequest, MembersRequest,
};
pub use self::content::{FileContent, FileRequest};
pub use self::error::CommitError;
pub use self::open::OpenCommit;
pub use self::outline::{FileFacts, FileFactsRequest};
pub use self::state::CommitState;
pub use self::tree::{Tree, TreeItem, TreeItemKind, TreeRequest};

/// Which commit is asked.
#[derive(Clone, Debug)]
pub struct CommitRequest {
    /// Whose index.
    pub tenant: TenantId,
    /// The repository; whoever calls has checked that it may be seen.
    pub repository: Visible,
    /// A branch or tag, in full or not, or a commit by seven digits or more; `None`: the default branch.
    pub reference: Option<String>,
    /// A root version that the answer must not be older than.
    pub min_version: Option<u64>,
}

impl CommitRequest {
    /// The default branch of a repository.
    pub fn new(tenant: TenantId, repository: Visible) -> Self {
        Self { tenant, repository, reference: None, min_version: None }
    }
}

/// A question about a commit.
pub trait Ask: Sync {
    /// What it is answered by.
    type Answer: Send;
    /// Whether it is about symbols: what it was made from then says whether some are still to come.
    const ASKS_SYMBOLS: bool = false;

    /// Answers it.
    fn ask(&self, commit: &OpenCommit<'_>) -> impl Future<Output = Result<Self::Answer, CommitError>> + Send;
}

/// An answer, and of what it is.
#[derive(Clone, Debug)]
pub struct Answered<T> {
    /// The answer.
    pub answer: T,
    /// What it was made from.
    pub state: CommitState,
    /// What it took.
    pub stats: SearchStats,
}

impl Searcher {
    /// Answers a question about a commit.
    pub async fn ask<Q: Ask>(&self, request: &CommitRequest, question: &Q) -> Result<Answered<Q::Answer>, CommitError> {
        // What a question waits for is large: on the heap it takes no stack of whoever waits.
        let answered = match Box::pin(self.ask_once(request, question, false)).await {
            // What a root names can go once another has stood in HEAD for long enough: this one was read before.
            Err(error) if error.is_gone() => Box::pin(self.ask_once(request, question, true)).await,
            other => other,
        };
        if let Ok(Answered { stats, .. }) = &answered {
            metrics::searched(stats.gets, stats.bytes, stats.cache_hits);
        }
        answered
    }

    /// What an answer would be made from now: for whoever has it already.
    pub async fn commit_state(&self, request: &CommitRequest) -> Result<CommitState, CommitError> {
        Ok(self.open_commit(request, false).await?.state().clone())
    }

    async fn ask_once<Q: Ask>(
        &self,
        request: &CommitRequest,
        question: &Q,
        is_misled: bool,
    ) -> Result<Answered<Q::Answer>, CommitError> {
        let commit = self.open_commit(request, is_misled).await?;
        let answer = Box::pin(question.ask(&commit)).await?;
        let state = if Q::ASKS_SYMBOLS { commit.symbol_state().await? } else { commit.state().clone() };
        Ok(Answered { answer, state, stats: commit.stats() })
    }

    async fn open_commit(&self, request: &CommitRequest, is_misled: bool) -> Result<OpenCommit<'_>, CommitError> {
        let reader = self.reader(request.tenant);
        reader.is_misled.store(is_misled, Ordering::Relaxed);
        OpenCommit::open(Arc::new(reader), request).await
    }
}
