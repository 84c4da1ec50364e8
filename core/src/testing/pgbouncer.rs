//! pgbouncer in transaction mode, the stand-in for Supavisor: strict about start-up parameters and without any support for
//! prepared statements (Debian's 1.18).

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use crate::db::DbError;
use crate::db::cluster::{Account, Process, free_port};

/// A running pgbouncer. Dropped, it is stopped.
#[derive(Debug)]
pub struct PgBouncer {
    process: Process,
    port: u16,
}

/// In front of what it stands.
#[derive(Clone, Copy, Debug)]
pub struct PgBouncerOptions<'a> {
    /// The port of Postgres.
    pub postgres_port: u16,
    /// Who may pass, without a password.
    pub login: &'a str,
    /// What Postgres asks for; empty: nothing.
    pub password: &'a str,
    /// Connections to Postgres at most.
    pub pool_size: u32,
}

impl PgBouncer {
    /// Starts pgbouncer.
    pub fn start(folder: &Path, options: &PgBouncerOptions<'_>) -> Result<Self, DbError> {
        let port = free_port()?;
        let PgBouncerOptions { postgres_port, login, password, pool_size } = options;
        let users = format!("\"{login}\" \"{password}\"\n");
        let config = format!(
            "[databases]\n* = host=127.0.0.1 port={postgres_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {users}\n\
             pool_mode = transaction\ndefault_pool_size = {pool_size}\nmax_client_conn = 1000\nserver_idle_timeout = 5\n\
             server_login_retry = 1\n\
             log_connections = 0\nlog_disconnections = 0\n",
            users = folder.join("users.txt").display(),
        );
        write(&folder.join("users.txt"), &users)?;
        write(&folder.join("pgbouncer.ini"), &config)?;
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/opt/homebrew/bin/pgbouncer"];
        let program = program.iter().map(Path::new).find(|path| path.exists()).ok_or_else(|| {
            DbError::Cluster("no pgbouncer found: install it (`apt-get install pgbouncer`)".to_owned())
        })?;
        let mut command = Account::choose()?.command(program, true);
        command.arg("-q").arg(folder.join("pgbouncer.ini")).current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = Process::spawn(command).map_err(|error| DbError::Cluster(format!("pgbouncer: {error}")))?;
        let bouncer = Self { process, port };
        bouncer.wait_until_ready()?;
        Ok(bouncer)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn wait_until_ready(&self) -> Result<(), DbError> {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) && self.process.is_running() {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(DbError::Cluster(format!("pgbouncer did not listen on port {}", self.port)))
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        if let Err(error) = self.process.stop("TERM") {
            tracing::warn!(%error, "pgbouncer was not stopped");
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), DbError> {
    fs::write(path, text).map_err(|error| DbError::Cluster(format!("cannot write `{}`: {error}", path.display())))
}
