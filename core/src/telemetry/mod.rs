//! What a program tells its operator: the log, its fixed sentences ([`events`]), and the error it ends with.

pub mod events;

use std::error::Error;
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

/// What the configuration has to say, once the log is there.
pub fn warn_all(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// An error with its causes in one line. Some errors of ours name their cause in their own text; such a cause is not
/// repeated.
pub fn report(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read `x`: {source}")]
    struct Naming {
        source: io::Error,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("no index")]
    struct Silent(#[source] Naming);

    #[test]
    fn causes_are_told_once() {
        let naming = Naming { source: io::Error::other("disk on fire") };
        assert_eq!(report(&Silent(naming)), "no index: cannot read `x`: disk on fire");
    }
}
