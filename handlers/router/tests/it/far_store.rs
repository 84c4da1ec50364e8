//! Searches over an object store that is far away: one that nobody waits for any more reads no further, one whose time is
//! up gives what it has.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use kotadb_core::store::{Latency, Store, StoreOptions, Traffic};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::app::{App, Tenant};
use crate::index::publish;

/// More than the largest first batch of a search holds.
const FILES: usize = 300;

struct Far {
    app: App,
    tenant: Tenant,
    traffic: Arc<Traffic>,
}

impl Far {
    /// Many files that match, behind GETs of `wait` each.
    async fn new(wait: Duration) -> Self {
        let near = Store::open(&StoreOptions::Memory).unwrap();
        let latency = Latency { p50: wait, p90: wait, slow_share: 0.0, ..Latency::default() };
        let (far, traffic) = near.far_away(latency).unwrap();
        let app = App::with(Some(far), &[]).await;
        let tenant = app.tenant("one").await;
        let repository = app.register(&tenant.key, "a/b").await;
        let files: Vec<_> =
            (0..FILES).map(|nth| (format!("f{nth:03}.rs"), format!("fn alpha_{nth}() {{}}\n"))).collect();
        let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        publish(&near, tenant.id, repository["id"].as_str().unwrap(), &files).await;
        Self { app, tenant, traffic }
    }
}

/// Tells that the future which holds it was dropped before its end.
struct Unanswered(Option<mpsc::UnboundedSender<()>>);

impl Unanswered {
    fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(dropped) = self.0.take() {
            let _nobody_listens = dropped.send(());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_ends_its_search() {
    let wait = Duration::from_secs(1);
    let far = Far::new(wait).await;
    let (dropped, mut was_dropped) = mpsc::unbounded_channel();
    let watched = far.app.router.clone().layer(from_fn(move |request: Request, next: Next| {
        let unanswered = Unanswered(Some(dropped.clone()));
        async move {
            let response = next.run(request).await;
            unanswered.answered();
            response
        }
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(kotadb_core::http::serve(listener, watched, std::future::pending()));

    let mut client = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "GET /api/v1/search/code?query=alpha HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n",
        far.tenant.key
    );
    client.write_all(head.as_bytes()).await.unwrap();
    while far.traffic.gets() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(client);
    tokio::time::timeout(Duration::from_secs(60), was_dropped.recv()).await.expect("the search goes on for nobody");
    let gets = far.traffic.gets();
    tokio::time::sleep(wait * 3).await;
    assert_eq!(far.traffic.gets(), gets, "reads were sent after the client had left");
}

#[tokio::test]
async fn a_bucket_that_keeps_silent_is_not_waited_for_longer_than_asked() {
    let far = Far::new(Duration::from_secs(3600)).await;
    let start = std::time::Instant::now();
    let query = "/api/v1/search/code?query=alpha&timeout_ms=100";
    let answer = far.app.call("GET", query, &far.tenant.key, None).await;
    assert_eq!((answer.status, &answer.body["index"]["reason"]), (200, &json!("deadline")), "{}", answer.body);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_was_found_in_time_is_answered() {
    let far = Far::new(Duration::from_millis(5)).await;
    // 30 of 300 files, told apart by their text alone: no first wave fills the page.
    let ask = async |more: Value| {
        let mut body = json!({ "query": r"/a\w*_\d*9\d\(/", "limit": 100 });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        far.app.call("POST", "/api/v1/search/code", &far.tenant.key, Some(body)).await.body
    };
    let cut = ask(json!({ "timeout_ms": 1 })).await;
    assert_eq!((&cut["index"]["complete"], &cut["index"]["reason"]), (&json!(false), &json!("deadline")), "{cut}");
    assert_eq!(cut["total_is_exact"], json!(false));
    assert_eq!(cut["notes"][0], "the deadline passed before anything was searched: give it more time");
    assert_eq!(cut["index"]["hidden"], json!(null));
    let rest = ask(json!({ "cursor": cut["next_cursor"] })).await;
    let found = |answer: &Value| answer["items"].as_array().unwrap().len();
    assert_eq!((found(&cut) + found(&rest), &rest["index"]["complete"]), (30, &json!(true)), "{cut} {rest}");
}
