//! The tick of the database, with doubles of pg_cron and pg_net: schemas `cron` and `net` whose functions write down what
//! they are asked. That the real route takes the signature is tested with the routes.

use kotadb_core::crypto;
use kotadb_core::db::jobs::Trigger;
use kotadb_core::db::{Scope, migrate, wakes};
use kotadb_core::testing::TestDb;

use super::fixture::{claim, enqueue, expire_leases, job, repository, tenant};

/// Signatures as in pg_cron 1.6 and pg_net 0.14, the overload of `schedule` included.
const DOUBLES: &str = "
    CREATE SCHEMA cron;
    CREATE TABLE cron.job (jobname text PRIMARY KEY, schedule text, command text);
    CREATE FUNCTION cron.schedule(job_name text, schedule text, command text) RETURNS bigint LANGUAGE sql AS $$
        INSERT INTO cron.job VALUES (job_name, schedule, command)
            ON CONFLICT (jobname) DO UPDATE SET schedule = excluded.schedule, command = excluded.command;
        SELECT 1::bigint $$;
    CREATE FUNCTION cron.schedule(schedule text, command text) RETURNS bigint LANGUAGE sql AS $$ SELECT 2::bigint $$;
    CREATE SCHEMA net;
    CREATE TABLE net.calls (url text, body jsonb, headers jsonb);
    CREATE FUNCTION net.http_post(url text, body jsonb DEFAULT '{}'::jsonb, params jsonb DEFAULT '{}'::jsonb,
        headers jsonb DEFAULT '{\"Content-Type\": \"application/json\"}'::jsonb, timeout_milliseconds integer DEFAULT 5000)
        RETURNS bigint LANGUAGE sql AS $$ INSERT INTO net.calls VALUES (url, body, headers); SELECT 1::bigint $$;";

const SECRET: &str = "0123456789abcdef0123456789abcdef";

async fn due() -> TestDb {
    let test = TestDb::empty().await;
    test.execute(DOUBLES).await;
    migrate::run(&test.direct_url).await.unwrap();
    // The login of programs is granted its roles where a test database is made from the template.
    migrate::grant_login(&test.direct_url, "kotadb_login").await.unwrap();
    test
}

