//! The only way to run a statement: inside a transaction that has its role and tenant, and unnamed. Through a transaction
//! pooler anything else runs on whatever server connection comes next, and may answer another client's statement.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Decode, Encode, PgConnection, Postgres, Row, Type};
use tokio::runtime::Handle;

use super::DbError;
use super::once::Call;
use super::seam::Seam;
use crate::id::TenantId;
use crate::trace;

/// Postgres itself ends a statement after 10 s: without an answer for longer, it or the way to it hangs.
const ANSWER_LIMIT: Duration = Duration::from_secs(12);

/// What a statement is called at the seam.
const STATEMENT: &str = "database statement";

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

impl Scope {
    /// What opens a transaction of this scope, as one message of the simple protocol. A trace goes with it: a job that is
    /// queued there keeps it. Limits: a statement 10 s, a wait
    /// for a lock 5 s, and 10 s for a client that went away in the middle.
    fn opening(self) -> String {
        let trace = trace::current().map(|trace| format!("; SET LOCAL kotadb.traceparent = '{trace}'"));
        let (role, tenant) = match self {
            Self::Anonymous => ("kotadb_api", String::new()),
            Self::Tenant(tenant) => ("kotadb_api", tenant.to_string()),
            Self::Worker => ("kotadb_worker", String::new()),
        };
        format!(
            "BEGIN; SET LOCAL ROLE {role}; SET LOCAL kotadb.tenant = '{tenant}'; SET LOCAL statement_timeout = '10s'; \
             SET LOCAL lock_timeout = '5s'; SET LOCAL idle_in_transaction_session_timeout = '10s'{}",
            trace.unwrap_or_default()
        )
    }
}

/// A transaction with its role and tenant set. Dropped without [`Tx::commit`], it is rolled back.
/// Statements are unnamed, which is sound through a transaction pooler only inside a transaction.
#[derive(Debug)]
pub struct Tx {
    /// Always there until the transaction is dropped.
    connection: Option<Box<dyn Pooled>>,
    endpoint: Arc<str>,
    seam: Seam,
    state: State,
}

/// A connection of the pool, behind a pointer: to drop it is to give it back, and whoever drops a [`Tx`] would otherwise compile
/// what that takes, which is all of the driver.
trait Pooled: fmt::Debug + Send {
    fn connection(&mut self) -> &mut PgConnection;
    fn pooled(self: Box<Self>) -> PoolConnection<Postgres>;
}

impl Pooled for PoolConnection<Postgres> {
    fn connection(&mut self) -> &mut PgConnection {
        self
    }

    fn pooled(self: Box<Self>) -> PoolConnection<Postgres> {
        *self
    }
}

/// What a transaction runs on.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) connection: PoolConnection<Postgres>,
    /// `host:port`, for messages.
    pub(super) endpoint: Arc<str>,
    pub(super) seam: Seam,
}

/// How far a transaction is, and so what dropping it must do with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// BEGIN or COMMIT was sent and its answer not seen: only closing the connection ends it for certain.
    Unknown,
    /// Open: a rollback ends it.
    Open,
    /// A statement failed: Postgres would answer COMMIT with ROLLBACK, and call it a success.
    Failed,
    /// Over.
    Closed,
}

impl Tx {
    fn of(connection: PoolConnection<Postgres>, endpoint: Arc<str>, seam: Seam) -> Self {
        Self { connection: Some(Box::new(connection)), endpoint, seam, state: State::Unknown }
    }

    /// sqlx's own `begin_with` is not used: cancelled half-way, it gives the connection back with its transaction open.
    pub(super) async fn open(way: Way, scope: Scope, patience: Duration) -> Result<Self, DbError> {
        let Way { connection, endpoint, seam } = way;
        let mut tx = Self::of(connection, endpoint, seam.clone());
        let opening = sqlx::raw_sql(AssertSqlSafe(scope.opening())).execute(tx.connection());
        let opened = in_time(patience, seam.through("database begin", opening)).await;
        opened.map_err(|error| DbError::from_sqlx(&error, &tx.endpoint))?;
        tx.state = State::Open;
        Ok(tx)
    }

    /// Opens a transaction, runs one call in it and commits, in one round trip. The rows are in text form.
    pub(super) async fn once(way: Way, scope: Scope, call: &Call) -> Result<Vec<PgRow>, DbError> {
        let Way { connection, endpoint, seam } = way;
        let mut tx = Self::of(connection, endpoint, seam.clone());
        let message = sqlx::raw_sql(AssertSqlSafe(call.message(&scope.opening()))).fetch_all(tx.connection());
        let rows = in_time(ANSWER_LIMIT, seam.through("database call", message)).await;
        let rows = tx.note(rows)?;
        tx.state = State::Closed;
        Ok(rows)
    }

