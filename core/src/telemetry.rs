//! Sets tracing up for a program.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Logs to stderr: plain on a terminal, JSON elsewhere. `filter` is [`Config::log`](crate::config::Config::log); one that
/// cannot be read counts as `info`, and a second call changes nothing.
pub fn init(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // Somebody who set a subscriber first (a test) keeps it.
    let _ = if io::stderr().is_terminal() { builder.try_init() } else { builder.json().flatten_event(true).try_init() };
}
