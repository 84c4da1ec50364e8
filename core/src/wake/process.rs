//! The indexer as a process of this machine: one at a time, and once more if somebody asked while it ran, because it may have
//! looked for the last time already. It is waited for, so that it leaves no zombie.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::process::Command;

use super::WakeError;
use crate::config;
use crate::telemetry::events;

/// Least time between two starts: a program that fails at once must not be started in a circle.
const PAUSE: Duration = Duration::from_secs(1);

/// A program that indexes what is due and ends.
#[derive(Debug)]
pub(super) struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    is_running: AtomicBool,
    is_wanted: AtomicBool,
}

impl Program {
    /// Without words, `kotadb-indexer drain` in the folder of this program. It lingers: a push is due a second after its
    /// delivery, which is later than the start.
    pub(super) fn new(command: &[String]) -> Result<Self, WakeError> {
        let (path, arguments) = match command.split_first() {
            Some((program, arguments)) => (PathBuf::from(program), arguments.to_vec()),
            None => {
                let own = std::env::current_exe().map_err(|error| WakeError::Client(error.to_string()))?;
                (own.with_file_name("kotadb-indexer"), ["drain", "--linger", "2"].map(str::to_owned).to_vec())
            }
        };
        Ok(Self { path, arguments, state: Arc::default() })
    }

    /// Starts it, or lets it be started again when it ends.
    pub(super) fn start(&self) {
        self.state.is_wanted.store(true, Ordering::SeqCst);
        if self.state.is_running.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).envs(config::given_flags()).stdin(Stdio::null());
        tokio::spawn(run(command, Arc::clone(&self.state)));
    }
}

async fn run(mut command: Command, state: Arc<State>) {
    loop {
        while state.is_wanted.swap(false, Ordering::SeqCst) {
            let started = Instant::now();
            match command.status().await {
                Ok(status) if status.success() => tracing::debug!("Indexer ended"),
                Ok(status) => tracing::warn!("Indexer ended with {status}"),
                Err(error) => tracing::warn!("{}: cannot start {command:?}: {error}", events::WAKE_FAILED),
            }
            tokio::time::sleep(PAUSE.saturating_sub(started.elapsed())).await;
        }
        state.is_running.store(false, Ordering::SeqCst);
        // Somebody may have asked between the last look and the line above, and found it running.
        let is_left = !state.is_wanted.load(Ordering::SeqCst);
        if is_left || state.is_running.swap(true, Ordering::SeqCst) {
            return;
        }
    }
}
