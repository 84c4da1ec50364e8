//! `kotadb index`: indexes a repository or folder of this machine, with progress on stderr.

use std::path::Path;
use std::time::Instant;

use kotadb_indexer::local::{self, LocalOptions};
use kotadb_indexer::summary::Summary;

use crate::args::IndexArgs;
use crate::progress::Progress;
use crate::screen::Screen;
use crate::settings::{Flags, Settings, SettingsArgs};

/// `kotadb index`
pub fn run(args: &IndexArgs, settings: &SettingsArgs) -> anyhow::Result<()> {
    let options = LocalOptions { reference: args.reference.clone(), ..LocalOptions::default() };
    let started = Instant::now();
    let summary = make(&args.path, &options, args.quiet)?;
    if args.json {
        let mut screen = Screen::new(&Settings::of_user(settings, Flags::new())?, true);
        screen.json(&serde_json::json!({
            "files": summary.files,
            "new_documents": summary.new_documents,
            "bytes_written": summary.bytes_written,
            "left_out": summary.skipped,
            "duration_ms": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        }))?;
        return screen.finish();
    }
    if !args.quiet {
        eprintln!("try: kotadb search QUERY");
    }
    Ok(())
}

/// Indexes and says what is searchable now.
pub fn make(path: &Path, options: &LocalOptions, is_quiet: bool) -> anyhow::Result<Summary> {
    let started = Instant::now();
    let mut progress = Progress::new(is_quiet);
    let outcome = local::index(path, options, &mut |step| {
        progress.show(&format!("indexing {} of {} files, {}", step.done, step.total, megabytes(step.bytes)));
    });
    progress.clear();
    let summary = outcome?;
    if !is_quiet {
        eprintln!(
            "indexed {} files ({} new documents, {} written) in {:.1} s; {} left out",
            summary.files,
            summary.new_documents,
            megabytes(summary.bytes_written),
            started.elapsed().as_secs_f64(),
            summary.skipped,
        );
    }
    Ok(summary)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
