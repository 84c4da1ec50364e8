//! What can be typed after `kotadb mcp`.

use std::path::PathBuf;

use anyhow::Context;
use kotadb_mcp::Toolset;

/// `kotadb mcp`
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  kotadb mcp --repo ~/src/linux\n  kotadb mcp --url https://code.example/mcp --toolset core\n  \
                  kotadb mcp install --client claude-code"
)]
pub struct McpArgs {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<McpCommand>,
    /// Repository or folder: it is indexed on first use, and followed.
    #[arg(long, default_value = ".", value_name = "PATH")]
    pub repo: PathBuf,
    /// Which tools: `core`, `default` or `all`.
    #[arg(long, value_name = "SET")]
    pub toolset: Option<String>,
    /// Answer from a service instead, at this address (`https://…/mcp`); the key is taken from `KOTADB_API_KEY`.
    #[arg(long, env = "KOTADB_MCP_URL", value_name = "URL", conflicts_with = "repo")]
    pub url: Option<String>,
}

/// What `kotadb mcp` can do instead of serving.
#[derive(Debug, clap::Subcommand)]
pub enum McpCommand {
    /// Tell a client (an agent, an editor) to use it.
    #[command(after_help = "Examples:\n  kotadb mcp install --client claude-code\n  \
                            kotadb mcp install --client cursor --url https://code.example/mcp --dry-run")]
    Install(InstallArgs),
}

/// `kotadb mcp install`
#[derive(Debug, clap::Args)]
pub struct InstallArgs {
    /// Whose settings.
    #[arg(long, value_enum)]
    pub client: Client,
    /// Print what would be written, and where.
    #[arg(long)]
    pub dry_run: bool,
    /// Repository to serve; its settings are those of the project where the client has such.
    #[arg(long, default_value = ".", value_name = "PATH")]
    pub repo: PathBuf,
    /// A service instead, at this address (`https://…/mcp`); the key is taken from `KOTADB_API_KEY` when the client starts.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}

/// Clients whose settings are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Client {
    /// `.mcp.json` of the project.
    ClaudeCode,
    /// `.cursor/mcp.json` of the project.
    Cursor,
    /// `.vscode/mcp.json` of the project.
    Vscode,
    /// `~/.codex/config.toml`.
    Codex,
    /// `.zed/settings.json` of the project.
    Zed,
}

impl McpArgs {
    /// The set of tools that was asked for.
    pub fn toolset(&self) -> anyhow::Result<Toolset> {
        let Some(name) = &self.toolset else { return Ok(Toolset::default()) };
        Toolset::of(name).with_context(|| format!("`--toolset {name}` is unknown: give `core`, `default` or `all`"))
    }
}
