//! What a file says by itself: its definitions, as the extractor saw them.

use bytes::Bytes;

use super::content::find;
use super::{Ask, CommitError, OpenCommit};
use crate::facts::{Facts, extractor_version};
use crate::graph::nodes_of;
use crate::text::Language;

/// Asks for the facts of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFactsRequest {
    /// Path from the root of the repository.
    pub path: Vec<u8>,
}

/// What a file says by itself.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// Path from the root of the repository.
    pub path: Vec<u8>,
    /// Language of the file.
    pub language: Language,
    /// Its facts; `None`: none are known.
    pub facts: Option<Facts>,
    /// Whether its language has symbols at all.
    pub has_symbols: bool,
    /// Whether its symbols are still to come: another version of the indexer saw it.
    pub pending: bool,
    /// Its text, which places are in.
    pub text: Bytes,
}

impl FileFacts {
    /// The ids of its definitions, in their order: `src/db/pool.rs#Pool.acquire`.
    pub fn ids(&self) -> Vec<String> {
        let path = String::from_utf8_lossy(&self.path);
        let nodes = self.facts.as_ref().map(nodes_of).unwrap_or_default();
        nodes.iter().map(|node| format!("{path}#{}", node.label())).collect()
    }
}

impl Ask for FileFactsRequest {
    type Answer = FileFacts;

    async fn ask(&self, commit: &OpenCommit<'_>) -> Result<FileFacts, CommitError> {
        let snapshot = commit.snapshot().await?;
        let entry = find(&snapshot, &self.path)?;
        let open = commit.segment(&snapshot, &entry).await?;
        let damaged = |error| commit.reader().segment_error(open.key, &(0..0), &error);
        let place = open.segment.facts_range(entry.doc).map_err(damaged)?;
        let (text, frame) = commit.text_and(&open, &entry, place).await?;
        let facts = frame.map(|frame| open.segment.decode_facts(&frame, &text)).transpose().map_err(damaged)?;
        let (wanted, seen) = (extractor_version(entry.language), open.segment.extractor(entry.doc).map_err(damaged)?);
        Ok(FileFacts {
            path: entry.path.to_vec(),
            language: entry.language,
            facts,
            has_symbols: wanted.is_some(),
            pending: wanted.is_some_and(|wanted| seen < wanted),
            text,
        })
    }
}
