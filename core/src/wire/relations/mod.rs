//! Answers about symbols on the wire: callers, usages, implementations, impact, dependencies and map; and the same as lines for
//! people. Every answer says of which commit it is, and what it does not know.

mod asked;
mod compact;
mod detail;
mod lines;
mod outline;
mod page;
mod shape;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Timestamp;
use crate::search::relations::IndexedAs;

pub use self::asked::{DefinitionList, call_answer, definition_list, file_outline, member_answer};
pub use self::detail::{SymbolDetail, symbol_detail, undecided_detail};
pub use self::outline::{Outline, OutlineItem, outline};
pub use self::shape::{call_list, dependency_list, impact_report, member_list, repository_map, role, undecided};

/// A symbol, a file as a whole, or a name of another package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SymbolRef {
    /// Give it as `symbol` to ask more: `src/db/pool.rs#Pool.acquire`; `~2` at the end is the second of that name in the file.
    pub id: String,
    /// The name alone.
    pub name: String,
    /// `function`, `class`, …; `file`; `external` for what another package defines.
    pub kind: String,
    /// Path of its file, percent-encoded where it is not UTF-8; absent for `external`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Line of its name; absent where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Whether others may use it by name.
    pub exported: bool,
    /// Whether it is a test, or lies in one.
    pub test: bool,
}

/// A place where a symbol is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallSite {
    /// 1-based; 0 where the text is not at hand.
    pub line: u64,
    /// 1-based, in code points.
    pub column: u64,
    /// The line without blanks at its ends, cut to 400 bytes.
    pub text: String,
    /// `call`, `new`, `type`, `inherit`, `import`, `read`, `write`, `decorate`, `macro`.
    pub role: String,
    /// The share of such edges that are right.
    pub confidence: f32,
    /// The rule that found it: `precise`, `own`, `file`, `import`, `qualified`, `receiver`, `package`, `unique`, `candidate`.
    pub resolution: String,
}

/// Who calls or uses, or what is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallItem {
    /// Who calls, or what is called.
    pub symbol: SymbolRef,
    /// Level of the tree, from 1.
    pub depth: u32,
    /// The id that it stands below; absent at the first level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The most certain of its sites.
    pub confidence: f32,
    /// The rule that found that one.
    pub resolution: String,
    /// The file of the sites; percent-encoded where it is not UTF-8.
    pub path: String,
    /// Where, the first 20.
    pub sites: Vec<CallSite>,
    /// How many sites there are.
    pub site_count: u64,
}

/// How sure the users of a symbol are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UseSummary {
    /// Sites with a confidence of 0.8 and more.
    pub confirmed: u64,
    /// Sites with less, also those below the confidence that was asked for.
    pub possible: u64,
    /// References by the same name of which nobody knows what they mean: callers may be among them.
    pub unresolved_same_name: u64,
}

/// What an answer was made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GraphState {
    /// `owner/name`; absent for a folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The commit, 40 hexadecimal digits; absent for a plain folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// When it was indexed; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub indexed_at: Option<Timestamp>,
    /// `graph`; `names only` for a commit that has none.
    pub resolution: String,
    /// `pending` while symbols of some files are read anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbols: Option<String>,
}

impl GraphState {
    /// What the searcher says of a tip.
    pub fn of(repository: Option<String>, indexed: &IndexedAs) -> Self {
        Self {
            repository,
            commit: Some(indexed.commit.to_string()),
            indexed_at: indexed.indexed_ms.and_then(Timestamp::from_millis),
            resolution: if indexed.has_graph { "graph" } else { "names only" }.to_owned(),
            symbols: indexed.is_pending.then(|| "pending".to_owned()),
        }
    }
}

/// Callers, callees or usages of one symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallList {
    /// Whose; absent where the name means several symbols or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<SymbolRef>,
    /// Level by level, of each the most certain first.
    pub items: Vec<CallItem>,
    /// Of users; absent for callees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<UseSummary>,
    /// Where the name means several symbols: choose one by its id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<SymbolRef>,
    /// Give it as `cursor` to get the next page; absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Whether items were left out that no cursor leads to.
    pub truncated: bool,
    /// What the answer was made from.
    pub index: GraphState,
    /// Sentences that the reader should see.
    pub notes: Vec<String>,
}

