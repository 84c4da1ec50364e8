//! The `git` program as a child process: no configuration, no prompts, no hooks, no redirects, only http(s), and caps on
//! time and bytes. What is fetched with it is `remote.rs` and `fetch.rs`.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use kotadb_core::db::jobs::ErrorClass;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};

use crate::error::IndexError;
use crate::halt::Halt;
use crate::scratch::bytes_below;
use crate::{disk, limits};

/// Where `git` and its helpers are looked for; the child sees no other path.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin";
/// Most bytes of a child's standard output that are read.
const MAX_OUTPUT: u64 = 256 << 20;
/// Bytes of standard error that are kept for the message.
const MAX_COMPLAINT: usize = 2000;
/// How often the bytes on disk are looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(500);

/// Settings of every call; protocols are closed but for http and https, whose origin was checked before.
const SETTINGS: [&str; 14] = [
    "protocol.allow=never",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    "protocol.version=2",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=60",
    "credential.helper=",
    "core.hooksPath=/dev/null",
    "core.askPass=true",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.unpackLimit=1",
    "fetch.writeCommitGraph=false",
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
    /// Longest time.
    pub timeout: Duration,
}

/// How `git` is called for one remote.
#[derive(Clone, Debug)]
pub struct Git {
    home: PathBuf,
    pin: Option<String>,
}

impl Git {
    /// `home` is an empty folder; `pin` the resolved address of the remote ([`crate::origin::Origin::pin`]).
    pub fn new(home: PathBuf, pin: Option<String>) -> Self {
        Self { home, pin }
    }

    /// Runs to the end and returns standard output. Dropped or halted, the child and its helpers are killed.
    pub async fn run(&self, call: &Call<'_>, halt: &Halt) -> Result<Vec<u8>, IndexError> {
        disk::ask("disk git", call.folder).map_err(IndexError::io("`git` cannot write"))?;
        let mut child = self.command(call).spawn().map_err(IndexError::io("cannot start `git`: install it"))?;
        let group = Group::of(&child);
        let outcome = tokio::select! {
            outcome = outcome(&mut child) => outcome.map_err(IndexError::io("cannot read from `git`")),
            error = watch(call) => Err(error),
            reason = halt.wait() => Err(IndexError::Halted(reason)),
        };
        let (success, stdout, stderr) = outcome?;
        group.ended();
        if success { Ok(stdout) } else { Err(refusal(call.what, &stderr)) }
    }

    fn command(&self, call: &Call<'_>) -> Command {
        let mut command = Command::new("git");
        command
            .env_clear()
            .env("PATH", PATH)
            .env("HOME", &self.home)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ASKPASS", "true")
            .env("GIT_CEILING_DIRECTORIES", call.folder.parent().unwrap_or(call.folder))
            .current_dir(call.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        if let Some(pin) = &self.pin {
            command.arg("-c").arg(format!("http.curloptResolve={pin}"));
        }
        command.args(&call.args);
        command
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

async fn outcome(child: &mut Child) -> std::io::Result<(bool, Vec<u8>, Vec<u8>)> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = tokio::try_join!(read(stdout), read(stderr))?;
    Ok((child.wait().await?.success(), stdout, stderr))
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(MAX_OUTPUT).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Ends only with a cap that was passed.
async fn watch(call: &Call<'_>) -> IndexError {
    let late = tokio::time::sleep(call.timeout);
    tokio::pin!(late);
    loop {
        tokio::select! {
            () = &mut late => return refusal(call.what, format!("no end after {} s", call.timeout.as_secs()).as_bytes()),
            () = tokio::time::sleep(WATCH_INTERVAL) => {}
        }
        if bytes_below(call.folder) > limits::MAX_FETCH_BYTES {
            return IndexError::TooLarge("a shallow fetch is more than 8 GiB");
        }
    }
}

fn refusal(what: &'static str, stderr: &[u8]) -> IndexError {
    let text = String::from_utf8_lossy(stderr);
    let text = text.trim();
    if text.contains("mismatched algorithms") || text.contains("unsupported object format") {
        return IndexError::Sha256Repository;
    }
    let start = text.len().saturating_sub(MAX_COMPLAINT);
    let start = (start..text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    IndexError::Git { what, class: class_of(text), message: text[start..].to_owned() }
}

/// Reads git's complaint, which is in English because the locale is fixed.
fn class_of(complaint: &str) -> ErrorClass {
    const PERMANENT: [&str; 12] = [
        "not found",
        "does not exist",
        "Authentication failed",
        "could not read Username",
        "terminal prompts disabled",
        "returned error: 400",
        "returned error: 401",
        "returned error: 403",
        "returned error: 404",
        "returned error: 410",
        "returned error: 451",
        "redirection",
    ];
    let says = |part: &&str| complaint.contains(*part);
    if complaint.contains("returned error: 429") {
        ErrorClass::RateLimited
    } else if PERMANENT.iter().any(says) || complaint.contains("not valid: is this a git repository?") {
        ErrorClass::Permanent
    } else {
        ErrorClass::Transient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_classed() {
        let fatal = "fatal: unable to access 'http://h/r/': The requested URL returned error: ";
        assert_eq!(class_of(&format!("{fatal}429")), ErrorClass::RateLimited);
        assert_eq!(class_of(&format!("{fatal}503")), ErrorClass::Transient);
        assert_eq!(class_of(&format!("{fatal}403")), ErrorClass::Permanent);
        assert_eq!(class_of("fatal: repository 'http://h/r/' not found"), ErrorClass::Permanent);
        assert_eq!(class_of("fatal: unable to access 'https://h/': Could not resolve host: h"), ErrorClass::Transient);
        assert_eq!(class_of("fatal: early EOF"), ErrorClass::Transient);
    }

    #[test]
    fn long_complaint_is_cut_at_a_character() {
        let long = "é".repeat(3000);
        let IndexError::Git { message, .. } = refusal("fetch", long.as_bytes()) else { panic!("not a git error") };
        assert!(message.len() <= MAX_COMPLAINT);
    }
}
