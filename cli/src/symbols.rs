//! `kotadb symbols`: asks the local index for definitions by name. It answers for a commit: HEAD, unless another ref is named.

use kotadb_core::facts::SymbolKind;
use kotadb_core::query::{self, NameKind};
use kotadb_core::search::{SearchError, Searcher, SymbolRequest};
use kotadb_core::wire::symbols::{SymbolItem, notes};
use kotadb_indexer::local;

use crate::args::SymbolsArgs;

/// Most memory that a look-up keeps of what it has read: it asks once.
const CACHE_BYTES: u64 = 64 << 10;

/// Whether anything was found.
pub async fn run(args: &SymbolsArgs) -> anyhow::Result<bool> {
    let index = local::open(&args.repo)?;
    let filter = query::parse_filter(&args.filter.join(" "))?;
    let filter = match args.reference.as_deref() {
        Some(reference) if reference.contains('*') => filter.of_ref(NameKind::Glob, reference),
        reference => match index.choose(reference).await? {
            Some(choice) if !choice.is_default() => choice.of(filter),
            _ => filter,
        },
    };
    let kinds = args.kind.iter().map(|name| kind(name)).collect::<Result<_, _>>()?;
    let request = SymbolRequest::new(index.tenant, vec![index.visible()], &args.name);
    let request = SymbolRequest { exact: args.exact, kinds, filter, limit: args.limit, ..request };
    let answer = Searcher::new(index.store.clone(), CACHE_BYTES).symbols(&request).await;
    let answer = answer.map_err(|error| match error {
        SearchError::Store(error) => anyhow::Error::from(index.explain(error)),
        other => other.into(),
    })?;
    for item in answer.symbols.iter().map(SymbolItem::from) {
        let line = if args.json { serde_json::to_string(&item)? } else { item.render() };
        std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{line}\n"))?;
    }
    notes(&answer).iter().for_each(|note| eprintln!("note: {note}"));
    Ok(!answer.symbols.is_empty())
}

fn kind(name: &str) -> anyhow::Result<SymbolKind> {
    let found = SymbolKind::ALL.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| anyhow::anyhow!("`--kind {name}` is unknown: give `function`, `class`, …"))
}
