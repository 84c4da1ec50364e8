//! The tools: name, what an agent reads of them, what they take and answer. Their order is that of `tools/list`, always.

use std::sync::{Arc, OnceLock};

use kotadb_core::wire::files::FileText;
use kotadb_core::wire::relations::{
    CallList, DefinitionList, DependencyList, ImpactReport, MemberList, RepositoryMap, SymbolDetail,
};
use kotadb_core::wire::search::SearchList;
use kotadb_core::wire::symbols::SymbolList;
use kotadb_core::wire::{IndexState, List};
use rmcp::model::{Tool, ToolAnnotations};
use utoipa::ToSchema;

use crate::arguments::{
    CallsArguments, Common, DefinitionArguments, DependenciesArguments, ImpactArguments, IndexArguments, ListArguments,
    MapArguments, MembersArguments, ReadArguments, SearchArguments, StatusArguments, SymbolArguments, SymbolsArguments,
    TaskArguments, UsagesArguments,
};
use crate::schema;
use crate::task::TaskContext;

/// Which tools are offered: fewer cost an agent less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Toolset {
    /// Search, symbols, callers, usages, impact.
    Core,
    /// All that is of use to most.
    #[default]
    Default,
    /// Those that are asked for, too.
    All,
}

impl Toolset {
    /// By name.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "core" => Some(Self::Core),
            "default" => Some(Self::Default),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// The tools of a set.
pub fn tools(set: Toolset) -> Vec<Tool> {
    all().iter().filter(|(of, _)| *of <= set).map(|(_, tool)| tool.clone()).collect()
}

/// The tool of that name, if the set has it.
pub fn tool(set: Toolset, name: &str) -> Option<Tool> {
    all().iter().find(|(of, tool)| *of <= set && tool.name == name).map(|(_, tool)| tool.clone())
}

fn all() -> &'static [(Toolset, Tool)] {
    static ALL: OnceLock<Vec<(Toolset, Tool)>> = OnceLock::new();
    ALL.get_or_init(build)
}

#[rustfmt::skip]
fn build() -> Vec<(Toolset, Tool)> {
    use Toolset::{All, Core, Default};
    vec![
        (Core, reads::<ListArguments, List<IndexState>>("list_repositories", "Indexed repositories and how fresh they are.")),
        (Default, writes::<IndexArguments, IndexState>("index_repository", "Bring an index up to date.")),
        (Default, reads::<StatusArguments, IndexState>("get_index_status", "What is indexed, and what the job does.")),
        (Core, reads::<SearchArguments, SearchList>("search_code", "Lines that match exactly, best first, by file.")),
        (Core, reads::<SymbolsArguments, SymbolList>("search_symbols", "Definitions by name, best first.")),
        (Core, reads::<SymbolArguments, SymbolDetail>("get_symbol", "A symbol: place, doc, text, number of callers.")),
        (Default, reads::<DefinitionArguments, DefinitionList>("find_definition", "Where a name is defined; several are candidates.")),
        (Core, reads::<CallsArguments, CallList>("find_callers", "Who calls a symbol, how sure that is, and how much is not known.")),
        (Default, reads::<CallsArguments, CallList>("find_callees", "What a symbol calls.")),
        (Core, reads::<UsagesArguments, CallList>("find_usages", "All uses: calls, types, imports, reads, writes.")),
        (Default, reads::<MembersArguments, MemberList>("find_implementations", "What implements, extends or overrides a symbol.")),
        (Default, reads::<DependenciesArguments, DependencyList>("find_dependencies", "Files that a file uses, and its import circles.")),
        (Core, reads::<ImpactArguments, ImpactReport>("analyze_impact", "What may break by a change: users, tests, entry points, risk.")),
        (Default, reads::<MapArguments, RepositoryMap>("get_repo_map", "The signatures worth knowing first, within `max_tokens`.")),
        (Default, reads::<ReadArguments, FileText>("read_file", "Lines of a file, numbered.")),
        (All, reads::<TaskArguments, TaskContext>("get_task_context", "For a task in words: symbols and files to begin with, and their tests.")),
    ]
}

fn reads<I: ToSchema, O: ToSchema>(name: &'static str, description: &'static str) -> Tool {
    let hints = ToolAnnotations::new().read_only(true).open_world(false);
    make::<I, O>(name, description).with_annotations(hints)
}

fn writes<I: ToSchema, O: ToSchema>(name: &'static str, description: &'static str) -> Tool {
    let hints = ToolAnnotations::new().destructive(false).idempotent(true).open_world(false);
    make::<I, O>(name, description).with_annotations(hints)
}

fn make<I: ToSchema, O: ToSchema>(name: &'static str, description: &'static str) -> Tool {
    let tool = Tool::new(name, description, Arc::new(schema::input::<I, Common>()));
    tool.with_raw_output_schema(Arc::new(schema::output::<O>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(set: Toolset) -> usize {
        serde_json::to_string(&serde_json::json!({ "tools": tools(set) })).unwrap().len()
    }

    #[test]
    fn lists_are_small() {
        let (core, default, all) = (bytes(Toolset::Core), bytes(Toolset::Default), bytes(Toolset::All));
        println!("core {core}, default {default}, all {all} bytes");
        assert!(core <= 6_000, "{core}");
        assert!(default <= 10_000, "{default}");
        assert!(all <= 12_000, "{all}");
    }

    /// What agents see of the tools changes only on purpose: `KOTADB_UPDATE=1` writes it anew.
    #[test]
    fn schemas_are_as_they_were() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tools.json");
        let now = format!("{}\n", serde_json::to_string_pretty(&tools(Toolset::All)).unwrap());
        if std::env::var_os("KOTADB_UPDATE").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        let before = std::fs::read_to_string(path).unwrap_or_default();
        let line = before.lines().zip(now.lines()).position(|(before, now)| before != now);
        assert!(before == now, "`src/tools.json` differs in line {line:?}: `KOTADB_UPDATE=1` if that is meant");
    }

    #[test]
    fn no_schema_has_a_type_of_several() {
        fn look(value: &serde_json::Value, path: &str) {
            if let Some(fields) = value.as_object() {
                assert!(!fields.get("type").is_some_and(serde_json::Value::is_array), "{path}");
                assert!(!fields.contains_key("$ref"), "{path}");
                fields.iter().for_each(|(name, value)| look(value, &format!("{path}/{name}")));
            }
        }
        for tool in tools(Toolset::All) {
            look(&serde_json::to_value(&tool).unwrap(), &tool.name);
        }
    }

    #[test]
    fn sets_contain_one_another() {
        let names = |set| tools(set).into_iter().map(|tool| tool.name).collect::<Vec<_>>();
        assert_eq!((names(Toolset::Core).len(), names(Toolset::Default).len(), names(Toolset::All).len()), (7, 15, 16));
        assert!(names(Toolset::Core).iter().all(|name| names(Toolset::Default).contains(name)));
        assert!(tool(Toolset::Core, "read_file").is_none() && tool(Toolset::Default, "read_file").is_some());
    }
}
