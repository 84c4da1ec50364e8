//! Where blocks of a graph and texts of its files come from, and how a question is asked until nothing is missing.

use std::collections::HashMap;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::graph::{Block, GraphError, Place, View};
use crate::search::SearchError;
use crate::store::StoreError;

/// Where blocks and texts come from. Each call is one wave.
pub trait Ground: Sync {
    /// The bytes of blocks, each with its range in its file, in their order.
    fn blocks(&self, places: &[(Place, Range<u64>)])
    -> impl Future<Output = Result<Vec<Bytes>, RelationsError>> + Send;

    /// The texts of files; a file that is not there has none.
    fn texts(&self, paths: &[Vec<u8>]) -> impl Future<Output = Result<HashMap<Vec<u8>, Bytes>, RelationsError>> + Send;

    /// Ids of all symbols of a name, be they in the graph or not; `None`: the graph has to be looked through.
    fn ids(&self, _name: &str) -> impl Future<Output = Result<Option<Vec<String>>, RelationsError>> + Send {
        async { Ok(None) }
    }

    /// Keeps a block for others who ask.
    fn keep(&self, _place: Place, _block: Arc<Block>) {}
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RelationsError {
    /// The graph cannot be read.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Names cannot be looked up.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// A file that was asked for is not in the index.
    #[error("there is no file `{0}` in the index: give its path from the root of the repository")]
    NoFile(String),
    /// A name that would have to be looked for in too many symbols.
    #[error("`{0}` is a name, and this graph is too large to look through: give an id, as `src/pool.rs#Pool.acquire`")]
    OnlyIds(String),
    /// A diff cannot be read.
    #[error("the diff cannot be read: {0}")]
    Diff(String),
}

/// Asks until nothing is missing; what is, comes in one wave each time.
pub async fn drive<T>(
    view: &View,
    ground: &impl Ground,
    ask: impl Fn(&View) -> Result<T, GraphError> + Send,
) -> Result<T, RelationsError> {
    loop {
        match ask(view) {
            Err(GraphError::Missing) => {}
            other => return Ok(other?),
        }
        let wanted: Vec<_> = view.take_wanted().into_iter().map(|place| (place, view.range(place))).collect();
        let blocks = ground.blocks(&wanted).await?;
        for ((place, _), bytes) in wanted.into_iter().zip(blocks) {
            ground.keep(place, view.insert(place, &bytes)?);
        }
    }
}
