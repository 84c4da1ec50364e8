//! What happened to a job: recorded under its fence, bounded, seen by its owner.

use kotadb_core::db::jobs::{Claimed, ErrorClass, JobEvent, Phase, Trigger};
use kotadb_core::db::{DbError, Scope, jobs};
use kotadb_core::id::{JobId, TenantId};
use kotadb_core::testing::TestDb;
use serde_json::{Value, json};

use super::fixture::{claim, enqueue, job, repository, tenant};

async fn record(test: &TestDb, claimed: &Claimed, phase: Phase, detail: Value) -> Result<(), DbError> {
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    jobs::record(&mut tx, claimed, phase, detail).await?;
    tx.commit().await
}

async fn events(test: &TestDb, tenant: TenantId, job: JobId) -> Vec<JobEvent> {
    let mut tx = test.db.begin(Scope::Tenant(tenant)).await.unwrap();
    jobs::events(&mut tx, job).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_a_job_is_seen_by_its_owner_alone() {
    let test = TestDb::new().await;
    let (acme, zeta) = (tenant(&test, "acme").await, tenant(&test, "zeta").await);
    let repository = repository(&test, acme, "a/b").await;
    let id = enqueue(&test, &job(acme, repository, Trigger::Push)).await.job;
    let first = claim(&test, "w").await.unwrap();
    record(&test, &first, Phase::Listed, json!({ "refs": 3 })).await.unwrap();
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    jobs::fail(&mut tx, &first, ErrorClass::Transient, "it broke").await.unwrap();
    tx.commit().await.unwrap();
    test.execute("UPDATE kotadb.jobs SET run_at = now() WHERE state = 'queued'").await;
    let second = claim(&test, "w").await.unwrap();
    let late = record(&test, &first, Phase::Built, json!({})).await;
    assert!(matches!(late, Err(DbError::LeaseLost)), "the fence of the first try is gone");
    record(&test, &second, Phase::Uploaded, json!({ "bytes_written": 7 })).await.unwrap();
    jobs::complete(&test.db, &second, None, &json!({})).await.unwrap();
    let seen: Vec<_> =
        events(&test, acme, id).await.into_iter().map(|event| (event.phase, event.attempt, event.detail)).collect();
    let wanted = [
        (Phase::Claimed, 1, json!({ "rescued": false })),
        (Phase::Listed, 1, json!({ "refs": 3 })),
        (Phase::Failed, 1, json!({ "class": "transient", "message": "it broke" })),
        (Phase::Claimed, 2, json!({ "rescued": false })),
        (Phase::Uploaded, 2, json!({ "bytes_written": 7 })),
        (Phase::Done, 2, json!({})),
    ];
    assert_eq!(seen, wanted);
    assert!(events(&test, zeta, id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_two_hundred_steps_are_kept_and_none_is_long() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let repository = repository(&test, acme, "a/b").await;
    let id = enqueue(&test, &job(acme, repository, Trigger::Push)).await.job;
    let claimed = claim(&test, "w").await.unwrap();
    for nth in 0..205 {
        record(&test, &claimed, Phase::Fetched, json!({ "nth": nth })).await.unwrap();
    }
    record(&test, &claimed, Phase::Built, json!({ "long": "x".repeat(9000) })).await.unwrap();
    let seen = events(&test, acme, id).await;
    assert_eq!(seen.len(), 200);
    assert_eq!(seen[0].detail, json!({ "nth": 6 }));
    assert!(seen[199].phase == Phase::Built && seen[199].detail["left_out"].is_string());
}
