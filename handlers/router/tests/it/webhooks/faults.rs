//! Storms, and a database that is away: what is acknowledged is written, and what cannot be written is refused in time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kotadb_core::db::cluster::{Cluster, ClusterOptions};
use kotadb_core::db::direct::Direct;
use kotadb_core::http::Resources;
use kotadb_core::store::{Store, StoreOptions};
use serde_json::json;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::{Delivery, hook, push, queued};
use crate::app::{App, ask, config};

/// GitHub waits for 10 s; we promise an answer in 5.
const IN_TIME: Duration = Duration::from_millis(5500);

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_of_one_delivery_are_one_row_and_one_job() {
    let app = Arc::new(App::new().await);
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let delivery = Delivery::of(&hook, "push", &push("refs/heads/main"));
    let (guid, signature) = (delivery.guid, delivery.signature());
    let sent: Vec<_> = (0..100)
        .map(|_| {
            let request =
                Delivery { guid, ..Delivery::of(&hook, "push", &push("refs/heads/main")) }.request(&signature);
            let app = Arc::clone(&app);
            tokio::spawn(async move { app.send(request).await })
        })
        .collect();
    let mut words = Vec::new();
    for sent in sent {
        let answer = sent.await.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.body);
        words.push(answer.body["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(words.iter().filter(|word| *word == "queued").count(), 1);
    assert_eq!(words.iter().filter(|word| *word == "duplicate").count(), 99);
    assert_eq!((app.count("deliveries").await.as_str(), queued(&app).await.as_str()), ("1", "1"));
    let joined = "SELECT coalesced::text FROM kotadb.jobs WHERE state = 'queued'";
    assert_eq!(app.db.texts(joined).await, ["0"], "a duplicate leaves no trace");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_locked_is_unavailable_in_time_and_the_repetition_goes_through() {
    let app = App::new().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    let delivery = Delivery::of(&hook, "push", &push("refs/heads/main"));
    let mut holder = Direct::connect(&app.db.direct_url).await.unwrap();
    holder.execute("BEGIN; LOCK TABLE kotadb.jobs IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let began = Instant::now();
    let answer = delivery.send(&app).await;
    assert_eq!((answer.status, answer.code()), (503, "unavailable"));
    assert!(began.elapsed() < IN_TIME && answer.headers.contains_key("retry-after"));
    holder.execute("ROLLBACK").await.unwrap();
    holder.close().await;
    assert_eq!(app.count("deliveries").await, "0", "what was refused is not written");
    assert_eq!(delivery.send(&app).await.body["status"], "queued");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_was_stopped_is_unavailable_in_time() {
    let folder = tempfile::Builder::new().prefix("kotadb-test-").tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let data_dir = folder.path().join("postgres");
    let cluster = Cluster::start(ClusterOptions { data_dir, durable: false, max_connections: 20 }).await.unwrap();
    let url = cluster.provision("kotadb", "kotadb_login").await.unwrap();
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let router = kotadb_router::build(Resources::new(config(&url, &[])).with_store(store));
    let path = format!("/webhooks/github/{}", Uuid::now_v7());
    let delivery = Delivery::to(&path, "secret", "push", &push("refs/heads/main"));
    assert_eq!(ask(&router, delivery.request(&delivery.signature())).await.status, 401, "it works so far");
    cluster.stop().await.unwrap();
    for _ in 0..2 {
        let began = Instant::now();
        let answer = ask(&router, delivery.request(&delivery.signature())).await;
        assert_eq!((answer.status, answer.headers["retry-after"].to_str().unwrap()), (503, "5"));
        assert!(began.elapsed() < IN_TIME);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_is_silent_is_unavailable_in_time() {
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = silent.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            kept.push(stream);
        }
    });
    let url = format!("postgres://x@127.0.0.1:{port}/x?sslmode=disable");
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let router = kotadb_router::build(Resources::new(config(&url, &[])).with_store(store));
    let path = format!("/webhooks/github/{}", Uuid::now_v7());
    let delivery = Delivery::to(&path, "secret", "push", &push("refs/heads/main"));
    let began = Instant::now();
    let answer = ask(&router, delivery.request(&delivery.signature())).await;
    assert_eq!((answer.status, began.elapsed() < IN_TIME), (503, true));
}
