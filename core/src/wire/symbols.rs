//! Symbols on the wire: one object a symbol, a list over REST, and a line of text for people.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::List;
use super::search::{Stats, path_text, printable};
use crate::facts::Flags;
use crate::search::{SymbolAnswer, SymbolHit};

/// A symbol that was found by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SymbolItem {
    /// Stable id: `src/db/pool.rs#Pool.acquire`; `~2` follows for the second of that name in the file, and so on.
    pub id: String,
    /// The name alone.
    pub name: String,
    /// Names of what is round it, joined with `.`; left out where nothing is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub container: String,
    /// What it is: `function`, `method`, `class`, …
    pub kind: String,
    /// How it is declared, on one line, at most 160 characters; left out where its kind has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub signature: String,
    /// `owner/name`.
    pub repository: String,
    /// Full name of the ref.
    #[serde(rename = "ref")]
    pub ref_name: String,
    /// Full names of further refs that have it in the same text under the same path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_refs: Vec<String>,
    /// The commit, 40 hexadecimal digits.
    pub commit: String,
    /// Path in the commit; percent-encoded if `path_lossy`.
    pub path: String,
    /// Whether the path is not UTF-8 and thus percent-encoded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub path_lossy: bool,
    /// Language, as `lang:` takes it.
    pub language: String,
    /// 1-based line of the name.
    pub line: u32,
    /// 1-based column of the name, in code points.
    pub column: u32,
    /// What is true of it: `exported`, `test`, `static`, `abstract`, `async`, `deprecated`, `generated`, `declaration`, `entry`,
    /// `accessor`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// How the name matches: `exact`, `case`, `prefix`, `word` (parts of it) or `part`.
    #[serde(rename = "match")]
    pub matched: String,
}

/// The answer over REST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SymbolList {
    /// Symbols, the best first.
    #[serde(flatten)]
    pub list: List<SymbolItem>,
    /// What it cost.
    pub stats: Stats,
}

/// The answer over REST.
pub fn list(answer: &SymbolAnswer) -> SymbolList {
    let mut list = List::page(answer.symbols.iter().map(SymbolItem::from).collect(), None);
    list.truncated = !answer.complete;
    list.total = Some(list.items.len() as u64);
    list.total_is_exact = answer.complete;
    list.index = Some(serde_json::json!({
        "root_version": answer.root_version,
        "refs": answer.n_refs,
        "complete": answer.complete,
        "hidden": answer.hidden,
        "symbols": if answer.pending { "pending" } else { "there" },
    }));
    list.notes = notes(answer);
    SymbolList { list, stats: answer.stats.into() }
}

/// What a reader of the answer should know, in sentences.
pub fn notes(answer: &SymbolAnswer) -> Vec<String> {
    let mut notes = Vec::new();
    if answer.n_refs == 0 {
        notes.push("nothing was searched: no indexed repository of this key has such a name or ref".to_owned());
    }
    if !answer.complete {
        notes.push("there are more symbols: give a longer name, or say where with `filter`".to_owned());
    }
    if answer.pending {
        notes.push("symbols of some files are pending: what was indexed before is being looked at anew".to_owned());
    }
    if answer.hidden > 0 {
        let n = answer.hidden;
        notes.push(format!("{n} hidden in generated and vendored files: `generated:yes`, `vendored:yes` show them"));
    }
    notes
}

impl From<&SymbolHit> for SymbolItem {
    fn from(hit: &SymbolHit) -> Self {
        let (path, path_lossy) = path_text(&hit.path);
        Self {
            id: hit.id(),
            name: hit.row.name.to_string(),
            container: hit.row.container.to_string(),
            kind: hit.row.kind.name().to_owned(),
            signature: hit.row.signature.to_string(),
            repository: hit.repository_name.clone(),
            ref_name: hit.refs.first().cloned().unwrap_or_default(),
            other_refs: hit.refs.get(1..).unwrap_or_default().to_vec(),
            commit: hit.commit.to_string(),
            path,
            path_lossy,
            language: hit.language.name().to_owned(),
            line: hit.row.line,
            column: hit.row.column,
            flags: flags(hit.row.flags),
            matched: hit.matched.name().to_owned(),
        }
    }
}

fn flags(flags: Flags) -> Vec<String> {
    let names = [
        (Flags::EXPORTED, "exported"),
        (Flags::TEST, "test"),
        (Flags::STATIC, "static"),
        (Flags::ABSTRACT, "abstract"),
        (Flags::ASYNC, "async"),
        (Flags::DEPRECATED, "deprecated"),
        (Flags::GENERATED, "generated"),
        (Flags::DECLARATION, "declaration"),
        (Flags::ENTRY, "entry"),
        (Flags::ACCESSOR, "accessor"),
    ];
    names.into_iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, name)| name.to_owned()).collect()
}

impl SymbolItem {
    /// For people: `path:line:column: kind Pool.acquire` and the signature, if there is one.
    pub fn render(&self) -> String {
        let qualified = match self.container.as_str() {
            "" => self.name.clone(),
            container => format!("{container}.{}", self.name),
        };
        let signature = if self.signature.is_empty() { String::new() } else { format!("  {}", self.signature) };
        let text = format!("{}:{}:{}: {} {qualified}{signature}", self.path, self.line, self.column, self.kind);
        printable(&text)
    }
}
