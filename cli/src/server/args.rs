//! What can be typed after the commands that ask a service.

use std::time::Duration;

use clap::{Args, Subcommand};
use kotadb_core::wire::KeyScope;
use uuid::Uuid;

use crate::settings::{Flags, Value};

/// Which service, and how it is told.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "The service")]
pub struct ServiceFlags {
    /// Its address, instead of that of the settings.
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// JSON: one object an item, with the names of the API.
    #[arg(long)]
    pub json: bool,
}

impl ServiceFlags {
    /// As settings.
    pub fn flags(&self) -> Flags {
        server_flag(self.server.as_deref())
    }
}

/// A service that was named, as a setting.
pub fn server_flag(server: Option<&str>) -> Flags {
    server.map(|server| ("server", Value::Text(server.to_owned()))).into_iter().collect()
}

/// `kotadb login`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  kotadb login https://code.example\n  kotadb login https://code.example < key-file\n\n\
                        The key is typed without being shown, or is the first line of standard input; it is never an argument. \
                        It is kept in `kotadb/credentials.json` among your settings, readable by you alone."
)]
pub struct LoginArgs {
    /// Address of the service; asked for where it is not given.
    pub server: Option<String>,
    /// Who the key is, as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `kotadb logout`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  kotadb logout\n  kotadb logout https://code.example\n  kotadb logout --all\n\n\
                        The key goes on to be valid: `kotadb keys revoke` ends it.")]
pub struct LogoutArgs {
    /// Address of the service, instead of that of the settings.
    #[arg(conflicts_with = "all")]
    pub server: Option<String>,
    /// Forget all keys.
    #[arg(long)]
    pub all: bool,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `kotadb repos`
#[derive(Debug, Subcommand)]
pub enum ReposCommand {
    /// Repositories that the key sees, by name.
    #[command(after_help = "Examples:\n  kotadb repos list\n  kotadb repos list --json | jq -r .name")]
    List(ListReposArgs),
    /// Register a repository; it is indexed at once, and with every push from then on.
    #[command(after_help = "Examples:\n  kotadb repos add octocat/Hello-World --wait\n  \
                            kotadb repos add https://github.com/acme/web --track main --track 'release-*'")]
    Add(AddRepoArgs),
    /// One repository, with its newest jobs.
    #[command(after_help = "Example:\n  kotadb repos show octocat/Hello-World")]
    Show(RepoArgs),
    /// Delete a repository from the service: it is hidden at once.
    #[command(after_help = "Example:\n  kotadb repos remove octocat/Hello-World --yes")]
    Remove(RemoveRepoArgs),
    /// Index a repository again.
    #[command(after_help = "Examples:\n  kotadb repos reindex octocat/Hello-World --wait\n  \
                            kotadb repos reindex octocat/Hello-World --full")]
    Reindex(ReindexArgs),
}

/// `kotadb repos list`
#[derive(Debug, Args)]
pub struct ListReposArgs {
    /// Most repositories to print.
    #[arg(long, default_value_t = 1000)]
    pub limit: usize,
    /// Which service.
    #[command(flatten)]
    pub service: ServiceFlags,
}

/// `kotadb repos add`
#[derive(Debug, Args)]
pub struct AddRepoArgs {
    /// `owner/name` on GitHub, or a clone URL.
    pub url: String,
    /// Ref to track, or a pattern of such (`release-*`), instead of the default branch; may be given several times.
    #[arg(long, value_name = "REF")]
    pub track: Vec<String>,
    /// When it is indexed without being asked: five cron fields, in UTC.
    #[arg(long, value_name = "CRON")]
    pub schedule: Option<String>,
    /// Wait until it is indexed.
    #[arg(long)]
    pub wait: bool,
    /// Which service.
    #[command(flatten)]
    pub service: ServiceFlags,
}

/// `kotadb repos show`
#[derive(Debug, Args)]
pub struct RepoArgs {
    /// Its name, the part behind the slash where that is clear, or its id.
    pub repository: String,
    /// Which service.
    #[command(flatten)]
    pub service: ServiceFlags,
}

/// `kotadb repos remove`
#[derive(Debug, Args)]
pub struct RemoveRepoArgs {
    /// Its name as a whole, or its id.
    pub repository: String,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Which service.
    #[command(flatten)]
    pub service: ServiceFlags,
}

/// `kotadb repos reindex`
#[derive(Debug, Args)]
pub struct ReindexArgs {
    /// Its name, the part behind the slash where that is clear, or its id.
    pub repository: String,
    /// Build everything anew.
    #[arg(long)]
    pub full: bool,
    /// Wait until it is done.
    #[arg(long)]
    pub wait: bool,
    /// Which service.
    #[command(flatten)]
    pub service: ServiceFlags,
}

/// `kotadb jobs`
#[derive(Debug, Subcommand)]
pub enum JobsCommand {
    /// Jobs that the key sees, newest first.
    #[command(
        after_help = "Examples:\n  kotadb jobs list\n  kotadb jobs list --repository octocat/Hello-World --limit 5"
    )]
    List(ListJobsArgs),
    /// One job, with what happened to it.
    #[command(after_help = "Example:\n  kotadb jobs show 01998f3e-7c11-7e3a-9b0c-0c4f5a1d2e3f")]
    Show(JobArgs),
    /// Tell each step of a job until it ends: exit 0 done, 1 not.
    #[command(after_help = "Example:\n  kotadb jobs watch 01998f3e-7c11-7e3a-9b0c-0c4f5a1d2e3f")]
    Watch(JobArgs),
    /// Cancel a job: a queued one at once, a running one with its next heartbeat.
    #[command(after_help = "Example:\n  kotadb jobs cancel 01998f3e-7c11-7e3a-9b0c-0c4f5a1d2e3f")]
    Cancel(JobArgs),
    /// Queue a dead or cancelled job again.
    #[command(after_help = "Example:\n  kotadb jobs retry 01998f3e-7c11-7e3a-9b0c-0c4f5a1d2e3f")]
    Retry(JobArgs),
}

