//! The `git` program as a child process: no configuration, no prompts but for the token, no hooks, no redirects, only
//! http(s), and caps on time, bytes, objects and memory. What is fetched with it is `remote.rs` and `fetch.rs`.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use crate::askpass::{Askpass, USER};
use crate::error::IndexError;
use crate::halt::Halt;
use crate::watch::Caps;
use crate::{complaint, disk};

/// Where `git` and its helpers are looked for; the child sees no other path.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin";
/// Most bytes of a child's standard output that are read: some two million refs.
const MAX_OUTPUT: u64 = 160 << 20;
/// Most bytes of its standard error.
const MAX_COMPLAINTS: u64 = 1 << 20;
/// Above the cap of bytes, so that the watch finds it passed after the process died of its limit.
const FILE_MARGIN: u64 = 16 << 20;

/// Starts `git` with limits that only a process can set for itself, the token's pipe on descriptor 3 instead of standard
/// input, and standard input from a file. A limit that the system does not know, or that is lower already, stays.
const LAUNCH: &str = r#"ulimit -c 0 2>/dev/null; ulimit -f "$1" 2>/dev/null; ulimit -v "$2" 2>/dev/null; input=$3; shift 3
exec 3<&0 0<"$input"; exec git "$@""#;

/// Settings of every call; protocols are closed but for http and https, whose origin was checked before. Blobs of 16 MiB
/// and more are written as they come in, never held in memory.
const SETTINGS: [&str; 20] = [
    "protocol.allow=never",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    "protocol.version=2",
    "http.followRedirects=false",
    "http.proxy=",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "credential.helper=",
    "core.hooksPath=/dev/null",
    "core.askPass=true",
    "core.bigFileThreshold=16m",
    "core.packedGitLimit=256m",
    "core.packedGitWindowSize=32m",
    "pack.threads=2",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.unpackLimit=1",
    "fetch.writeCommitGraph=false",
    "fetch.negotiationAlgorithm=noop",
];

/// One call of `git`.
#[derive(Debug)]
pub struct Call<'a> {
    /// What it does, for messages.
    pub what: &'static str,
    /// Arguments after the settings.
    pub args: Vec<String>,
    /// Working folder; its bytes are watched.
    pub folder: &'a Path,
    /// A file for standard input.
    pub input: Option<&'a Path>,
    /// Longest time.
    pub timeout: Duration,
}

/// How `git` is called for one remote.
#[derive(Clone, Debug)]
pub struct Git {
    /// An empty folder.
    home: PathBuf,
    /// The resolved addresses of the remote ([`crate::resolve::pin`]).
    pin: Option<String>,
    askpass: Option<Askpass>,
    caps: Caps,
}

impl Git {
    /// `home` is an empty folder; `pin` the resolved addresses of the remote ([`crate::resolve::pin`]).
    pub fn new(home: PathBuf, pin: Option<String>) -> Self {
        Self { home, pin, askpass: None, caps: Caps::default() }
    }

    /// With a token, for whoever asks.
    pub fn with_token(self, askpass: Option<Askpass>) -> Self {
        Self { askpass, ..self }
    }

    /// With other caps.
    pub fn with_caps(self, caps: Caps) -> Self {
        Self { caps, ..self }
    }

    /// Runs to the end and returns standard output. Dropped or halted, the child and its helpers are killed.
    pub async fn run(&self, call: &Call<'_>, halt: &Halt) -> Result<Vec<u8>, IndexError> {
        disk::ask("disk git", call.folder).map_err(IndexError::io("`git` cannot write"))?;
        let mut child = self.start(call).map_err(IndexError::io("cannot start `git`: install it"))?;
        let group = Group::of(&child);
        let outcome = tokio::select! {
            outcome = outcome(&mut child) => outcome.map_err(IndexError::io("cannot read from `git`")),
            error = self.caps.watch(call) => Err(error),
            reason = halt.wait() => Err(IndexError::Halted(reason)),
        };
        let (status, stdout, stderr) = outcome?;
        group.ended();
        if stdout.len() as u64 == MAX_OUTPUT {
            return Err(IndexError::TooLarge("the remote lists more than 160 MiB of refs"));
        }
        // One that was faster than the watch, or died of its limits and says nothing of use.
        if let Some(error) = self.caps.passed(call.folder) {
            return Err(error);
        }
        if status.success() { Ok(stdout) } else { Err(self.failure(call, status, stderr)) }
    }

    fn failure(&self, call: &Call<'_>, status: ExitStatus, mut stderr: Vec<u8>) -> IndexError {
        if stderr.trim_ascii().is_empty() {
            stderr = format!("it ended without a message ({status})").into_bytes();
        }
        complaint::refusal(call.what, &stderr, self.askpass.is_some())
    }

    fn start(&self, call: &Call<'_>) -> std::io::Result<Child> {
        let token = match &self.askpass {
            Some(askpass) => Stdio::from(askpass.pipe()?),
            None => Stdio::null(),
        };
        let askpass = self.askpass.as_ref().map_or(Path::new("true"), Askpass::program);
        let mut command = Command::new("/bin/sh");
        command
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", &self.home)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", askpass)
            // What a partial clone lacks is fetched when we say so, never behind our back.
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_CEILING_DIRECTORIES", call.folder.parent().unwrap_or(call.folder))
            .current_dir(call.folder)
            .stdin(token)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        self.add_args(&mut command, call);
        command.spawn()
    }

    fn add_args(&self, command: &mut Command, call: &Call<'_>) {
        // Units of `ulimit`: 512 bytes for a file, 1024 for memory.
        let (file, memory) = ((self.caps.bytes + FILE_MARGIN) / 512, self.caps.memory / 1024);
        command.args(["-c", LAUNCH, "sh", &file.to_string(), &memory.to_string()]);
        command.arg(call.input.unwrap_or(Path::new("/dev/null")));
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        if let Some(pin) = &self.pin {
            command.arg("-c").arg(format!("http.curloptResolve={pin}"));
        }
        if self.askpass.is_some() {
            command.arg("-c").arg(format!("credential.username={USER}"));
        }
        command.args(&call.args);
    }
}

/// The process group of a child: `git` starts helpers that must not outlive it.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }

    fn ended(mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _gone_already = killpg(group, Signal::SIGKILL);
        }
    }
}

async fn outcome(child: &mut Child) -> std::io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = tokio::try_join!(read(stdout, MAX_OUTPUT), read(stderr, MAX_COMPLAINTS))?;
    Ok((child.wait().await?, stdout, stderr))
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}
