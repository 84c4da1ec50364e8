//! What operators do to the queue, and that it is written down.

use kotadb_core::db::direct::Direct;
use kotadb_core::db::jobs::{ErrorClass, JobState, Spend, Trigger};
use kotadb_core::db::operators::{self, Selection};
use kotadb_core::db::{Scope, jobs};
use kotadb_core::id::{JobId, TenantId};
use kotadb_core::testing::TestDb;
use serde_json::json;

use super::fixture::{claim, enqueue, job, repository, tenant};

/// A dead job of a new repository.
async fn dead(test: &TestDb, tenant: TenantId, name: &str, class: ErrorClass) -> JobId {
    let repository = repository(test, tenant, name).await;
    let id = enqueue(test, &job(tenant, repository, Trigger::Push)).await.job;
    test.execute(&format!("UPDATE kotadb.jobs SET attempt = 7 WHERE id = '{id}'")).await;
    let claimed = claim(test, "w").await.unwrap();
    assert_eq!(claimed.job, id);
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    assert_eq!(jobs::fail(&mut tx, &claimed, class, "it broke").await.unwrap(), JobState::Dead);
    tx.commit().await.unwrap();
    id
}

async fn audit(test: &TestDb) -> Vec<String> {
    test.texts("SELECT concat_ws(' ', actor, action, target) FROM kotadb.audit_log ORDER BY id").await
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_jobs_are_retried_one_by_one_or_by_class() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let first = dead(&test, acme, "a/1", ErrorClass::Storage).await;
    let second = dead(&test, acme, "a/2", ErrorClass::Storage).await;
    let third = dead(&test, acme, "a/3", ErrorClass::Permanent).await;
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    let moved = operators::retry(&mut tx, first, "ada").await.unwrap().unwrap();
    assert_eq!((moved.job, moved.state, moved.moved), (first, JobState::Queued, true));
    assert!(!operators::retry(&mut tx, first, "ada").await.unwrap().unwrap().moved, "it is queued already");
    let which = Selection { class: Some(ErrorClass::Storage), ..Selection::default() };
    assert_eq!(operators::retry_many(&mut tx, which, "ada").await.unwrap(), 1);
    let found = operators::list(&mut tx, Selection { state: Some(JobState::Dead), ..which }, None, 9).await.unwrap();
    assert!(found.is_empty());
    let left = Selection { state: Some(JobState::Dead), ..Selection::default() };
    let left = operators::list(&mut tx, left, None, 9).await.unwrap();
    assert_eq!(left.iter().map(|of| (of.job.id, of.tenant.as_str())).collect::<Vec<_>>(), [(third, "acme")]);
    tx.commit().await.unwrap();
    let wanted = [format!("ada jobs.retry {first}"), "ada jobs.retry class storage".to_owned()];
    assert_eq!(audit(&test).await, wanted);
    let claimed = [claim(&test, "w").await.unwrap(), claim(&test, "w").await.unwrap()];
    assert!(claimed.iter().all(|claimed| claimed.attempt == 1 && [first, second].contains(&claimed.job)));
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_jobs_wait_and_drain_does_not() {
    let test = TestDb::new().await;
    let (acme, zeta) = (tenant(&test, "acme").await, tenant(&test, "zeta").await);
    for tenant in [acme, zeta] {
        let repository = repository(&test, tenant, "a/b").await;
        enqueue(&test, &job(tenant, repository, Trigger::Push)).await;
    }
    let pause = async |tenant, paused| {
        let mut tx = test.db.begin(Scope::Worker).await.unwrap();
        operators::pause(&mut tx, tenant, paused, "ada").await.unwrap();
        tx.commit().await.unwrap();
    };
    let outstanding = async || {
        let mut tx = test.db.begin(Scope::Worker).await.unwrap();
        jobs::outstanding(&mut tx, Spend::Guarded).await.unwrap().0
    };
    pause(None, true).await;
    assert!(claim(&test, "w").await.is_none());
    assert_eq!(outstanding().await, 0);
    pause(None, false).await;
    pause(Some(acme), true).await;
    assert_eq!(claim(&test, "w").await.unwrap().tenant, zeta);
    assert!(claim(&test, "w").await.is_none());
    assert_eq!(outstanding().await, 1, "the running one");
    let more = repository(&test, acme, "a/more").await;
    enqueue(&test, &job(acme, more, Trigger::Push)).await;
    pause(Some(acme), false).await;
    assert_eq!(claim(&test, "w").await.unwrap().tenant, acme);
    let wanted = [
        "ada jobs.pause all".to_owned(),
        "ada jobs.resume all".to_owned(),
        format!("ada jobs.pause tenant {acme}"),
        format!("ada jobs.resume tenant {acme}"),
    ];
    assert_eq!(audit(&test).await, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_are_cancelled_at_once() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    for name in ["a/1", "a/2", "a/3"] {
        let repository = repository(&test, acme, name).await;
        enqueue(&test, &job(acme, repository, Trigger::Push)).await;
    }
    let running = claim(&test, "w").await.unwrap();
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    let which = Selection { tenant: Some(acme), ..Selection::default() };
    assert_eq!(operators::cancel_many(&mut tx, which, "ada").await.unwrap(), 3);
    assert_eq!(operators::cancel_many(&mut tx, which, "ada").await.unwrap(), 0);
    tx.commit().await.unwrap();
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    assert!(jobs::heartbeat(&mut tx, &running, super::fixture::LEASE).await.unwrap(), "the worker is asked to end");
    jobs::release(&mut tx, &running, false).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(test.texts("SELECT DISTINCT state FROM kotadb.jobs").await, ["cancelled"]);
    let steps = "SELECT string_agg(phase, ' ' ORDER BY nth) FROM kotadb.job_events GROUP BY job_id ORDER BY 1";
    assert_eq!(test.texts(steps).await, ["cancelled", "cancelled", "claimed released cancelled"]);
}

/// As Supabase's `postgres`: no superuser, row level security for it as well, but a member of the roles.
#[tokio::test(flavor = "multi_thread")]
async fn the_sql_editor_retries_without_passing_row_level_security() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let first = dead(&test, acme, "a/1", ErrorClass::Database).await;
    dead(&test, acme, "a/2", ErrorClass::Database).await;
    let login = format!("editor_{}", uuid::Uuid::now_v7().simple());
    test.execute(&format!("CREATE ROLE {login} LOGIN NOSUPERUSER NOBYPASSRLS INHERIT; GRANT kotadb_worker TO {login}"))
        .await;
    let url = test.direct_url.replacen("postgres://postgres@", &format!("postgres://{login}@"), 1);
    let mut editor = Direct::connect(&url).await.unwrap();
    let one = editor.texts(&format!("SELECT kotadb.requeue_job('{first}')")).await.unwrap();
    assert_eq!(one, [format!("job `{first}` is queued")]);
    let again = editor.texts(&format!("SELECT kotadb.requeue_job('{first}')")).await.unwrap();
    assert!(again[0].contains("it is `queued`"), "{again:?}");
    assert_eq!(editor.texts("SELECT kotadb.requeue_dead('database')::text").await.unwrap(), ["1"]);
    editor.close().await;
    let wanted = [format!("{login} jobs.retry {first}"), format!("{login} jobs.retry class database")];
    assert_eq!(audit(&test).await, wanted);
    test.execute(&format!("DROP ROLE {login}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deeds_and_use_are_kept_for_their_time_and_no_longer() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    test.execute(&format!(
        "INSERT INTO kotadb.audit_log (at, actor, action, target)
             SELECT now() - interval '401 days', 'a', 'old', 't' FROM generate_series(1, 1200)
             UNION ALL SELECT now() - interval '399 days', 'a', 'kept', 't';
         INSERT INTO kotadb.indexer_usage (day, tenant_id, seconds)
             SELECT (now() AT TIME ZONE 'UTC')::date - n, '{acme}', 1 FROM generate_series(88, 93) n"
    ))
    .await;
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    assert!(operators::prune(&mut tx).await.unwrap(), "a thousand at once");
    assert!(!operators::prune(&mut tx).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(test.texts("SELECT action FROM kotadb.audit_log").await, ["kept"]);
    let days = "SELECT ((now() AT TIME ZONE 'UTC')::date - day)::text FROM kotadb.indexer_usage ORDER BY day DESC";
    assert_eq!(test.texts(days).await, ["88", "89", "90"]);
    // Whoever has the worker's role cannot hide what it did.
    for table in ["audit_log", "indexer_usage"] {
        let delete = format!(
            "BEGIN; SET LOCAL ROLE kotadb_worker; DELETE FROM kotadb.{table}; COMMIT; SELECT count(*)::text FROM kotadb.{table}"
        );
        test.execute(&delete).await;
        assert_ne!(test.texts(&format!("SELECT count(*)::text FROM kotadb.{table}")).await, ["0"], "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_long_ago_is_forgotten_with_its_steps() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    dead(&test, acme, "a/old", ErrorClass::Permanent).await;
    test.execute("UPDATE kotadb.jobs SET finished_at = now() - interval '8 days'").await;
    let kept = dead(&test, acme, "a/new", ErrorClass::Permanent).await;
    let queued = repository(&test, acme, "a/queued").await;
    enqueue(&test, &job(acme, queued, Trigger::Push)).await;
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    assert!(!jobs::prune(&mut tx).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(test.texts("SELECT count(*)::text FROM kotadb.jobs").await, ["2"]);
    let of = "SELECT DISTINCT job_id::text FROM kotadb.job_events";
    assert_eq!(test.texts(of).await, [kept.to_string()]);
    let filled = json!({}).to_string();
    test.execute(&format!(
        "INSERT INTO kotadb.jobs (id, tenant_id, repository_id, kind, trigger, priority, state, finished_at, summary)
         SELECT gen_random_uuid(), '{acme}', '{queued}', 'index', 'push', 10, 'done', now() - interval '9 days', '{filled}'
         FROM generate_series(1, 1500)"
    ))
    .await;
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    assert!(jobs::prune(&mut tx).await.unwrap(), "a thousand at once");
    assert!(!jobs::prune(&mut tx).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(test.texts("SELECT count(*)::text FROM kotadb.jobs").await, ["2"]);
}
