//! What a symbol is, from the text of its file: declaration, the words above it, and from which line to which it goes.

use kotadb_core::http::ApiError;
use kotadb_core::search::Searcher;
use kotadb_core::search::commit::{CommitRequest, FileFacts, FileFactsRequest};
use kotadb_core::search::relations::{SymbolPlace, words_above};
use kotadb_core::text::Language;
use kotadb_core::wire::relations::{OutlineItem, file_outline};

/// A definition, as its file has it.
pub(crate) struct Definition {
    pub(crate) language: Language,
    /// The declaration on one line.
    pub(crate) signature: String,
    /// Comments and attributes directly above.
    pub(crate) words: Vec<String>,
    /// First and last line, from 1.
    pub(crate) lines: (u64, u64),
    text: Vec<u8>,
}

impl Definition {
    /// Of a symbol at a commit; `None`: it has no text of its own, or none that is known.
    pub(crate) async fn of(
        searcher: &Searcher,
        commit: &CommitRequest,
        symbol: &SymbolPlace,
    ) -> Result<Option<Self>, ApiError> {
        if symbol.path.is_empty() || symbol.is_file {
            return Ok(None);
        }
        let found = searcher.ask(commit, &FileFactsRequest { path: symbol.path.clone() }).await?;
        let outline = file_outline(&found.answer, &found.state);
        let ids = found.answer.ids();
        let item = outline.items.iter().zip(&ids).find(|(_, id)| **id == symbol.id).map(|(item, _)| item);
        Ok(item.map(|item| Self::from(&found.answer, item)))
    }

    fn from(file: &FileFacts, item: &OutlineItem) -> Self {
        let first = usize::try_from(item.line).unwrap_or(usize::MAX);
        let n = usize::try_from(item.end_line + 1 - item.line.min(item.end_line)).unwrap_or(usize::MAX);
        let lines = file.text.split(|byte| *byte == b'\n').skip(first.saturating_sub(1)).take(n);
        Self {
            language: file.language,
            signature: item.signature.clone(),
            words: words_above(&file.text, first),
            lines: (item.line, item.end_line),
            text: lines.collect::<Vec<_>>().join(&b'\n'),
        }
    }

    /// Its text: whole lines.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }
}
