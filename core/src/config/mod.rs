//! Every setting of every program: one struct, read once from the environment; nothing else reads it.

mod job;
mod read;
mod wake;

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use self::job::job_environment;
use self::read::Reader;
pub use self::wake::WakeConfig;
use crate::schedule::Schedule;

/// What the environment says. Each field's doc names its variable and default. A variable that is blank counts as absent.
/// `Debug` prints no secret.
#[derive(Clone)]
pub struct Config {
    /// `DATABASE_URL`: Postgres through the transaction pooler.
    pub database_url: Option<String>,
    /// `DATABASE_DIRECT_URL`: session or direct connection, for migrations. Default: `DATABASE_URL`.
    pub database_direct_url: Option<String>,
    /// `DATABASE_DIRECT_URL`, only where it is set: a session, over which word of queued jobs comes.
    pub database_listen_url: Option<String>,
    /// `PORT`: where the router listens. Default 8080; 0: any free one, printed.
    pub port: u16,
    /// `KOTADB_BIND`: address the router listens on. Default `0.0.0.0`.
    pub bind: IpAddr,
    /// `KOTADB_DATA_DIR`: scratch of the indexer and, without `BUCKET_NAME`, the object store. Default
    /// `$XDG_DATA_HOME/kotadb`, else `$HOME/.local/share/kotadb`.
    pub data_dir: PathBuf,
    /// `BUCKET_NAME`: the bucket; absent: the folder `objects` below the data folder.
    pub bucket: Option<String>,
    /// `AWS_ENDPOINT_URL_S3`.
    pub s3_endpoint: Option<String>,
    /// `AWS_REGION`. Default `auto`.
    pub s3_region: String,
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. `None` also where `AWS_SESSION_TOKEN` says that they are
    /// temporary: the store then asks the machine for them.
    pub s3_credentials: Option<(String, String)>,
    /// `KOTADB_MASTER_KEY`, base64 of 32 bytes.
    pub master_key: Option<String>,
    /// `KOTADB_MASTER_KEY_PREVIOUS`, base64 of 32 bytes.
    pub master_key_previous: Option<String>,
    /// `KOTADB_WEBHOOK_BASE_URL`: public base URL for webhook registrations, without a slash at its end.
    pub webhook_base_url: Option<String>,
    /// `GITHUB_APP_WEBHOOK_SECRET`: signs deliveries to the App's own hook.
    pub github_app_webhook_secret: Option<String>,
    /// `GITHUB_APP_WEBHOOK_SECRET_PREVIOUS`: still taken while the secret is changed.
    pub github_app_webhook_secret_previous: Option<String>,
    /// `KOTADB_WAKE` and what that needs: how the indexer is woken.
    pub wake: WakeConfig,
    /// `KOTADB_TICK_SECRET`, 32 characters at least: signs calls of `/internal/wake`.
    pub tick_secret: Option<String>,
    /// `KOTADB_GIT_ALLOWED_ORIGINS`: comma-separated origins that may be fetched. Default `https://github.com`.
    pub git_allowed_origins: Vec<String>,
    /// `KOTADB_GITHUB_API_URL`: GitHub's REST API. Default `https://api.github.com`.
    pub github_api_url: String,
    /// `GITHUB_APP_ID` and `GITHUB_APP_PRIVATE_KEY`: the GitHub App and its key in PEM, whose line ends may be written as
    /// `\n`.
    pub github_app: Option<(u64, String)>,
    /// `GITHUB_WEBHOOK_TOKEN`: the operator's token, for repositories that have neither installation nor token.
    pub github_webhook_token: Option<String>,
    /// `KOTADB_CACHE_BYTES`. Default: a quarter of the memory limit of the cgroup, at most 2 GiB.
    pub cache_bytes: u64,
    /// `KOTADB_CACHE_DISK`: folder of a second tier of cache, below memory. Default: there is none.
    pub cache_disk: Option<PathBuf>,
    /// `KOTADB_CACHE_DISK_BYTES`: most bytes in it. Default 1 GiB.
    pub cache_disk_bytes: u64,
    /// `KOTADB_LEASE_SECONDS`, 1 to 3,600. Default 60.
    pub lease: Duration,
    /// `KOTADB_JOB_MEMORY_BYTES`: most memory that the process of one job may write to. Default: three quarters of the memory
    /// limit.
    pub job_memory_bytes: Option<u64>,
    /// `KOTADB_SCRATCH_MEMORY`: folder of a file system in memory, where the scratch of a job is as long as it fits; `none`:
    /// it is always on disk. Default `/dev/shm`.
    pub scratch_memory: Option<PathBuf>,
    /// `KOTADB_SCRATCH_MEMORY_BYTES`: most bytes of it that one job may fill, a part of `KOTADB_JOB_MEMORY_BYTES` and at most
    /// half of it. Default: a quarter of it, 256 MiB where there is no limit.
    pub scratch_memory_bytes: u64,
    /// `KOTADB_INDEX_SCHEDULE`: when a server of one's own sweeps, five fields in UTC. Default: each hour.
    pub index_schedule: Schedule,
    /// `RUST_LOG`: what is logged, as tracing-subscriber spells it. Default `info`.
    pub log: String,
    /// `KOTADB_FAIL_POINT`, `name` or `name:count`: where a crash test kills the process. Read in debug builds only.
    pub fail_point: Option<String>,
}

