//! From a call to its answer: arguments are read and checked, the ground is asked, the answer is made to fit.

use kotadb_core::facts::Role;
use kotadb_core::graph::Confidence;
use kotadb_core::graph::ask::{Direction, Question, Reach};
use kotadb_core::search::commit::{
    CallsRequest, Changed, DefinitionRequest, DependenciesRequest, ImpactRequest, MapRequest, MembersRequest,
};
use kotadb_core::search::relations::ChangeSource;
use kotadb_core::wire::relations::role;
use kotadb_core::wire::{IndexState, List, escaped};
use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::answer::{TOKEN, fit};
use crate::arguments::{
    CallsArguments, Common, DefinitionArguments, DependenciesArguments, ImpactArguments, IndexArguments, ListArguments,
    MapArguments, MembersArguments, ReadArguments, SearchArguments, StatusArguments, SymbolArguments, SymbolsArguments,
    UsagesArguments,
};
use crate::ground::{Ground, Place, Refusal, Told};
use crate::progress::Progress;
use crate::question::{CodeQuestion, DetailRequest};
use crate::task;

/// Tokens of an answer where nothing is said.
const TOKENS: u32 = 4000;
/// Fewest that can be asked for, and most.
const MIN_TOKENS: u32 = 256;
const MAX_TOKENS: u32 = 20_000;
/// Most bytes of a refusal.
const MOST_TOLD: usize = MIN_TOKENS as usize * TOKEN;
/// Longest name, query and path, in bytes.
const MAX_TEXT: usize = 1024;
/// The same of a path.
const MAX_PATH: usize = 4096;
/// Lines of a tree of files.
const MOST_FILES: usize = 200;
/// Most items of a page.
const MAX_LIMIT: u32 = 100;
/// Items of a page where nothing is said.
const LIMIT: u32 = 20;

/// Calls a tool. What is wrong with a call is an answer, too: its reader can do better.
pub async fn call<G: Ground>(ground: &G, name: &str, arguments: JsonObject, progress: Progress) -> CallToolResult {
    match Box::pin(answer(ground, name, arguments, &progress)).await {
        Ok(result) => result,
        Err(refusal) => CallToolResult::error(vec![ContentBlock::text(told(&refusal))]),
    }
}

/// A refusal may quote what was asked for, which may be long: it fits the smallest budget there is.
fn told(refusal: &Refusal) -> String {
    let text = refusal.to_string();
    let text = escaped(&text);
    let end = text.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= MOST_TOLD).last();
    text.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
}

async fn answer<G: Ground>(
    ground: &G,
    name: &str,
    arguments: JsonObject,
    progress: &Progress,
) -> Result<CallToolResult, Refusal> {
    let Asked { place, tokens, own } = Asked::of(arguments)?;
    let told = match name {
        "list_repositories" => {
            let ListArguments { query } = own_of(own)?;
            let mut items = ground.repositories(query.as_deref().unwrap_or_default()).await?;
            items.retain(|item| place.repo.as_ref().is_none_or(|name| item.repository.eq_ignore_ascii_case(name)));
            return Ok(fit(repositories(items), tokens));
        }
        "index_repository" => {
            let IndexArguments { url } = own_of(own)?;
            let url = url.map(|url| text("url", &url, MAX_TEXT)).transpose()?;
            let state = ground.index(&place, url.as_deref(), progress).await?;
            return Ok(fit(Told { answer: state, freshness: Vec::new() }, tokens));
        }
        "get_index_status" => {
            let StatusArguments {} = own_of(own)?;
            return Ok(fit(ground.status(&place).await?, tokens));
        }
        "search_code" => {
            let mut search: SearchArguments = own_of(own)?;
            text("query", &search.query, MAX_TEXT)?;
            search.limit = Some(limit(search.limit)?);
            search.context = Some(between("context", search.context.unwrap_or(0), 0, 5)?);
            return Ok(fit(ground.search(&place, &search).await?, tokens));
        }
        "search_symbols" => {
            let mut symbols: SymbolsArguments = own_of(own)?;
            text("name", &symbols.name, MAX_TEXT)?;
            symbols.limit = Some(limit(symbols.limit)?);
            return Ok(fit(ground.symbols(&place, &symbols).await?, tokens));
        }
        "read_file" => {
            let read: ReadArguments = own_of(own)?;
            text("path", &read.path, MAX_PATH)?;
            return Ok(fit(ground.file(&place, &read).await?, tokens));
        }
        "get_task_context" => return Ok(fit(task::context(ground, &place, &own_of(own)?).await?, tokens)),
        name => Box::pin(ground.ask(&place, &question(name, own, tokens)?)).await?,
    };
    Ok(fit(told, tokens))
}

