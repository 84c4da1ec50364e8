//! Who is served next: tenants in turn, jobs by rank, nothing that stands still.

use std::time::Duration;

use kotadb_core::db::jobs::{Claimed, NewJob, Spend, Trigger};
use kotadb_core::db::operators::{self, Limits};
use kotadb_core::db::{Scope, health, jobs};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::testing::TestDb;
use serde_json::json;

use super::fixture::{LEASE, claim, enqueue, job, repository, tenant};

async fn done(test: &TestDb, claimed: &Claimed) {
    jobs::complete(&test.db, claimed, None, &json!({})).await.unwrap();
}

/// A tenant with `n` queued jobs, made without ceremony.
async fn crowded(test: &TestDb, name: &str, n: usize) -> TenantId {
    let id = tenant(test, name).await;
    let fill = format!(
        "INSERT INTO kotadb.repositories (id, tenant_id, name, url)
             SELECT gen_random_uuid(), '{id}', '{name}/' || n, 'https://github.com/{name}/' || n FROM generate_series(1, {n}) n;
         INSERT INTO kotadb.jobs (id, tenant_id, repository_id, kind, trigger, priority)
             SELECT gen_random_uuid(), tenant_id, id, 'index', 'push', 10 FROM kotadb.repositories WHERE tenant_id = '{id}'"
    );
    test.execute(&fill).await;
    id
}

