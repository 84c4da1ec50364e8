//! Repositories that are renamed, archived, transferred, gone or new at GitHub while nobody listens, against a GitHub on
//! loopback.

use kotadb_core::db::Scope;
use kotadb_core::db::registrations::{self, RegistrationRow};
use kotadb_core::db::repositories::{self, Credential};
use uuid::Uuid;

use crate::support::github::Deployment;

const STATE: &str = "SELECT concat_ws(' ', name, suspended_because) FROM kotadb.repositories ORDER BY name";

async fn pattern(with: &Deployment, text: &str, credential: Credential) -> Uuid {
    let new = RegistrationRow {
        id: Uuid::now_v7(),
        tenant: with.tenant,
        pattern: text.to_owned(),
        credential,
        ref_patterns: vec!["refs/heads/main".to_owned()],
        priority: Some(40),
        schedule: None,
        checked_at: None,
        created_at: time::OffsetDateTime::UNIX_EPOCH,
    };
    let mut tx = with.database.db.begin(Scope::Tenant(with.tenant)).await.unwrap();
    let row = registrations::register(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    row.id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_repositories_of_a_pattern_follow_by_themselves() {
    let mut with = Deployment::start().await;
    for n in 0..300 {
        with.github.create(&format!("acme/r{n:03}"), true);
    }
    with.github.create("acme/old", true);
    with.github.set_archived("acme/old", true).await;
    let installation = with.install("acme", None).await;
    let credential = Credential::Installation(installation);
    let id = pattern(&with, "acme/*", credential).await;
    let first = with.reconcile().await;
    assert_eq!((first.registered, first.failed), (300, 0), "{first:?}");
    assert_eq!((first.repositories, first.hooks), (300, 300), "and their webhooks are made: {first:?}");
    let rows =
        "SELECT concat_ws(' ', count(*), min(priority), min(ref_patterns::text), count(DISTINCT registration_id))
        FROM kotadb.repositories";
    assert_eq!(with.text(rows).await, "300 40 {refs/heads/main} 1");
    assert_eq!(with.take_jobs().await.len(), 300);
    with.most = 0;
    assert_eq!(with.reconcile().await.registered, 0);

    // One more comes, one is deleted here by its owner and stays away.
    with.github.create("acme/new", true);
    let mut tx = with.database.db.begin(Scope::Worker).await.unwrap();
    let (row, _) =
        repositories::register(&mut tx, with.tenant, "acme/r007", "https://github.com/acme/r007", &[]).await.unwrap();
    repositories::delete(&mut tx, row.id).await.unwrap();
    tx.commit().await.unwrap();
    let second = with.reconcile().await;
    assert_eq!((second.registered, second.failed), (1, 0), "{second:?}");
    assert_eq!(with.take_jobs().await, ["acme/new register"]);
    assert_eq!(with.github.hooks("acme/r007"), [], "the webhook of the deleted one is taken away");

    let mut tx = with.database.db.begin(Scope::Tenant(with.tenant)).await.unwrap();
    assert!(registrations::delete(&mut tx, id).await.unwrap());
    tx.commit().await.unwrap();
    with.github.create("acme/late", true);
    assert_eq!(with.reconcile().await.registered, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_credential_only_public_repositories_follow() {
    let with = Deployment::start().await;
    with.github.create("acme/public", false);
    with.github.create("acme/secret", true);
    pattern(&with, "acme/*", Credential::None).await;
    assert_eq!(with.reconcile().await.registered, 1);
    assert_eq!(with.text(STATE).await, "acme/public");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renames_transfers_and_archives_that_nobody_told_are_seen() {
    let with = Deployment::start().await;
    for name in ["acme/a", "acme/b", "acme/c"] {
        with.github.create(name, false);
        with.register(name, &[], Credential::None).await;
    }
    with.reconcile().await;
    with.github.lose_deliveries(4);
    with.github.rename("acme/a", "a2").await;
    with.github.transfer("acme/b", "zeta").await;
    with.github.set_archived("acme/c", true).await;
    with.github.set_private("acme/a2", true).await;
    let done = with.reconcile().await;
    assert_eq!((done.renamed, done.suspended, done.failed), (2, 2, 0), "{done:?}");
    assert_eq!(with.text(STATE).await, "acme/a2,acme/c archived,zeta/b transferred");
    let urls = with.text("SELECT url FROM kotadb.repositories ORDER BY 1").await;
    assert_eq!(urls, "https://github.com/acme/a2,https://github.com/acme/c,https://github.com/zeta/b");
    assert_eq!(with.text("SELECT name::text FROM kotadb.former_names ORDER BY 1").await, "acme/a,acme/b");
    assert_eq!(with.text("SELECT is_private::text FROM kotadb.repositories WHERE name = 'acme/a2'").await, "true");
    // What stands still gets no jobs; an archive that ends goes on, a transfer needs somebody.
    with.take_jobs().await;
    with.github.set_ref("acme/c", "refs/heads/main", &"1".repeat(40));
    with.github.set_ref("zeta/b", "refs/heads/main", &"1".repeat(40));
    let still = with.reconcile().await;
    assert_eq!((still.jobs, still.suspended), (0, 0), "{still:?}");
    with.github.lose_deliveries(1);
    with.github.set_archived("acme/c", false).await;
    let on = with.reconcile().await;
    assert_eq!((on.resumed, on.jobs), (1, 1), "{on:?}");
    assert_eq!(with.text(STATE).await, "acme/a2,acme/c,zeta/b transferred");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_given_up_under_a_former_name_is_tried_under_the_new_one() {
    let with = Deployment::start().await;
    with.github.create("acme/a", false);
    with.register("acme/a", &[], Credential::None).await;
    with.github.set_ref("acme/a", "refs/heads/main", &"1".repeat(40));
    assert_eq!(with.reconcile().await.jobs, 1);
    let give_up =
        "UPDATE kotadb.jobs SET state = 'dead', error_class = 'permanent', finished_at = now() WHERE state = 'queued'";
    with.database.execute(give_up).await;
    assert_eq!(with.reconcile().await.jobs, 0, "nothing has changed");
    with.github.lose_deliveries(1);
    with.github.rename("acme/a", "a2").await;
    let done = with.reconcile().await;
    assert_eq!((done.renamed, done.jobs), (1, 1), "{done:?}");
    with.database.execute(give_up).await;
    assert_eq!(with.reconcile().await.jobs, 0, "for a day");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_gone_for_a_week_is_deleted() {
    let with = Deployment::start().await;
    with.github.create("acme/a", false);
    with.register("acme/a", &[], Credential::None).await;
    with.reconcile().await;
    with.github.lose_deliveries(1);
    with.github.delete("acme/a").await;
    let done = with.reconcile().await;
    assert_eq!((done.suspended, done.deleted), (1, 0), "{done:?}");
    assert_eq!(with.text(STATE).await, "acme/a gone");
    with.database.execute("UPDATE kotadb.repositories SET upstream_gone_at = now() - interval '8 days'").await;
    let done = with.reconcile().await;
    assert_eq!((done.deleted, done.failed), (1, 0), "{done:?}");
    assert_eq!(with.text("SELECT count(*)::text FROM kotadb.repositories WHERE deleted_at IS NULL").await, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repositories_stand_still_with_their_installation() {
    let with = Deployment::start().await;
    with.github.create("acme/a", true);
    with.github.create("acme/b", true);
    let installation = with.install("acme", Some(&["acme/a", "acme/b"])).await;
    for name in ["acme/a", "acme/b"] {
        with.register(name, &[], Credential::Installation(installation)).await;
    }
    assert_eq!(with.reconcile().await.hooks, 2);
    with.github.set_suspended(installation, true).await;
    with.client.tokens().forget(installation);
    let done = with.reconcile().await;
    assert_eq!((done.suspended, done.failed), (2, 0), "{done:?}");
    assert_eq!(with.text(STATE).await, "acme/a installation,acme/b installation");
    with.github.set_suspended(installation, false).await;
    assert_eq!(with.reconcile().await.resumed, 2);
    assert_eq!(with.text("SELECT (suspended_at IS NULL)::text FROM kotadb.installations").await, "true");
    with.github.choose(installation, "acme/b", false).await;
    assert_eq!(with.reconcile().await.suspended, 1);
    assert_eq!(with.text(STATE).await, "acme/a,acme/b access");
    with.github.uninstall(installation).await;
    with.client.tokens().forget(installation);
    with.reconcile().await;
    assert_eq!(with.text(STATE).await, "acme/a installation,acme/b access");
    assert_eq!(with.text("SELECT (deleted_at IS NOT NULL)::text FROM kotadb.installations").await, "true");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_apps_own_log_is_read_from_where_it_was_left() {
    let with = Deployment::start().await;
    with.github.create("acme/a", true);
    // Nobody listens there yet: what matters here is what GitHub is asked for.
    with.github.set_app_hook("http://127.0.0.1:9/webhooks/github/app", "s");
    with.install("acme", None).await;
    with.github.push("acme/a", "refs/heads/main", &"1".repeat(40)).await;
    assert_eq!(with.github.app_deliveries().len(), 2);
    let first = with.reconcile().await;
    assert_eq!((first.redelivered, with.github.app_deliveries().len()), (2, 4), "{first:?}");
    let position = with.text("SELECT position::text FROM kotadb.cursors").await;
    assert_eq!(position, with.github.app_deliveries()[1].id.to_string());
    with.reconcile().await;
    let after = with.github.app_deliveries();
    assert_eq!(after.len(), 6, "those that failed again, once more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_is_linked_to_one_tenant_only() {
    let with = Deployment::start().await;
    with.github.create("acme/a", true);
    let installation = with.install("acme", None).await;
    let db = &with.database.db;
    kotadb_indexer::admin::create_tenant(db, "other").await.unwrap();
    let again = kotadb_indexer::admin::link_installation(db, &with.client, installation, "acme").await;
    assert_eq!(again.unwrap(), "acme");
    let foreign = kotadb_indexer::admin::link_installation(db, &with.client, installation, "other").await;
    assert!(foreign.unwrap_err().to_string().contains("another tenant"));
    let unknown = kotadb_indexer::admin::link_installation(db, &with.client, 1, "acme").await;
    assert!(unknown.unwrap_err().to_string().contains("GitHub knows no"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_tenants_installation_repairs_nothing() {
    let with = Deployment::start().await;
    with.github.create("acme/a", true);
    let installation = with.install("acme", None).await;
    with.register("acme/a", &[], Credential::Installation(installation)).await;
    let other = kotadb_indexer::admin::create_tenant(&with.database.db, "other").await.unwrap();
    // As if the installation had gone over to somebody else without its repositories.
    with.database.execute(&format!("UPDATE kotadb.installations SET tenant_id = '{other}'")).await;
    with.github.forget_requests();
    let done = with.reconcile().await;
    assert_eq!((done.hooks, done.failed), (0, 1), "{done:?}");
    let about = with.github.requests().into_iter().filter(|request| request.contains("acme/a")).collect::<Vec<_>>();
    assert_eq!(about, [""; 0], "GitHub is asked nothing in that name");
}