/// Every fault of the environment, all at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", faults.join("\n"))]
pub struct ConfigError {
    /// One sentence each: variable, what is wrong, what to do.
    pub faults: Vec<String>,
}

impl Config {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Self, ConfigError> {
        // What is not UTF-8 is kept as far as it can be read, so that the check of the value says what is wrong with it.
        Self::from_lookup(&|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// Reads from any look-up; what tests use.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(lookup);
        let config = Self::read(&mut reader);
        reader.into_result(config)
    }

    /// For programs that serve or index for tenants: the database must be named.
    pub fn for_service(self) -> Result<Self, ConfigError> {
        let missing = "`DATABASE_URL` is missing: set it to the address of Postgres, as in \
                       `postgres://user:password@host:6543/postgres`";
        match self.database_url {
            Some(_) => Ok(self),
            None => Err(ConfigError { faults: vec![missing.to_owned()] }),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        let database_url = reader.postgres_url("DATABASE_URL");
        let database_listen_url = reader.postgres_url("DATABASE_DIRECT_URL");
        let job_memory = reader.parsed("KOTADB_JOB_MEMORY_BYTES", "a number of bytes").or_else(default_job_memory);
        Self {
            database_direct_url: database_listen_url.clone().or_else(|| database_url.clone()),
            database_listen_url,
            database_url,
            port: reader.parsed("PORT", "a port from 0 to 65535").unwrap_or(8080),
            bind: reader.parsed("KOTADB_BIND", "an IP address").unwrap_or(IpAddr::from([0, 0, 0, 0])),
            data_dir: reader.data_dir(),
            bucket: reader.text("BUCKET_NAME"),
            s3_endpoint: reader.http_url("AWS_ENDPOINT_URL_S3"),
            s3_region: reader.text("AWS_REGION").unwrap_or_else(|| "auto".to_owned()),
            s3_credentials: reader.credentials(),
            master_key: reader.master_key("KOTADB_MASTER_KEY"),
            master_key_previous: reader.previous_master_key(),
            webhook_base_url: reader.http_url("KOTADB_WEBHOOK_BASE_URL"),
            github_app_webhook_secret: reader.text("GITHUB_APP_WEBHOOK_SECRET"),
            github_app_webhook_secret_previous: reader.text("GITHUB_APP_WEBHOOK_SECRET_PREVIOUS"),
            wake: WakeConfig::read(reader),
            tick_secret: reader.long_secret("KOTADB_TICK_SECRET"),
            git_allowed_origins: reader.origins("KOTADB_GIT_ALLOWED_ORIGINS", "https://github.com"),
            github_api_url: reader
                .http_url("KOTADB_GITHUB_API_URL")
                .unwrap_or_else(|| "https://api.github.com".to_owned()),
            github_app: reader.github_app(),
            github_webhook_token: reader.text("GITHUB_WEBHOOK_TOKEN"),
            cache_bytes: reader.parsed("KOTADB_CACHE_BYTES", "a number of bytes").unwrap_or_else(default_cache_bytes),
            cache_disk: reader.text("KOTADB_CACHE_DISK").map(PathBuf::from),
            cache_disk_bytes: reader.parsed("KOTADB_CACHE_DISK_BYTES", "a number of bytes").unwrap_or(1 << 30),
            lease: reader.seconds("KOTADB_LEASE_SECONDS", 1..=3600).unwrap_or(Duration::from_secs(60)),
            job_memory_bytes: job_memory,
            scratch_memory: reader.folder_or_none("KOTADB_SCRATCH_MEMORY", "/dev/shm"),
            scratch_memory_bytes: reader.scratch_memory_bytes(job_memory),
            index_schedule: reader.schedule("KOTADB_INDEX_SCHEDULE", "0 * * * *"),
            log: reader.text("RUST_LOG").unwrap_or_else(|| "info".to_owned()),
            fail_point: reader.text("KOTADB_FAIL_POINT").filter(|_| cfg!(debug_assertions)),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: bool| if secret { "set" } else { "absent" };
        f.debug_struct("Config")
            .field("database_url", &hidden(self.database_url.is_some()))
            .field("database_direct_url", &hidden(self.database_direct_url.is_some()))
            .field("database_listen_url", &hidden(self.database_listen_url.is_some()))
            .field("port", &self.port)
            .field("bind", &self.bind)
            .field("data_dir", &self.data_dir)
            .field("bucket", &self.bucket)
            .field("s3_endpoint", &self.s3_endpoint)
            .field("s3_region", &self.s3_region)
            .field("s3_credentials", &hidden(self.s3_credentials.is_some()))
            .field("master_key", &hidden(self.master_key.is_some()))
            .field("master_key_previous", &hidden(self.master_key_previous.is_some()))
            .field("webhook_base_url", &self.webhook_base_url)
            .field("github_app_webhook_secret", &hidden(self.github_app_webhook_secret.is_some()))
            .field("github_app_webhook_secret_previous", &hidden(self.github_app_webhook_secret_previous.is_some()))
            .field("wake", &self.wake)
            .field("tick_secret", &hidden(self.tick_secret.is_some()))
            .field("git_allowed_origins", &self.git_allowed_origins)
            .field("github_api_url", &self.github_api_url)
            .field("github_app", &self.github_app.as_ref().map(|(id, _)| id))
            .field("github_webhook_token", &hidden(self.github_webhook_token.is_some()))
            .field("cache_bytes", &self.cache_bytes)
            .field("cache_disk", &self.cache_disk)
            .field("cache_disk_bytes", &self.cache_disk_bytes)
            .field("lease", &self.lease)
            .field("job_memory_bytes", &self.job_memory_bytes)
            .field("scratch_memory", &self.scratch_memory)
            .field("scratch_memory_bytes", &self.scratch_memory_bytes)
            .field("index_schedule", &self.index_schedule.to_string())
            .field("log", &self.log)
            .field("fail_point", &self.fail_point)
            .finish()
    }
}

/// A quarter of what the machine lets us use: the rest is for the answers themselves, and for the indexer beside us.
fn default_cache_bytes() -> u64 {
    const MOST: u64 = 2 << 30;
    memory_limit().map_or(MOST / 4, |limit| (limit / 4).min(MOST))
}

/// Three quarters of what the machine lets us use: the rest is the worker's and the system's.
fn default_job_memory() -> Option<u64> {
    memory_limit().map(|limit| limit / 4 * 3)
}

/// The memory limit of the cgroup (version 2, then 1), else the memory of the machine (Fly machines have no limit but
/// that); `None` where neither is known.
fn memory_limit() -> Option<u64> {
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let cgroup = number("/sys/fs/cgroup/memory.max").or_else(|| number("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    [cgroup, total.map(|kib| kib << 10)].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned()).or_else(|| (name == "HOME").then(|| "/home/ada".to_owned()))
        };
        Config::from_lookup(&lookup)
    }

    fn faults(variables: &[(&str, &str)]) -> Vec<String> {
        from(variables).unwrap_err().faults
    }

    #[test]
    fn an_empty_environment_gives_the_defaults() {
        let config = from(&[]).unwrap();
        assert_eq!((config.port, config.bind), (8080, IpAddr::from([0, 0, 0, 0])));
        assert_eq!(config.data_dir, PathBuf::from("/home/ada/.local/share/kotadb"));
        assert_eq!(config.git_allowed_origins, ["https://github.com"]);
        assert_eq!(
            (config.lease, config.s3_region.as_str(), config.log.as_str()),
            (Duration::from_secs(60), "auto", "info")
        );
        assert!(config.cache_bytes > 0 && config.cache_bytes <= 2 << 30 && config.cache_disk.is_none());
        assert!(config.database_url.is_none() && config.bucket.is_none() && config.master_key.is_none());
        assert!(config.for_service().unwrap_err().to_string().contains("`DATABASE_URL` is missing"));
    }

    #[test]
    fn values_are_read() {
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let config = from(&[
            ("DATABASE_URL", "postgres://u:p@localhost:6543/db"),
            ("PORT", "0"),
            ("KOTADB_BIND", "::1"),
            ("KOTADB_DATA_DIR", "/data"),
            ("BUCKET_NAME", "bucket"),
            ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:5000/"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("KOTADB_MASTER_KEY", key),
            ("KOTADB_MASTER_KEY_PREVIOUS", key),
            ("KOTADB_WEBHOOK_BASE_URL", "https://kotadb.example/"),
            ("KOTADB_GIT_ALLOWED_ORIGINS", "https://GitHub.com, http://127.0.0.1:9418/"),
            ("KOTADB_GITHUB_API_URL", "https://github.example/api/v3/"),
            ("GITHUB_APP_ID", "7"),
            ("GITHUB_APP_PRIVATE_KEY", "-----BEGIN RSA PRIVATE KEY-----\\nAAAA\\n-----END RSA PRIVATE KEY-----"),
            ("GITHUB_WEBHOOK_TOKEN", "ghp_x"),
            ("KOTADB_CACHE_BYTES", "1048576"),
            ("KOTADB_CACHE_DISK", "/cache"),
            ("KOTADB_CACHE_DISK_BYTES", "2097152"),
            ("KOTADB_LEASE_SECONDS", "2"),
            ("KOTADB_JOB_MEMORY_BYTES", "4096"),
            ("KOTADB_SCRATCH_MEMORY", "/memory"),
            ("KOTADB_SCRATCH_MEMORY_BYTES", "2048"),
            ("KOTADB_INDEX_SCHEDULE", "30 4 * * mon"),
            ("RUST_LOG", "debug"),
        ]);
        let config = config.unwrap().for_service().unwrap();
        assert_eq!((&config.database_direct_url, &config.database_listen_url), (&config.database_url, &None));
        let session = Some("postgres://u:p@localhost:5432/db".to_owned());
        let direct = from(&[("DATABASE_DIRECT_URL", "postgres://u:p@localhost:5432/db")]).unwrap();
        assert_eq!((&direct.database_direct_url, &direct.database_listen_url), (&session, &session));
        assert_eq!((config.port, config.bind.to_string().as_str()), (0, "::1"));
        assert_eq!(config.s3_endpoint.as_deref(), Some("http://127.0.0.1:5000"));
        assert_eq!(config.s3_credentials, Some(("id".to_owned(), "secret".to_owned())));
        assert_eq!(config.webhook_base_url.as_deref(), Some("https://kotadb.example"));
        assert_eq!(config.git_allowed_origins, ["https://github.com", "http://127.0.0.1:9418"]);
        assert_eq!(config.github_api_url, "https://github.example/api/v3");
        let (id, key) = config.github_app.unwrap();
        assert_eq!((id, key.lines().count()), (7, 3), "escaped line ends are line ends");
        assert_eq!(config.github_webhook_token.as_deref(), Some("ghp_x"));
        assert_eq!((config.cache_bytes, config.lease), (1 << 20, Duration::from_secs(2)));
        assert_eq!(
            (config.job_memory_bytes, config.index_schedule.to_string()),
            (Some(4096), "30 4 * * mon".to_owned())
        );
        assert_eq!((config.cache_disk, config.cache_disk_bytes), (Some(PathBuf::from("/cache")), 2 << 20));
        assert_eq!((config.scratch_memory, config.scratch_memory_bytes), (Some(PathBuf::from("/memory")), 2048));
    }

    #[test]
    fn scratch_in_memory_is_a_part_of_what_a_job_may_use() {
        let scratch = |variables: &[(&str, &str)]| {
            let config = from(variables).unwrap();
            (config.scratch_memory, config.scratch_memory_bytes)
        };
        let shared = Some(PathBuf::from("/dev/shm"));
        assert_eq!(scratch(&[("KOTADB_JOB_MEMORY_BYTES", "4096")]), (shared, 1024));
        assert_eq!(scratch(&[("KOTADB_SCRATCH_MEMORY", "none")]).0, None);
        let more = [("KOTADB_JOB_MEMORY_BYTES", "4096"), ("KOTADB_SCRATCH_MEMORY_BYTES", "2049")];
        assert!(faults(&more)[0].contains("at most half of `KOTADB_JOB_MEMORY_BYTES`"));
    }

    #[test]
    fn all_faults_are_named_at_once() {
        let faults = faults(&[
            ("DATABASE_URL", "mysql://x"),
            ("PORT", "http"),
            ("KOTADB_BIND", "localhost"),
            ("AWS_ENDPOINT_URL_S3", "ftp://x"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("KOTADB_MASTER_KEY", "short"),
            ("KOTADB_GIT_ALLOWED_ORIGINS", "github.com"),
            ("KOTADB_GITHUB_API_URL", "api.github.com"),
            ("GITHUB_APP_ID", "my-app"),
            ("GITHUB_APP_PRIVATE_KEY", "short"),
            ("KOTADB_CACHE_BYTES", "lots"),
            ("KOTADB_CACHE_DISK_BYTES", "many"),
            ("KOTADB_LEASE_SECONDS", "0"),
            ("KOTADB_JOB_MEMORY_BYTES", "all"),
            ("KOTADB_SCRATCH_MEMORY", "memory"),
            ("KOTADB_SCRATCH_MEMORY_BYTES", "some"),
            ("KOTADB_INDEX_SCHEDULE", "hourly"),
            ("KOTADB_WAKE", "loudly"),
            ("KOTADB_TICK_SECRET", "short"),
        ]);
        let named = [
            "DATABASE_URL",
            "PORT",
            "KOTADB_BIND",
            "AWS_ENDPOINT_URL_S3",
            "AWS_SECRET_ACCESS_KEY",
            "KOTADB_MASTER_KEY",
            "KOTADB_GIT_ALLOWED_ORIGINS",
            "KOTADB_GITHUB_API_URL",
            "GITHUB_APP_ID",
            "GITHUB_APP_PRIVATE_KEY",
            "KOTADB_CACHE_BYTES",
            "KOTADB_CACHE_DISK_BYTES",
            "KOTADB_LEASE_SECONDS",
            "KOTADB_JOB_MEMORY_BYTES",
            "KOTADB_SCRATCH_MEMORY",
            "KOTADB_SCRATCH_MEMORY_BYTES",
            "KOTADB_INDEX_SCHEDULE",
            "KOTADB_WAKE",
            "KOTADB_TICK_SECRET",
        ];
        assert_eq!(faults.len(), named.len(), "{faults:#?}");
        for name in named {
            assert!(faults.iter().any(|fault| fault.starts_with(&format!("`{name}` "))), "{name}: {faults:#?}");
        }
        assert!(!faults.join("\n").contains("short"), "secrets are not repeated");
    }

    #[test]
    fn blank_counts_as_absent() {
        let config = from(&[("DATABASE_URL", " "), ("PORT", ""), ("KOTADB_GIT_ALLOWED_ORIGINS", "")]).unwrap();
        assert_eq!((config.database_url, config.port), (None, 8080));
    }

    #[test]
    fn a_place_for_data_is_needed() {
        assert_eq!(from(&[("XDG_DATA_HOME", "/xdg")]).unwrap().data_dir, PathBuf::from("/xdg/kotadb"));
        assert!(faults(&[("HOME", "")])[0].starts_with("`KOTADB_DATA_DIR`"));
        assert!(from(&[("HOME", ""), ("KOTADB_DATA_DIR", "data")]).unwrap().data_dir.is_relative());
    }

    #[test]
    fn temporary_credentials_are_left_to_the_machine() {
        let mut variables = vec![("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        assert!(from(&variables).unwrap().s3_credentials.is_some());
        variables.push(("AWS_SESSION_TOKEN", "token"));
        assert!(from(&variables).unwrap().s3_credentials.is_none());
    }

    #[test]
    fn a_previous_master_key_needs_a_current_one() {
        let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        assert!(faults(&[("KOTADB_MASTER_KEY_PREVIOUS", key)])[0].starts_with("`KOTADB_MASTER_KEY`"));
    }

    #[test]
    fn debug_prints_no_secret() {
        let config = from(&[
            ("DATABASE_URL", "postgres://u:hunter2@localhost/db"),
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "hunter2"),
            ("GITHUB_APP_ID", "7"),
            ("GITHUB_APP_PRIVATE_KEY", "-----BEGIN hunter2"),
            ("GITHUB_WEBHOOK_TOKEN", "hunter2"),
            ("KOTADB_MASTER_KEY", "hunter2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            ("GITHUB_APP_WEBHOOK_SECRET", "hunter2"),
            ("GITHUB_APP_WEBHOOK_SECRET_PREVIOUS", "hunter2"),
            ("KOTADB_TICK_SECRET", "hunter2hunter2hunter2hunter2hunter2"),
            ("KOTADB_WAKE", "machines"),
            ("FLY_API_TOKEN", "hunter2"),
        ]);
        let shown = format!("{:?}", config.unwrap());
        assert!(shown.contains("github_app: Some(7)"), "{shown}");
        assert!(shown.contains("master_key: \"set\"") && !shown.contains("hunter2"), "{shown}");
    }
}
