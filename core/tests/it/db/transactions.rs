//! What a transaction promises through a transaction pooler.

use std::time::{Duration, Instant};

use kotadb_core::db::{Db, DbError, DbOptions, Scope, migrate, repositories, tenants};
use kotadb_core::testing::TestDb;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::fixture::tenant;

/// Statements of one signature and different answers: a mix-up would give a wrong number, not an error.
const STATEMENTS: [&str; 4] = [
    "SELECT $1::bigint + 1000000",
    "SELECT $1::bigint + 2000000",
    "SELECT $1::bigint + 3000000",
    "SELECT $1::bigint + 4000000",
];

fn pool(test: &TestDb, max_connections: u32) -> Db {
    let acquire_timeout = Duration::from_secs(20);
    Db::new(&DbOptions { url: test.pooled_url.clone(), max_connections, acquire_timeout }).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_database_answers() {
    let test = TestDb::new().await;
    assert!(test.db.ping().await.unwrap() < Duration::from_secs(5));
    assert_eq!(test.db.schema_version().await.unwrap().as_deref(), Some(migrate::latest()));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_answers_for_another() {
    let test = TestDb::new().await;
    let pools = [pool(&test, 4), pool(&test, 4), pool(&test, 4)];
    let tasks = (0..12).map(|n| {
        let db = pools[n % 3].clone();
        tokio::spawn(async move {
            for round in 0..250 {
                let which = (n + round) % 4;
                let value = i64::try_from(n * 1000 + round).unwrap();
                let mut tx = db.begin(Scope::Worker).await.unwrap();
                let answer = tx.probe(STATEMENTS[which], value).await.unwrap();
                tx.commit().await.unwrap();
                assert_eq!(answer, Some(value + (i64::try_from(which).unwrap() + 1) * 1_000_000));
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    // Whatever server connection it is asked on, no prepared statement is to be seen.
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    assert_eq!(tx.probe("SELECT count(*) - $1::bigint FROM pg_prepared_statements", 0).await.unwrap(), Some(0));
    tx.commit().await.unwrap();
    assert_eq!(test.idle_in_transaction().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_commit_lasts() {
    let test = TestDb::new().await;
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    tenants::ensure(&mut tx, "dropped").await.unwrap();
    drop(tx);
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    tenants::ensure(&mut tx, "kept").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    let names: Vec<_> = tenants::list(&mut tx).await.unwrap().into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["kept"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_transaction_cannot_be_committed() {
    let test = TestDb::new().await;
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    tenants::ensure(&mut tx, "lost").await.unwrap();
    assert!(matches!(tx.probe("SELECT 1 / $1::bigint", 0).await, Err(DbError::Statement(_))));
    assert!(matches!(tx.commit().await, Err(DbError::Statement(_))));
    // The connection is of use again.
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    assert!(tenants::list(&mut tx).await.unwrap().is_empty());
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_transaction_leaves_no_session_behind() {
    let test = TestDb::new().await;
    let db = pool(&test, 2);
    let tenant = tenant(&test, "acme").await;
    for micros in (0..4000).step_by(40) {
        let work = async {
            let mut tx = db.begin(Scope::Tenant(tenant)).await.unwrap();
            repositories::list(&mut tx, None, 10, None).await.unwrap();
            tx.commit().await.unwrap();
        };
        drop(tokio::time::timeout(Duration::from_micros(micros), work).await);
        // What comes next sees its own role and tenant, and its statements work.
        let mut tx = db.begin(Scope::Worker).await.unwrap();
        assert_eq!(tenants::list(&mut tx).await.unwrap().len(), 1);
        tx.commit().await.unwrap();
    }
    let begun = Instant::now();
    while test.idle_in_transaction().await > 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "a session sits in a transaction");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn role_and_tenant_end_with_the_transaction() {
    let test = TestDb::new().await;
    let one_connection = pool(&test, 1);
    let acme = tenant(&test, "acme").await;
    let set = "SELECT $1::bigint FROM (SELECT 1) one WHERE coalesce(current_setting('kotadb.tenant', true), '') <> ''";
    let is_login = "SELECT $1::bigint FROM (SELECT 1) one WHERE current_user = session_user";
    for (scope, tenants_set) in [(Scope::Tenant(acme), Some(7)), (Scope::Anonymous, None), (Scope::Worker, None)] {
        let mut tx = one_connection.begin(scope).await.unwrap();
        assert_eq!(tx.probe(set, 7).await.unwrap(), tenants_set, "{scope:?}");
        assert_eq!(tx.probe(is_login, 7).await.unwrap(), None, "{scope:?}");
        tx.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_server_is_named_without_its_password() {
    let url = "postgres://kotadb:hunter2@127.0.0.1:9/kotadb".to_owned();
    let db = Db::new(&DbOptions { url, max_connections: 1, acquire_timeout: Duration::from_millis(300) }).unwrap();
    let error = db.ping().await.unwrap_err();
    assert!(matches!(error, DbError::Unreachable(_)));
    assert!(error.to_string().contains("127.0.0.1:9") && !error.to_string().contains("hunter2"), "{error}");
    assert!(!format!("{db:?}").contains("hunter2"));
}

/// The network between the program and Postgres may swallow everything without ending a connection.
#[tokio::test]
async fn a_server_that_hangs_is_unreachable_in_time_and_comes_back() {
    let test = TestDb::new().await;
    let address = test.pooled_url.split(['@', '/', '?']).nth(3).unwrap().to_owned();
    let (hang, hanging) = watch::channel(false);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = test.pooled_url.replace(&address, &listener.local_addr().unwrap().to_string());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&address).await.unwrap();
            let ((client_in, client_out), (server_in, server_out)) = (client.into_split(), server.into_split());
            tokio::spawn(carry(client_in, server_out, hanging.clone()));
            tokio::spawn(carry(server_in, client_out, hanging.clone()));
        }
    });
    let acquire_timeout = Duration::from_secs(8);
    let db = Db::new(&DbOptions { url, max_connections: 1, acquire_timeout }).unwrap();
    db.ping().await.unwrap();
    hang.send(true).unwrap();
    for _ in 0..2 {
        let answer = tokio::time::timeout(Duration::from_secs(60), db.ping()).await;
        let error = answer.expect("an answer in time").unwrap_err();
        assert!(matches!(error, DbError::Unreachable(_)), "{error}");
    }
    hang.send(false).unwrap();
    db.ping().await.unwrap();
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut hanging: watch::Receiver<bool>) {
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let free = hanging.wait_for(|hanging| !hanging).await.is_ok();
        if !free || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

/// The short form of `make bench PARTS=pooler`.
#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_answers_through_the_pooler_are_all_right() {
    let test = TestDb::new().await;
    let load = kotadb_core::testing::PooledLoad { clients: 24, queries: 20_000 };
    let answers = load.run(&test.pooled_url).await.unwrap();
    assert_eq!((answers.wrong, answers.failed), (0, 0), "{answers:?}");
    assert!(answers.right >= 19_000 && answers.given_up > 0, "{answers:?}");
}
