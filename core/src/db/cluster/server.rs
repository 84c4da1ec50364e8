//! The server process of a private cluster: made, started, watched by a thread of its own, stopped.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::account::Account;
use super::programs::Programs;
use super::{ClusterOptions, DbError, SUPERUSER, failed};

/// How long a start may take, crash recovery included.
const START_LIMIT: Duration = Duration::from_secs(60);

/// What to start.
pub(super) struct Launch {
    pub(super) data_dir: PathBuf,
    pub(super) port: u16,
    pub(super) options: ClusterOptions,
}

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    programs: Programs,
    account: Account,
    data_dir: PathBuf,
    process_id: u32,
    /// Started the server and waits for its end: the kernel stops the server if this thread ever ends before it, which it
    /// does only with the whole process, SIGKILL included.
    watcher: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts the server and waits until it answers.
    pub(super) fn start(programs: Programs, account: Account, launch: Launch) -> Result<Self, DbError> {
        let log = launch.data_dir.join("server.log");
        let command = server_command(&programs, &account, &launch, &log)?;
        let (tell, told) = mpsc::channel();
        let watcher = thread::Builder::new().name("postgres".to_owned()).spawn(move || watch(command, &tell));
        let watcher = watcher.map_err(|error| DbError::Cluster(format!("cannot start a thread: {error}")))?;
        let spawned = told.recv().map_err(|_| DbError::Cluster("the watching thread died".to_owned()))?;
        let process_id = spawned.map_err(|error| failed("cannot run", &programs.path("postgres"), error))?;
        let server = Self { programs, account, data_dir: launch.data_dir, process_id, watcher: Some(watcher) };
        server.wait_until_ready(&log)?;
        Ok(server)
    }

    /// Process id of the server.
    pub(super) fn process_id(&self) -> u32 {
        self.process_id
    }

    /// A fast shutdown: open transactions are rolled back, data is flushed.
    pub(super) fn stop(&mut self) -> Result<(), DbError> {
        let Some(watcher) = self.watcher.take() else { return Ok(()) };
        if !watcher.is_finished() {
            stop_by_file(&self.programs, &self.account, &self.data_dir)?;
        }
        watcher.join().map_err(|_| DbError::Cluster("the watching thread panicked".to_owned()))
    }

    fn wait_until_ready(&self, log: &Path) -> Result<(), DbError> {
        let started = Instant::now();
        while started.elapsed() < START_LIMIT {
            if state_of(&self.data_dir).as_deref() == Some("ready") {
                return Ok(());
            }
            if self.watcher.as_ref().is_none_or(JoinHandle::is_finished) {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        let last: Vec<&str> = lines.into_iter().rev().collect();
        Err(DbError::Cluster(format!("Postgres did not start; `{}` ends: {}", log.display(), last.join(" / "))))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            tracing::warn!(%error, "the private Postgres was not stopped");
        }
    }
}

/// Makes a new cluster. With a password, logins need it; without, anybody on this machine is let in.
pub(super) fn prepare(
    programs: &Programs,
    account: &Account,
    data_dir: &Path,
    password: Option<&str>,
) -> Result<(), DbError> {
    let mut initdb = account.command(&programs.path("initdb"), false);
    initdb.args(["--encoding=UTF8", "--locale=C", "--username", SUPERUSER, "--pgdata"]).arg(data_dir).current_dir("/");
    match password {
        None => drop(initdb.args(["--auth=trust", "--no-sync"])),
        // The password goes by a pipe: a file of it would have to be readable by the other account.
        Some(_) => drop(initdb.args(["--auth=scram-sha-256", "--pwfile=/dev/stdin"])),
    }
    let mut child = initdb
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failed("cannot run", &programs.path("initdb"), error))?;
    if let (Some(mut stdin), Some(password)) = (child.stdin.take(), password) {
        std::io::Write::write_all(&mut stdin, format!("{password}\n").as_bytes())
            .map_err(|error| failed("cannot write to", &programs.path("initdb"), error))?;
    }
    let done = child.wait_with_output().map_err(|error| failed("cannot run", &programs.path("initdb"), error))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(failed("initdb could not prepare", data_dir, String::from_utf8_lossy(&done.stderr).trim())),
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
        Ok(status) if status.success() => stop_by_file(programs, account, data_dir),
        _ => Ok(()),
    }
}

fn stop_by_file(programs: &Programs, account: &Account, data_dir: &Path) -> Result<(), DbError> {
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

fn server_command(programs: &Programs, account: &Account, launch: &Launch, log: &Path) -> Result<Command, DbError> {
    let output = fs::File::create(log).map_err(|error| failed("cannot write", log, error))?;
    let errors = output.try_clone().map_err(|error| failed("cannot write", log, error))?;
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

fn watch(mut command: Command, tell: &mpsc::Sender<std::io::Result<u32>>) {
    let spawned = command.spawn();
    let told = tell
        .send(spawned.as_ref().map(Child::id).map_err(|error| std::io::Error::new(error.kind(), error.to_string())));
    if let (Ok(mut child), Ok(())) = (spawned, told) {
        // Nothing to do with a failure: the thread ends, and the kernel then stops the server.
        drop(child.wait());
    }
}

/// The eighth line of `postmaster.pid`: `starting`, `ready`, `stopping`.
fn state_of(data_dir: &Path) -> Option<String> {
    let text = fs::read_to_string(data_dir.join("postmaster.pid")).ok()?;
    text.lines().nth(7).map(|line| line.trim().to_owned())
}
