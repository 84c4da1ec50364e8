//! Progress on stderr: one line that is rewritten on a terminal, elsewhere a plain line now and then.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Shortest time between two rewrites of the line, and between two plain lines.
const INTERVAL: Duration = Duration::from_millis(100);
const PLAIN_INTERVAL: Duration = Duration::from_secs(10);

/// The progress line of one command.
#[derive(Debug)]
pub struct Progress {
    quiet: bool,
    is_terminal: bool,
    started: Instant,
    last: Option<Instant>,
}

impl Progress {
    /// Nothing is shown where `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, is_terminal: stderr().is_terminal(), started: Instant::now(), last: None }
    }

    /// Shows `line`, unless one was shown just now. What is quick is not told in plain lines.
    pub fn show(&mut self, line: &str) {
        let interval = if self.is_terminal { INTERVAL } else { PLAIN_INTERVAL };
        let is_due = match self.last {
            Some(last) => last.elapsed() >= interval,
            None => self.is_terminal || self.started.elapsed() >= interval,
        };
        if is_due && !self.quiet {
            self.last = Some(Instant::now());
            self.write(line);
        }
    }

    /// Takes the line away, where it can be.
    pub fn clear(&mut self) {
        if self.is_terminal && self.last.take().is_some() {
            self.write("");
        }
    }

    /// A terminal that is gone is no reason to stop the work.
    fn write(&self, line: &str) {
        let (begin, end) = if self.is_terminal { ("\r\x1b[K", "") } else { ("", "\n") };
        let _closed = write!(stderr(), "{begin}{line}{end}").and_then(|()| stderr().flush());
    }
}
