//! The worker's side: starts the process of a job, passes on the lease and the word to stop, and judges how it ended.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use kotadb_core::config;
use kotadb_core::db::jobs::Phase;
use kotadb_core::telemetry::{events, fields};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tracing::info;

use super::message::{Order, Reply};
use super::{leftovers, oom};
use crate::assignment::Assignment;
use crate::error::IndexError;
use crate::halt::{Halt, Reason};
use crate::job::{Outcome, Tell, Told};
use crate::scratch::Scratch;
use crate::{fail_point, limits};

/// Bytes of its standard error that are kept for the message.
const MAX_COMPLAINT: usize = 2000;
/// How long it may take to bring away what it has made, once this process is asked to end: Fly kills after 300 s.
const STOP_PATIENCE: Duration = Duration::from_secs(240);
/// The same for one whose swap of HEAD is on its way: nothing is left to bring away, and a store that does not answer is not
/// waited for. The job counts as in doubt then.
const PUBLISH_PATIENCE: Duration = Duration::from_secs(5);
/// How long a cancelled one may take to end by itself.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);
/// Later than any job.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Runs a job in a process of `program`, this one; one that outgrows its memory runs once more, on disk.
pub async fn run(program: &Path, assignment: &Assignment, halt: &Halt, tell: Tell<'_>) -> Result<Outcome, IndexError> {
    let (deadline, uploaded) = (Instant::now() + limits::JOB_DEADLINE, Mutex::new(Vec::new()));
    let note = |told: Told<'_>| {
        if let Told::Uploaded(entry) = told {
            uploaded.lock().unwrap_or_else(PoisonError::into_inner).push(entry.clone());
        }
        tell(told);
    };
    let scratch = || Scratch::name(assignment.repository, assignment.fence);
    let outcome = Process::start(program, scratch())?.follow(assignment, halt, deadline, &note).await;
    if !matches!(outcome, Err(IndexError::Halted(Reason::ScratchFull))) {
        return outcome;
    }
    info!({ fields::JOB_ID } = %assignment.job, { fields::REPOSITORY_ID } = %assignment.repository, "{}", events::SCRATCH_MOVED);
    let uploaded = uploaded.into_inner().unwrap_or_else(PoisonError::into_inner);
    Process::start(program, scratch())?.follow(&assignment.moved_to_disk(uploaded), halt, deadline, tell).await
}

struct Process {
    child: Child,
    orders: ChildStdin,
    replies: Lines<BufReader<ChildStdout>>,
    complaint: JoinHandle<String>,
    /// Of other processes, before this one began.
    oom_kills: Option<u64>,
    /// Name of its scratch folder.
    scratch: String,
}

/// Why a process was killed.
enum Killed {
    Halted(Reason),
    Deadline,
}

impl Process {
    fn start(program: &Path, scratch: String) -> Result<Self, IndexError> {
        let is_given = |(name, value): &(&str, OsString)| {
            *name != "KOTADB_FAIL_POINT" || !fail_point::is_spent(&value.to_string_lossy())
        };
        let oom_kills = oom::kills();
        let mut child = Command::new(program)
            .arg("run-job")
            .env_clear()
            .envs(config::job_environment().into_iter().filter(is_given))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(IndexError::io(format!("cannot start `{}` for a job", program.display())))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(orders), Some(replies), Some(complaint)) = pipes else { return Err(IndexError::BuildThread) };
        let complaint = tokio::spawn(forward(complaint));
        Ok(Self { child, orders, replies: BufReader::new(replies).lines(), complaint, oom_kills, scratch })
    }

    /// A process that does not read any more is judged by its end.
    async fn order(&mut self, order: &Order) {
        let mut line = serde_json::to_vec(order).expect("orders have string keys only");
        line.push(b'\n');
        let _unheard = self.orders.write_all(&line).await;
    }

    /// Gives it a job and stays with it to the end.
    async fn follow(
        mut self,
        assignment: &Assignment,
        halt: &Halt,
        deadline: Instant,
        tell: Tell<'_>,
    ) -> Result<Outcome, IndexError> {
        self.order(&Order::Run(Box::new(assignment.into()))).await;
        let (mut end, mut killed, mut told) = (None, None, None);
        let (mut trusted, mut kill_at) = (halt.trusted(), deadline + NEVER);
        trusted.mark_changed();
        loop {
            tokio::select! {
                line = self.replies.next_line() => match line {
                    Ok(Some(line)) => end = hear(&line, tell).or(end),
                    Ok(None) | Err(_) => break,
                },
                Ok(()) = trusted.changed() => {
                    let until = *trusted.borrow_and_update();
                    if let Some(until) = until {
                        self.order(&Order::Trust(until)).await;
                    }
                }
                reason = halt.wait(), if told.is_none() => {
                    told = Some(reason);
                    kill_at = Instant::now() + patience(reason, halt.may_publish());
                    self.order(&Order::Halt(reason.into())).await;
                }
                () = sleep_until(kill_at) => {
                    killed = told.map(Killed::Halted);
                    break;
                }
                () = sleep_until(deadline) => {
                    killed = Some(Killed::Deadline);
                    break;
                }
            }
        }
        self.judge(end, killed).await
    }

    /// The last line counts, unless the process was killed.
    async fn judge(
        mut self,
        end: Option<Result<Outcome, IndexError>>,
        killed: Option<Killed>,
    ) -> Result<Outcome, IndexError> {
        if killed.is_some() {
            self.kill();
        }
        let status = self.child.wait().await.map_err(IndexError::io("cannot wait for the process of a job"))?;
        if killed.is_some() || end.is_none() {
            leftovers::end(&self.scratch);
        }
        match (killed, end) {
            (Some(Killed::Halted(reason)), _) => Err(IndexError::Halted(reason)),
            (Some(Killed::Deadline), _) => Err(IndexError::Deadline),
            (None, Some(end)) => end,
            (None, None) => {
                let is_oom = oom::kills() > self.oom_kills;
                Err(died(status, &self.complaint.await.unwrap_or_default(), is_oom))
            }
        }
    }

    fn kill(&mut self) {
        let group = self.child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        if let Some(group) = group {
            let _gone_already = killpg(group, Signal::SIGKILL);
        }
    }
}

