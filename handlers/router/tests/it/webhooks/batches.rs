//! Deliveries of hooks that are known, many in one transaction: what they cost, and that knowing holds nothing back.

use std::sync::Arc;

use kotadb_core::db::direct::Direct;
use kotadb_core::operations::Operations;
use serde_json::json;
use uuid::Uuid;

use super::{Delivery, Hook, changed, hook, push, queued};
use crate::app::App;

const TRANSACTION: [&str; 3] = ["database begin", "database statement", "database commit"];

/// A hook that has told that it works and for which repository, and is known.
async fn known(app: &App, tenant: &str, url: &str) -> Hook {
    let hook = hook(app, tenant, json!({ "url": url })).await;
    for _ in 0..2 {
        let answer = Delivery::of(&hook, "push", &push("refs/heads/main")).send(app).await;
        assert_eq!(answer.body["status"], "queued", "{}", answer.body);
    }
    hook
}

fn passed_since(operations: &Operations, before: usize) -> Vec<&'static str> {
    operations.passed().split_off(before)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_to_a_known_hook_is_one_statement() {
    let operations = Operations::all();
    let app = App::counted(&operations).await;
    let hook = known(&app, "one", "a/b").await;
    let star = json!({ "action": "created" });
    for (event, body, status) in [
        ("push", push("refs/heads/main"), "queued"),
        ("push", push("refs/heads/other"), "ignored"),
        ("star", star, "ignored"),
    ] {
        let delivery = Delivery::of(&hook, event, &body);
        let before = operations.passed().len();
        assert_eq!(delivery.send(&app).await.body["status"], status);
        assert_eq!(passed_since(&operations, before), TRANSACTION, "{event}");
    }
    // An ignored one may be tried again, any other may not.
    let again = Delivery::of(&hook, "push", &push("refs/heads/main"));
    for status in ["queued", "duplicate"] {
        let before = operations.passed().len();
        assert_eq!(again.send(&app).await.body["status"], status);
        assert_eq!(passed_since(&operations, before), TRANSACTION);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_wait_share_a_transaction() {
    let operations = Operations::all();
    let app = Arc::new(App::counted(&operations).await);
    let hooks = [known(&app, "one", "a/b").await, known(&app, "two", "a/b").await];
    app.db.execute("DELETE FROM kotadb.deliveries; DELETE FROM kotadb.jobs").await;
    let before = operations.passed().len();
    let sent: Vec<_> = (0..200)
        .map(|n| {
            let delivery = Delivery::of(&hooks[n % 2], "push", &push("refs/heads/main"));
            let (request, app) = (delivery.request(&delivery.signature()), Arc::clone(&app));
            tokio::spawn(async move { app.send(request).await })
        })
        .collect();
    for sent in sent {
        assert_eq!(sent.await.unwrap().body["status"], "queued");
    }
    let spent = passed_since(&operations, before);
    let transactions = spent.iter().filter(|what| **what == "database commit").count();
    assert!(transactions <= 100, "{transactions} transactions of 200 deliveries");
    assert_eq!(spent.len(), 3 * transactions);
    let counts =
        "SELECT (coalesced + 1)::text || ' ' || (SELECT count(*) FROM kotadb.deliveries d WHERE d.job_id = j.id
        AND d.tenant_id = j.tenant_id) FROM kotadb.jobs j";
    assert_eq!(app.db.texts(counts).await, ["100 100", "100 100"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_secret_and_a_deletion_hold_at_once() {
    let app = App::new().await;
    let mut hook = known(&app, "one", "a/b").await;
    let id = hook.repository["id"].as_str().unwrap().to_owned();
    let rotate = format!("/api/v1/repositories/{id}/webhook/rotate");
    let rotated = app.call("POST", &rotate, &hook.key, None).await;
    let new = rotated.body["secret"].as_str().unwrap_or_else(|| panic!("{}", rotated.body)).to_owned();
    let old = std::mem::replace(&mut hook.secret, new);
    let main = push("refs/heads/main");
    let by_old = || Delivery { secret: &old, ..Delivery::of(&hook, "push", &main) };
    assert_eq!(Delivery::of(&hook, "push", &main).send(&app).await.status, 202, "the new one");
    assert_eq!(by_old().send(&app).await.status, 202, "the old one for a while");
    app.db.execute("UPDATE kotadb.hooks SET previous_valid_until = now() - interval '1 second'").await;
    assert_eq!(by_old().send(&app).await.status, 401, "and no longer");
    assert_eq!(Delivery::of(&hook, "push", &main).send(&app).await.status, 202);
    let written = app.count("deliveries").await;
    assert_eq!(app.call("DELETE", &format!("/api/v1/repositories/{id}"), &hook.key, None).await.status, 204);
    assert_eq!(Delivery::of(&hook, "push", &main).send(&app).await.status, 401);
    assert_eq!((app.count("deliveries").await, queued(&app).await), (written, "0".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_a_hook_follows_its_repository() {
    let app = App::new().await;
    let hook = known(&app, "one", "a/b").await;
    let mut main = push("refs/heads/main");
    main["repository"].as_object_mut().unwrap().remove("default_branch");
    let sent = || async { Delivery::of(&hook, "push", &main).send(&app).await.body["status"].clone() };
    assert_eq!(
        Delivery::of(&hook, "repository", &changed("archived", "a/b")).send(&app).await.body["status"],
        "applied"
    );
    assert_eq!(sent().await, "ignored", "it stands still");
    assert_eq!(
        Delivery::of(&hook, "repository", &changed("unarchived", "a/b")).send(&app).await.body["status"],
        "queued"
    );
    app.db.execute("UPDATE kotadb.repositories SET ref_patterns = '{refs/heads/release}'").await;
    assert_eq!(sent().await, "ignored", "another ref is tracked");
    app.db.execute("UPDATE kotadb.repositories SET ref_patterns = '{refs/heads/main}'").await;
    assert_eq!(sent().await, "queued");
    // Bound to another number, it refuses what it let in before.
    app.db.execute("UPDATE kotadb.repositories SET github_repository_id = 1").await;
    let answer = Delivery::of(&hook, "push", &main).send(&app).await;
    assert_eq!((answer.status, answer.code()), (403, "repository_mismatch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_repository_holds_up_no_other() {
    let app = Arc::new(App::new().await);
    let (stuck, free) = (known(&app, "one", "a/b").await, known(&app, "two", "a/b").await);
    let mut holder = Direct::connect(&app.db.direct_url).await.unwrap();
    let id = stuck.repository["id"].as_str().unwrap();
    holder.execute(&format!("BEGIN; UPDATE kotadb.repositories SET name = name WHERE id = '{id}'")).await.unwrap();
    let delivery = Delivery::of(&stuck, "push", &push("refs/heads/main"));
    let request = delivery.request(&delivery.signature());
    let waiting = tokio::spawn({
        let app = Arc::clone(&app);
        async move { app.send(request).await }
    });
    for _ in 0..20 {
        let answer = Delivery::of(&free, "push", &push("refs/heads/main")).send(&app).await;
        assert_eq!(answer.body["status"], "queued", "{}", answer.body);
    }
    assert!(!waiting.is_finished(), "the locked one still waits");
    holder.execute("ROLLBACK").await.unwrap();
    holder.close().await;
    assert_eq!(waiting.await.unwrap().body["status"], "queued");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_hangs_up_ends_no_batch() {
    let app = Arc::new(App::new().await);
    let hook = Arc::new(known(&app, "one", "a/b").await);
    app.db.execute("DELETE FROM kotadb.deliveries").await;
    let mut kept = Vec::new();
    for n in 0..100 {
        let guid = Uuid::now_v7();
        let (app, hook) = (Arc::clone(&app), Arc::clone(&hook));
        let sent = tokio::spawn(async move {
            Delivery { guid, ..Delivery::of(&hook, "push", &push("refs/heads/main")) }.send(&app).await
        });
        if n % 3 == 0 {
            tokio::task::yield_now().await;
            sent.abort();
        } else {
            kept.push((guid, sent));
        }
    }
    for (guid, sent) in kept {
        assert_eq!(sent.await.unwrap().body["status"], "queued");
        let row = format!("deliveries WHERE delivery_id = '{guid}' AND job_id IS NOT NULL");
        assert_eq!(app.count(&row).await, "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_job_of_a_batch_keeps_the_trace_of_its_own_delivery() {
    let app = Arc::new(App::new().await);
    let hooks = [known(&app, "one", "a/b").await, known(&app, "two", "a/b").await];
    app.db.execute("DELETE FROM kotadb.deliveries; DELETE FROM kotadb.jobs").await;
    let sent = hooks.iter().zip(["1", "2"]).map(|(hook, digit)| {
        let delivery = Delivery::of(hook, "push", &push("refs/heads/main"));
        let mut request = delivery.request(&delivery.signature());
        let traceparent = format!("00-{}-{}-01", digit.repeat(32), digit.repeat(16));
        request.headers_mut().insert("traceparent", traceparent.parse().unwrap());
        let app = Arc::clone(&app);
        tokio::spawn(async move { app.send(request).await.status })
    });
    for sent in sent.collect::<Vec<_>>() {
        assert_eq!(sent.await.unwrap(), 202);
    }
    let kept = "SELECT t.name || ' ' || substr(j.traceparent, 4, 2) FROM kotadb.jobs j
        JOIN kotadb.tenants t ON t.id = j.tenant_id ORDER BY 1";
    assert_eq!(app.db.texts(kept).await, ["one 11", "two 22"]);
}
