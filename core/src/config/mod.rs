//! Every setting of every program: one struct, read once from the environment; nothing else reads it. The variables are
//! declared in [`table`], which README.md shows.

mod document;
#[cfg(feature = "flags")]
mod flags;
mod job;
mod memory;
mod read;
mod source;
mod table;
mod variable;
mod wake;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use self::document::{TABLE_BEGIN, TABLE_END, env_example, markdown};
#[cfg(feature = "flags")]
pub use self::flags::{CommandFlags, IndexerFlags, RouterFlags};
pub use self::job::job_environment;
use self::read::Reader;
pub use self::source::{Given, api_key, config_home, given, given_flags, home};
pub use self::table::VARIABLES;
pub use self::variable::{Need, Program, Variable};
pub use self::wake::WakeConfig;
use crate::crypto::Secret;
use crate::schedule::Schedule;

/// For whom a server works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For others: all that the service needs must be set.
    Saas,
    /// For oneself: what is not set is not offered.
    Local,
}

/// What the environment says. Each field's doc names its variable; what it means and its default is in [`table`]. A variable
/// that is blank counts as absent. `Debug` prints no secret.
#[derive(Clone, Debug)]
pub struct Config {
    /// `KOTADB_MODE`.
    pub mode: Mode,
    /// `DATABASE_URL`: Postgres through the transaction pooler.
    pub database_url: Option<Secret>,
    /// `DATABASE_DIRECT_URL`, else `DATABASE_URL`: for migrations.
    pub database_direct_url: Option<Secret>,
    /// `DATABASE_DIRECT_URL`, only where it is set: a session, over which word of queued jobs comes.
    pub database_listen_url: Option<Secret>,
    /// `SUPABASE_URL`, without a slash at its end.
    pub supabase_url: Option<String>,
    /// `SUPABASE_ANON_KEY`.
    pub supabase_anon_key: Option<Secret>,
    /// `JWT_SECRET`, 32 characters at least.
    pub jwt_secret: Option<Secret>,
    /// `PORT`.
    pub port: u16,
    /// `KOTADB_BIND`.
    pub bind: IpAddr,
    /// `KOTADB_METRICS_PORT`; `None`: nowhere.
    pub metrics_port: Option<u16>,
    /// `KOTADB_DATA_DIR`.
    pub data_dir: PathBuf,
    /// `BUCKET_NAME`; `None`: the folder `objects` below the data folder.
    pub bucket: Option<String>,
    /// `AWS_ENDPOINT_URL_S3`.
    pub s3_endpoint: Option<String>,
    /// `BUCKET_REGION`, else `AWS_REGION`.
    pub s3_region: String,
    /// `BUCKET_ACCESS_KEY_ID` and `BUCKET_SECRET_ACCESS_KEY`, else `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. `None` also where `AWS_SESSION_TOKEN` says that they are
    /// temporary: the store then asks the machine for them.
    pub s3_credentials: Option<(String, Secret)>,
    /// `KOTADB_MASTER_KEY`, base64 of 32 bytes.
    pub master_key: Option<Secret>,
    /// `KOTADB_MASTER_KEY_PREVIOUS`, base64 of 32 bytes.
    pub master_key_previous: Option<Secret>,
    /// `KOTADB_WEBHOOK_BASE_URL`, without a slash at its end.
    pub webhook_base_url: Option<String>,
    /// `GITHUB_APP_WEBHOOK_SECRET`.
    pub github_app_webhook_secret: Option<Secret>,
    /// `GITHUB_APP_WEBHOOK_SECRET_PREVIOUS`.
    pub github_app_webhook_secret_previous: Option<Secret>,
    /// `KOTADB_WAKE` and what that needs.
    pub wake: WakeConfig,
    /// `KOTADB_TICK_SECRET`, 32 characters at least.
    pub tick_secret: Option<Secret>,
    /// `KOTADB_GIT_ALLOWED_ORIGINS`.
    pub git_allowed_origins: Vec<String>,
    /// `KOTADB_CORS_ORIGINS`.
    pub cors_origins: Vec<String>,
    /// `KOTADB_GITHUB_API_URL`.
    pub github_api_url: String,
    /// `GITHUB_APP_ID` and `GITHUB_APP_PRIVATE_KEY`.
    pub github_app: Option<(u64, Secret)>,
    /// `GITHUB_CLIENT_ID` and `GITHUB_CLIENT_SECRET`.
    pub github_client: Option<(String, Secret)>,
    /// `GITHUB_WEBHOOK_TOKEN`.
    pub github_webhook_token: Option<Secret>,
    /// `KOTADB_CACHE_BYTES`.
    pub cache_bytes: u64,
    /// `KOTADB_CACHE_DISK`.
    pub cache_disk: Option<PathBuf>,
    /// `KOTADB_CACHE_DISK_BYTES`.
    pub cache_disk_bytes: u64,
    /// `KOTADB_LEASE_SECONDS`.
    pub lease: Duration,
    /// `KOTADB_JOB_MEMORY_BYTES`; `None`: the machine has no limit that is known.
    pub job_memory_bytes: Option<u64>,
    /// `KOTADB_SCRATCH_MEMORY`; `None`: always on disk.
    pub scratch_memory: Option<PathBuf>,
    /// `KOTADB_SCRATCH_MEMORY_BYTES`, at most half of what a job may use.
    pub scratch_memory_bytes: u64,
    /// `KOTADB_INDEX_SCHEDULE`.
    pub index_schedule: Schedule,
    /// `RUST_LOG`, as tracing-subscriber spells it.
    pub log: String,
    /// `SENTRY_DSN`.
    pub sentry_dsn: Option<Secret>,
    /// `KOTADB_FAIL_POINT`. Read in debug builds only.
    pub fail_point: Option<String>,
    /// What is to be said once, in the log: settings that do less or more than their name promises, and faults that were
    /// not to end the start.
    pub warnings: Vec<String>,
}