/// Questions to the graph.
fn question(name: &str, own: JsonObject, tokens: u32) -> Result<CodeQuestion, Refusal> {
    Ok(match name {
        "find_definition" => {
            let DefinitionArguments { symbol } = own_of(own)?;
            CodeQuestion::Definition(DefinitionRequest { symbol: text("symbol", &symbol, MAX_PATH)? })
        }
        "get_symbol" => {
            let SymbolArguments { symbol, body } = own_of(own)?;
            let symbol = text("symbol", &symbol, MAX_PATH)?;
            CodeQuestion::Symbol(DetailRequest { symbol, body: body.unwrap_or(true) })
        }
        "find_callers" => calls(own_of(own)?, Direction::Users)?,
        "find_callees" => calls(own_of(own)?, Direction::Used)?,
        "find_usages" => usages(own_of(own)?)?,
        "find_implementations" => {
            let MembersArguments { symbol, above } = own_of(own)?;
            let (symbol, min_confidence) = (text("symbol", &symbol, MAX_PATH)?, Confidence(0));
            CodeQuestion::Members(MembersRequest { symbol, below: !above, min_confidence })
        }
        "find_dependencies" => {
            let DependenciesArguments { path, dependents, depth, min_confidence } = own_of(own)?;
            CodeQuestion::Dependencies(DependenciesRequest {
                path: text("path", &path, MAX_PATH)?.into_bytes(),
                direction: if dependents { Direction::Users } else { Direction::Used },
                depth: between("depth", depth.unwrap_or(1), 1, 5)?,
                min_confidence: confidence(min_confidence)?,
                roles: Vec::new(),
                most: MOST_FILES,
            })
        }
        "analyze_impact" => impact(own_of(own)?)?,
        "get_repo_map" => {
            let MapArguments { focus, path } = own_of(own)?;
            // Text and structured content hold it both, with marks and escapes round it.
            let bytes = (tokens as usize * TOKEN).saturating_sub(900) * 9 / 20;
            CodeQuestion::Map(MapRequest { focus, prefix: path.unwrap_or_default(), bytes })
        }
        unknown => return Err(Refusal::new(format!("there is no tool `{unknown}`"))),
    })
}

fn calls(arguments: CallsArguments, direction: Direction) -> Result<CodeQuestion, Refusal> {
    let CallsArguments { symbol, depth, min_confidence, include_tests, limit } = arguments;
    let question = Question {
        depth: between("depth", depth.unwrap_or(1), 1, 3)?,
        min_confidence: confidence(min_confidence)?,
        include_tests: include_tests.unwrap_or(true),
        most: self::limit(limit)? as usize,
        ..Question::calls(direction)
    };
    Ok(CodeQuestion::Calls(CallsRequest { symbol: text("symbol", &symbol, MAX_PATH)?, question }))
}

