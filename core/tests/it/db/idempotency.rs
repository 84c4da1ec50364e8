//! Slots of idempotent requests: one attempt holds one, for as long as it may.

use kotadb_core::db::Scope;
use kotadb_core::db::idempotency::{self, Attempt, Slot};
use kotadb_core::id::TenantId;
use kotadb_core::testing::TestDb;
use uuid::Uuid;

use super::fixture::tenant;

fn attempt(tenant: TenantId, request: u8) -> Attempt {
    Attempt { tenant, slot: [1; 32], request: [request; 32], id: Uuid::now_v7() }
}

async fn claim(test: &TestDb, attempt: &Attempt) -> Slot {
    let mut tx = test.db.begin(Scope::Tenant(attempt.tenant)).await.unwrap();
    let slot = idempotency::claim(&mut tx, attempt).await.unwrap();
    tx.commit().await.unwrap();
    slot
}

async fn keep(test: &TestDb, attempt: &Attempt) {
    let mut tx = test.db.begin(Scope::Tenant(attempt.tenant)).await.unwrap();
    idempotency::keep(&mut tx, attempt, 201, b"sealed".to_vec()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_is_taken_answered_and_forgotten() {
    let test = TestDb::new().await;
    let (acme, zeta) = (tenant(&test, "acme").await, tenant(&test, "zeta").await);
    let first = attempt(acme, 1);
    assert_eq!(claim(&test, &first).await, Slot::Ours);
    assert_eq!(claim(&test, &attempt(zeta, 2)).await, Slot::Ours, "another tenant has its own");
    assert_eq!(claim(&test, &attempt(acme, 1)).await, Slot::InFlight);
    assert_eq!(claim(&test, &attempt(acme, 2)).await, Slot::Another);
    keep(&test, &first).await;
    let answered = Slot::Answered { status: 201, answer: b"sealed".to_vec() };
    assert_eq!(claim(&test, &attempt(acme, 1)).await, answered);
    let prune = async || {
        let mut tx = test.db.begin(Scope::Worker).await.unwrap();
        idempotency::prune(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        test.texts("SELECT count(*)::text FROM kotadb.idempotent_requests").await.remove(0)
    };
    assert_eq!(prune().await, "2", "nothing is a day old");
    test.execute("UPDATE kotadb.idempotent_requests SET began_at = began_at - interval '25 hours'").await;
    assert_eq!(claim(&test, &attempt(acme, 2)).await, Slot::Ours, "a day later a key is new");
    assert_eq!(prune().await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_lost_a_slot_neither_answers_nor_frees_it() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let (lost, next) = (attempt(acme, 1), attempt(acme, 1));
    assert_eq!(claim(&test, &lost).await, Slot::Ours);
    test.execute("UPDATE kotadb.idempotent_requests SET began_at = began_at - interval '61 seconds'").await;
    assert_eq!(claim(&test, &next).await, Slot::Ours, "nobody answers for a minute");
    keep(&test, &lost).await;
    let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
    idempotency::give_back(&mut tx, &lost).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(claim(&test, &attempt(acme, 1)).await, Slot::InFlight);
    let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
    idempotency::give_back(&mut tx, &next).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(claim(&test, &attempt(acme, 1)).await, Slot::Ours);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_has_the_slot() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let attempts: Vec<Attempt> = (0..16).map(|_| attempt(acme, 1)).collect();
    let slots = futures::future::join_all(attempts.iter().map(|attempt| claim(&test, attempt))).await;
    assert_eq!(slots.iter().filter(|slot| **slot == Slot::Ours).count(), 1);
    assert_eq!(slots.iter().filter(|slot| **slot == Slot::InFlight).count(), 15);
}
