//! Postgres: the only SQL of the workspace. Statements run only in a [`Tx`], which never spans an await on anything else.
//!
//! What waits for Postgres is boxed here. An `async fn` is compiled anew in every crate that awaits it, with all that it awaits
//! itself: twelve copies of the driver were a sixth of the router.

pub mod cluster;
pub mod cursors;
pub mod deletions;
pub mod deliveries;
pub mod direct;
mod error;
pub mod github_access;
pub mod health;
pub mod hooks;
pub mod idempotency;
pub mod installations;
pub mod jobs;
pub mod keys;
pub mod listen;
pub mod members;
pub mod migrate;
mod once;
pub mod operators;
mod options;
pub mod principal;
mod pulse;
pub mod registrations;
pub mod repositories;
pub mod schedules;
mod schema;
pub mod scip;
pub mod sealed;
mod seam;
pub mod subjects;
pub mod suspensions;
pub mod tenants;
pub mod tokens;
mod tx;
pub mod upstream;
pub mod wakes;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use sqlx::PgPool;
use sqlx::postgres::{PgPoolOptions, PgRow};

pub use self::error::DbError;
use self::once::Call;
pub use self::options::DbOptions;
use self::pulse::Pulse;
pub use self::schema::Schema;
use self::seam::Seam;
pub use self::tx::{Scope, Tx};
use self::tx::{Way, column};

/// The connections of this process; opened when first used. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    endpoint: Arc<str>,
    patience: Duration,
    seam: Seam,
}

impl Db {
    /// A lazy pool. Idle connections are given back after 30 s, any after 5 min; one that lay idle for a second is
    /// tried before use, because a pooler may have closed it, or the network have forgotten it.
    pub fn new(options: &DbOptions) -> Result<Self, DbError> {
        let (connect, endpoint) = options::parse(&options.url)?;
        let pulse = Pulse::default();
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(options.acquire_timeout)
            .idle_timeout(Duration::from_secs(30))
            .max_lifetime(Duration::from_secs(300))
            .test_before_acquire(false)
            .before_acquire(move |connection, meta| {
                let pulse = pulse.clone();
                Box::pin(async move { pulse.feel(connection, meta).await.map(|()| true) })
            })
            .connect_lazy_with(connect);
        Ok(Self { pool, endpoint: endpoint.into(), patience: options.acquire_timeout, seam: Seam::default() })
    }

    /// Opens a transaction: `BEGIN; SET LOCAL ROLE …; tenant`, in one round trip.
    pub fn begin(&self, scope: Scope) -> BoxFuture<'_, Result<Tx, DbError>> {
        Box::pin(async move { Tx::open(self.way().await?, scope, self.patience).await })
    }

    /// A transaction of one call, in one round trip.
    fn once<'a>(&'a self, scope: Scope, call: &'a Call) -> BoxFuture<'a, Result<Vec<PgRow>, DbError>> {
        Box::pin(async move { Tx::once(self.way().await?, scope, call).await })
    }

    async fn way(&self) -> Result<Way, DbError> {
        let acquired = self.pool.acquire().await;
        let connection = acquired.map_err(|error| DbError::from_sqlx(&error, &self.endpoint))?;
        Ok(Way { connection, endpoint: Arc::clone(&self.endpoint), seam: self.seam.clone() })
    }

    /// Time of one transaction that asks for nothing.
    pub async fn ping(&self) -> Result<Duration, DbError> {
        let started = Instant::now();
        self.once(Scope::Anonymous, &Call::new("1", "now")).await?;
        Ok(started.elapsed())
    }

    /// Newest applied migration, to compare with [`migrate::latest`]. `None`: no migration, or none that made the roles.
    pub async fn schema_version(&self) -> Result<Option<String>, DbError> {
        let call = Call::new("schema_version AS version", "kotadb.schema_version");
        let rows = self.once(Scope::Anonymous, &call).await?;
        rows.first().map_or(Ok(None), |row| column(row, "version"))
    }

    /// The newest applied migration and the releases that the migrations need. Fails where they are older than this question.
    pub async fn schema(&self) -> Result<Schema, DbError> {
        let rows = self.once(Scope::Anonymous, &Call::new("version, needs_binary", "kotadb.schema")).await?;
        let Some(row) = rows.first() else { return Ok(Schema::default()) };
        let needs_binary: Option<Vec<String>> = column(row, "needs_binary")?;
        Ok(Schema { version: column(row, "version")?, needs_binary: needs_binary.unwrap_or_default() })
    }

    /// The same connections, used by a run whose operations are planned.
    #[cfg(feature = "testing")]
    pub fn counted(&self, operations: &Arc<crate::operations::Operations>) -> Self {
        Self { seam: Seam::of(operations), ..self.clone() }
    }

    /// `host:port`, for messages.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Connections that are open, and those of them that nobody uses.
    pub fn connections(&self) -> (u32, u32) {
        (self.pool.size(), u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX))
    }

    /// Closes the pool.
    pub fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.close())
    }
}
