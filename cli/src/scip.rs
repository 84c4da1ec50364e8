//! `kotadb scip import`: what a compiler says of the names of a commit, from an SCIP index that `rust-analyzer scip`,
//! `scip-typescript`, `scip-python` and others make. Questions on the local index then answer `resolution: precise` where it
//! resolves a name.

use std::path::PathBuf;

use anyhow::Context;
use kotadb_indexer::local;

/// `kotadb scip`
#[derive(Debug, clap::Subcommand)]
pub enum ScipCommand {
    /// Keep an SCIP index beside the local index.
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
}

/// Runs a subcommand.
pub fn run(command: &ScipCommand) -> anyhow::Result<()> {
    let ScipCommand::Import(args) = command;
    let imported = local::import(&args.repo, &args.file, args.commit.as_deref()).context("nothing was imported")?;
    let local::Imported { commit, documents, held } = imported;
    println!(
        "imported {held} of {documents} documents for commit {commit}: they count as long as their files are the same"
    );
    Ok(())
}