/// Runs what pg_cron was given; how many calls there are since.
async fn tick(test: &TestDb) -> usize {
    test.execute("TRUNCATE net.calls").await;
    let command = test.texts("SELECT command FROM cron.job").await.remove(0);
    test.execute(&command).await;
    test.texts("SELECT url FROM net.calls").await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_extensions_only_the_schedule_is_left_out() {
    let test = TestDb::new().await;
    assert_eq!(test.texts("SELECT kotadb.schedule_tick()::text").await, ["false"]);
    test.execute(DOUBLES).await;
    // They came later, one of them even later.
    test.execute("DROP FUNCTION net.http_post").await;
    assert_eq!(test.texts("SELECT kotadb.schedule_tick()::text").await, ["false"]);
    assert!(test.texts("SELECT command FROM cron.job").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_calls_when_something_is_due_and_not_otherwise() {
    let test = due().await;
    assert_eq!(test.texts("SELECT jobname || ' ' || schedule FROM cron.job").await, ["kotadb-tick * * * * *"]);
    let tenant = tenant(&test, "acme").await;
    let repository = repository(&test, tenant, "a/b").await;
    enqueue(&test, &job(tenant, repository, Trigger::Push)).await;
    assert_eq!(tick(&test).await, 0, "nobody said whom to call");
    test.execute(&format!("SELECT kotadb.set_tick('https://kotadb.example/', '{SECRET}')")).await;
    assert_eq!(tick(&test).await, 1, "a job is due");
    assert_eq!(test.texts("SELECT url FROM net.calls").await, ["https://kotadb.example/internal/wake"]);
    test.execute("UPDATE kotadb.jobs SET run_at = now() + interval '1 minute'").await;
    assert_eq!(tick(&test).await, 0, "it is due later");
    test.execute("UPDATE kotadb.jobs SET run_at = now() - interval '1 minute'").await;
    test.execute("UPDATE kotadb.repositories SET suspended_at = now(), suspended_because = 'archived'").await;
    assert_eq!(tick(&test).await, 0, "its repository stands still");
    test.execute("UPDATE kotadb.repositories SET suspended_at = NULL, suspended_because = NULL").await;
    claim(&test, "w").await.unwrap();
    assert_eq!(tick(&test).await, 0, "it is being done");
    expire_leases(&test).await;
    assert_eq!(tick(&test).await, 1, "its worker is gone");
    test.execute("UPDATE kotadb.repositories SET deleted_at = now()").await;
    test.execute("UPDATE kotadb.jobs SET state = 'queued', lease_expires_at = NULL").await;
    assert_eq!(tick(&test).await, 0, "its repository is deleted");
}

async fn is_due(test: &TestDb) -> bool {
    let mut tx = test.db.begin(Scope::Anonymous).await.unwrap();
    let is_due = wakes::work_is_due(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    is_due
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_claim_would_take_is_not_due() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let (one, other) = (repository(&test, acme, "a/one").await, repository(&test, acme, "a/other").await);
    enqueue(&test, &job(acme, one, Trigger::Push)).await;
    for (hold, release) in [
        ("queue_settings SET paused_at = now()", "queue_settings SET paused_at = NULL"),
        ("tenants SET jobs_paused_at = now()", "tenants SET jobs_paused_at = NULL"),
        ("tenants SET daily_indexer_seconds = 10", "tenants SET daily_indexer_seconds = 11"),
        ("queue_settings SET daily_indexer_seconds = 10", "queue_settings SET daily_indexer_seconds = NULL"),
        (
            "repositories SET suspended_at = now(), suspended_because = 'owner'",
            "repositories SET suspended_at = NULL, suspended_because = NULL",
        ),
    ] {
        let used = format!(
            "INSERT INTO kotadb.indexer_usage (day, tenant_id, seconds)
                VALUES ((now() AT TIME ZONE 'UTC')::date, '{acme}', 10) ON CONFLICT DO NOTHING"
        );
        test.execute(&used).await;
        test.execute(&format!("UPDATE kotadb.{hold}")).await;
        assert!(!is_due(&test).await && claim(&test, "w").await.is_none(), "{hold}");
        test.execute(&format!("UPDATE kotadb.{release}")).await;
        assert!(is_due(&test).await, "{release}");
    }
    assert!(claim(&test, "w").await.is_some());
    enqueue(&test, &job(acme, one, Trigger::Push)).await;
    assert!(!is_due(&test).await && claim(&test, "w").await.is_none(), "a job of the repository runs");
    enqueue(&test, &job(acme, other, Trigger::Push)).await;
    test.execute("UPDATE kotadb.tenants SET max_running_jobs = 1").await;
    assert!(!is_due(&test).await && claim(&test, "w").await.is_none(), "as many run as may");
    test.execute("UPDATE kotadb.tenants SET max_running_jobs = 2").await;
    assert!(is_due(&test).await && claim(&test, "w").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_has_fired_is_due() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    repository(&test, acme, "a/b").await;
    for (next, deleted, due) in [
        ("now() + interval '1 hour'", "NULL", false),
        ("now() - interval '1 second'", "NULL", true),
        ("now() - interval '1 second'", "now()", false),
        ("NULL", "NULL", true),
        ("'infinity'", "NULL", false),
    ] {
        let set = format!(
            "UPDATE kotadb.repositories SET schedule = '0 4 * * *', next_run_at = {next}, deleted_at = {deleted}"
        );
        test.execute(&set).await;
        assert_eq!(is_due(&test).await, due, "{set}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_signed() {
    let test = due().await;
    // RFC 4231, test cases 2 and 6 (a key longer than a block).
    let hmac = "SELECT encode(kotadb.hmac_sha256('Jefe', 'what do ya want for nothing?'), 'hex')";
    assert_eq!(test.texts(hmac).await, ["5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"]);
    let long = "SELECT encode(kotadb.hmac_sha256(decode(repeat('aa', 131), 'hex'),
        'Test Using Larger Than Block-Size Key - Hash Key First'), 'hex')";
    assert_eq!(test.texts(long).await, ["60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"]);
    let tenant = tenant(&test, "acme").await;
    let repository = repository(&test, tenant, "a/b").await;
    enqueue(&test, &job(tenant, repository, Trigger::Push)).await;
    test.execute(&format!("SELECT kotadb.set_tick('https://kotadb.example', '{SECRET}')")).await;
    let mut nonces = Vec::new();
    for _ in 0..2 {
        assert_eq!(tick(&test).await, 1);
        let header = |name: &str| format!("SELECT headers ->> 'x-kotadb-{name}' FROM net.calls");
        let stamp = test.texts(&header("timestamp")).await.remove(0);
        let nonce = test.texts(&header("nonce")).await.remove(0);
        let tag = crypto::hmac_sha256(SECRET.as_bytes(), format!("{stamp}.{nonce}").as_bytes());
        assert_eq!(test.texts(&header("signature")).await, [format!("sha256={}", crypto::to_hex(&tag))]);
        nonces.push(nonce);
    }
    assert_ne!(nonces[0], nonces[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_settings_are_refused() {
    let test = TestDb::new().await;
    for (url, secret) in [("ftp://x", SECRET), ("https://x", "short")] {
        let set = format!("SELECT kotadb.set_tick('{url}', '{secret}')::text");
        let mut direct = kotadb_core::db::direct::Direct::connect(&test.direct_url).await.unwrap();
        assert!(direct.texts(&set).await.is_err(), "{set}");
        direct.close().await;
    }
}
