//! A program of ours as a process of its own, which signals can meet.

use std::fs::{self, File};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What the router prints before the address that it listens on.
const LISTENING: &str = "listening on ";

/// A running program; dropped, it is killed.
#[derive(Debug)]
pub struct Program {
    child: Child,
    id: u32,
}

impl Program {
    /// Starts a command; what it logs goes to the end of the file `log`.
    pub fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let errors = File::options().create(true).append(true).open(log);
        let errors = errors.with_context(|| format!("cannot write `{}`", log.display()))?;
        let child = command.stdin(Stdio::null()).stderr(errors).kill_on_drop(true).spawn();
        let child = child.with_context(|| format!("cannot start {command:?}"))?;
        let id = child.id().context("a program ended before it began")?;
        Ok(Self { child, id })
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Waits until the router says where it listens.
    pub async fn address(&mut self) -> anyhow::Result<String> {
        let stdout = self.child.stdout.take().context("standard output is no pipe")?;
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            if let Some(url) = line.strip_prefix(LISTENING) {
                let url = url.trim().to_owned();
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                return Ok(url);
            }
        }
        anyhow::bail!("the router ended before it listened")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = i32::try_from(self.id)?;
        kill(Pid::from_raw(id), signal).with_context(|| format!("cannot send {signal} to process {id}"))
    }

    /// Sends a signal to it and to the processes that it has started, as to a whole machine.
    pub fn signal_all(&self, signal: Signal) -> anyhow::Result<()> {
        for child in self.children() {
            // One may end at this very moment.
            let _gone_already = kill(Pid::from_raw(child), signal);
        }
        self.signal(signal)
    }

    /// Waits for the end.
    pub async fn wait(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let ended = tokio::time::timeout(patience, self.child.wait()).await;
        Ok(ended.with_context(|| format!("process {} did not end in {} s", self.id, patience.as_secs()))??)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Processes that it has started and that still run.
    pub fn children(&self) -> Vec<i32> {
        let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
        let ids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(|id| is_child(*id, self.id)).collect()
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        status_kib(self.id, "VmRSS:")
    }

    /// The part of it that is no file: not the program itself, whose pages come in as they are first run.
    pub fn own_kib(&self) -> u64 {
        status_kib(self.id, "RssAnon:")
    }

    /// The same with that of the processes that it has started.
    pub fn resident_all_kib(&self) -> u64 {
        self.resident_kib() + self.children().into_iter().map(|id| status_kib(id, "VmRSS:")).sum::<u64>()
    }

    /// Open files.
    pub fn open_files(&self) -> u64 {
        fs::read_dir(format!("/proc/{}/fd", self.id)).map_or(0, |entries| entries.count() as u64)
    }
}

fn status_kib(id: impl std::fmt::Display, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or_default()
}

fn is_child(id: i32, of: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    value("PPid:") == Some(&of.to_string()) && value("State:").is_some_and(|state| !state.starts_with('Z'))
}
