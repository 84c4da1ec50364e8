//! How far an index is behind: what pushes told of jobs that are not done.

use std::time::Duration;

use kotadb_core::db::jobs::{self, Told, Trigger};
use kotadb_core::db::{Scope, repositories};
use kotadb_core::id::{JobId, RepositoryId, TenantId};
use kotadb_core::testing::TestDb;

use super::fixture::{claim, enqueue, job, repository, tenant};

struct Case {
    test: TestDb,
    tenant: TenantId,
    repository: RepositoryId,
}

impl Case {
    async fn new() -> Self {
        let test = TestDb::new().await;
        let tenant = tenant(&test, "acme").await;
        let repository = repository(&test, tenant, "a/b").await;
        Self { test, tenant, repository }
    }

    /// A push, as its receiver queues it.
    async fn push(&self, commits: Option<u32>) -> JobId {
        let job = enqueue(&self.test, &job(self.tenant, self.repository, Trigger::Push)).await.job;
        let mut tx = self.test.db.begin(Scope::Anonymous).await.unwrap();
        jobs::tell(&mut tx, &[Told { tenant: self.tenant, job, commits }]).await.unwrap();
        tx.commit().await.unwrap();
        job
    }

    async fn behind(&self) -> Option<u64> {
        let behind = jobs::behind(&self.test.db, self.tenant, &[self.repository]).await.unwrap();
        behind.get(&self.repository).copied()
    }

    async fn done(&self) {
        let claimed = claim(&self.test, "one").await.unwrap();
        let summary = serde_json::json!({});
        jobs::complete(&self.test.db, &claimed, Some(&"1".repeat(40)), &summary).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_add_up_until_their_job_is_done() {
    let case = Case::new().await;
    assert_eq!(case.behind().await, Some(0));
    let one = case.push(Some(2)).await;
    assert_eq!((case.push(Some(3)).await, case.behind().await), (one, Some(5)), "both are one job's");
    let claimed = claim(&case.test, "one").await.unwrap();
    let two = case.push(Some(4)).await;
    assert_ne!(one, two);
    assert_eq!(case.behind().await, Some(9), "one job runs, another waits");
    jobs::complete(&case.test.db, &claimed, Some(&"1".repeat(40)), &serde_json::json!({})).await.unwrap();
    assert_eq!(case.behind().await, Some(4));
    case.done().await;
    assert_eq!(case.behind().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_told_is_not_known() {
    let case = Case::new().await;
    case.push(Some(2)).await;
    case.push(None).await;
    case.push(Some(2)).await;
    assert_eq!(case.behind().await, None);
    case.done().await;
    assert_eq!(case.behind().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_that_is_given_up_was_told_stays_missing() {
    let case = Case::new().await;
    case.push(Some(1)).await;
    case.done().await;
    case.push(Some(2)).await;
    case.test.execute("UPDATE kotadb.jobs SET state = 'dead', finished_at = now() WHERE state = 'queued'").await;
    assert_eq!(case.behind().await, Some(2));
    tokio::time::sleep(Duration::from_millis(5)).await;
    case.push(Some(0)).await;
    case.done().await;
    assert_eq!(case.behind().await, Some(0), "a later job has brought them");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_learns_and_changes_nothing() {
    let case = Case::new().await;
    let job = case.push(Some(2)).await;
    let other = tenant(&case.test, "zeta").await;
    assert!(jobs::behind(&case.test.db, other, &[case.repository]).await.unwrap().is_empty());
    let mut tx = case.test.db.begin(Scope::Tenant(other)).await.unwrap();
    jobs::tell(&mut tx, &[Told { tenant: other, job, commits: Some(40) }]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(case.behind().await, Some(2));
    let mut tx = case.test.db.begin(Scope::Tenant(case.tenant)).await.unwrap();
    assert!(repositories::delete(&mut tx, case.repository).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(case.behind().await, None);
}
