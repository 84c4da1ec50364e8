//! Many clients that ask Postgres through a transaction pooler for what they can work out themselves: an answer that was meant
//! for another client, or that of another statement, shows.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use uuid::Uuid;

use crate::db::{Db, DbError, DbOptions, Scope, migrate};
use crate::id::TenantId;

/// What a statement makes of its value, in a transaction of that tenant.
type Worked = fn(i64, i64) -> i64;

/// Statements of one signature, which a pooler that mixes them up answers without complaint, and what each is to answer.
const STATEMENTS: [(&str, Worked); 5] = [
    ("SELECT $1::bigint + 1", |value, _| value + 1),
    ("SELECT $1::bigint * 3", |value, _| value * 3),
    ("SELECT -($1::bigint)", |value, _| -value),
    ("SELECT $1::bigint # 255", |value, _| value ^ 255),
    // Whose transaction it is: the end of the tenant's id.
    ("SELECT right(replace(current_setting('kotadb.tenant'), '-', ''), 9)::bigint + $1::bigint", |value, own| {
        own + value
    }),
];
/// One transaction in so many is given up half-way, as by a caller that hangs up.
const GIVEN_UP: u64 = 97;

/// How much is asked.
#[derive(Clone, Copy, Debug)]
pub struct PooledLoad {
    /// Clients, each with a connection of its own to the pooler.
    pub clients: u64,
    /// Statements of all of them together.
    pub queries: u64,
}

/// What came back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PooledAnswers {
    /// The answers that were to come.
    pub right: u64,
    /// Others.
    pub wrong: u64,
    /// Errors.
    pub failed: u64,
    /// Transactions that were given up.
    pub given_up: u64,
    /// How long all of it took.
    pub took: Duration,
}

impl PooledLoad {
    /// Asks through the pooler at `url`.
    pub async fn run(self, url: &str) -> Result<PooledAnswers, DbError> {
        let began = Instant::now();
        let each = self.queries.div_ceil(self.clients);
        let mut clients = JoinSet::new();
        for client in 0..self.clients {
            let options =
                DbOptions { url: url.to_owned(), max_connections: 1, acquire_timeout: Duration::from_secs(60) };
            clients.spawn(ask(Db::new(&options)?, client + 1, each));
        }
        let mut all = PooledAnswers::default();
        for one in clients.join_all().await {
            all.right += one.right;
            all.wrong += one.wrong;
            all.failed += one.failed;
            all.given_up += one.given_up;
        }
        Ok(PooledAnswers { took: began.elapsed(), ..all })
    }
}

async fn ask(db: Db, client: u64, queries: u64) -> PooledAnswers {
    let own = i64::try_from(client).unwrap_or_default();
    // A UUID whose last nine digits are the client's number, written in decimals.
    let tenant = format!("00000000-0000-7000-8000-{client:012}").parse().map_or(Uuid::nil(), |id: Uuid| id);
    let mut answers = PooledAnswers::default();
    let mut nth = 0;
    while nth < queries {
        let transaction = transaction(&db, (TenantId(tenant), own), nth, &mut answers);
        if nth % GIVEN_UP == GIVEN_UP - 1 {
            // What was counted before the end is counted; the rest is asked again.
            let _ = tokio::time::timeout(Duration::from_micros(300), transaction).await;
            answers.given_up += 1;
        } else if transaction.await.is_err() {
            answers.failed += 1;
        }
        nth += STATEMENTS.len() as u64;
    }
    db.close().await;
    answers
}

async fn transaction(
    db: &Db,
    (tenant, own): (TenantId, i64),
    nth: u64,
    answers: &mut PooledAnswers,
) -> Result<(), DbError> {
    if nth % 2 == 1 {
        // A whole transaction in one message.
        answers.count(db.schema_version().await?.as_deref() == Some(migrate::latest()));
    }
    let mut tx = db.begin(Scope::Tenant(tenant)).await?;
    for (place, (sql, wanted)) in STATEMENTS.iter().enumerate() {
        let value = own * 1_000_000 + i64::try_from(nth).unwrap_or_default() + place as i64;
        answers.count(tx.probe(sql, value).await? == Some(wanted(value, own)));
    }
    tx.commit().await
}

impl PooledAnswers {
    fn count(&mut self, is_right: bool) {
        if is_right { self.right += 1 } else { self.wrong += 1 }
    }
}
