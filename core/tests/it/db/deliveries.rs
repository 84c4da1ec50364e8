//! Deliveries of many tenants in one statement: each in its own place, or none.

use std::time::Duration;

use kotadb_core::db::deliveries::{self, Acceptance, NewDelivery, PlainDelivery};
use kotadb_core::db::direct::Direct;
use kotadb_core::db::{DbError, Scope, hooks};
use kotadb_core::id::{HookId, JobId, RepositoryId, TenantId};
use kotadb_core::testing::TestDb;
use uuid::Uuid;

use super::fixture::{delivery, repository, tenant};

/// A hook as a receiver knows it.
struct Known {
    id: HookId,
    tenant: TenantId,
    repository: RepositoryId,
    version: Vec<u8>,
}

async fn hook(test: &TestDb, tenant: TenantId, name: &str) -> Known {
    let (repository, id) = (repository(test, tenant, name).await, HookId(Uuid::now_v7()));
    let mut tx = test.db.begin(Scope::Tenant(tenant)).await.unwrap();
    hooks::create(&mut tx, tenant, repository, id, b"sealed").await.unwrap();
    tx.commit().await.unwrap();
    Known { id, tenant, repository, version: version(test, id).await }
}

async fn version(test: &TestDb, hook: HookId) -> Vec<u8> {
    let mut tx = test.db.begin(Scope::Anonymous).await.unwrap();
    let found = hooks::look_up(&mut tx, hook).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    found.version
}

fn plain(hook: &Known, outcome: &'static str, guid: Uuid) -> PlainDelivery {
    let job = (outcome == "queued").then(|| JobId(Uuid::now_v7()));
    let row = NewDelivery { outcome, job, ..delivery(guid) };
    PlainDelivery {
        hook: hook.id,
        version: hook.version.clone(),
        row,
        commits: Some(1),
        tenant: hook.tenant,
        traceparent: None,
    }
}

async fn accept(test: &TestDb, sent: &[PlainDelivery]) -> Result<Vec<Acceptance>, DbError> {
    let mut tx = test.db.begin(Scope::Anonymous).await.unwrap();
    let accepted = deliveries::accept(&mut tx, sent, Duration::from_secs(1)).await?;
    tx.commit().await?;
    Ok(accepted)
}

