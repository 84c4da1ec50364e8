//! What becomes of rows when GitHub tells of a repository: reasons to stand still and which of them wins, names, and the
//! deletion of what has been gone for a week.

use kotadb_core::db::jobs::Trigger;
use kotadb_core::db::suspensions::{self, Suspension};
use kotadb_core::db::{Scope, repositories, upstream};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::testing::TestDb;

use super::fixture::{claim, enqueue, job, repository, tenant};

async fn suspend(test: &TestDb, tenant: TenantId, repository: RepositoryId, because: Suspension) -> String {
    let mut tx = test.db.begin(Scope::Tenant(tenant)).await.unwrap();
    suspensions::suspend(&mut tx, &[repository], because).await.unwrap();
    tx.commit().await.unwrap();
    reason(test, repository).await
}

async fn resume(test: &TestDb, tenant: TenantId, repository: RepositoryId, because: Suspension) -> String {
    let mut tx = test.db.begin(Scope::Tenant(tenant)).await.unwrap();
    suspensions::resume(&mut tx, &[repository], &[because]).await.unwrap();
    tx.commit().await.unwrap();
    reason(test, repository).await
}

async fn reason(test: &TestDb, repository: RepositoryId) -> String {
    let reason = format!("SELECT coalesce(suspended_because, '') FROM kotadb.repositories WHERE id = '{repository}'");
    test.texts(&reason).await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_own_reason_is_lifted_and_final_ones_win() {
    use Suspension::{Access, Archived, Gone, Installation, Transferred};
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let one = repository(&test, acme, "a/b").await;
    assert_eq!(suspend(&test, acme, one, Archived).await, "archived");
    assert_eq!(suspend(&test, acme, one, Installation).await, "archived");
    assert_eq!(resume(&test, acme, one, Installation).await, "archived");
    assert_eq!(suspend(&test, acme, one, Transferred).await, "transferred");
    assert_eq!(resume(&test, acme, one, Archived).await, "transferred");
    assert_eq!(suspend(&test, acme, one, Gone).await, "gone");
    assert_eq!(suspend(&test, acme, one, Transferred).await, "gone");
    assert_eq!(resume(&test, acme, one, Gone).await, "");
    assert_eq!(suspend(&test, acme, one, Access).await, "access");
    test.execute("UPDATE kotadb.repositories SET suspended_because = 'owner'").await;
    assert_eq!(suspend(&test, acme, one, Gone).await, "owner");
    let zeta = tenant(&test, "zeta").await;
    test.execute("UPDATE kotadb.repositories SET suspended_at = NULL, suspended_because = NULL").await;
    assert_eq!(suspend(&test, zeta, one, Gone).await, "", "another tenant's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_name_is_kept_once_and_a_taken_one_is_left() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let (one, other) = (repository(&test, acme, "a/one").await, repository(&test, acme, "a/other").await);
    for (repository, name, done) in [
        (one, "a/two", true),
        (one, "a/one", true),
        (one, "a/two", true),
        (one, "a/other", false),
        (other, "A/Other", true),
    ] {
        let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
        let url = format!("https://github.com/{}", name.to_lowercase());
        assert_eq!(upstream::rename(&mut tx, repository, name, &url).await.unwrap(), done, "{name}");
        tx.commit().await.unwrap();
    }
    let names = "SELECT name::text FROM kotadb.repositories ORDER BY 1";
    assert_eq!(test.texts(names).await, ["A/Other", "a/two"]);
    let former = "SELECT name::text FROM kotadb.former_names ORDER BY 1";
    assert_eq!(test.texts(former).await, ["a/one", "a/other", "a/two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_deleted_a_week_later() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let (kept, lost) = (repository(&test, acme, "a/kept").await, repository(&test, acme, "a/lost").await);
    for repository in [kept, lost] {
        enqueue(&test, &job(acme, repository, Trigger::Push)).await;
    }
    let running = claim(&test, "w").await.unwrap();
    let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
    for repository in [kept, lost] {
        suspensions::gone(&mut tx, repository).await.unwrap();
    }
    tx.commit().await.unwrap();
    let states = "SELECT state || ' ' || (cancel_requested_at IS NOT NULL) FROM kotadb.jobs ORDER BY 1";
    assert_eq!(test.texts(states).await, ["cancelled true", "running true"]);
    let _ = running;
    let age = |days: u8, of: RepositoryId| {
        format!("UPDATE kotadb.repositories SET upstream_gone_at = now() - interval '{days} days' WHERE id = '{of}'")
    };
    test.execute(&age(6, kept)).await;
    test.execute(&age(8, lost)).await;
    for deleted in [vec![lost], vec![]] {
        let mut tx = test.db.begin(Scope::Worker).await.unwrap();
        assert_eq!(repositories::delete_gone(&mut tx, 100).await.unwrap(), deleted);
        tx.commit().await.unwrap();
    }
    let deleted = "SELECT name::text FROM kotadb.repositories WHERE deleted_at IS NOT NULL";
    assert_eq!(test.texts(deleted).await, ["a/lost"]);
}
