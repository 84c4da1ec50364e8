//! `kotadb search`: asks the local index and prints lines, JSON or a count.

use std::io::{IsTerminal, Write, stdout};

use kotadb_core::query;
use kotadb_core::search::{SearchRequest, SearchResult, Searcher};
use kotadb_core::wire::search::{hits, summary};
use kotadb_indexer::local;

use crate::args::SearchArgs;

/// Most memory that one search keeps of what it has read.
const CACHE_BYTES: u64 = 256 << 20;

/// Whether anything was found.
pub async fn run(args: &SearchArgs) -> anyhow::Result<bool> {
    let text = query_text(args);
    let index = local::open(&args.repo)?;
    let request = SearchRequest {
        tenant: index.tenant,
        visible: vec![index.visible()],
        query: query::parse(&text)?,
        limit: wanted(args),
    };
    let result = Searcher::new(index.store.clone(), CACHE_BYTES).search(&request).await?;
    if let Some(reference) = &args.reference {
        ensure_indexed(reference, &result)?;
    }
    print(args, &result)?;
    if !args.json && args.reference.is_none() {
        note_differences(args);
    }
    Ok(result.n_files > 0)
}

fn query_text(args: &SearchArgs) -> String {
    let text = args.query.join(" ");
    match &args.reference {
        Some(reference) => format!("({text}) ref:\"{reference}\""),
        None => text,
    }
}

/// Nothing found and nothing there to search are different answers.
fn ensure_indexed(reference: &str, result: &SearchResult) -> anyhow::Result<()> {
    let searched = result.commit.is_some() || result.n_files > 0 || reference.contains('*');
    anyhow::ensure!(searched, "`{reference}` is not indexed: run `kotadb index --ref {reference}` first");
    Ok(())
}

/// A count needs every match; so does `--limit 0`.
fn wanted(args: &SearchArgs) -> Option<usize> {
    (!args.count && args.limit > 0).then_some(args.limit)
}

fn print(args: &SearchArgs, result: &SearchResult) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(stdout().lock());
    if args.count {
        writeln!(out, "{}", result.n_matches)?;
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
