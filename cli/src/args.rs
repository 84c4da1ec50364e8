//! What can be typed after `kotadb`.

use std::path::PathBuf;

/// Code search for git repositories: indexed, exact, local or as a service.
#[derive(Debug, clap::Parser)]
#[command(name = "kotadb", version)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Index the commit at HEAD of a repository (or a plain folder) for `kotadb search`.
    Index(IndexArgs),
    /// Search an indexed repository: exit 0 found, 1 nothing found, 2 error.
    Search(SearchArgs),
    /// Run the whole service on this machine: Postgres, API, indexer, and a folder as object store.
    Up(UpArgs),
}

/// `kotadb index`
#[derive(Debug, clap::Args)]
pub struct IndexArgs {
    /// Repository or folder.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Branch, tag or commit to index instead of HEAD.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
    /// Print nothing but errors.
    #[arg(long, short)]
    pub quiet: bool,
}

/// `kotadb search`
#[derive(Debug, clap::Args)]
pub struct SearchArgs {
    /// Terms (all must be in the file), "phrase", /regex/, OR, NOT, path:, lang:, case:yes; several arguments are joined.
    #[arg(required = true, allow_hyphen_values = true)]
    pub query: Vec<String>,
    /// One JSON object a matching line, then a summary.
    #[arg(long)]
    pub json: bool,
    /// Print the number of matching lines only.
    #[arg(long, short, conflicts_with = "json")]
    pub count: bool,
    /// Most lines to print; 0: all of them.
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
    /// Repository or folder.
    #[arg(long, default_value = ".", value_name = "PATH")]
    pub repo: PathBuf,
    /// Branch, tag or commit that was indexed.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
}

/// `kotadb up`
#[derive(Debug, clap::Args)]
pub struct UpArgs {
    /// Repositories to serve and index; more can be added by a later `up`.
    pub paths: Vec<PathBuf>,
    /// Port of the API; 0: any free one.
    #[arg(long, default_value_t = 8080)]
    pub port: u16,
}
