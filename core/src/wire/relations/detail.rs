//! One symbol with its text.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::shape::undecided_note;
use super::{GraphState, SymbolRef, UseSummary};
use crate::search::relations::{Source, SymbolPlace};

/// One symbol with its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SymbolDetail {
    /// It; absent where the name means several symbols or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<SymbolRef>,
    /// The declaration on one line, at most 160 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub signature: String,
    /// First line of the definition, from 1; 0 where there is no text.
    pub start_line: u64,
    /// Its last line.
    pub end_line: u64,
    /// Comments and attributes directly above it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doc: Vec<String>,
    /// The lines of the definition, where they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<String>,
    /// Its callers, by how sure they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callers: Option<UseSummary>,
    /// Where the name means several symbols: choose one by its id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<SymbolRef>,
    /// What the answer was made from.
    pub index: GraphState,
    /// Sentences that the reader should see.
    pub notes: Vec<String>,
}

/// One symbol with its text, as far as that is at hand.
pub fn symbol_detail(
    symbol: &SymbolPlace,
    source: Option<Source>,
    callers: Option<UseSummary>,
    index: GraphState,
) -> SymbolDetail {
    let Source { start_line, end_line, doc, signature, body } = source.unwrap_or_default();
    SymbolDetail {
        symbol: Some(symbol.into()),
        signature,
        start_line,
        end_line,
        doc,
        body,
        callers,
        candidates: Vec::new(),
        index,
        notes: Vec::new(),
    }
}

/// The same where a name means several symbols, or none.
pub fn undecided_detail(name: &str, candidates: &[SymbolPlace], index: GraphState) -> SymbolDetail {
    SymbolDetail {
        symbol: None,
        signature: String::new(),
        start_line: 0,
        end_line: 0,
        doc: Vec::new(),
        body: Vec::new(),
        callers: None,
        candidates: candidates.iter().map(SymbolRef::from).collect(),
        index,
        notes: vec![undecided_note(name, candidates.len())],
    }
}

impl SymbolDetail {
    /// Where it is, its callers, then its text with line numbers.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.symbol.iter().chain(&self.candidates).map(SymbolRef::line_text).collect();
        lines.extend(self.callers.map(|callers| format!("callers: {}", super::lines::summary_line(callers))));
        lines.extend(self.doc.iter().cloned());
        if self.body.is_empty() && !self.signature.is_empty() {
            lines.push(format!("{}-{}: {}", self.start_line, self.end_line, self.signature));
        }
        lines.extend(self.body.iter().zip(self.start_line..).map(|(line, number)| format!("{number}: {line}")));
        lines.extend(self.notes.iter().map(|note| format!("note: {note}")));
        lines
    }
}