fn new(sent: &PlainDelivery) -> Acceptance {
    Acceptance::Queued { job: sent.row.job.unwrap(), coalesced: false }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_a_batch_comes_to_what_it_would_alone() {
    let test = TestDb::new().await;
    let (acme, zeta) = (tenant(&test, "acme").await, tenant(&test, "zeta").await);
    let (one, two) = (hook(&test, acme, "a/b").await, hook(&test, zeta, "a/b").await);
    let guid = Uuid::now_v7();
    let sent = [
        plain(&two, "queued", guid),
        plain(&one, "ignored", Uuid::now_v7()),
        plain(&one, "queued", guid),
        plain(&two, "queued", Uuid::now_v7()),
        plain(&two, "queued", guid),
        PlainDelivery { version: one.version.clone(), ..plain(&two, "queued", Uuid::now_v7()) },
        PlainDelivery { hook: HookId(Uuid::now_v7()), ..plain(&two, "queued", Uuid::now_v7()) },
    ];
    let joined = Acceptance::Queued { job: sent[0].row.job.unwrap(), coalesced: true };
    let became = accept(&test, &sent).await.unwrap();
    let expected = [
        new(&sent[0]),
        Acceptance::Ignored,
        new(&sent[2]),
        joined,
        Acceptance::Duplicate,
        Acceptance::Refused,
        Acceptance::Refused,
    ];
    assert_eq!(became, expected);
    let rows = "SELECT concat_ws(' ', t.name, d.outcome, j.coalesced, j.tenant_id = d.tenant_id, j.run_at > now())
        FROM kotadb.deliveries d JOIN kotadb.tenants t ON t.id = d.tenant_id LEFT JOIN kotadb.jobs j ON j.id = d.job_id ORDER BY 1";
    assert_eq!(test.texts(rows).await, ["acme ignored", "acme queued 0 t t", "zeta queued 1 t t", "zeta queued 1 t t"]);
    let told = "SELECT concat_ws(' ', t.name, j.commits_told) FROM kotadb.jobs j JOIN kotadb.tenants t ON t.id = j.tenant_id ORDER BY 1";
    assert_eq!(test.texts(told).await, ["acme 1", "zeta 2"], "what was taken twice or refused tells nothing");
    // What was ignored may be tried again, and then no more.
    let again = plain(&one, "queued", sent[1].row.delivery);
    let joined = Acceptance::Queued { job: sent[2].row.job.unwrap(), coalesced: true };
    assert_eq!(accept(&test, std::slice::from_ref(&again)).await.unwrap(), [joined]);
    assert_eq!(accept(&test, &[again]).await.unwrap(), [Acceptance::Duplicate]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_has_another_version_once_anything_of_it_is_another() {
    let test = TestDb::new().await;
    let acme = tenant(&test, "acme").await;
    let known = hook(&test, acme, "a/b").await;
    let mut seen = vec![known.version.clone()];
    test.execute("INSERT INTO kotadb.installations (id, account, account_id) VALUES (1, 'a', 1)").await;
    for change in [
        "hooks SET secret = 'other'",
        "hooks SET previous_secret = 'sealed', previous_valid_until = now() + interval '1 hour'",
        "hooks SET github_hook_id = 1",
        "hooks SET verified_at = now()",
        "repositories SET ref_patterns = '{refs/heads/x}'",
        "repositories SET github_repository_id = 1",
        "repositories SET default_branch = 'main'",
        "repositories SET installation_id = 1",
        "repositories SET suspended_at = now(), suspended_because = 'owner'",
    ] {
        test.execute(&format!("UPDATE kotadb.{change}")).await;
        let now = version(&test, known.id).await;
        assert!(!seen.contains(&now), "{change}");
        seen.push(now);
    }
    test.execute("UPDATE kotadb.hooks SET previous_valid_until = now() - interval '1 second'").await;
    assert!(!seen.contains(&version(&test, known.id).await), "the end of the previous secret");
    test.execute("UPDATE kotadb.hooks SET checked_at = now()").await;
    test.execute("UPDATE kotadb.repositories SET indexed_commit = 'x', checked_at = now()").await;
    let held = version(&test, known.id).await;
    let sent = PlainDelivery { version: held, ..plain(&known, "ignored", Uuid::now_v7()) };
    assert_eq!(accept(&test, &[sent]).await.unwrap(), [Acceptance::Ignored], "what no delivery is measured by");
    test.execute("UPDATE kotadb.repositories SET deleted_at = now()").await;
    assert_eq!(accept(&test, &[plain(&known, "ignored", Uuid::now_v7())]).await.unwrap(), [Acceptance::Refused]);
    assert_eq!(test.texts("SELECT count(*)::text FROM kotadb.deliveries").await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lock_refuses_one_and_a_fault_undoes_all() {
    let test = TestDb::new().await;
    let (acme, zeta) = (tenant(&test, "acme").await, tenant(&test, "zeta").await);
    let (one, two) = (hook(&test, acme, "a/b").await, hook(&test, zeta, "a/b").await);
    let mut holder = Direct::connect(&test.direct_url).await.unwrap();
    let lock = format!("BEGIN; UPDATE kotadb.repositories SET name = name WHERE id = '{}'", one.repository.0);
    holder.execute(&lock).await.unwrap();
    let sent = [plain(&one, "queued", Uuid::now_v7()), plain(&two, "queued", Uuid::now_v7())];
    assert_eq!(accept(&test, &sent).await.unwrap(), [Acceptance::Refused, new(&sent[1])]);
    holder.execute("ROLLBACK; BEGIN; SELECT FROM kotadb.jobs FOR UPDATE").await.unwrap();
    // The queued job of the second is held by somebody: all of them come back, soon.
    let sent = [plain(&one, "queued", Uuid::now_v7()), plain(&two, "queued", Uuid::now_v7())];
    assert!(matches!(accept(&test, &sent).await, Err(DbError::Unreachable(message)) if message.contains("55P03")));
    holder.execute("ROLLBACK").await.unwrap();
    holder.close().await;
    assert_eq!(test.texts("SELECT count(*)::text FROM kotadb.deliveries").await, ["1"]);
    assert_eq!(test.texts("SELECT count(*)::text FROM kotadb.jobs").await, ["1"]);
}
