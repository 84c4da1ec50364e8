//! Whether Postgres and the object store answer: what the health routes report. Anybody may ask them, so askers within a
//! second share one probe, and counts are taken once in a while. Postgres is asked over a connection of its own: a pool
//! that is all in use is no Postgres that is away.

use std::time::{Duration, Instant};

use super::resources::Resources;
use crate::db::health::{self, JobQueue};
use crate::db::{Db, DbError, Scope, migrate};

/// How long one probe serves all who ask.
const LIFE: Duration = Duration::from_secs(1);
/// How long counts of the queue, and the version of the schema, serve all who ask.
const COUNTS_LIFE: Duration = Duration::from_secs(5);
/// Longest wait for either. The object store retries for longer by itself, and Postgres may hang.
pub(super) const TIMEOUT: Duration = Duration::from_secs(3);
/// Longest time without Postgres that still counts as a hiccup.
const HICCUP: Duration = Duration::from_secs(10);

/// What a probe found.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Postgres.
    pub postgres: PostgresProbe,
    /// Time of one request to the object store; `None`: it failed.
    pub store: Option<Duration>,
    failures: u32,
    failing_since: Option<Instant>,
    at: Instant,
}

/// What a probe found of Postgres.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostgresProbe {
    /// `DATABASE_URL` is not set.
    NotConfigured,
    /// No answer.
    Away,
    /// It answers.
    Answers {
        /// Time of one transaction.
        latency: Duration,
        /// Counts; `None`: the schema is not there, or not readable.
        job_queue: Option<JobQueue>,
        /// Newest applied migration.
        schema_version: Option<String>,
    },
}

/// What is kept between probes.
#[derive(Debug, Default)]
pub(super) struct Probed {
    last: Option<Probe>,
    counts: Option<Counts>,
}

/// What costs Postgres more than a ping.
#[derive(Clone, Debug)]
struct Counts {
    job_queue: Option<JobQueue>,
    schema_version: Option<String>,
    at: Instant,
}

impl Resources {
    /// Asks Postgres and the object store, at most once a second.
    pub async fn probe(&self) -> Probe {
        let mut probed = self.last_probe().lock().await;
        if let Some(probe) = probed.last.as_ref().filter(|probe| probe.at.elapsed() < LIFE) {
            return probe.clone();
        }
        let began = Instant::now();
        let (postgres, store) = tokio::join!(self.probe_postgres(&mut probed.counts), self.probe_store());
        let probe = Probe::after(probed.last.as_ref(), began, postgres, store);
        probed.last = Some(probe.clone());
        probe
    }

    async fn probe_postgres(&self, counts: &mut Option<Counts>) -> PostgresProbe {
        let Ok(db) = self.probe_db() else { return PostgresProbe::NotConfigured };
        let asked = tokio::time::timeout(TIMEOUT, ask(db, counts)).await;
        match asked.unwrap_or_else(|_| Err(DbError::Unreachable(format!("`{}` keeps silent", db.endpoint())))) {
            Ok(answers) => answers,
            Err(error) => {
                tracing::warn!(error = %error, "Postgres does not answer: {error}");
                PostgresProbe::Away
            }
        }
    }

    async fn probe_store(&self) -> Option<Duration> {
        let store = self.store().ok()?;
        let began = Instant::now();
        match tokio::time::timeout(TIMEOUT, store.probe()).await {
            Ok(Ok(())) => return Some(began.elapsed()),
            Ok(Err(error)) => tracing::warn!(error = %error, "Object store does not answer: {error}"),
            Err(_) => tracing::warn!("Object store does not answer in time"),
        }
        None
    }
}

/// An answer of any kind to the first question says that Postgres is there.
async fn ask(db: &Db, counts: &mut Option<Counts>) -> Result<PostgresProbe, DbError> {
    let latency = match db.ping().await {
        Ok(latency) => latency,
        // It answers, and has none of our roles yet.
        Err(DbError::Statement(_)) => Duration::ZERO,
        Err(error) => return Err(error),
    };
    if counts.as_ref().is_none_or(|counts| counts.at.elapsed() >= COUNTS_LIFE) {
        let (job_queue, schema_version) = (noted(job_queue(db).await), noted(db.schema_version().await).flatten());
        *counts = Some(Counts { job_queue, schema_version, at: Instant::now() });
    }
    let counts = counts.clone();
    let (job_queue, schema_version) = counts.map_or((None, None), |counts| (counts.job_queue, counts.schema_version));
    Ok(PostgresProbe::Answers { latency, job_queue, schema_version })
}

impl Probe {
    /// Whether Postgres is away for long enough to say so: two failed probes, or 10 s.
    pub fn is_down(&self) -> bool {
        self.failures >= 2 || self.failing_since.is_some_and(|since| since.elapsed() >= HICCUP)
    }

    /// Whether the schema is the one that this program knows, or newer.
    pub fn is_schema_current(&self) -> bool {
        match &self.postgres {
            PostgresProbe::Answers { schema_version: Some(version), .. } => version.as_str() >= migrate::latest(),
            _ => false,
        }
    }

    fn after(last: Option<&Self>, began: Instant, postgres: PostgresProbe, store: Option<Duration>) -> Self {
        let at = Instant::now();
        if postgres != PostgresProbe::Away {
            return Self { postgres, store, failures: 0, failing_since: None, at };
        }
        let failures = last.map_or(0, |last| last.failures) + 1;
        let failing_since = Some(last.and_then(|last| last.failing_since).unwrap_or(began));
        Self { postgres, store, failures, failing_since, at }
    }
}

async fn job_queue(db: &Db) -> Result<JobQueue, DbError> {
    let mut tx = db.begin(Scope::Anonymous).await?;
    let counts = health::job_queue(&mut tx).await?;
    tx.commit().await?;
    Ok(counts)
}

fn noted<T>(found: Result<T, DbError>) -> Option<T> {
    found.inspect_err(|error| tracing::warn!(error = %error, "Health cannot be read: {error}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(last: Option<&Probe>, began: Instant, answers: bool) -> Probe {
        let postgres = if answers { PostgresProbe::NotConfigured } else { PostgresProbe::Away };
        Probe::after(last, began, postgres, None)
    }

    #[test]
    fn postgres_is_down_after_two_failures_or_ten_seconds() {
        let now = Instant::now();
        let first = after(None, now, false);
        assert!(!first.is_down());
        assert!(after(Some(&first), now, false).is_down());
        let recovered = after(Some(&first), now, true);
        assert!(!recovered.is_down() && !after(Some(&recovered), now, false).is_down());
        assert!(after(None, now.checked_sub(HICCUP).unwrap(), false).is_down());
    }
}
