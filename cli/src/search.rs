//! `kotadb search`: asks the local index and prints lines, JSON or a count.

use std::io::{IsTerminal, Write, stdout};

use kotadb_core::query::{self, Query};
use kotadb_core::search::{SearchError, SearchRequest, SearchResult, Searcher};
use kotadb_core::wire::search::{hits, summary};
use kotadb_indexer::local::{self, LocalIndex};

use crate::args::SearchArgs;

/// Most memory that one search keeps of what it has read.
const CACHE_BYTES: u64 = 256 << 20;

/// Whether anything was found.
pub async fn run(args: &SearchArgs) -> anyhow::Result<bool> {
    let text = args.query.join(" ");
    let index = local::open(&args.repo)?;
    let request = SearchRequest {
        tenant: index.tenant,
        visible: vec![index.visible()],
        query: query(args, &text).await?,
        limit: wanted(args),
    };
    let result = Searcher::new(index.store.clone(), CACHE_BYTES).search(&request).await;
    let result = result.map_err(|error| explained(&index, error))?;
    print(args, &result)?;
    if !args.json && args.reference.is_none() {
        note_differences(args);
    }
    Ok(result.n_files > 0)
}

/// The query, with the ref that is meant where that is not the one searched anyway.
async fn query(args: &SearchArgs, text: &str) -> anyhow::Result<Query> {
    let query = query::parse(text)?;
    let reference = args.reference.as_deref();
    if reference.is_none() && query.names_refs() {
        return Ok(query);
    }
    if let Some(pattern) = reference.filter(|reference| reference.contains('*')) {
        return Ok(query::parse(&format!("({text}) ref:\"{pattern}\""))?);
    }
    let Some(choice) = local::choose(&args.repo, reference).await? else { return Ok(query) };
    if let Some(reference) = reference.filter(|_| choice.moved) {
        eprintln!("note: `{reference}` has moved on from the indexed commit {}", choice.commit);
    }
    if choice.is_default && reference.is_none() {
        return Ok(query);
    }
    let name = choice.ref_name.replace('"', "\\\"").replace('{', "\\{");
    Ok(query::parse(&format!("({text}) ref:\"{name}\""))?)
}

fn explained(index: &LocalIndex, error: SearchError) -> anyhow::Error {
    match error {
        SearchError::Store(error) => index.explain(error).into(),
        other => other.into(),
    }
}

/// A count needs every match; so does `--limit 0`.
fn wanted(args: &SearchArgs) -> Option<usize> {
    (!args.count && args.limit > 0).then_some(args.limit)
}

fn print(args: &SearchArgs, result: &SearchResult) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(stdout().lock());
    if args.count {
        let n: usize = result.files.iter().map(|file| file.lines.len().max(1)).sum();
        writeln!(out, "{n}")?;
    } else if args.json {
        for hit in hits(result) {
            serde_json::to_writer(&mut out, &hit)?;
            out.write_all(b"\n")?;
        }
        serde_json::to_writer(&mut out, &summary(result))?;
        out.write_all(b"\n")?;
    } else {
        let colour = stdout().is_terminal();
        for hit in hits(result) {
            out.write_all(hit.render(colour).as_bytes())?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    if !args.json && !args.count && !result.complete {
        eprintln!("stopped at {} lines: --limit 0 prints all of them", args.limit);
    }
    Ok(())
}

/// The index holds a commit; say so where the working tree has moved on.
fn note_differences(args: &SearchArgs) {
    match local::dirty(&args.repo) {
        Ok(0) | Err(_) => {}
        Ok(1) => eprintln!("note: 1 file differs from the indexed commit"),
        Ok(n) => eprintln!("note: {n} files differ from the indexed commit"),
    }
}