fn usages(arguments: UsagesArguments) -> Result<CodeQuestion, Refusal> {
    let UsagesArguments { symbol, kinds, min_confidence, include_tests, limit } = arguments;
    let all = Question::usages();
    let roles = kinds.iter().map(|name| role(name)).collect::<Result<Vec<Role>, _>>().map_err(Refusal::new)?;
    let question = Question {
        roles: if roles.is_empty() { all.roles.clone() } else { roles },
        min_confidence: confidence(min_confidence)?,
        include_tests: include_tests.unwrap_or(true),
        most: self::limit(limit)? as usize,
        ..all
    };
    Ok(CodeQuestion::Calls(CallsRequest { symbol: text("symbol", &symbol, MAX_PATH)?, question }))
}

fn impact(arguments: ImpactArguments) -> Result<CodeQuestion, Refusal> {
    let ImpactArguments { changed, diff, depth } = arguments;
    let reach = Reach { depth: between("depth", depth.unwrap_or(5), 1, 5)?, ..Reach::default() };
    let source = match (changed.is_empty(), diff) {
        (false, None) => ChangeSource::Named(changed),
        (true, Some(diff)) => ChangeSource::Diff(diff),
        _ => return Err(Refusal::new("give either `changed` (symbols, paths) or `diff`")),
    };
    Ok(CodeQuestion::Impact(ImpactRequest { changed: Changed::Source(source), reach }))
}

fn repositories(items: Vec<IndexState>) -> Told<List<IndexState>> {
    let n = items.len() as u64;
    let mut list = List::page(items, None).with_total(n);
    if n == 0 {
        list.notes.push("there is no repository to be seen: register one first".to_owned());
    }
    Told { answer: list, freshness: Vec::new() }
}

/// A call without what all tools take.
struct Asked {
    place: Place,
    tokens: u32,
    own: JsonObject,
}

impl Asked {
    fn of(mut arguments: JsonObject) -> Result<Self, Refusal> {
        // Some clients send `null` for what they leave out.
        arguments.retain(|_, value| !value.is_null());
        let common = ["repo", "ref", "max_tokens"].into_iter().filter_map(|name| arguments.remove_entry(name));
        let Common { repo, reference, max_tokens } = own_of(common.collect())?;
        let tokens = between("max_tokens", max_tokens.unwrap_or(TOKENS), MIN_TOKENS, MAX_TOKENS)?;
        Ok(Self { place: Place { repo, reference }, tokens, own: arguments })
    }
}

fn own_of<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| Refusal::new(format!("the arguments do not fit the schema of the tool: {error}")))
}

fn text(name: &str, text: &str, most: usize) -> Result<String, Refusal> {
    match text.len() {
        1.. if text.len() <= most && !text.trim().is_empty() => Ok(text.to_owned()),
        n => Err(Refusal::new(format!("`{name}` has {n} bytes: give 1 to {most}"))),
    }
}

fn between(name: &str, given: u32, least: u32, most: u32) -> Result<u32, Refusal> {
    match (least..=most).contains(&given) {
        true => Ok(given),
        false => Err(Refusal::new(format!("`{name}` is {given}: give {least} to {most}"))),
    }
}

fn limit(given: Option<u32>) -> Result<u32, Refusal> {
    between("limit", given.unwrap_or(LIMIT), 1, MAX_LIMIT)
}

fn confidence(given: Option<f32>) -> Result<Confidence, Refusal> {
    match given.unwrap_or(0.5) {
        share @ 0.0..=1.0 => Ok(Confidence((share * 100.0).round() as u8)),
        wrong => Err(Refusal::new(format!("`min_confidence` is {wrong}: give 0 to 1"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_fits_the_smallest_budget_and_hides_nothing() {
        let shown = told(&Refusal::new(format!("there is no file `\u{202e}{}`", "größer/".repeat(800))));
        assert!(shown.len() <= MOST_TOLD && shown.len() > MOST_TOLD - 4, "{}", shown.len());
        assert!(shown.starts_with("there is no file `\\u{202e}größer"), "{shown}");
        assert_eq!(told(&Refusal::new("give `repo`")), "give `repo`");
    }
}
