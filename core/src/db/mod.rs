//! Postgres: the only SQL of the workspace. Statements run only in a [`Tx`], which never spans an await on anything else.
#![allow(unused_variables, reason = "contract stub")]

pub mod deliveries;
pub mod hooks;
pub mod jobs;
pub mod keys;
pub mod migrate;
pub mod repositories;
pub mod tenants;

use std::time::Duration;

use crate::id::TenantId;

/// How to reach Postgres.
#[derive(Clone, Debug)]
pub struct DbOptions {
    /// `DATABASE_URL`: the transaction pooler.
    pub url: String,
    /// Most connections of this process.
    pub max_connections: u32,
    /// Longest wait for a connection.
    pub acquire_timeout: Duration,
}

/// The connections of this process; opened when first used. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {}

/// On whose behalf a transaction runs: which role it takes, and which tenant's rows it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `kotadb_api` before a tenant is known: may only call the SECURITY DEFINER functions.
    Anonymous,
    /// `kotadb_api` for one tenant.
    Tenant(TenantId),
    /// `kotadb_worker`: jobs, deliveries and repositories of all tenants.
    Worker,
}

/// A transaction with its role and tenant set. Dropped without [`Tx::commit`], it is rolled back.
/// Statements are unnamed, which is sound through a transaction pooler only inside a transaction.
#[derive(Debug)]
pub struct Tx {}

impl Db {
    /// A lazy pool.
    pub fn new(options: &DbOptions) -> Result<Self, DbError> {
        unimplemented!()
    }
    /// Opens a transaction: `BEGIN; SET LOCAL ROLE …; tenant`, in one round trip.
    pub async fn begin(&self, scope: Scope) -> Result<Tx, DbError> {
        unimplemented!()
    }
    /// Time of one `SELECT 1` transaction.
    pub async fn ping(&self) -> Result<Duration, DbError> {
        unimplemented!()
    }
    /// Newest applied migration, to compare with [`migrate::latest`].
    pub async fn schema_version(&self) -> Result<Option<String>, DbError> {
        unimplemented!()
    }
    /// Closes the pool.
    pub async fn close(&self) {
        unimplemented!()
    }
}

impl Tx {
    /// Makes the changes last.
    pub async fn commit(self) -> Result<(), DbError> {
        unimplemented!()
    }
}

/// Why the database refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// No connection in time, or it broke: the caller answers 503 or retries.
    #[error("cannot reach Postgres: {0}")]
    Unreachable(String),
    /// A unique or check rule was broken (`23…`), by constraint name.
    #[error("row refused by `{constraint}`")]
    Constraint {
        /// Name of the constraint.
        constraint: String,
    },
    /// The lease is no longer ours: stop at once and publish nothing.
    #[error("the lease of this job was lost to another worker")]
    LeaseLost,
    /// The URL is not one.
    #[error("DATABASE_URL: {0}")]
    Options(String),
    /// Any other failure of a statement.
    #[error("database statement failed: {0}")]
    Statement(String),
}
