//! `kotadb index`: indexes a repository or folder of this machine, with progress on stderr.

use std::time::Instant;

use kotadb_indexer::local::{self, LocalOptions};

use crate::args::IndexArgs;
use crate::progress::Progress;

/// Indexes and prints what is searchable now.
pub fn run(args: &IndexArgs) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut progress = Progress::new(args.quiet);
    let options = LocalOptions { reference: args.reference.clone(), ..LocalOptions::default() };
    let outcome = local::index(&args.path, &options, &mut |step| {
        progress.show(&format!("indexing {} of {} files, {}", step.done, step.total, megabytes(step.bytes)));
    });
    progress.clear();
    let summary = outcome?;
    if !args.quiet {
        eprintln!(
            "indexed {} files ({} new documents, {} written) in {:.1} s; {} left out",
            summary.files,
            summary.new_documents,
            megabytes(summary.bytes_written),
            started.elapsed().as_secs_f64(),
            summary.skipped,
        );
        eprintln!("try: kotadb search QUERY");
    }
    Ok(())
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