async fn pushed(test: &TestDb, tenant: TenantId, name: &str) -> RepositoryId {
    let id = repository(test, tenant, name).await;
    enqueue(test, &job(tenant, id, Trigger::Push)).await;
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_tenant_waits_two_job_lengths_behind_five_thousand_jobs() {
    let test = TestDb::new().await;
    let big = crowded(&test, "big", 5000).await;
    // One worker: what is claimed before the small tenant's job is what it waits for.
    let running = claim(&test, "w").await.unwrap();
    assert_eq!(running.tenant, big);
    let small = tenant(&test, "small").await;
    for name in ["small/a", "small/b", "small/c"] {
        pushed(&test, small, name).await;
    }
    done(&test, &running).await;
    let mut order = Vec::new();
    for _ in 0..6 {
        let claimed = claim(&test, "w").await.unwrap();
        order.push(claimed.tenant);
        done(&test, &claimed).await;
    }
    let first = order.iter().position(|tenant| *tenant == small).unwrap();
    assert!(first < 2, "job lengths before the first: {first}");
    assert_eq!(order.iter().filter(|tenant| **tenant == small).count(), 3, "in turn: {order:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_are_shared_and_a_tenant_has_no_more_than_its_cap() {
    let test = TestDb::new().await;
    let big = crowded(&test, "big", 20).await;
    let small = crowded(&test, "small", 2).await;
    test.execute(&format!("UPDATE kotadb.tenants SET max_running_jobs = 3 WHERE id = '{big}'")).await;
    let mut held = Vec::new();
    while let Some(claimed) = claim(&test, "w").await {
        held.push(claimed);
    }
    let tenants: Vec<_> = held.iter().map(|claimed| claimed.tenant).collect();
    assert_eq!(tenants.iter().filter(|tenant| **tenant == small).count(), 2, "{tenants:?}");
    assert_eq!(tenants.iter().filter(|tenant| **tenant == big).count(), 3, "{tenants:?}");
    assert_ne!(tenants[0], tenants[1]);
    let of_big = held.iter().find(|claimed| claimed.tenant == big).unwrap();
    done(&test, of_big).await;
    assert_eq!(claim(&test, "w").await.unwrap().tenant, big, "one ended, one follows");
    assert!(claim(&test, "w").await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenth_of_an_hour_outweighs_the_priority_of_a_push() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let swept = repository(&test, acme, "a/swept").await;
    enqueue(&test, &job(acme, swept, Trigger::Sweep)).await;
    pushed(&test, acme, "a/pushed").await;
    assert_eq!(claim(&test, "w").await.unwrap().name, "a/pushed", "a push goes before a sweep");
    pushed(&test, acme, "a/later").await;
    test.execute(&format!(
        "UPDATE kotadb.jobs SET run_at = run_at - interval '21 minutes' WHERE repository_id = '{swept}'"
    ))
    .await;
    assert_eq!(claim(&test, "w").await.unwrap().name, "a/swept", "but not for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_has_its_own_priority_but_not_before_people() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let slow = repository(&test, acme, "a/slow").await;
    test.execute(&format!("UPDATE kotadb.repositories SET priority = 90 WHERE id = '{slow}'")).await;
    enqueue(&test, &job(acme, slow, Trigger::Push)).await;
    let priorities = "SELECT priority::text FROM kotadb.jobs";
    assert_eq!(test.texts(priorities).await, ["90"]);
    enqueue(&test, &job(acme, slow, Trigger::Manual)).await;
    assert_eq!(test.texts(priorities).await, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_still_is_passed_over_and_found_again() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let still = pushed(&test, acme, "a/still").await;
    test.execute(&format!(
        "UPDATE kotadb.repositories SET suspended_at = now(), suspended_because = 'archived' WHERE id = '{still}'"
    ))
    .await;
    assert!(claim(&test, "w").await.is_none());
    enqueue(&test, &job(acme, still, Trigger::Manual)).await;
    let claimed = claim(&test, "w").await.unwrap();
    done(&test, &claimed).await;
    enqueue(&test, &job(acme, still, Trigger::Push)).await;
    assert!(claim(&test, "w").await.is_none());
    test.execute("UPDATE kotadb.repositories SET suspended_at = NULL, suspended_because = NULL").await;
    assert!(claim(&test, "w").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follow_up_is_found_when_what_it_waited_for_ends() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let id = pushed(&test, acme, "a/b").await;
    let first = claim(&test, "w").await.unwrap();
    let push = NewJob { delay: Duration::from_millis(300), ..job(acme, id, Trigger::Push) };
    enqueue(&test, &push).await;
    assert!(claim(&test, "w").await.is_none(), "it waits for its time");
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(claim(&test, "w").await.is_none(), "it waits for the first, and its tenant is put aside");
    assert_eq!(test.texts("SELECT next_at::text FROM kotadb.queue_tenants").await, ["infinity"]);
    done(&test, &first).await;
    assert!(claim(&test, "w").await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn claims_of_one_tenant_at_once_all_succeed() {
    let test = TestDb::new().await;
    let only = crowded(&test, "only", 8).await;
    test.execute(&format!("UPDATE kotadb.tenants SET max_running_jobs = 8 WHERE id = '{only}'")).await;
    let claims = (0..8).map(|_| claim(&test, "w"));
    let claimed = futures::future::join_all(claims).await;
    assert_eq!(claimed.iter().flatten().count(), 8, "none comes back empty because another holds the tenant");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_limit_of_the_day_only_the_sweeper_works() {
    let test = TestDb::new().await;
    let acme = crowded(&test, "acme", 4).await;
    let zeta = crowded(&test, "zeta", 4).await;
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    operators::set_limits(&mut tx, Limits { total: Some(1000), each_tenant: Some(100) }, "ops").await.unwrap();
    tx.commit().await.unwrap();
    let held = claim(&test, "w").await.unwrap();
    // 120 s of work, counted by a heartbeat and by the end.
    test.execute("UPDATE kotadb.jobs SET charged_at = now() - interval '60 seconds' WHERE state = 'running'").await;
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    jobs::heartbeat(&mut tx, &held, LEASE).await.unwrap();
    tx.commit().await.unwrap();
    test.execute("UPDATE kotadb.jobs SET charged_at = now() - interval '60 seconds' WHERE state = 'running'").await;
    done(&test, &held).await;
    let used = test.texts("SELECT round(seconds)::text FROM kotadb.indexer_usage").await;
    assert!(["120", "121"].contains(&used[0].as_str()), "{used:?}");
    let other = if held.tenant == acme { zeta } else { acme };
    for _ in 0..4 {
        assert_eq!(claim(&test, "w").await.unwrap().tenant, other, "the tenant's own limit");
    }
    assert!(claim(&test, "w").await.is_none());
    test.execute(&format!(
        "INSERT INTO kotadb.indexer_usage VALUES ((now() AT TIME ZONE 'UTC')::date, '{other}', 900)"
    ))
    .await;
    let mut tx = test.db.begin(Scope::Anonymous).await.unwrap();
    let queue = health::job_queue(&mut tx).await.unwrap();
    assert!(
        queue.spent_seconds >= 1020 && queue.spend_limit_seconds == Some(1000) && queue.tenants_over == 2,
        "{queue:?}"
    );
    tx.commit().await.unwrap();
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    assert_eq!(jobs::outstanding(&mut tx, Spend::Guarded).await.unwrap().0, 4, "the running ones alone");
    assert_eq!(jobs::outstanding(&mut tx, Spend::Unguarded).await.unwrap().0, 7);
    tx.commit().await.unwrap();
    let swept = jobs::claim(&test.db, "sweeper", LEASE, Spend::Unguarded).await.unwrap();
    assert_eq!(swept.unwrap().tenant, held.tenant);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_queued_jobs_health_tells_an_estimate() {
    let test = TestDb::new().await;
    crowded(&test, "big", 9_000).await;
    let health = || async {
        let mut tx = test.db.begin(Scope::Anonymous).await.unwrap();
        let queue = health::job_queue(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        queue.queued
    };
    test.execute("VACUUM ANALYZE kotadb.jobs").await;
    assert_eq!(health().await, 9_000);
    test.execute("UPDATE kotadb.jobs SET state = 'cancelled', finished_at = now() WHERE id IN (SELECT id FROM kotadb.jobs LIMIT 10)").await;
    assert_eq!(health().await, 8_990, "up to 10,000 they are counted");
    crowded(&test, "huge", 4_000).await;
    test.execute("VACUUM ANALYZE kotadb.jobs").await;
    assert_eq!(health().await, 12_990);
    // Beyond, no more than so many rows are looked at, so this is not seen.
    test.execute("UPDATE kotadb.jobs SET state = 'cancelled', finished_at = now() WHERE id IN (SELECT id FROM kotadb.jobs WHERE state = 'queued' LIMIT 10)").await;
    let told = health().await;
    assert!((12_980..=12_990).contains(&told), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_hear_of_work_once_and_when_it_is_due() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let mut listener = kotadb_core::db::listen::Listener::connect(&test.direct_url).await.unwrap();
    let id = pushed(&test, acme, "a/b").await;
    let heard = tokio::time::timeout(Duration::from_secs(10), listener.due_in()).await.unwrap().unwrap();
    assert_eq!(heard, Duration::ZERO);
    let first = claim(&test, "w").await.unwrap();
    assert!(claim(&test, "w").await.is_none());
    done(&test, &first).await;
    let push = NewJob { delay: Duration::from_secs(9), ..job(acme, id, Trigger::Push) };
    enqueue(&test, &push).await;
    let heard = tokio::time::timeout(Duration::from_secs(10), listener.due_in()).await.unwrap().unwrap();
    assert!((8..=9).contains(&heard.as_secs()), "{heard:?}");
}
