//! Every setting of every program: one struct, read once from the environment; nothing else reads it.
#![allow(unused_variables, reason = "contract stub")]

use std::path::PathBuf;
use std::time::Duration;

/// What the environment says. Each field's doc names its variable and default.
#[derive(Clone)]
pub struct Config {
    /// `DATABASE_URL`: Postgres through the transaction pooler.
    pub database_url: Option<String>,
    /// `DATABASE_DIRECT_URL`: session or direct connection, for migrations. Default: `DATABASE_URL`.
    pub database_direct_url: Option<String>,
    /// `PORT`: where the router listens. Default 8080; 0: any free one, printed.
    pub port: u16,
    /// `KOTADB_BIND`: address the router listens on. Default `0.0.0.0`.
    pub bind: std::net::IpAddr,
    /// `KOTADB_DATA_DIR`: scratch of the indexer and, without `BUCKET_NAME`, the object store. Default `$XDG_DATA_HOME/kotadb`.
    pub data_dir: PathBuf,
    /// `BUCKET_NAME`: the bucket; absent: the folder `objects` below the data folder.
    pub bucket: Option<String>,
    /// `AWS_ENDPOINT_URL_S3`.
    pub s3_endpoint: Option<String>,
    /// `AWS_REGION`. Default `auto`.
    pub s3_region: String,
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    pub s3_credentials: Option<(String, String)>,
    /// `KOTADB_MASTER_KEY` and `KOTADB_MASTER_KEY_PREVIOUS`, base64 of 32 bytes.
    pub master_key: Option<String>,
    /// The previous one.
    pub master_key_previous: Option<String>,
    /// `KOTADB_WEBHOOK_BASE_URL`: public base URL for webhook registrations.
    pub webhook_base_url: Option<String>,
    /// `KOTADB_GIT_ALLOWED_ORIGINS`: comma-separated origins that may be fetched. Default `https://github.com`.
    pub git_allowed_origins: Vec<String>,
    /// `KOTADB_CACHE_BYTES`. Default: a quarter of the memory limit of the cgroup, at most 2 GiB.
    pub cache_bytes: u64,
    /// `KOTADB_LEASE_SECONDS`. Default 60.
    pub lease: Duration,
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
        unimplemented!()
    }
    /// Reads from any look-up; what tests use.
    pub fn from_lookup(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        unimplemented!()
    }
}
