//! A private Postgres of one program: prepared in a folder, started on a free port of 127.0.0.1, stopped with its owner.
//! For `kotadb up` and for tests. [`programs`] finds Postgres, [`account`] gives up root, [`process`] starts and
//! stops a child, [`server`] knows Postgres.

mod account;
mod process;
mod programs;
mod server;

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub(crate) use self::account::Account;
#[cfg(feature = "testing")]
pub(crate) use self::process::Process;
use self::programs::Programs;
use self::server::Server;
use super::direct::{Direct, identifier, literal};
use super::{DbError, migrate};

/// The superuser of a private cluster.
const SUPERUSER: &str = "postgres";

/// Where and how to run a private Postgres.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// Folder of the cluster; made if it is not there. As root, the unprivileged user must be able to reach it.
    pub data_dir: PathBuf,
    /// Whether data must survive a crash of the machine, and logins need the password: `false` only for tests.
    pub durable: bool,
    /// `max_connections`.
    pub max_connections: u32,
}

/// A running private Postgres. Dropped, it is stopped.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    port: u16,
    password: Option<String>,
    /// Held as long as this program uses the folder.
    _claim: fs::File,
}

impl Cluster {
    /// Prepares the folder if it is empty, ends a server that an earlier owner left behind there, and starts Postgres.
    /// [`DbError::Cluster`] says what to do where that cannot be.
    pub async fn start(options: ClusterOptions) -> Result<Self, DbError> {
        let started = tokio::task::spawn_blocking(move || Self::start_blocking(&options)).await;
        started.map_err(|error| DbError::Cluster(error.to_string()))?
    }

    fn start_blocking(options: &ClusterOptions) -> Result<Self, DbError> {
        let data_dir =
            std::path::absolute(&options.data_dir).map_err(|error| failed("path", &options.data_dir, error))?;
        let account = Account::choose()?;
        account.make_folder(&data_dir)?;
        let claim = claim_folder(&data_dir)?;
        let programs = Programs::find(&data_dir)?;
        let password = match options.durable {
            true => Some(password(&data_dir)?),
            false => None,
        };
        if !data_dir.join("PG_VERSION").exists() {
            let file = password.as_ref().map(|_| beside(&data_dir, "password"));
            file.iter().try_for_each(|file| account.own(file))?;
            server::prepare(&programs, &account, &data_dir, file.as_deref())?;
        }
        server::end_orphan(&programs, &account, &data_dir)?;
        let port = free_port()?;
        let server = Server::start(&programs, &account, server::Launch { data_dir, port, options: options.clone() })?;
        Ok(Self { server, port, password, _claim: claim })
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The password of all its logins, where it asks for one.
    #[cfg(feature = "testing")]
    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_deref()
    }

    /// Process id of the server.
    pub fn process_id(&self) -> u32 {
        self.server.process_id()
    }

    /// A URL for a login and a database. The logins that this type makes share the password of the superuser.
    pub fn url(&self, login: &str, database: &str) -> String {
        let password = self.password.as_ref().map(|password| format!(":{password}")).unwrap_or_default();
        format!("postgres://{login}{password}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// The superuser's URL of a database: the direct URL for migrations.
    pub fn superuser_url(&self, database: &str) -> String {
        self.url(SUPERUSER, database)
    }

    /// Makes a database unless it is there.
    pub async fn ensure_database(&self, database: &str) -> Result<(), DbError> {
        let mut direct = Direct::connect(&self.superuser_url("postgres")).await?;
        let found = format!("SELECT datname::text FROM pg_database WHERE datname = {}", literal(database));
        if direct.texts(&found).await?.is_empty() {
            direct.execute(&format!("CREATE DATABASE {}", identifier(database))).await?;
        }
        direct.close().await;
        Ok(())
    }

    /// Makes a login for programs unless it is there: neither superuser nor owner of anything. It gets the roles of a
    /// transaction by [`migrate::grant_login`].
    pub async fn ensure_login(&self, login: &str) -> Result<(), DbError> {
        let mut direct = Direct::connect(&self.superuser_url("postgres")).await?;
        let found = format!("SELECT rolname::text FROM pg_roles WHERE rolname = {}", literal(login));
        if direct.texts(&found).await?.is_empty() {
            direct.execute(&format!("CREATE ROLE {} LOGIN NOINHERIT", identifier(login))).await?;
        }
        if let Some(password) = &self.password {
            let set = format!("ALTER ROLE {} PASSWORD {}", identifier(login), literal(password));
            direct.execute(&set).await?;
        }
        direct.close().await;
        Ok(())
    }

    /// A database ready for a program: made, migrated, with a login that may take the roles. Returns the login's URL.
    pub async fn provision(&self, database: &str, login: &str) -> Result<String, DbError> {
        self.ensure_database(database).await?;
        migrate::run(&self.superuser_url(database)).await?;
        self.ensure_login(login).await?;
        migrate::grant_login(&self.superuser_url(database), login).await?;
        Ok(self.url(login, database))
    }

    /// Stops Postgres in order (a fast shutdown) and waits for it. Dropping does the same, without a report.
    pub async fn stop(mut self) -> Result<(), DbError> {
        let stopped = tokio::task::spawn_blocking(move || self.server.stop()).await;
        stopped.map_err(|error| DbError::Cluster(error.to_string()))?
    }
}

/// One owner at a time: the lock ends with its process, so a server that still runs without it is an orphan.
fn claim_folder(data_dir: &Path) -> Result<fs::File, DbError> {
    let path = beside(data_dir, "lock");
    let file = fs::File::create(&path).map_err(|error| failed("cannot write", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            Err(DbError::Cluster(format!("`{}` is in use by another process: stop that first", data_dir.display())))
        }
        Err(fs::TryLockError::Error(error)) => Err(failed("cannot lock", &path, error)),
    }
}

/// The password of all logins, made at the first start and kept beside the cluster, readable by its owner alone.
fn password(data_dir: &Path) -> Result<String, DbError> {
    let path = beside(data_dir, "password");
    if let Ok(password) = fs::read_to_string(&path)
        && password.len() == 32
    {
        return Ok(password);
    }
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| DbError::Cluster("no random numbers".to_owned()))?;
    let password: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .map_err(|error| failed("cannot write", &path, error))?;
    file.write_all(password.as_bytes()).map_err(|error| failed("cannot write", &path, error))?;
    Ok(password)
}

/// `postgres.lock` for the folder `postgres`.
fn beside(data_dir: &Path, suffix: &str) -> PathBuf {
    let mut name = data_dir.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

/// A port of 127.0.0.1 that nobody listens on now.
pub(crate) fn free_port() -> Result<u16, DbError> {
    let bound = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    bound.map(|address| address.port()).map_err(|error| DbError::Cluster(format!("no free port: {error}")))
}

/// An error about a path.
fn failed(what: &str, path: &Path, error: impl std::fmt::Display) -> DbError {
    DbError::Cluster(format!("{what} `{}`: {error}", path.display()))
}