    /// Makes the changes last. An error if any statement of the transaction failed, because nothing lasts then.
    pub fn commit(self) -> BoxFuture<'static, Result<(), DbError>> {
        Box::pin(self.committed())
    }

    async fn committed(mut self) -> Result<(), DbError> {
        if matches!(self.state, State::Failed | State::Unknown) {
            return Err(DbError::Statement("an earlier statement of this transaction failed".to_owned()));
        }
        self.state = State::Unknown;
        let seam = self.seam.clone();
        let commit = sqlx::raw_sql("COMMIT").execute(self.connection());
        let committed = in_time(ANSWER_LIMIT, seam.through("database commit", commit)).await;
        committed.map_err(|error| DbError::from_sqlx(&error, &self.endpoint))?;
        self.state = State::Closed;
        Ok(())
    }

    /// All rows of a statement.
    pub(super) fn rows(&mut self, statement: Statement) -> BoxFuture<'_, Result<Vec<PgRow>, DbError>> {
        let seam = self.seam.clone();
        Box::pin(async move {
            let rows = in_time(ANSWER_LIMIT, seam.through(STATEMENT, statement.0.fetch_all(self.connection()))).await;
            self.note(rows)
        })
    }

    /// The first row of a statement, if any.
    pub(super) fn row(&mut self, statement: Statement) -> BoxFuture<'_, Result<Option<PgRow>, DbError>> {
        let seam = self.seam.clone();
        Box::pin(async move {
            let row = statement.0.fetch_optional(self.connection());
            let row = in_time(ANSWER_LIMIT, seam.through(STATEMENT, row)).await;
            self.note(row)
        })
    }

    /// Runs a statement; how many rows it changed.
    pub(super) fn run(&mut self, statement: Statement) -> BoxFuture<'_, Result<u64, DbError>> {
        let seam = self.seam.clone();
        Box::pin(async move {
            let done = in_time(ANSWER_LIMIT, seam.through(STATEMENT, statement.0.execute(self.connection()))).await;
            self.note(done).map(|done| done.rows_affected())
        })
    }

    fn connection(&mut self) -> &mut PgConnection {
        self.connection.as_mut().expect("taken only by drop").connection()
    }

    fn note<T>(&mut self, outcome: Result<T, sqlx::Error>) -> Result<T, DbError> {
        outcome.map_err(|error| {
            // A rollback would wait for the same answer.
            self.state = if matches!(error, sqlx::Error::Io(_)) { State::Unknown } else { State::Failed };
            DbError::from_sqlx(&error, &self.endpoint)
        })
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let mut connection = connection.pooled();
        match (self.state, Handle::try_current()) {
            (State::Closed, Ok(_)) => (),
            (State::Open | State::Failed, Ok(runtime)) => drop(runtime.spawn(roll_back(connection))),
            (State::Unknown, Ok(_)) => connection.close_on_drop(),
            (_, Err(_)) => drop(connection.detach()),
        }
    }
}

/// The answer, if it comes in time.
async fn in_time<T>(limit: Duration, answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let late = |_| sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
    tokio::time::timeout(limit, answer).await.map_err(late)?
}

/// Ends the transaction, or else the connection.
async fn roll_back(mut connection: PoolConnection<Postgres>) {
    if in_time(ANSWER_LIMIT, sqlx::raw_sql("ROLLBACK").execute(&mut *connection)).await.is_err() {
        connection.close_on_drop();
    }
}

/// An unnamed statement with its bound values.
pub(super) struct Statement(Query<'static, Postgres, PgArguments>);

impl Statement {
    /// A statement without values so far. Bind only built-in types: sqlx looks others up by named statements.
    pub(super) fn new(sql: &'static str) -> Self {
        Self(sqlx::query(sql).persistent(false))
    }

    /// Binds the next value.
    pub(super) fn bind<T>(self, value: T) -> Self
    where
        T: Encode<'static, Postgres> + Type<Postgres> + 'static,
    {
        Self(self.0.bind(value))
    }
}

/// A column of a row, as a typed error where it is not what this program expects.
pub(super) fn column<'r, T>(row: &'r PgRow, name: &str) -> Result<T, DbError>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    row.try_get(name).map_err(|error| DbError::Statement(error.to_string()))
}

/// Statements that tests of the transaction itself need.
#[cfg(feature = "testing")]
impl Tx {
    /// Runs any statement with one number bound as `$1`; the first column of the first row, which must be a bigint.
    pub async fn probe(&mut self, sql: &'static str, value: i64) -> Result<Option<i64>, DbError> {
        let row = self.row(Statement::new(sql).bind(value)).await?;
        row.map(|row| row.try_get(0).map_err(|error| DbError::Statement(error.to_string()))).transpose()
    }
}
