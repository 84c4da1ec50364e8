//! What a program tells its operator: the log, its fixed sentences ([`events`]) and fields ([`fields`]), and the error it ends with.

pub mod events;
pub mod fields;
mod release;

pub use self::release::version;

use std::error::Error;
use std::io::{self, IsTerminal};

#[cfg(feature = "sentry")]
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::config::Config;

/// What must live as long as the program: dropped, it sends what is still to be reported.
#[derive(Debug, Default)]
#[must_use]
pub struct Telemetry {
    /// Held only to be dropped.
    #[cfg(feature = "sentry")]
    _reports: Option<Reports>,
}

/// The log by the configuration, and its warnings as the first lines there. With the feature `sentry` and a `SENTRY_DSN`,
/// errors of the log are reported as well.
pub fn start(config: &Config) -> Telemetry {
    let telemetry = Telemetry {
        #[cfg(feature = "sentry")]
        _reports: Reports::begin(config),
    };
    init(&config.log);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    #[cfg(feature = "sentry")]
    if config.sentry_dsn.is_some() && telemetry._reports.is_none() {
        tracing::warn!("`SENTRY_DSN` is no address of a Sentry project: nothing is reported");
    }
    telemetry
}

/// Logs to stderr: plain on a terminal, JSON elsewhere. `filter` is [`Config::log`]; one that cannot be read counts as
/// `info`, and a second call changes nothing.
pub fn init(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer().with_writer(io::stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> =
        if io::stderr().is_terminal() { lines.boxed() } else { lines.json().flatten_event(true).boxed() };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter));
    #[cfg(feature = "sentry")]
    let subscriber = subscriber.with(sentry::integrations::tracing::ErrorLayer::new().with_filter(LevelFilter::ERROR));
    // Somebody who set a subscriber first (a test) keeps it.
    let _ = subscriber.try_init();
}

/// What goes to Sentry.
#[cfg(feature = "sentry")]
struct Reports(sentry::ClientInitGuard);

#[cfg(feature = "sentry")]
impl Reports {
    /// `None`: there is nowhere to report to.
    fn begin(config: &Config) -> Option<Self> {
        let dsn = config.sentry_dsn.as_ref()?.expose();
        dsn.parse::<sentry::types::Dsn>().ok()?;
        let release = option_env!("KOTADB_COMMIT").unwrap_or(env!("CARGO_PKG_VERSION"));
        Some(Self(sentry::init(sentry::ClientOptions::new().dsn(dsn).release(release))))
    }
}

#[cfg(feature = "sentry")]
impl std::fmt::Debug for Reports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reports({})", if self.0.is_enabled() { "on" } else { "off" })
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
