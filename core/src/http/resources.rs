//! The handles of a process, each built when first asked for: a route that needs no object store never opens one.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::error::ApiError;
use crate::config::Config;
use crate::crypto::MasterKey;
use crate::db::{Db, DbError, DbOptions};
use crate::search::Searcher;
use crate::store::{Store, StoreOptions};

/// Connections of a process that serves many requests at once.
const MAX_CONNECTIONS: u32 = 8;
/// Longest wait for a connection: well below the 10 s that GitHub waits for an answer.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long one probe of Postgres serves all who ask.
const PROBE_LIFE: Duration = Duration::from_secs(1);

/// State of every router. Cheap to clone.
#[derive(Clone)]
pub struct Resources(Arc<Handles>);

struct Handles {
    config: Config,
    max_connections: u32,
    db: OnceLock<Db>,
    store: OnceLock<Store>,
    searcher: OnceLock<Searcher>,
    master_key: OnceLock<MasterKey>,
    probe: Mutex<Option<Probe>>,
}

/// What the last probe of Postgres found.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// Time of the transaction; `None`: it failed.
    pub latency: Option<Duration>,
    /// Failed probes in a row, this one included.
    pub failures: u32,
    /// When the first of them began.
    pub failing_since: Option<Instant>,
    at: Instant,
}

impl Resources {
    /// Nothing is opened yet.
    pub fn new(config: Config) -> Self {
        Self(Arc::new(Handles {
            config,
            max_connections: MAX_CONNECTIONS,
            db: OnceLock::new(),
            store: OnceLock::new(),
            searcher: OnceLock::new(),
            master_key: OnceLock::new(),
            probe: Mutex::new(None),
        }))
    }

    /// Before first use only: caps the connections to Postgres.
    #[must_use]
    pub fn with_max_connections(self, max_connections: u32) -> Self {
        self.rebuilt(|handles| handles.max_connections = max_connections)
    }

    /// Before first use only: a store that the configuration does not describe (in memory, or already open).
    #[must_use]
    pub fn with_store(self, store: Store) -> Self {
        self.rebuilt(|handles| handles.store = OnceLock::from(store))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Postgres. `not_configured` without `DATABASE_URL`.
    pub fn db(&self) -> Result<&Db, ApiError> {
        build(&self.0.db, || {
            let url = self.config().database_url.clone();
            let url = url.ok_or_else(|| ApiError::not_configured(&["DATABASE_URL"]))?;
            let options = DbOptions { url, max_connections: self.0.max_connections, acquire_timeout: ACQUIRE_TIMEOUT };
            Db::new(&options).map_err(ApiError::internal)
        })
    }

    /// The object store.
    pub fn store(&self) -> Result<&Store, ApiError> {
        build(&self.0.store, || Ok(Store::open(&store_options(self.config()))?))
    }

    /// Search over the object store.
    pub fn searcher(&self) -> Result<&Searcher, ApiError> {
        build(&self.0.searcher, || Ok(Searcher::new(self.store()?.clone(), self.config().cache_bytes)))
    }

    /// The key that seals secrets. `not_configured` without `KOTADB_MASTER_KEY`.
    pub fn master_key(&self) -> Result<&MasterKey, ApiError> {
        build(&self.0.master_key, || {
            let current = self.config().master_key.as_deref();
            let current = current.ok_or_else(|| ApiError::not_configured(&["KOTADB_MASTER_KEY"]))?;
            Ok(MasterKey::from_base64(current, self.config().master_key_previous.as_deref())?)
        })
    }

    /// Whether Postgres answers. Askers within a second share one probe.
    pub async fn probe_db(&self) -> Result<Probe, ApiError> {
        let db = self.db()?;
        let mut last = self.0.probe.lock().await;
        if let Some(probe) = last.filter(|probe| probe.at.elapsed() < PROBE_LIFE) {
            return Ok(probe);
        }
        let began = Instant::now();
        let ping = db.ping().await;
        let probe = Probe::after(*last, began, &ping);
        *last = Some(probe);
        Ok(probe)
    }

    fn rebuilt(self, change: impl FnOnce(&mut Handles)) -> Self {
        let mut handles = Arc::into_inner(self.0).expect("called before the first clone");
        change(&mut handles);
        Self(Arc::new(handles))
    }
}

impl Probe {
    /// Away for long enough to say so: two failed probes, or 10 s.
    pub fn is_down(&self) -> bool {
        let long = self.failing_since.is_some_and(|since| since.elapsed() >= Duration::from_secs(10));
        self.failures >= 2 || long
    }

    fn after(last: Option<Self>, began: Instant, ping: &Result<Duration, DbError>) -> Self {
        let at = Instant::now();
        match ping {
            Ok(latency) => Self { latency: Some(*latency), failures: 0, failing_since: None, at },
            Err(error) => {
                tracing::warn!(error = %error, "Postgres does not answer: {error}");
                let failures = last.map_or(0, |last| last.failures) + 1;
                let since = last.and_then(|last| last.failing_since).unwrap_or(began);
                Self { latency: None, failures, failing_since: Some(since), at }
            }
        }
    }
}

/// Two that build at once keep the first; the other is dropped unused.
fn build<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T, ApiError>) -> Result<&T, ApiError> {
    match cell.get() {
        Some(value) => Ok(value),
        None => {
            let value = make()?;
            Ok(cell.get_or_init(|| value))
        }
    }
}

fn store_options(config: &Config) -> StoreOptions {
    match &config.bucket {
        Some(bucket) => StoreOptions::S3 {
            bucket: bucket.clone(),
            endpoint: config.s3_endpoint.clone(),
            region: config.s3_region.clone(),
            credentials: config.s3_credentials.clone(),
        },
        None => StoreOptions::Folder(config.data_dir.join("objects")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_is_down_after_two_failures_or_ten_seconds() {
        let failed = || Err(DbError::Unreachable("refused".to_owned()));
        let now = Instant::now();
        let first = Probe::after(None, now, &failed());
        assert!(!first.is_down() && first.latency.is_none());
        assert!(Probe::after(Some(first), now, &failed()).is_down());
        let recovered = Probe::after(Some(first), now, &Ok(Duration::from_millis(1)));
        assert!(!recovered.is_down() && !Probe::after(Some(recovered), now, &failed()).is_down());
        let slow = Probe::after(None, now.checked_sub(Duration::from_secs(11)).unwrap(), &failed());
        assert!(slow.is_down());
    }
}
