//! Answers to what a text means, and of which commit they are.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::shape::{call_list, member_list, undecided, undecided_members};
use super::{CallList, GraphState, MemberList, Outline, SymbolRef, outline};
use crate::facts::Facts;
use crate::search::commit::{CommitState, FileFacts};
use crate::search::relations::{CallTree, Meant, MemberTree, SymbolPlace};
use crate::wire::Timestamp;
use crate::wire::search::path_text;

/// How names are resolved where there is no graph.
const NAMES_ONLY: &str = "names only";
/// What that means for an answer.
const NO_GRAPH: &str = "this commit has no graph: names were matched at the first level, so nothing is confirmed";

/// Where a symbol is defined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DefinitionList {
    /// All that the text may mean: several where several symbols have that name.
    pub items: Vec<SymbolRef>,
    /// What the answer was made from.
    pub index: GraphState,
    /// Sentences that the reader should see.
    pub notes: Vec<String>,
}

impl GraphState {
    /// Of a commit of the index.
    pub fn of_commit(state: &CommitState) -> Self {
        let written = state.graph.map_or(state.snapshot, |graph| graph.key);
        Self {
            repository: Some(state.repository_name.clone()),
            commit: Some(state.commit.to_string()),
            indexed_at: written.written_ms().and_then(Timestamp::from_millis),
            resolution: if state.graph.is_some() { "graph" } else { NAMES_ONLY }.to_owned(),
            symbols: state.is_pending.then(|| "pending".to_owned()),
        }
    }
}

/// What is defined in a file of the index.
pub fn file_outline(found: &FileFacts, state: &CommitState) -> Outline {
    let symbols = found.pending.then(|| "pending".to_owned());
    let index = GraphState { symbols, ..GraphState::of_commit(state) };
    let none = Facts::default();
    outline(path_text(&found.path).0, found.facts.as_ref().unwrap_or(&none), &found.text, index)
}

/// Where a symbol is defined.
pub fn definition_list(name: &str, places: &[SymbolPlace], index: GraphState) -> DefinitionList {
    let CallList { candidates, index, notes, .. } = undecided(name, places, index);
    let notes = if places.len() == 1 { Vec::new() } else { notes };
    DefinitionList { items: candidates, index, notes }
}

/// Callers, callees or usages of what a text means.
pub fn call_answer(name: &str, answer: &Meant<CallTree>, index: GraphState) -> CallList {
    let mut list = match answer {
        Meant::One(tree) => call_list(tree, index),
        Meant::Unclear(places) => undecided(name, places, index),
    };
    if list.index.resolution == NAMES_ONLY {
        list.notes.push(NO_GRAPH.to_owned());
    }
    list
}

/// What implements, extends or overrides what a text means.
pub fn member_answer(name: &str, answer: &Meant<MemberTree>, index: GraphState) -> MemberList {
    match answer {
        Meant::One(tree) => member_list(&tree.subject, &tree.lines, index),
        Meant::Unclear(places) => undecided_members(name, places, index),
    }
}

impl DefinitionList {
    /// A line for each symbol, then what is to be said.
    pub fn lines(&self) -> Vec<String> {
        let notes = self.notes.iter().map(|note| format!("note: {note}"));
        self.items.iter().map(SymbolRef::line_text).chain(notes).collect()
    }
}
