//! Hears of queued jobs at once, where the connection is a session. Without one, whoever waits for jobs polls.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};

use super::DbError;
use super::options::parse;

/// The channel of `kotadb.note_work`.
const CHANNEL: &str = "kotadb_jobs";

/// A session that listens for queued jobs.
#[derive(Debug)]
pub struct Listener {
    listener: PgListener,
    endpoint: String,
}

impl Listener {
    /// Connects to `DATABASE_DIRECT_URL` and listens.
    pub async fn connect(url: &str) -> Result<Self, DbError> {
        let (options, endpoint) = parse(url)?;
        let told = |error| DbError::from_sqlx(&error, &endpoint);
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_secs(10));
        let pool = pool.connect_with(options).await.map_err(told)?;
        let mut listener = PgListener::connect_with(&pool).await.map_err(told)?;
        listener.listen(CHANNEL).await.map_err(told)?;
        Ok(Self { listener, endpoint })
    }

    /// Waits for the next word of a queued job: in how long it may be taken. An error: the connection broke, and words may
    /// have been missed.
    pub async fn due_in(&mut self) -> Result<Duration, DbError> {
        match self.listener.try_recv().await {
            Ok(Some(word)) => Ok(Duration::from_millis(word.payload().parse().unwrap_or(0))),
            Ok(None) => Err(DbError::Unreachable(format!("`{}`: the connection was closed", self.endpoint))),
            Err(error) => Err(DbError::from_sqlx(&error, &self.endpoint)),
        }
    }
}