/// A type or member below or above.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemberItem {
    /// It.
    pub symbol: SymbolRef,
    /// The id of the one that it stands directly below, or above.
    pub of: String,
    /// Level, from 1.
    pub depth: u32,
    /// `extends`, `implements`, `embeds`, or `overrides` between members.
    pub relation: String,
    /// How sure that is.
    pub confidence: f32,
    /// The rule that found it.
    pub resolution: String,
}

/// What implements, extends or overrides a symbol, or what it does so to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MemberList {
    /// Whose; absent where the name means several symbols or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<SymbolRef>,
    /// Level by level.
    pub items: Vec<MemberItem>,
    /// Where the name means several symbols: choose one by its id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<SymbolRef>,
    /// Give it as `cursor` to get the next page; absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// What the answer was made from.
    pub index: GraphState,
    /// Sentences that the reader should see.
    pub notes: Vec<String>,
}

/// A file that is used, or uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DependencyItem {
    /// Its path; percent-encoded where it is not UTF-8.
    pub path: String,
    /// Level, from 1.
    pub depth: u32,
    /// The path that it stands below; absent at the first level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// How it is used, or uses: `import`, `call`, `type`, ….
    pub roles: Vec<String>,
    /// The most certain of the uses.
    pub confidence: f32,
    /// How many.
    pub count: u32,
}

/// What a file uses, or what uses it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DependencyList {
    /// The file.
    pub path: String,
    /// Level by level.
    pub items: Vec<DependencyItem>,
    /// Circles through the file, the shortest first; each begins with the file.
    pub cycles: Vec<Vec<String>>,
    /// All files that it reaches and that reach it, itself among them; empty: it is in no circle.
    pub component: Vec<String>,
    /// Give it as `cursor` to get the next page; absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Whether something was left out because it is too much.
    pub truncated: bool,
    /// What the answer was made from.
    pub index: GraphState,
}

/// What a change may touch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImpactItem {
    /// It.
    pub symbol: SymbolRef,
    /// Steps of the shortest way to what changes.
    pub depth: u32,
    /// The highest product of confidences over all ways, times 0.9 for each step.
    pub confidence: f32,
    /// How it uses the next one on that way.
    pub via: String,
}

/// A symbol that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangedSymbol {
    /// It.
    pub symbol: SymbolRef,
    /// Whether its signature may change, not only its body.
    pub signature: bool,
}

/// What was named, and is not one symbol.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnclearName {
    /// As it was given.
    pub name: String,
    /// What it may mean; empty: nothing that the graph has.
    pub candidates: Vec<SymbolRef>,
}

/// How grave a change is, with what that follows from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Risk {
    /// Direct users that are no tests.
    pub direct: u64,
    /// All others that are no tests.
    pub transitive: u64,
    /// Files of both.
    pub files: u64,
    /// Changed symbols that others may use by name.
    pub public_api: u64,
    /// Tests that reach the change.
    pub tests: u64,
    /// From 0 to 1: 0.4 × direct / 20 + 0.2 × files / 20 + 0.2 if public + 0.2 if no test reaches it, each at most once.
    pub score: f32,
}

/// What may break when something changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ImpactReport {
    /// What changes.
    pub changed: Vec<ChangedSymbol>,
    /// What is touched and is no test, by depth, then the most likely first.
    pub items: Vec<ImpactItem>,
    /// Tests that reach the change, in the same order.
    pub tests: Vec<ImpactItem>,
    /// Those of both where programs or people enter.
    pub entry_points: Vec<ImpactItem>,
    /// How grave that is.
    pub risk: Risk,
    /// What was named, and is not one symbol: not looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unclear: Vec<UnclearName>,
    /// Files of a diff that the index has not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_files: Vec<String>,
    /// Give it as `cursor` to get the next page; absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Whether more is touched than was looked at.
    pub truncated: bool,
    /// What the answer was made from.
    pub index: GraphState,
    /// Sentences that the reader should see.
    pub notes: Vec<String>,
}

/// What of a repository is worth knowing first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RepositoryMap {
    /// File by file, signatures with their lines.
    pub text: String,
    /// Bytes of it.
    pub bytes: u64,
    /// Roughly how many tokens that is: a quarter of the bytes.
    pub tokens_estimate: u64,
    /// Symbols shown.
    pub shown: u64,
    /// Whether more bytes would show more.
    pub truncated: bool,
    /// What the answer was made from.
    pub index: GraphState,
}