fn patience(reason: Reason, is_publishing: bool) -> Duration {
    match reason {
        Reason::LeaseLost => Duration::ZERO,
        Reason::Stopped if is_publishing => PUBLISH_PATIENCE,
        Reason::Cancelled => CANCEL_PATIENCE,
        Reason::Stopped | Reason::ScratchFull => STOP_PATIENCE,
    }
}

/// Passes a line on; the last one is what the run came to. A line that is none is the process's fault, which its end shows.
fn hear(line: &str, tell: Tell<'_>) -> Option<Result<Outcome, IndexError>> {
    match serde_json::from_str::<Reply>(line).ok()? {
        Reply::Step { phase, detail } => {
            if let Some(phase) = Phase::parse(&phase) {
                tell(Told::Step(phase, detail));
            }
            None
        }
        Reply::Uploaded(segment) => {
            if let Some(entry) = segment.entry() {
                tell(Told::Uploaded(&entry));
            }
            None
        }
        Reply::Publishing => {
            tell(Told::Publishing);
            None
        }
        last => last.end(),
    }
}

/// What Rust and tokio say before they give up: no memory, and none for the stack of a thread.
const WORDS_OF_WANT: [&str; 3] = ["memory allocation of", "failed to spawn thread", "OS can't spawn worker thread"];

/// What a process that ended without a last line died of. `is_oom`: the kernel ended processes meanwhile because memory was
/// short.
fn died(status: ExitStatus, complaint: &str, is_oom: bool) -> IndexError {
    if WORDS_OF_WANT.iter().any(|words| complaint.contains(words)) {
        return IndexError::OutOfMemory;
    }
    match status.signal().and_then(|number| Signal::try_from(number).ok()) {
        Some(Signal::SIGKILL) if is_oom => IndexError::OutOfMemory,
        Some(Signal::SIGXFSZ) => IndexError::TooLarge("a file of the run is more than 8 GiB"),
        Some(Signal::SIGXCPU) => IndexError::Deadline,
        Some(signal) => IndexError::Died(format!("by {signal}")),
        None => IndexError::Died(format!("with {status}: {}", complaint.trim())),
    }
}

/// Copies its log to ours and keeps the end of it.
async fn forward(stderr: ChildStderr) -> String {
    let mut lines = BufReader::new(stderr).lines();
    let mut kept = String::new();
    while let Ok(Some(line)) = lines.next_line().await {
        eprintln!("{line}");
        kept.push_str(&line);
        kept.push('\n');
        let excess = kept.len().saturating_sub(MAX_COMPLAINT);
        let start = (excess..kept.len()).find(|&at| kept.is_char_boundary(at)).unwrap_or(0);
        kept.drain(..start);
    }
    kept
}

#[cfg(test)]
mod tests {
    use kotadb_core::db::jobs::ErrorClass;

    use super::*;

    #[test]
    fn what_a_process_died_of_says_what_becomes_of_its_job() {
        let by = |signal: Signal| ExitStatus::from_raw(signal as i32);
        for (status, complaint, class) in [
            (by(Signal::SIGSEGV), "", ErrorClass::Crash),
            (by(Signal::SIGKILL), "", ErrorClass::Crash),
            (by(Signal::SIGABRT), "memory allocation of 4096 bytes failed", ErrorClass::Transient),
            (ExitStatus::from_raw(101 << 8), "failed to spawn thread: Os { code: 11 }", ErrorClass::Transient),
            (ExitStatus::from_raw(101 << 8), "OS can't spawn worker thread: try again", ErrorClass::Transient),
            (by(Signal::SIGABRT), "free(): invalid pointer", ErrorClass::Crash),
            (by(Signal::SIGXFSZ), "", ErrorClass::Permanent),
            (ExitStatus::from_raw(101 << 8), "thread 'main' panicked", ErrorClass::Crash),
        ] {
            assert_eq!(died(status, complaint, false).class(), class, "{status} {complaint}");
        }
        assert_eq!(
            died(by(Signal::SIGKILL), "", true).class(),
            ErrorClass::Transient,
            "the kernel was short of memory"
        );
        assert_eq!(died(by(Signal::SIGSEGV), "", true).class(), ErrorClass::Crash);
        let error = died(ExitStatus::from_raw(101 << 8), "thread 'main' panicked at x\n", false).to_string();
        assert!(error.contains("panicked at x"), "{error}");
    }
}
