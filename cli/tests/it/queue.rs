//! `kotadb queue` over a real database, as an operator types it.

use std::process::{Command, Output};
use std::time::Duration;

use kotadb_core::db::jobs::{self, JobKind, NewJob, Trigger};
use kotadb_core::db::{Scope, repositories, tenants};
use kotadb_core::testing::TestDb;

use crate::fixture::stdout;

/// A database with one queued job of tenant `acme`, and its id.
async fn queued() -> (TestDb, String) {
    let test = TestDb::new().await;
    let mut tx = test.db.begin(Scope::Worker).await.unwrap();
    let tenant = tenants::ensure(&mut tx, "acme").await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = test.db.begin(Scope::Tenant(tenant)).await.unwrap();
    let (row, _) = repositories::register(&mut tx, tenant, "a/b", "https://github.com/a/b", &[]).await.unwrap();
    let (repository, delay) = (row.id, Duration::ZERO);
    let job = NewJob { tenant, repository, kind: JobKind::Index, trigger: Trigger::Push, full: false, delay };
    let id = jobs::enqueue(&mut tx, &job).await.unwrap().job.to_string();
    tx.commit().await.unwrap();
    (test, id)
}

fn run(test: &TestDb, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kotadb"));
    command.env_clear().env("HOME", "/").env("DATABASE_URL", &test.pooled_url).arg("queue").args(args).output().unwrap()
}

/// What a command that must succeed prints.
fn said(test: &TestDb, args: &[&str]) -> String {
    let output = run(test, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    stdout(&output)
}

fn refused(test: &TestDb, args: &[&str]) -> String {
    let output = run(test, args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stdout(&output));
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_listed_cancelled_retried_and_shown() {
    let (test, id) = queued().await;
    let listed = said(&test, &["list"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("ID") && lines[1].starts_with(&id), "{listed}");
    let json: serde_json::Value = serde_json::from_str(&said(&test, &["list", "--tenant", "acme", "--json"])).unwrap();
    assert_eq!(
        (&json["id"], &json["tenant"], &json["repository_name"]),
        (&id.clone().into(), &"acme".into(), &"a/b".into())
    );
    assert!(refused(&test, &["retry", &id]).contains("`queued`"));
    assert_eq!(said(&test, &["cancel", &id]), format!("cancelled: {id}\n"));
    assert!(said(&test, &["list", "--state", "queued"]).lines().count() == 1, "titles alone");
    assert_eq!(said(&test, &["retry", &id]), format!("queued: {id}\n"));
    let shown = said(&test, &["show", &id]);
    assert!(shown.contains("cancelled") && shown.contains("retried"), "{shown}");
    let shown: serde_json::Value = serde_json::from_str(&said(&test, &["show", &id, "--json"])).unwrap();
    assert_eq!(shown["events"][1]["phase"], "retried");
    assert_eq!(said(&test, &["cancel", "--tenant", "acme"]), "cancelled or asked to end: 1 jobs\n");
    assert_eq!(said(&test, &["retry", "--class", "storage"]), "queued: 0 jobs\n");
    let deeds = test.texts("SELECT action FROM kotadb.audit_log ORDER BY id").await;
    assert_eq!(deeds, ["jobs.cancel", "jobs.retry", "jobs.cancel", "jobs.retry"]);
    assert_eq!(test.texts("SELECT DISTINCT (actor <> '')::text FROM kotadb.audit_log").await, ["true"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_paused_and_limited() {
    let (test, _) = queued().await;
    assert_eq!(said(&test, &["pause", "--all"]), "paused: all tenants\n");
    assert_eq!(test.texts("SELECT (paused_at IS NOT NULL)::text FROM kotadb.queue_settings").await, ["true"]);
    assert_eq!(said(&test, &["resume", "--all"]), "resumed: all tenants\n");
    assert_eq!(said(&test, &["pause", "--tenant", "acme"]), "paused: acme\n");
    assert_eq!(test.texts("SELECT (jobs_paused_at IS NOT NULL)::text FROM kotadb.tenants").await, ["true"]);
    let limits = said(&test, &["limits", "--total-minutes", "600", "--tenant-minutes", "60"]);
    assert_eq!(limits, "all indexers a day: 600 minutes\neach tenant a day:  60 minutes\n");
    let limits = said(&test, &["limits", "--tenant-minutes", "none"]);
    assert_eq!(limits, "all indexers a day: 600 minutes\neach tenant a day:  none\n");
    said(&test, &["limits", "--tenant", "acme", "--tenant-minutes", "5"]);
    let limits = said(&test, &["limits", "--tenant", "acme", "--running", "9"]);
    assert_eq!(limits, "a day: 5 minutes\njobs at once: 9\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_refused() {
    let (test, _) = queued().await;
    assert!(refused(&test, &["pause"]).contains("--all"));
    assert!(refused(&test, &["retry"]).contains("--class"));
    assert!(refused(&test, &["cancel", "--tenant", "nobody"]).contains("there is no tenant `nobody`"));
    assert!(refused(&test, &["list", "--class", "odd"]).contains("`odd` is no class of errors"));
    assert!(refused(&test, &["list", "--state", "odd"]).contains("`odd` is no state"));
    let unset = Command::new(env!("CARGO_BIN_EXE_kotadb"))
        .env_clear()
        .env("HOME", "/")
        .args(["queue", "list"])
        .output()
        .unwrap();
    assert!(String::from_utf8(unset.stderr).unwrap().contains("DATABASE_URL is not set"));
}