/// Every fault of the environment, all at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", faults.join("\n"))]
pub struct ConfigError {
    /// One sentence each: variable, what is wrong, what to do.
    pub faults: Vec<String>,
}

impl Config {
    /// Reads flags and environment of the process; nothing must be set.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(None, &from_process)
    }

    /// Reads flags and environment of the process, for one that serves or indexes for tenants: what it cannot do without
    /// must be there.
    pub fn for_program(program: Program) -> Result<Self, ConfigError> {
        Self::read(Some(program), &from_process)
    }

    /// Reads from any look-up, and as for no program in particular; what tests use.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::read(None, lookup)
    }

    fn read(program: Option<Program>, lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let mut config = Self::from_reader(&mut reader);
        if let Some(program) = program {
            let is_saas = config.mode == Mode::Saas;
            let needed = VARIABLES.iter().filter(|variable| variable.is_needed_by(program, is_saas));
            let absent: Vec<_> = needed.filter(|variable| !reader.is_set(variable)).collect();
            absent.into_iter().for_each(|variable| reader.missing(variable));
        }
        let is_forgiving = reader.switch(&table::DISABLE_SAAS_ENV_VALIDATION);
        config.warnings = warnings(&reader, is_forgiving);
        let faults = reader.into_faults();
        if is_forgiving {
            config.warnings.extend(faults);
        } else if !faults.is_empty() {
            return Err(ConfigError { faults: with_advice(faults, config.mode) });
        }
        Ok(config)
    }

    fn from_reader(reader: &mut Reader<'_>) -> Self {
        let mode = mode(reader);
        let database_url = reader.postgres_url(&table::DATABASE_URL);
        let database_listen_url = reader.postgres_url(&table::DATABASE_DIRECT_URL);
        let bytes = "a number of bytes";
        let job_memory = reader.parsed(&table::KOTADB_JOB_MEMORY_BYTES, bytes).or_else(memory::of_a_job);
        let metrics_port = (mode == Mode::Saas).then_some(METRICS_PORT);
        Self {
            mode,
            database_direct_url: database_listen_url.clone().or_else(|| database_url.clone()),
            database_listen_url,
            database_url,
            supabase_url: reader.http_url(&table::SUPABASE_URL),
            supabase_anon_key: reader.secret(&table::SUPABASE_ANON_KEY),
            jwt_secret: reader.long_secret(&table::JWT_SECRET),
            port: reader.parsed_or_default(&table::PORT, "a port from 0 to 65535"),
            bind: reader.parsed_or_default(&table::KOTADB_BIND, "an IP address"),
            metrics_port: reader.port_or_none(&table::KOTADB_METRICS_PORT, metrics_port),
            data_dir: reader.data_dir(),
            bucket: reader.text(&table::BUCKET_NAME),
            s3_endpoint: reader.http_url(&table::AWS_ENDPOINT_URL_S3),
            s3_region: reader.region(),
            s3_credentials: reader.credentials(),
            master_key: reader.master_key(&table::KOTADB_MASTER_KEY),
            master_key_previous: reader.previous_master_key(),
            webhook_base_url: reader.http_url(&table::KOTADB_WEBHOOK_BASE_URL),
            github_app_webhook_secret: reader.secret(&table::GITHUB_APP_WEBHOOK_SECRET),
            github_app_webhook_secret_previous: reader.secret(&table::GITHUB_APP_WEBHOOK_SECRET_PREVIOUS),
            wake: WakeConfig::read(reader),
            tick_secret: reader.long_secret(&table::KOTADB_TICK_SECRET),
            git_allowed_origins: reader.origins(&table::KOTADB_GIT_ALLOWED_ORIGINS),
            cors_origins: reader.origins(&table::KOTADB_CORS_ORIGINS),
            github_api_url: reader.http_url_or_default(&table::KOTADB_GITHUB_API_URL),
            github_app: reader.github_app(),
            github_client: reader.github_client(),
            github_webhook_token: reader.secret(&table::GITHUB_WEBHOOK_TOKEN),
            cache_bytes: reader.parsed(&table::KOTADB_CACHE_BYTES, bytes).unwrap_or_else(memory::of_the_cache),
            cache_disk: reader.text(&table::KOTADB_CACHE_DISK).map(PathBuf::from),
            cache_disk_bytes: reader.parsed_or_default(&table::KOTADB_CACHE_DISK_BYTES, bytes),
            lease: reader.seconds(&table::KOTADB_LEASE_SECONDS, 1..=3600),
            job_memory_bytes: job_memory,
            scratch_memory: reader.folder_or_none(&table::KOTADB_SCRATCH_MEMORY),
            scratch_memory_bytes: reader.scratch_memory_bytes(job_memory),
            index_schedule: reader.schedule(&table::KOTADB_INDEX_SCHEDULE),
            log: reader.text_or_default(&table::RUST_LOG),
            sentry_dsn: reader.secret(&table::SENTRY_DSN),
            fail_point: reader.text(&table::KOTADB_FAIL_POINT).filter(|_| cfg!(debug_assertions)),
            warnings: Vec::new(),
        }
    }
}

