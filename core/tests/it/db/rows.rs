//! Tenants, repositories, keys, hooks and deliveries.

use kotadb_core::db::deliveries::NewDelivery;
use kotadb_core::db::jobs::{JobState, Spend, Trigger};
use kotadb_core::db::principal::{self, Cost, Principal, Refusal};
use kotadb_core::db::{DbError, Scope, deletions, deliveries, health, hooks, jobs, keys, repositories, tenants};
use kotadb_core::id::{HookId, ObjectId};
use kotadb_core::testing::TestDb;
use uuid::Uuid;

use super::fixture::{self, claim, enqueue, job, repository, tenant};

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_made_once() {
    let test = TestDb::new().await;
    let first = tenant(&test, "acme").await;
    assert_eq!(tenant(&test, "acme").await, first);
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    assert_eq!(tenants::list(&mut tx).await.unwrap(), [(first, "acme".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_is_registered_once_until_it_is_deleted() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
    let patterns = ["refs/heads/release-*".to_owned()];
    let (row, new) = repositories::register(&mut tx, acme, "a/b", "https://x/a/b", &patterns).await.unwrap();
    assert!(new && row.ref_patterns == patterns && row.indexed_commit.is_none());
    let (again, new) = repositories::register(&mut tx, acme, "a/c", "https://x/a/b", &[]).await.unwrap();
    assert!(!new && again.id == row.id && again.name == "a/b" && again.ref_patterns == patterns);
    assert!(repositories::delete(&mut tx, row.id).await.unwrap());
    assert!(!repositories::delete(&mut tx, row.id).await.unwrap());
    assert!(repositories::get(&mut tx, row.id).await.unwrap().is_none());
    let (fresh, new) = repositories::register(&mut tx, acme, "a/b", "https://x/a/b", &[]).await.unwrap();
    assert!(new && fresh.id != row.id);
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_are_listed_by_name_and_equal_names_together() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
    for (name, url) in [("b/b", "1"), ("a/a", "2"), ("b/b", "3"), ("Z/z", "4")] {
        repositories::register(&mut tx, acme, name, url, &[]).await.unwrap();
    }
    let names = |rows: Vec<repositories::RepositoryRow>| rows.into_iter().map(|row| row.name).collect::<Vec<_>>();
    assert_eq!(names(repositories::list(&mut tx, None, 2, None).await.unwrap()), ["Z/z", "a/a"]);
    assert_eq!(names(repositories::list(&mut tx, Some("a/a"), 1, None).await.unwrap()), ["b/b", "b/b"]);
    assert!(repositories::list(&mut tx, Some("b/b"), 5, None).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_repository_ends_its_jobs() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let repository = repository(&test, acme, "a/b").await;
    let running = enqueue(&test, &job(acme, repository, Trigger::Push)).await;
    let claimed = claim(&test, "w").await.unwrap();
    let queued = enqueue(&test, &job(acme, repository, Trigger::Push)).await;
    let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
    repositories::delete(&mut tx, repository).await.unwrap();
    assert_eq!(jobs::get(&mut tx, queued.job).await.unwrap().unwrap().state, JobState::Cancelled);
    assert_eq!(jobs::get(&mut tx, running.job).await.unwrap().unwrap().state, JobState::Running);
    tx.commit().await.unwrap();
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    assert!(jobs::heartbeat(&mut tx, &claimed, fixture::LEASE).await.unwrap(), "the worker is asked to stop");
    jobs::release(&mut tx, &claimed, false).await.unwrap();
    assert_eq!(jobs::outstanding(&mut tx, Spend::Guarded).await.unwrap(), (0, None));
    tx.commit().await.unwrap();
    let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
    let refused = jobs::enqueue(&mut tx, &job(acme, repository, Trigger::Push)).await;
    assert!(matches!(refused, Err(DbError::Constraint { constraint }) if constraint == "jobs_repository_fkey"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_its_tenant_until_revoked_or_expired() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let (one, two) = (repository(&test, acme, "a/one").await, repository(&test, acme, "a/two").await);
    let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
    let key = keys::create(&mut tx, acme, &fixture::key(7)).await.unwrap().id;
    let twice = keys::create(&mut tx, acme, &fixture::key(7)).await.unwrap_err();
    assert!(matches!(twice, DbError::Constraint { constraint } if constraint == "api_keys_sha256_key"));
    drop(tx);
    let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
    let again = keys::create(&mut tx, acme, &fixture::key(7)).await.unwrap().id;
    assert_ne!(again, key, "the first went with its transaction");
    tx.commit().await.unwrap();

    let found = authenticate(&test, 7).await.unwrap();
    assert_eq!((found.tenant, found.key, found.member), (acme, Some(again), None));
    assert_eq!((found.scopes, found.is_narrowed), (vec!["search".to_owned()], false));
    assert_eq!(found.repositories, [(one, "a/one".to_owned()), (two, "a/two".to_owned())]);
    assert_eq!(authenticate(&test, 8).await.unwrap_err(), Refusal::Unknown);
    let used = "SELECT last_used_at::text FROM kotadb.api_keys";
    let first_use = test.texts(used).await;
    authenticate(&test, 7).await.unwrap();
    assert_eq!(test.texts(used).await, first_use, "written once a minute at most");

    test.execute(&format!("UPDATE kotadb.api_keys SET repository_ids = ARRAY['{two}'::uuid]")).await;
    let limited = authenticate(&test, 7).await.unwrap();
    assert_eq!((limited.repositories, limited.is_narrowed), (vec![(two, "a/two".to_owned())], true));
    test.execute("UPDATE kotadb.api_keys SET expires_at = now() - interval '1 second'").await;
    assert_eq!(authenticate(&test, 7).await.unwrap_err(), Refusal::Expired);
    test.execute("UPDATE kotadb.api_keys SET expires_at = NULL").await;
    let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
    assert!(keys::revoke(&mut tx, again).await.unwrap());
    assert!(!keys::revoke(&mut tx, Uuid::now_v7()).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(authenticate(&test, 7).await.unwrap_err(), Refusal::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_is_found_by_its_id_alone() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let repository = repository(&test, acme, "a/b").await;
    let hook = HookId(Uuid::now_v7());
    let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
    hooks::create(&mut tx, acme, repository, hook, b"sealed").await.unwrap();
    hooks::set_github_repository_id(&mut tx, repository, 42).await.unwrap();
    tx.commit().await.unwrap();
    let found = look_up(&test, hook).await.unwrap();
    assert_eq!((found.tenant, found.subject.repository), (acme, repository));
    assert_eq!((found.subject.github_repository_id, found.is_verified), (Some(42), false));
    assert_eq!((found.secret.as_slice(), found.previous_secret), (b"sealed".as_slice(), None));
    assert!(look_up(&test, HookId(Uuid::now_v7())).await.is_none());

    let overlap = "UPDATE kotadb.hooks SET previous_secret = 'old', previous_valid_until = now() + interval '1 hour'";
    test.execute(overlap).await;
    assert_eq!(look_up(&test, hook).await.unwrap().previous_secret.as_deref(), Some(b"old".as_slice()));
    test.execute("UPDATE kotadb.hooks SET previous_valid_until = now()").await;
    assert_eq!(look_up(&test, hook).await.unwrap().previous_secret, None);
    test.execute("UPDATE kotadb.repositories SET deleted_at = now()").await;
    assert!(look_up(&test, hook).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_delivery_id_counts_once_for_each_hook() {
    let test = TestDb::new().await;
    let delivery = Uuid::now_v7();
    for name in ["acme", "zeta"] {
        let tenant = tenant(&test, name).await;
        let repository = repository(&test, tenant, "a/b").await;
        let hook = HookId(Uuid::now_v7());
        let mut tx = test.db.begin(Scope::Tenant(tenant)).await.unwrap();
        hooks::create(&mut tx, tenant, repository, hook, b"sealed").await.unwrap();
        let ignored = NewDelivery { outcome: "ignored", ..fixture::delivery(delivery) };
        let queued = fixture::delivery(delivery);
        // What was ignored may be tried again, whatever else is seen once.
        for (new, is_new) in [(&ignored, true), (&ignored, true), (&queued, true), (&queued, false), (&ignored, false)]
        {
            assert_eq!(deliveries::record(&mut tx, tenant, hook, new).await.unwrap(), is_new);
        }
        tx.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_counts_jobs_of_all_tenants() {
    let test = TestDb::new().await;
    for name in ["acme", "zeta", "beta"] {
        let tenant = tenant(&test, name).await;
        let repository = repository(&test, tenant, "a/b").await;
        enqueue(&test, &job(tenant, repository, Trigger::Push)).await;
    }
    let doomed = claim(&test, "w").await.unwrap();
    claim(&test, "w").await.unwrap();
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    jobs::fail(&mut tx, &doomed, jobs::ErrorClass::Permanent, "no such repository").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = test.db.begin(Scope::Anonymous).await.unwrap();
    let found = health::job_queue(&mut tx).await.unwrap();
    assert_eq!((found.queued, found.in_progress, found.failed_recent, found.failed_recent_tenant), (1, 1, 0, 1));
}

async fn totals(test: &TestDb) -> Vec<(String, String, i64)> {
    let mut tx = test.db.begin(Scope::Anonymous).await.unwrap();
    let totals = health::job_totals(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let mut totals: Vec<_> = totals.into_iter().map(|total| (total.outcome, total.class, total.jobs)).collect();
    totals.sort();
    totals
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_of_jobs_are_counted_for_ever_and_sweeps_noted() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let repository = repository(&test, acme, "a/b").await;
    assert!(totals(&test).await.is_empty());
    for class in [jobs::ErrorClass::Storage, jobs::ErrorClass::Permanent] {
        enqueue(&test, &job(acme, repository, Trigger::Manual)).await;
        test.execute("UPDATE kotadb.jobs SET run_at = now() WHERE state = 'queued'").await;
        let claimed = claim(&test, "w").await.unwrap();
        let mut tx = test.db.begin(Scope::Worker).await.unwrap();
        jobs::fail(&mut tx, &claimed, class, "no").await.unwrap();
        tx.commit().await.unwrap();
    }
    enqueue(&test, &job(acme, repository, Trigger::Manual)).await;
    test.execute("UPDATE kotadb.jobs SET run_at = now() WHERE state = 'queued'").await;
    let released = claim(&test, "w").await.unwrap();
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    jobs::release(&mut tx, &released, false).await.unwrap();
    tx.commit().await.unwrap();
    let claimed = claim(&test, "w").await.unwrap();
    jobs::complete(&test.db, &claimed, None, &serde_json::json!({})).await.unwrap();
    let row = |outcome: &str, class: &str| (outcome.to_owned(), class.to_owned(), 1);
    let wanted = [row("dead", "permanent"), row("done", ""), row("retried", "storage")];
    assert_eq!(totals(&test).await, wanted, "what was given back untouched is no end");
    let last_sweep = async || {
        let mut tx = test.db.begin(Scope::Anonymous).await.unwrap();
        let found = health::job_queue(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        found.last_sweep
    };
    assert_eq!(last_sweep().await, None);
    for _ in 0..2 {
        let mut tx = test.db.begin(Scope::Worker).await.unwrap();
        health::note_sweep(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    let age = time::OffsetDateTime::now_utc() - last_sweep().await.unwrap();
    assert!(age.whole_seconds() < 60, "{age}");
    test.execute("DELETE FROM kotadb.jobs").await;
    assert_eq!(totals(&test).await, wanted, "neither adding up nor forgetting jobs changes a total");
    let rows = test.texts("SELECT count(*)::text FROM kotadb.job_ends").await;
    assert_eq!(rows, ["3"]);
}

async fn authenticate(test: &TestDb, byte: u8) -> Result<Principal, Refusal> {
    principal::of_key(&test.db, &[byte; 32], Cost { units: 1, is_search: true }).await.unwrap().verdict
}

async fn look_up(test: &TestDb, hook: HookId) -> Option<hooks::Hook> {
    let mut tx = test.db.begin(Scope::Anonymous).await.unwrap();
    let hook = hooks::look_up(&mut tx, hook).await.unwrap();
    tx.commit().await.unwrap();
    hook
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_just_being_indexed_is_hidden_before_it_comes() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let (repository, commit) = (repository(&test, acme, "a/b").await, ObjectId([7; 20]));
    for running in [false, true] {
        if running {
            enqueue(&test, &job(acme, repository, Trigger::Push)).await;
            claim(&test, "w").await.unwrap();
        }
        let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
        deletions::hide_unseen(&mut tx, acme, repository, commit).await.unwrap();
        let hidden = deletions::hidden(&mut tx, repository).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(hidden.contains(&commit), running);
    }
}
