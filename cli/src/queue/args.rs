//! What can be typed after `kotadb queue`.

use clap::{ArgGroup, Args, Subcommand};
use uuid::Uuid;

/// `kotadb queue`
#[derive(Debug, Subcommand)]
pub enum QueueCommand {
    /// Jobs of all tenants, newest first.
    #[command(after_help = "Examples:\n  kotadb queue list --state dead\n  kotadb queue list --tenant acme --json")]
    List(ListArgs),
    /// One job, with what happened to it.
    #[command(after_help = "Example:\n  kotadb queue show 01998f3e-7c11-7e3a-9b0c-0c4f5a1d2e3f")]
    Show(ShowArgs),
    /// Queue dead or cancelled jobs again.
    #[command(after_help = "Examples:\n  kotadb queue retry 01998f3e-7c11-7e3a-9b0c-0c4f5a1d2e3f\n  \
                            kotadb queue retry --class storage\n  kotadb queue retry --all")]
    Retry(WhichArgs),
    /// Cancel queued jobs at once; running ones end with their next heartbeat.
    #[command(after_help = "Examples:\n  kotadb queue cancel 01998f3e-7c11-7e3a-9b0c-0c4f5a1d2e3f\n  \
                            kotadb queue cancel --tenant acme")]
    Cancel(WhichArgs),
    /// Let no job be taken; webhooks still queue them.
    #[command(after_help = "Examples:\n  kotadb queue pause --tenant acme\n  kotadb queue pause --all")]
    Pause(WhoseArgs),
    /// Let jobs be taken again.
    #[command(after_help = "Example:\n  kotadb queue resume --all")]
    Resume(WhoseArgs),
    /// Show or set how long indexers may work a day (UTC); above it only the sweeper works.
    #[command(
        after_help = "Examples:\n  kotadb queue limits\n  kotadb queue limits --total-minutes 600 --tenant-minutes 60\n  \
                            kotadb queue limits --tenant acme --tenant-minutes 240 --running 8\n  \
                            kotadb queue limits --total-minutes none"
    )]
    Limits(LimitsArgs),
}

/// `kotadb queue list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Name or id of a tenant.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Class of the last error: permanent, transient, rate_limited, crash, storage, database, deadline.
    #[arg(long)]
    pub class: Option<String>,
    /// queued, running, done, dead, cancelled or superseded.
    #[arg(long)]
    pub state: Option<String>,
    /// Most jobs to print.
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// One JSON object a job.
    #[arg(long)]
    pub json: bool,
}

/// `kotadb queue show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Its id.
    pub job: Uuid,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Which jobs are moved: one, or all of a tenant, of a class, or of everybody.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("which").args(["job", "tenant", "class", "all"]).required(true).multiple(true)))]
pub struct WhichArgs {
    /// Id of one job.
    #[arg(conflicts_with_all = ["tenant", "class", "all"])]
    pub job: Option<Uuid>,
    /// Name or id of a tenant.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Class of the last error.
    #[arg(long)]
    pub class: Option<String>,
    /// All of them.
    #[arg(long, conflicts_with_all = ["tenant", "class"])]
    pub all: bool,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Whose jobs stand still.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("whose").args(["tenant", "all"]).required(true)))]
pub struct WhoseArgs {
    /// Name or id of a tenant.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Everybody's.
    #[arg(long)]
    pub all: bool,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `kotadb queue limits`
#[derive(Debug, Args)]
pub struct LimitsArgs {
    /// Name or id of a tenant, to set its own limits.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Minutes of all indexers, or `none`.
    #[arg(long, value_parser = minutes, conflicts_with = "tenant")]
    pub total_minutes: Option<Minutes>,
    /// Minutes for each tenant without a limit of its own (with --tenant: for that one), or `none`.
    #[arg(long, value_parser = minutes)]
    pub tenant_minutes: Option<Minutes>,
    /// Jobs of the tenant that may run at once.
    #[arg(long, requires = "tenant", value_parser = clap::value_parser!(i32).range(1..=1000))]
    pub running: Option<i32>,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// A limit in minutes; `None`: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minutes(pub Option<i64>);

fn minutes(text: &str) -> Result<Minutes, String> {
    match text {
        "none" => Ok(Minutes(None)),
        number => match number.parse() {
            Ok(minutes @ 0..=1_000_000_000) => Ok(Minutes(Some(minutes))),
            _ => Err("must be a number of minutes or `none`".to_owned()),
        },
    }
}
