//! The server of a private cluster: its folder prepared, the process started and stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::account::Account;
use super::process::Process;
use super::programs::Programs;
use super::{ClusterOptions, DbError, SUPERUSER, failed};

/// How long a start may take, crash recovery included.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What Postgres said since its last start, in the folder of the cluster.
const LOG: &str = "server.log";

/// Suffix of a cluster in the making, before the process id.
const UNFINISHED: &str = "new-";

/// What to start.
pub(super) struct Launch {
    pub(super) data_dir: PathBuf,
    pub(super) port: u16,
    pub(super) options: ClusterOptions,
}

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    process: Process,
    data_dir: PathBuf,
}

impl Server {
    /// Starts the server and waits until it answers.
    pub(super) fn start(programs: &Programs, account: &Account, launch: Launch) -> Result<Self, DbError> {
        let command = server_command(programs, account, &launch)?;
        let process =
            Process::spawn(command).map_err(|error| failed("cannot run", &programs.path("postgres"), error))?;
        let server = Self { process, data_dir: launch.data_dir };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Process id of the server.
    pub(super) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// A fast shutdown: open transactions are rolled back, data is flushed.
    pub(super) fn stop(&mut self) -> Result<(), DbError> {
        self.process.stop("INT").map_err(|error| failed("cannot stop Postgres in", &self.data_dir, error))
    }

    fn wait_until_ready(&self) -> Result<(), DbError> {
        let started = Instant::now();
        while started.elapsed() < START_LIMIT && self.process.is_running() {
            if state_of(&self.data_dir).as_deref() == Some("ready") {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        let log = self.data_dir.join(LOG);
        let text = fs::read_to_string(&log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(5)..].join(" / ");
        Err(failed("Postgres did not start; see", &log, last))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!(%error, "the private Postgres was not stopped");
        }
    }
}

/// Makes a new cluster. With a password file, logins need the password; without, anybody on this machine is let in.
/// It is made beside and renamed, so that one whose making was cut short is never taken for a whole one.
pub(super) fn prepare(
    programs: &Programs,
    account: &Account,
    data_dir: &Path,
    password_file: Option<&Path>,
) -> Result<(), DbError> {
    remove_unfinished(data_dir);
    let unfinished = super::beside(data_dir, &format!("{UNFINISHED}{}", std::process::id()));
    account.make_folder(&unfinished)?;
    init(programs, account, &unfinished, password_file)?;
    fs::rename(&unfinished, data_dir).map_err(|error| failed("cannot make", data_dir, error))
}

/// What earlier runs left behind. One that still ends there keeps its own name, so it disturbs nobody.
fn remove_unfinished(data_dir: &Path) {
    let (Some(parent), Some(name)) = (data_dir.parent(), data_dir.file_name()) else { return };
    let prefix = format!("{}.{UNFINISHED}", name.to_string_lossy());
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            let _stays = fs::remove_dir_all(entry.path());
        }
    }
}

fn init(programs: &Programs, account: &Account, folder: &Path, password_file: Option<&Path>) -> Result<(), DbError> {
    let mut initdb = account.command(&programs.path("initdb"), true);
    initdb.args(["--encoding=UTF8", "--locale=C", "--username", SUPERUSER, "--pgdata"]).arg(folder).current_dir("/");
    match password_file {
        None => initdb.args(["--auth=trust", "--no-sync"]),
        Some(file) => initdb.args(["--auth=scram-sha-256", "--pwfile"]).arg(file),
    };
    let done = initdb.stdin(Stdio::null()).output();
    let done = done.map_err(|error| failed("cannot run", &programs.path("initdb"), error))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(failed("initdb could not prepare", folder, String::from_utf8_lossy(&done.stderr).trim())),
    }
}

/// Stops a server that runs in the folder although nobody holds the folder's lock: its owner was killed.
pub(super) fn end_orphan(programs: &Programs, account: &Account, data_dir: &Path) -> Result<(), DbError> {
    if !data_dir.join("postmaster.pid").exists() {
        return Ok(());
    }
    let status = account
        .command(&programs.path("pg_ctl"), false)
        .args(["status", "--silent", "--pgdata"])
        .arg(data_dir)
        .current_dir("/")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        // 0: running. Otherwise the file is a left-over, which Postgres replaces itself.
        Ok(status) if status.success() => stop_by_pg_ctl(programs, account, data_dir),
        _ => Ok(()),
    }
}

fn stop_by_pg_ctl(programs: &Programs, account: &Account, data_dir: &Path) -> Result<(), DbError> {
    let done = account
        .command(&programs.path("pg_ctl"), false)
        .args(["stop", "--silent", "--mode=fast", "--wait", "--timeout=30", "--pgdata"])
        .arg(data_dir)
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed("cannot run", &programs.path("pg_ctl"), error))?;
    // It may have gone by itself meanwhile.
    if done.status.success() || !data_dir.join("postmaster.pid").exists() {
        return Ok(());
    }
    Err(failed("cannot stop Postgres in", data_dir, String::from_utf8_lossy(&done.stderr).trim()))
}

fn server_command(programs: &Programs, account: &Account, launch: &Launch) -> Result<Command, DbError> {
    let log = launch.data_dir.join(LOG);
    let output = fs::File::create(&log).map_err(|error| failed("cannot write", &log, error))?;
    let errors = output.try_clone().map_err(|error| failed("cannot write", &log, error))?;
    // Without it, a file of the last run would say `ready` before this run is.
    if state_of(&launch.data_dir).is_some() {
        let left_over = launch.data_dir.join("postmaster.pid");
        fs::remove_file(&left_over).map_err(|error| failed("cannot remove", &left_over, error))?;
    }
    let mut command = account.command(&programs.path("postgres"), true);
    command.arg("-D").arg(&launch.data_dir).args(["-p", &launch.port.to_string()]);
    for setting in settings(&launch.options) {
        command.arg("-c").arg(setting);
    }
    command.current_dir("/").stdin(Stdio::null()).stdout(output).stderr(errors);
    Ok(command)
}

fn settings(options: &ClusterOptions) -> Vec<String> {
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        "unix_socket_directories=".to_owned(),
        "logging_collector=off".to_owned(),
        format!("max_connections={}", options.max_connections),
    ];
    if !options.durable {
        settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(str::to_owned));
    }
    settings
}

/// The eighth line of `postmaster.pid`: `starting`, `ready`, `stopping`.
fn state_of(data_dir: &Path) -> Option<String> {
    let text = fs::read_to_string(data_dir.join("postmaster.pid")).ok()?;
    text.lines().nth(7).map(|line| line.trim().to_owned())
}
