//! What the tools stand on: an index, of this machine or of the service.

use std::fmt::Display;
use std::future::Future;

use kotadb_core::http::ApiError;
use kotadb_core::wire::files::FileText;
use kotadb_core::wire::search::SearchList;
use kotadb_core::wire::symbols::SymbolList;
use kotadb_core::wire::{Freshness, IndexState};

use crate::arguments::{ReadArguments, SearchArguments, SymbolsArguments};
use crate::progress::Progress;
use crate::question::{CodeAnswer, CodeQuestion};

/// Which code is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// `owner/name`; `None`: the only one, or all where that makes sense.
    pub repo: Option<String>,
    /// Branch, tag or commit; `None`: what is checked out, or the default branch.
    pub reference: Option<String>,
}

/// An answer and how fresh it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told<T> {
    /// The answer.
    pub answer: T,
    /// Of each repository that it speaks of.
    pub freshness: Vec<Freshness>,
}

/// Why a tool has no answer, in a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

impl Refusal {
    /// With what an agent is told.
    pub fn new(reason: impl Display) -> Self {
        Self(reason.to_string())
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::new(error)
    }
}

/// An index that answers. Whoever asks may see all that it knows: the service makes one for each request.
pub trait Ground: Clone + Send + Sync + 'static {
    /// Repositories by name; all those that hold `query`.
    fn repositories(&self, query: &str) -> impl Future<Output = Result<Vec<IndexState>, Refusal>> + Send;

    /// Has the index of a repository brought up to date; that of `url` is registered where it is new. Waits for the end where
    /// somebody listens.
    fn index(
        &self,
        place: &Place,
        url: Option<&str>,
        progress: &Progress,
    ) -> impl Future<Output = Result<IndexState, Refusal>> + Send;

    /// How far the index of a repository is.
    fn status(&self, place: &Place) -> impl Future<Output = Result<Told<IndexState>, Refusal>> + Send;

    /// Lines that match.
    fn search(
        &self,
        place: &Place,
        search: &SearchArguments,
    ) -> impl Future<Output = Result<Told<SearchList>, Refusal>> + Send;

    /// Definitions by name.
    fn symbols(
        &self,
        place: &Place,
        symbols: &SymbolsArguments,
    ) -> impl Future<Output = Result<Told<SymbolList>, Refusal>> + Send;

    /// What the graph knows.
    fn ask(
        &self,
        place: &Place,
        question: &CodeQuestion,
    ) -> impl Future<Output = Result<Told<CodeAnswer>, Refusal>> + Send;

    /// Lines of a file.
    fn file(&self, place: &Place, read: &ReadArguments)
    -> impl Future<Output = Result<Told<FileText>, Refusal>> + Send;
}
