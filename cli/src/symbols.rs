//! `kotadb symbols`: asks the local index for definitions by name. It answers for a commit: HEAD, unless another ref is named.

use kotadb_core::facts::SymbolKind;
use kotadb_core::query::{self, NameKind};
use kotadb_core::search::{SearchError, SearchRequest, Searcher, SymbolRequest};
use kotadb_core::wire::search::{near_notes, printable};
use kotadb_core::wire::symbols::{SymbolItem, notes};
use kotadb_indexer::local::LocalIndex;

use crate::args::SymbolsArgs;
use crate::excluded::Excluded;
use crate::paint::painted;
use crate::ready::{self, Behind};
use crate::ripgrep::quoted;
use crate::screen::Screen;
use crate::settings::{Settings, SettingsArgs};

/// Most memory that a look-up keeps of what it has read: it asks once.
const CACHE_BYTES: u64 = 64 << 10;

/// Whether anything was found.
pub async fn run(args: &SymbolsArgs, settings: &SettingsArgs) -> anyhow::Result<bool> {
    let settings = Settings::of_repository(settings, args.local.flags(), &args.local.repo)?;
    let excluded = Excluded::of(&settings, args.no_exclude);
    let index = ready::open(&args.local.repo, &settings)?;
    let (choice, lag) = match args.reference.as_deref() {
        None => ready::checked_out(&index, &settings).await?,
        Some(pattern) if pattern.contains('*') => (None, None),
        reference => (index.choose(reference).await?, None),
    };
    let filter = query::parse_filter(&excluded.narrowed(&args.filter.join(" ")))?;
    let filter = match (args.reference.as_deref(), choice) {
        (Some(reference), _) if reference.contains('*') => filter.of_ref(NameKind::Glob, reference),
        (_, Some(choice)) if !choice.is_default() => choice.of(filter),
        _ => filter,
    };
    let kinds = args.kind.iter().map(|name| kind(name)).collect::<Result<_, _>>()?;
    let request = SymbolRequest::new(index.tenant, vec![index.visible()], &args.name);
    let request = SymbolRequest { exact: args.exact, kinds, filter, limit: args.limit, ..request };
    let answer = Searcher::new(index.store.clone(), CACHE_BYTES).symbols(&request).await;
    let answer = answer.map_err(|error| explained(&index, error))?;
    let mut screen = Screen::new(&settings, args.json);
    for item in answer.symbols.iter().map(SymbolItem::from) {
        if args.json {
            screen.json(&item)?;
        } else {
            screen.painted(&painted(&item.render(), screen.is_coloured()))?;
        }
    }
    screen.finish()?;
    let near = if answer.symbols.is_empty() { near_symbols(&index, &args.name).await? } else { Vec::new() };
    let told = notes(&answer).into_iter().chain(near).chain(excluded.note());
    let behind = lag.map(|lag| Behind(lag).to_string());
    told.chain(behind).for_each(|note| eprintln!("note: {}", printable(&note)));
    Ok(!answer.symbols.is_empty())
}

/// What may have been meant by a name that no symbol has, in sentences.
pub async fn near_symbols(index: &LocalIndex, name: &str) -> anyhow::Result<Vec<String>> {
    // What is asked may be an id, a path, or nothing that is a name.
    let name = name.rsplit_once('#').map_or(name, |(_, name)| name);
    let Ok(query) = query::parse(&format!("sym:{}", quoted(name))) else { return Ok(Vec::new()) };
    let request = SearchRequest::new(index.tenant, vec![index.visible()], query);
    let answer = Searcher::new(index.store.clone(), CACHE_BYTES).search(&request).await;
    let answer = answer.map_err(|error| explained(index, error))?;
    Ok(near_notes(&answer.near).collect())
}

/// Says what to do about an index that is broken.
pub fn explained(index: &LocalIndex, error: SearchError) -> anyhow::Error {
    match error {
        SearchError::Store(error) => index.explain(error).into(),
        other => other.into(),
    }
}

fn kind(name: &str) -> anyhow::Result<SymbolKind> {
    let found = SymbolKind::ALL.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| anyhow::anyhow!("`--kind {name}` is unknown: give `function`, `class`, …"))
}
