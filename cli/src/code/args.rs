//! What can be typed after the commands that ask about symbols.

use std::path::PathBuf;

use crate::ready::IndexFlags;

/// What all of them take.
#[derive(Debug, clap::Args)]
pub struct CodeArgs {
    /// One JSON object, as the service answers.
    #[arg(long)]
    pub json: bool,
    /// Branch, tag or commit that was indexed, instead of the working tree.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
    /// The index that is asked.
    #[command(flatten)]
    pub local: IndexFlags,
}

/// `kotadb def`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kotadb def Pool.acquire\n  kotadb def 'src/pool.rs#Pool.acquire' --json")]
pub struct DefArgs {
    /// A name (`acquire`, `Pool.acquire`), an id (`src/pool.rs#Pool.acquire`), a path, or `external:<package>#<name>`.
    pub symbol: String,
    #[command(flatten)]
    pub code: CodeArgs,
}

/// `kotadb callers`, `callees`, `usages`
#[derive(Debug, clap::Args)]
pub struct CallsArgs {
    /// A name (`acquire`, `Pool.acquire`), an id (`src/pool.rs#Pool.acquire`), a path, or `external:<package>#<name>`.
    pub symbol: String,
    /// Levels of the tree.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=3))]
    pub depth: u32,
    /// Leave out what is less sure than this, in hundredths.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub min_confidence: u8,
    /// Leave out tests.
    #[arg(long)]
    pub no_tests: bool,
    /// Only what is in files whose path begins so.
    #[arg(long, default_value = "", value_name = "PREFIX")]
    pub path: String,
    /// Lines at most.
    #[arg(long, default_value_t = 200)]
    pub limit: usize,
    #[command(flatten)]
    pub code: CodeArgs,
}

/// `kotadb impl`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kotadb impl Ground\n  kotadb impl Pool.acquire --above")]
pub struct ImplArgs {
    /// A type or a member of one, by name or id.
    pub symbol: String,
    /// What stands above it instead of below.
    #[arg(long)]
    pub above: bool,
    #[command(flatten)]
    pub code: CodeArgs,
}

/// `kotadb impact`
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  kotadb impact Pool.acquire\n  kotadb impact --since main\n  git diff | kotadb impact --diff -"
)]
pub struct ImpactArgs {
    /// Symbols by name or id, and files by path.
    #[arg(required_unless_present_any = ["diff", "since"])]
    pub changed: Vec<String>,
    /// A file with a unified diff against what is asked; `-`: standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "changed")]
    pub diff: Option<PathBuf>,
    /// What is not as in this branch, tag or commit.
    #[arg(long, value_name = "REF", conflicts_with_all = ["changed", "diff"])]
    pub since: Option<String>,
    /// Steps at most.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=5))]
    pub depth: u32,
    #[command(flatten)]
    pub code: CodeArgs,
}

/// `kotadb deps`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kotadb deps src/pool.rs\n  kotadb deps src/pool.rs --dependents --depth 2")]
pub struct DepsArgs {
    /// A file by its path from the root of the repository.
    pub path: String,
    /// What uses the file, instead of what it uses.
    #[arg(long)]
    pub dependents: bool,
    /// Levels of the tree.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=5))]
    pub depth: u32,
    /// Leave out what is less sure than this, in hundredths.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub min_confidence: u8,
    #[command(flatten)]
    pub code: CodeArgs,
}

/// `kotadb outline`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  kotadb outline src/pool.rs")]
pub struct OutlineArgs {
    /// A file by its path from the root of the repository.
    pub path: String,
    #[command(flatten)]
    pub code: CodeArgs,
}

/// `kotadb map`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kotadb map\n  kotadb map --bytes 2000 --focus src/pool.rs")]
pub struct MapArgs {
    /// Bytes at most; a token is about four.
    #[arg(long, default_value_t = 6000)]
    pub bytes: usize,
    /// Files, symbols or names to begin from; may be given several times.
    #[arg(long)]
    pub focus: Vec<String>,
    /// Only files whose path begins so.
    #[arg(long, default_value = "", value_name = "PREFIX")]
    pub path: String,
    #[command(flatten)]
    pub code: CodeArgs,
}
