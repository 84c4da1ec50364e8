//! A tenant with a repository, and shorthands for what every test of the database does.

use std::time::Duration;

use kotadb_core::db::deliveries::NewDelivery;
use kotadb_core::db::jobs::{Claimed, JobKind, NewJob, Spend, Trigger};
use kotadb_core::db::keys::NewKey;
use kotadb_core::db::{Scope, jobs, repositories, tenants};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::testing::TestDb;
use uuid::Uuid;

/// A lease that no test outlives.
pub const LEASE: Duration = Duration::from_secs(60);

pub async fn tenant(test: &TestDb, name: &str) -> TenantId {
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    let tenant = tenants::ensure(&mut tx, name).await.unwrap();
    tx.commit().await.unwrap();
    tenant
}

pub async fn repository(test: &TestDb, tenant: TenantId, name: &str) -> RepositoryId {
    let mut tx = test.db.begin(Scope::Tenant(tenant)).await.unwrap();
    let url = format!("https://github.com/{name}");
    let (row, _) = repositories::register(&mut tx, tenant, name, &url, &[]).await.unwrap();
    tx.commit().await.unwrap();
    row.id
}

pub fn job(tenant: TenantId, repository: RepositoryId, trigger: Trigger) -> NewJob {
    NewJob { tenant, repository, kind: JobKind::Index, trigger, full: false, delay: Duration::ZERO }
}

pub fn delivery(id: Uuid) -> NewDelivery {
    let event = "push".to_owned();
    NewDelivery { delivery: id, event, action: None, outcome: "queued", job: None, body_sha256: [1; 32] }
}

/// A key that may search.
pub fn key(byte: u8) -> NewKey {
    NewKey {
        id: Uuid::now_v7(),
        name: "ci".to_owned(),
        sha256: [byte; 32],
        display: "kdb_live_abc…wxyz".to_owned(),
        scopes: vec!["search".to_owned()],
        ..NewKey::default()
    }
}

pub async fn enqueue(test: &TestDb, job: &NewJob) -> jobs::Enqueued {
    let mut tx = test.db.begin(Scope::Tenant(job.tenant)).await.unwrap();
    let enqueued = jobs::enqueue(&mut tx, job).await.unwrap();
    tx.commit().await.unwrap();
    enqueued
}

pub async fn claim(test: &TestDb, worker: &str) -> Option<Claimed> {
    jobs::claim(&test.db, worker, LEASE, Spend::Guarded).await.unwrap()
}

/// Lets the lease of every running job run out.
pub async fn expire_leases(test: &TestDb) {
    test.execute("UPDATE kotadb.jobs SET lease_expires_at = now() - interval '1 second' WHERE state = 'running'").await;
}
