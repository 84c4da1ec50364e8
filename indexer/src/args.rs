//! What can be typed after `kotadb-indexer`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use kotadb_core::config::IndexerFlags;
use kotadb_core::db::members::Role;
use kotadb_core::id::{RepositoryId, TenantId};
use uuid::Uuid;

/// Writes the indexes of KotaDB. Settings come from the environment, or from flags (`--help` lists them).
#[derive(Debug, Parser)]
#[command(name = "kotadb-indexer", version = kotadb_core::telemetry::version())]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Settings.
    #[command(flatten)]
    pub settings: IndexerFlags,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run jobs until none is due and none is leased by anybody.
    Drain(DrainArgs),
    /// Run jobs as they come, and sweep by KOTADB_INDEX_SCHEDULE, until told to stop.
    Serve(ServeArgs),
    /// Run the job that comes on standard input: the process that the others start for each job.
    #[command(hide = true)]
    RunJob,
    /// Forget what was deleted and merge segments, of all tenants or of a local index.
    Compact(UpkeepArgs),
    /// Delete objects that nothing has named for 20 hours, of all tenants or of a local index.
    Gc(UpkeepArgs),
    /// What is to be done once an hour: queue what is scheduled, look after all tenants, then drain.
    Sweep,
    /// Repair what deliveries of GitHub should have told: refs that moved, webhooks, names, new repositories.
    Reconcile,
    /// Index a repository or folder of this machine, without database and network.
    Once(OnceArgs),
    /// Show what an index holds: sizes, paths or every searchable fact.
    Inspect(InspectArgs),
    /// Bring the database up to this version.
    Migrate(MigrateArgs),
    /// Tenants, keys and installations.
    #[command(subcommand)]
    Admin(AdminCommand),
}

/// `drain`
#[derive(Debug, ClapArgs)]
pub struct DrainArgs {
    /// Wait for more work for so long before ending.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub linger: u64,
    /// Answer `POST /wake` here meanwhile; whoever was answered is heeded before the end.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
}

/// `serve`
#[derive(Debug, ClapArgs)]
pub struct ServeArgs {
    /// Answer `POST /wake` here: a call ends the pause between two looks at the job table.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
}

/// `compact` and `gc`
#[derive(Debug, ClapArgs)]
pub struct UpkeepArgs {
    /// Repository or folder with a local index, instead of the service's store.
    pub path: Option<PathBuf>,
}

/// `once`
#[derive(Debug, ClapArgs)]
pub struct OnceArgs {
    /// Repository or folder.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Branch, tag or commit to index instead of HEAD.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
}

/// `inspect`
#[derive(Debug, ClapArgs)]
pub struct InspectArgs {
    /// Repository or folder with a local index.
    #[arg(default_value = ".", conflicts_with = "repositories")]
    pub path: PathBuf,
    /// Repository of the service's store instead.
    #[arg(long = "repository", value_name = "ID")]
    pub repositories: Vec<RepositoryId>,
    /// Whose repositories; asked of the database where absent.
    #[arg(long, value_name = "ID", requires = "repositories")]
    pub tenant: Option<TenantId>,
    /// Print every searchable fact, canonically.
    #[arg(long, conflicts_with_all = ["paths", "edges"])]
    pub facts: bool,
    /// Print every edge of the graphs, canonically.
    #[arg(long, conflicts_with = "paths")]
    pub edges: bool,
    /// Print the paths held.
    #[arg(long)]
    pub paths: bool,
    /// End paths with NUL instead of a line end.
    #[arg(short = '0', requires = "paths")]
    pub nul: bool,
}

/// `migrate`
#[derive(Debug, ClapArgs)]
pub struct MigrateArgs {
    /// Change nothing; exit 1 if something is missing, 2 if this program is too old for what is there.
    #[arg(long)]
    pub check: bool,
}

/// `admin`
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Tenants.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// API keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Installations of the GitHub App.
    #[command(subcommand)]
    Installation(InstallationCommand),
}

/// `admin installation`
#[derive(Debug, Subcommand)]
pub enum InstallationCommand {
    /// Give an installation to a tenant, whose repositories it lists and fetches from then on.
    Link {
        /// GitHub's number of it: the last part of its settings page's address.
        id: i64,
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
    },
}

/// `admin tenant`
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Make a tenant (or find it) and print its id.
    Create {
        /// Its name.
        name: String,
    },
    /// Print id and name of every tenant.
    List,
    /// Put a tenant on a plan: what it may use.
    Plan {
        /// Name or id of the tenant.
        tenant: String,
        /// `standard`, `unlimited`, or another row of the table `plans`.
        plan: String,
    },
    /// Invite somebody into a tenant: its first owner, say.
    Invite {
        /// Name or id of the tenant.
        tenant: String,
        /// E-mail address, or login at GitHub.
        who: String,
        /// What the member may do.
        #[arg(long, value_enum, default_value_t = RoleArg::Owner)]
        role: RoleArg,
    },
}

/// `--role`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// Everything.
    Owner,
    /// Repositories, jobs and keys.
    Maintainer,
    /// Look and search.
    Reader,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Owner => Self::Owner,
            RoleArg::Maintainer => Self::Maintainer,
            RoleArg::Reader => Self::Reader,
        }
    }
}

/// `admin key`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it, once.
    Create {
        /// Name or id of the tenant.
        #[arg(long)]
        tenant: String,
        /// What the key is for.
        #[arg(long, default_value = "admin")]
        name: String,
        /// What it may do; given several times. Default: everything.
        #[arg(long = "scope")]
        scopes: Vec<String>,
    },
    /// Revoke a key.
    Revoke {
        /// Its id, as `create` printed on standard error.
        id: Uuid,
    },
}
