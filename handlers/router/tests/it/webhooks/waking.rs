//! Who is called after a delivery, and the signed route by which the tick of the database calls.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use axum::body::Body;
use axum::http::Request;
use axum::routing::post;
use kotadb_core::crypto;
use kotadb_core::db::direct::Direct;
use kotadb_core::store::{Store, StoreOptions};
use serde_json::json;

use super::{Delivery, finish_jobs, hook, push};
use crate::app::{Answer, App};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// An indexer that is called: at each call it notes how many jobs are queued by then.
struct Indexer {
    url: String,
    database: Arc<Mutex<String>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Indexer {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/wake", listener.local_addr().unwrap());
        let (database, seen) = (Arc::new(Mutex::new(String::new())), Arc::new(Mutex::new(Vec::new())));
        let (from, into) = (Arc::clone(&database), Arc::clone(&seen));
        let called = move || {
            let (from, into) = (Arc::clone(&from), Arc::clone(&into));
            async move {
                let url = from.lock().unwrap().clone();
                let mut direct = Direct::connect(&url).await.unwrap();
                let queued =
                    direct.texts("SELECT count(*)::text FROM kotadb.jobs WHERE state = 'queued'").await.unwrap();
                into.lock().unwrap().extend(queued);
            }
        };
        let routes = axum::Router::new().route("/wake", post(called));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, database, seen }
    }

    async fn app(&self) -> App {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let variables =
            [("KOTADB_WAKE", "flycast"), ("KOTADB_WAKE_URL", self.url.as_str()), ("KOTADB_TICK_SECRET", SECRET)];
        let app = App::with(Some(store), &variables).await;
        self.database.lock().unwrap().clone_from(&app.db.direct_url);
        app
    }

    /// What was queued at the `n`th call, once it came.
    async fn call(&self, n: usize) -> Option<String> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(8) {
            if let Some(seen) = self.seen.lock().unwrap().get(n) {
                return Some(seen.clone());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_wakes_the_indexer_after_its_job_is_committed() {
    let indexer = Indexer::start().await;
    let app = indexer.app().await;
    let hook = hook(&app, "one", json!({ "url": "a/b" })).await;
    assert!(indexer.call(0).await.is_some(), "the registration calls too");
    let calls = indexer.calls();
    Delivery::of(&hook, "star", &json!({})).send(&app).await;
    Delivery::of(&hook, "push", &push("refs/heads/other")).send(&app).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(indexer.calls(), calls, "nothing to do");
    let began = Instant::now();
    assert_eq!(Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await.status, 202);
    assert!(began.elapsed() < Duration::from_secs(1), "the answer does not wait for the call");
    assert_eq!(indexer.call(calls).await.as_deref(), Some("1"));
    // A storm during one run is at most one call a second, and the last of it has its own.
    for _ in 0..20 {
        Delivery::of(&hook, "push", &push("refs/heads/main")).send(&app).await;
    }
    assert!(indexer.call(calls + 1).await.is_some());
    assert!(indexer.calls() <= calls + 2);
}

fn tick(stamp: &str, nonce: &str, signature: &str) -> Request<Body> {
    let request = Request::builder().method("POST").uri("/internal/wake");
    let request = request.header("x-kotadb-timestamp", stamp).header("x-kotadb-nonce", nonce);
    request.header("x-kotadb-signature", signature).body(Body::from("{}")).unwrap()
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
}

fn signed(secret: &str, stamp: u64, nonce: &str) -> Request<Body> {
    let tag = crypto::hmac_sha256(secret.as_bytes(), format!("{stamp}.{nonce}").as_bytes());
    tick(&stamp.to_string(), nonce, &format!("sha256={}", crypto::to_hex(&tag)))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tick_wakes_only_when_something_is_due() {
    let indexer = Indexer::start().await;
    let app = indexer.app().await;
    hook(&app, "one", json!({ "url": "a/b" })).await;
    assert!(indexer.call(0).await.is_some(), "the registration calls too");
    let calls = indexer.calls();
    let word = |answer: Answer| (answer.status, answer.body["status"].as_str().unwrap_or_default().to_owned());
    assert_eq!(word(app.send(signed(SECRET, now(), "n1")).await), (202, "idle".to_owned()));
    let queue = "UPDATE kotadb.jobs SET state = 'queued', finished_at = NULL, run_at = now()";
    app.db.execute(queue).await;
    assert_eq!(word(app.send(signed(SECRET, now(), "n2")).await), (202, "woken".to_owned()));
    assert_eq!(indexer.call(calls).await.as_deref(), Some("1"));
    finish_jobs(&app).await;
    let expire =
        "UPDATE kotadb.jobs SET state = 'running', finished_at = NULL, lease_expires_at = now() - interval '1 second'";
    app.db.execute(expire).await;
    assert_eq!(word(app.send(signed(SECRET, now(), "n3")).await), (202, "woken".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_must_be_signed_now_by_the_secret() {
    let indexer = Indexer::start().await;
    let app = indexer.app().await;
    let stamp = now();
    for (request, what) in [
        (signed("another secret", stamp, "n"), "secret"),
        (signed(SECRET, stamp - 400, "n"), "too old"),
        (signed(SECRET, stamp + 400, "n"), "too new"),
        (signed(SECRET, stamp, ""), "no nonce"),
        (signed(SECRET, stamp, &"n".repeat(65)), "long nonce"),
        (tick(&stamp.to_string(), "n", "sha256=00"), "signature"),
        (Request::post("/internal/wake").body(Body::empty()).unwrap(), "nothing"),
    ] {
        let answer = app.send(request).await;
        assert_eq!((answer.status, answer.code()), (401, "bad_signature"), "{what}");
    }
    for (variables, missing) in [(vec![], "KOTADB_TICK_SECRET"), (vec![("KOTADB_TICK_SECRET", SECRET)], "KOTADB_WAKE")]
    {
        let app = App::with(Some(Store::open(&StoreOptions::Memory).unwrap()), &variables).await;
        let answer = app.send(signed(SECRET, stamp, "n")).await;
        assert_eq!((answer.status, answer.code()), (503, "not_configured"));
        assert!(answer.body.to_string().contains(missing));
    }
}

/// The signature that Postgres makes is one that the route takes.
#[tokio::test(flavor = "multi_thread")]
async fn the_databases_own_tick_is_taken() {
    let indexer = Indexer::start().await;
    let app = indexer.app().await;
    hook(&app, "one", json!({ "url": "a/b" })).await;
    app.db.execute("UPDATE kotadb.jobs SET state = 'queued', finished_at = NULL, run_at = now()").await;
    app.db.execute(&format!("SELECT kotadb.set_tick('https://kotadb.example', '{SECRET}')")).await;
    let headers = "SELECT headers::text FROM kotadb.tick()";
    let headers: serde_json::Value = serde_json::from_str(&app.db.texts(headers).await[0]).unwrap();
    let header = |name: &str| headers[name].as_str().unwrap();
    let request = tick(header("x-kotadb-timestamp"), header("x-kotadb-nonce"), header("x-kotadb-signature"));
    let answer = app.send(request).await;
    assert_eq!((answer.status, &answer.body), (202, &json!({ "status": "woken" })));
}