/// Where Prometheus asks a service.
const METRICS_PORT: u16 = 9091;

/// What is not UTF-8 is kept as far as it can be read, so that the check of the value says what is wrong with it.
fn from_process(name: &str) -> Option<String> {
    source::variable(name).map(|value| value.to_string_lossy().into_owned())
}

fn mode(reader: &mut Reader<'_>) -> Mode {
    match reader.text_or_default(&table::KOTADB_MODE).as_str() {
        "saas" => Mode::Saas,
        "local" => Mode::Local,
        other => {
            reader.unknown(&table::KOTADB_MODE, other, "`saas` or `local`");
            Mode::Saas
        }
    }
}

/// Who only wants to try the server should not have to ask for a project first.
fn with_advice(mut faults: Vec<String>, mode: Mode) -> Vec<String> {
    let is_missing = |variable: &&Variable| {
        let fault = format!("`{}` is missing", variable.name);
        matches!(variable.need, Need::Saas(_)) && faults.iter().any(|known| known.starts_with(&fault))
    };
    if mode == Mode::Saas && VARIABLES.iter().any(|variable| is_missing(&variable)) {
        faults.push(
            "for a server of your own, which needs `DATABASE_URL` alone, set `KOTADB_MODE` to `local`".to_owned(),
        );
    }
    faults
}

fn warnings(reader: &Reader<'_>, is_forgiving: bool) -> Vec<String> {
    let set = |variable: &Variable, what: &str| {
        reader.is_set(variable).then(|| format!("`{}` is set: {what}", variable.name))
    };
    let forgiving =
        "`DISABLE_SAAS_ENV_VALIDATION` is on: what is missing or wrong is only told, and answers as not configured";
    let sentry = "this program was built without the feature `sentry` and reports nothing";
    [
        is_forgiving.then(|| forgiving.to_owned()),
        set(&table::REDIS_URL, "nothing here uses Redis, remove it"),
        set(&table::SENTRY_DSN, sentry).filter(|_| !cfg!(feature = "sentry")),
        set(
            &table::JWT_SECRET,
            "tokens signed with the shared secret (HS256) are taken, which whoever has it can make",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests;
