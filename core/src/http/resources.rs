//! The handles of a process, each built when first asked for: a route that needs no object store never opens one.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tracing::warn;

use super::error::ApiError;
use super::probe::{self, Probed};
use super::scrape::Totals;
use crate::config::Config;
use crate::crypto::{MasterKey, Secret};
use crate::db::{Db, DbOptions};
use crate::github::client::Client;
use crate::identity::Supabase;
use crate::search::Searcher;
use crate::store::{DiskOptions, Store, StoreOptions};
use crate::wake::{self, Waker};

/// Connections of a process that serves many requests at once.
const MAX_CONNECTIONS: u32 = 8;
/// Longest wait for a connection: well below the 10 s that GitHub waits for an answer.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// State of every router. Cheap to clone.
#[derive(Clone)]
pub struct Resources(Arc<Handles>);

struct Handles {
    config: Config,
    max_connections: u32,
    awaits_wake: bool,
    db: OnceLock<Db>,
    store: OnceLock<Store>,
    searcher: OnceLock<Searcher>,
    master_key: OnceLock<MasterKey>,
    github: OnceLock<Client>,
    supabase: OnceLock<Option<Supabase>>,
    waker: OnceLock<Arc<Waker>>,
    probe_db: OnceLock<Db>,
    probe: Mutex<Probed>,
    totals: Mutex<Totals>,
}

impl Resources {
    /// Nothing is opened yet.
    pub fn new(config: Config) -> Self {
        Self(Arc::new(Handles {
            config,
            max_connections: MAX_CONNECTIONS,
            awaits_wake: false,
            db: OnceLock::new(),
            store: OnceLock::new(),
            searcher: OnceLock::new(),
            master_key: OnceLock::new(),
            github: OnceLock::new(),
            supabase: OnceLock::new(),
            waker: OnceLock::new(),
            probe_db: OnceLock::new(),
            probe: Mutex::default(),
            totals: Mutex::default(),
        }))
    }

    /// Before first use only: caps the connections to Postgres.
    #[must_use]
    pub fn with_max_connections(self, max_connections: u32) -> Self {
        self.rebuilt(|handles| handles.max_connections = max_connections)
    }

    /// Before first use only: [`Resources::wake`] waits for its call, because nothing runs after the answer (Lambda).
    #[must_use]
    pub fn with_awaited_wake(self) -> Self {
        self.rebuilt(|handles| handles.awaits_wake = true)
    }

    /// Before first use only: a store that the configuration does not describe (in memory, or already open).
    #[must_use]
    pub fn with_store(self, store: Store) -> Self {
        self.rebuilt(|handles| handles.store = OnceLock::from(store))
    }

    /// Before first use only: connections that are there already.
    #[must_use]
    pub fn with_db(self, db: Db) -> Self {
        self.rebuilt(|handles| handles.db = OnceLock::from(db))
    }

    /// What the last probe found; the lock makes simultaneous askers share one.
    pub(super) fn last_probe(&self) -> &Mutex<Probed> {
        &self.0.probe
    }

    /// What Postgres told of ended jobs.
    pub(super) fn last_totals(&self) -> &Mutex<Totals> {
        &self.0.totals
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Postgres. `not_configured` without `DATABASE_URL`.
    pub fn db(&self) -> Result<&Db, ApiError> {
        build(&self.0.db, || self.connections(self.0.max_connections, ACQUIRE_TIMEOUT))
    }

    /// A connection for what asks after the health of Postgres: it must not wait behind requests.
    pub(super) fn probe_db(&self) -> Result<&Db, ApiError> {
        build(&self.0.probe_db, || self.connections(1, probe::TIMEOUT))
    }

    fn connections(&self, max_connections: u32, acquire_timeout: Duration) -> Result<Db, ApiError> {
        let url = self.config().database_url.as_ref();
        let url = url.ok_or_else(|| ApiError::not_configured(&["DATABASE_URL"]))?.expose().to_owned();
        Db::new(&DbOptions { url, max_connections, acquire_timeout }).map_err(ApiError::internal)
    }

    /// The object store.
    pub fn store(&self) -> Result<&Store, ApiError> {
        build(&self.0.store, || Ok(Store::open(&StoreOptions::from_config(self.config()))?))
    }

    /// Search over the object store. With a master key its cursors hold in every process that has the same one.
    pub fn searcher(&self) -> Result<&Searcher, ApiError> {
        build(&self.0.searcher, || {
            let store = self.store()?;
            let tiered = DiskOptions::from_config(self.config()).and_then(|disk| {
                let opened = store.with_disk(&disk);
                opened.inspect_err(|error| warn!(%error, "searching without the disk cache: {error}")).ok()
            });
            let master = self.config().master_key.is_some().then(|| self.master_key()).transpose()?;
            let searcher = Searcher::new(tiered.unwrap_or_else(|| store.clone()), self.config().cache_bytes);
            Ok(searcher.signing_with(master))
        })
    }

    /// The key that seals secrets. `not_configured` without `KOTADB_MASTER_KEY`.
    pub fn master_key(&self) -> Result<&MasterKey, ApiError> {
        build(&self.0.master_key, || {
            let config = self.config();
            let current = config.master_key.as_ref().map(Secret::expose);
            let current = current.ok_or_else(|| ApiError::not_configured(&["KOTADB_MASTER_KEY"]))?;
            Ok(MasterKey::from_base64(current, config.master_key_previous.as_ref().map(Secret::expose))?)
        })
    }

    /// GitHub's API. `not_configured` where the App's key is none.
    pub fn github(&self) -> Result<&Client, ApiError> {
        build(&self.0.github, || Ok(Client::new(self.config())?))
    }

    /// The project that users sign in to; `None`: without `SUPABASE_URL` there is none.
    pub fn supabase(&self) -> Result<Option<&Supabase>, ApiError> {
        build(&self.0.supabase, || Supabase::new(self.config()).map_err(ApiError::internal)).map(Option::as_ref)
    }

    /// What wakes the indexer.
    pub fn waker(&self) -> Result<&Arc<Waker>, ApiError> {
        build(&self.0.waker, || Waker::new(&self.config().wake).map(Arc::new).map_err(ApiError::internal))
    }

    /// Whether nothing runs after the answer (Lambda), so that what is begun has to be awaited.
    pub(super) fn ends_with_answer(&self) -> bool {
        self.0.awaits_wake
    }

    /// Wakes the indexer, once a job is committed. The caller's answer waits for it only where nothing runs after the
    /// answer. Never fails: a lost wake-up is made good by the tick and the sweep.
    pub async fn wake(&self) {
        let (Ok(waker), Ok(db)) = (self.waker(), self.db()) else { return };
        if waker.is_off() {
            return;
        }
        let woken = woken(Arc::clone(waker), db.clone());
        if self.0.awaits_wake {
            // Whoever is late leaves it to the tick.
            drop(tokio::time::timeout(wake::LIMIT, woken).await);
        } else {
            tokio::spawn(woken);
        }
    }

    fn rebuilt(self, change: impl FnOnce(&mut Handles)) -> Self {
        let mut handles = Arc::into_inner(self.0).expect("called before the first clone");
        change(&mut handles);
        Self(Arc::new(handles))
    }
}

/// Boxed, so that it is compiled here and not in every crate that queues jobs.
fn woken(waker: Arc<Waker>, db: Db) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let _told_in_the_log = waker.wake(&db).await;
    })
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