/// `kotadb jobs list`
#[derive(Debug, Args)]
pub struct ListJobsArgs {
    /// Only those of this repository, by name or id.
    #[arg(long, value_name = "NAME")]
    pub repository: Option<String>,
    /// Most jobs to print.
    #[arg(long, default_value_t = 20)]
    pub limit: usize,
    /// Which service.
    #[command(flatten)]
    pub service: ServiceFlags,
}

/// A job of a service.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// Its id.
    pub job: Uuid,
    /// Which service.
    #[command(flatten)]
    pub service: ServiceFlags,
}

/// `kotadb keys`
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Keys of the tenant, newest first.
    #[command(after_help = "Examples:\n  kotadb keys list\n  kotadb keys list --all --json")]
    List(ListKeysArgs),
    /// Make a key; it is shown this once, alone on standard output.
    #[command(after_help = "Examples:\n  kotadb keys create ci --scope search --days 90\n  \
                            KOTADB_API_KEY=$(kotadb keys create agent --scope search --repository acme/web) kotadb mcp --url …")]
    Create(CreateKeyArgs),
    /// Make a successor that may do the same; both are valid for a while.
    #[command(after_help = "Example:\n  kotadb keys rotate 01998f3e-7c11-7e3a-9b0c-0c4f5a1d2e3f --overlap 3600")]
    Rotate(RotateKeyArgs),
    /// End a key: it opens nothing from the next request on.
    #[command(after_help = "Example:\n  kotadb keys revoke 01998f3e-7c11-7e3a-9b0c-0c4f5a1d2e3f")]
    Revoke(KeyArgs),
}

/// `kotadb keys list`
#[derive(Debug, Args)]
pub struct ListKeysArgs {
    /// Those that were revoked, too.
    #[arg(long)]
    pub all: bool,
    /// Most keys to look at.
    #[arg(long, default_value_t = 1000)]
    pub limit: usize,
    /// Which service.
    #[command(flatten)]
    pub service: ServiceFlags,
}

/// `kotadb keys create`
#[derive(Debug, Args)]
pub struct CreateKeyArgs {
    /// For people: what it is for.
    pub name: String,
    /// What it may do (search, repositories:read, repositories:write, jobs:read, jobs:write, keys:admin, tenant:read,
    /// tenant:admin); may be given several times.
    #[arg(long, required = true, value_parser = scope)]
    pub scope: Vec<KeyScope>,
    /// Repository that it is limited to, by name or id; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub repository: Vec<String>,
    /// Days until its time is over; by default it goes on.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
    /// Which service.
    #[command(flatten)]
    pub service: ServiceFlags,
}

impl CreateKeyArgs {
    /// How long it is valid.
    pub fn lifetime(&self) -> Option<Duration> {
        self.days.map(|days| Duration::from_secs(u64::from(days) * 86_400))
    }
}

/// `kotadb keys rotate`
#[derive(Debug, Args)]
pub struct RotateKeyArgs {
    /// Id of the key.
    pub key: Uuid,
    /// Seconds for which both are valid; by default a day.
    #[arg(long, value_name = "SECONDS")]
    pub overlap: Option<u32>,
    /// Which service.
    #[command(flatten)]
    pub service: ServiceFlags,
}

/// A key of a service.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// Its id.
    pub key: Uuid,
    /// Which service.
    #[command(flatten)]
    pub service: ServiceFlags,
}

fn scope(text: &str) -> Result<KeyScope, String> {
    serde_json::from_value(text.into()).map_err(|_| "is no scope: see `--help`".to_owned())
}
