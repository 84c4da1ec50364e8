//! Progress on stderr: one line that is rewritten on a terminal, nothing elsewhere.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Shortest time between two rewrites of the line.
const INTERVAL: Duration = Duration::from_millis(100);

/// The progress line of one command.
#[derive(Debug)]
pub struct Progress {
    visible: bool,
    last: Option<Instant>,
}

impl Progress {
    /// Visible on a terminal unless `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { visible: !quiet && stderr().is_terminal(), last: None }
    }

    /// Shows `line`, unless one was shown just now.
    pub fn show(&mut self, line: &str) {
        if self.visible && self.last.is_none_or(|last| last.elapsed() >= INTERVAL) {
            self.last = Some(Instant::now());
            self.write(line);
        }
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if self.last.take().is_some() {
            self.write("");
        }
    }

    /// A terminal that is gone is no reason to stop the work.
    fn write(&self, line: &str) {
        let _closed = write!(stderr(), "\r\x1b[K{line}").and_then(|()| stderr().flush());
    }
}
