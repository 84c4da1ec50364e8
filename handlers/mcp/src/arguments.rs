//! What the tools take. Doc comments are what an agent reads: each costs it tokens. What all tools take is in [`Common`].

use serde::Deserialize;
use utoipa::ToSchema;

/// What every tool takes beside its own.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, ToSchema)]
#[serde(default)]
pub struct Common {
    /// `owner/name`; needed where there are several.
    pub repo: Option<String>,
    /// Branch, tag or commit.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Most tokens of the answer.
    #[schema(minimum = 256, maximum = 20000, default = 4000)]
    pub max_tokens: Option<u32>,
}

/// `list_repositories`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ListArguments {
    /// Part of the name.
    pub query: Option<String>,
}

/// `index_repository`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IndexArguments {
    /// Of a new one.
    pub url: Option<String>,
}

/// `get_index_status`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StatusArguments {}

/// `search_code`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SearchArguments {
    /// Terms (all in one file), `"phrase"`, `/regex/`, `OR`, `NOT`, `path:`, `lang:`, `case:yes`.
    #[schema(required)]
    pub query: String,
    /// Lines round a match.
    #[schema(maximum = 5)]
    pub context: Option<u32>,
    /// Most lines.
    #[schema(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// `search_symbols`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SymbolsArguments {
    /// A name, its beginning, sub-words of it, or `Class.method`.
    #[schema(required)]
    pub name: String,
    /// `function`, `method`, `class`, ….
    pub kinds: Vec<String>,
    /// Whole name, same case.
    pub exact: bool,
    /// Where: `lang:`, `path:`.
    pub filter: Option<String>,
    /// Most symbols.
    #[schema(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<u32>,
}

/// `get_symbol`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SymbolArguments {
    /// Id (`src/pool.rs#Pool.acquire`) or name.
    #[schema(required)]
    pub symbol: String,
    /// Its text, too. Default: yes.
    pub body: Option<bool>,
}

/// `find_definition`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DefinitionArguments {
    /// Id, name or place.
    #[schema(required)]
    pub symbol: String,
}

/// `find_callers`, `find_callees`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CallsArguments {
    /// Id or name.
    #[schema(required)]
    pub symbol: String,
    /// Levels.
    #[schema(minimum = 1, maximum = 3, default = 1)]
    pub depth: Option<u32>,
    /// Leave out what is less sure.
    #[schema(minimum = 0, maximum = 1, default = 0.5)]
    pub min_confidence: Option<f32>,
    /// Default: yes.
    pub include_tests: Option<bool>,
    /// Most symbols.
    #[schema(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<u32>,
}

/// `find_usages`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UsagesArguments {
    /// Id or name.
    #[schema(required)]
    pub symbol: String,
    /// `call`, `new`, `type`, `inherit`, `import`, `read`, `write`, ….
    pub kinds: Vec<String>,
    /// Leave out what is less sure.
    #[schema(minimum = 0, maximum = 1, default = 0.5)]
    pub min_confidence: Option<f32>,
    /// Default: yes.
    pub include_tests: Option<bool>,
    /// Most symbols.
    #[schema(minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<u32>,
}

/// `find_implementations`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MembersArguments {
    /// A type or a member of one.
    #[schema(required)]
    pub symbol: String,
    /// What it implements or extends, instead.
    pub above: bool,
}

/// `find_dependencies`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DependenciesArguments {
    /// A file.
    #[schema(required)]
    pub path: String,
    /// Files that use it, instead.
    pub dependents: bool,
    /// Levels.
    #[schema(minimum = 1, maximum = 5, default = 1)]
    pub depth: Option<u32>,
    /// Leave out what is less sure.
    #[schema(minimum = 0, maximum = 1, default = 0.5)]
    pub min_confidence: Option<f32>,
}

/// `analyze_impact`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ImpactArguments {
    /// Symbols by id or name, files by path.
    pub changed: Vec<String>,
    /// Or a unified diff.
    pub diff: Option<String>,
    /// Levels.
    #[schema(minimum = 1, maximum = 5, default = 5)]
    pub depth: Option<u32>,
}

/// `get_repo_map`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MapArguments {
    /// Files, symbols or names to begin from.
    pub focus: Vec<String>,
    /// Only below this path.
    pub path: Option<String>,
}

/// `read_file`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ReadArguments {
    /// From the root.
    #[schema(required)]
    pub path: String,
    /// First line, from 1.
    #[schema(minimum = 1)]
    pub start: Option<u64>,
    /// Last line.
    #[schema(minimum = 1)]
    pub end: Option<u64>,
}

/// `get_task_context`
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskArguments {
    /// What is to be done, in words; names of code count most.
    #[schema(required)]
    pub task: String,
    /// Files that are known to matter.
    pub files: Vec<String>,
}
