//! `kotadb scip import`: what a compiler says of the names of a commit, from an SCIP index that `rust-analyzer scip`,
//! `scip-typescript`, `scip-python` and others make. Questions on the local index then answer `resolution: precise` where it
//! resolves a name.

use std::path::PathBuf;

use anyhow::Context;
use kotadb_indexer::local;

use crate::screen::Screen;
use crate::settings::{Flags, Settings, SettingsArgs};

/// `kotadb scip`
#[derive(Debug, clap::Subcommand)]
pub enum ScipCommand {
    /// Keep an SCIP index beside the local index.
    #[command(after_help = "Examples:\n  rust-analyzer scip . && kotadb scip import index.scip\n  \
                            kotadb scip import index.scip --commit v1.2")]
    Import(ImportArgs),
}

/// `kotadb scip import`
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The index, as the indexer wrote it.
    pub file: PathBuf,
    /// Branch, tag or commit that it was made of; by default HEAD.
    #[arg(long, value_name = "REF")]
    pub commit: Option<String>,
    /// Repository.
    #[arg(long, default_value = ".", value_name = "PATH")]
    pub repo: PathBuf,
    /// What was imported, as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Runs a subcommand.
pub fn run(command: &ScipCommand, settings: &SettingsArgs) -> anyhow::Result<()> {
    let ScipCommand::Import(args) = command;
    let imported = local::import(&args.repo, &args.file, args.commit.as_deref()).context("nothing was imported")?;
    let local::Imported { commit, documents, held } = imported;
    let mut screen = Screen::new(&Settings::of_repository(settings, Flags::new(), &args.repo)?, args.json);
    if args.json {
        screen.json(&serde_json::json!({ "commit": commit.to_string(), "documents": documents, "held": held }))?;
    } else {
        let counts = "they count as long as their files are the same";
        screen.line(&format!("imported {held} of {documents} documents for commit {commit}: {counts}"))?;
    }
    screen.finish()
}
