//! What operators see: one line a request, the trace that its job keeps, and the page of metrics.

use std::sync::{Arc, Mutex};

use kotadb_core::db::Scope;
use kotadb_core::db::jobs;
use kotadb_core::http::{Resources, metrics_router};
use kotadb_core::store::{Store, StoreOptions};
use kotadb_core::testing::TestDb;
use serde_json::{Value, json};
use tower::ServiceExt;
use tracing_subscriber::layer::SubscriberExt;

use crate::app::{App, ask, config, request};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// What was logged, line by line.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A request that is part of a trace.
fn traced(path: &str, key: &str) -> axum::http::Request<axum::body::Body> {
    let mut request = request("GET", path, key, None);
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    request.headers_mut().insert("traceparent", traceparent.parse().unwrap());
    request
}

#[tokio::test]
async fn a_request_is_one_line_with_its_route_and_trace() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines));
    let id = uuid::Uuid::now_v7();
    for (path, route, status) in [
        ("/api/v1/repositories?limit=3".to_owned(), "/api/v1/repositories", 200),
        (format!("/api/v1/repositories/{id}"), "/api/v1/repositories/{id}", 404),
        ("/nowhere".to_owned(), "none", 404),
    ] {
        log.0.lock().unwrap().clear();
        assert_eq!(app.send(traced(&path, &key)).await.status, status);
        let answered: Vec<_> = log.lines().into_iter().filter(|line| line["message"] == "Answered").collect();
        assert_eq!(answered.len(), 1, "{answered:?}");
        let line = &answered[0];
        assert_eq!((&line["http.method"], &line["http.route"]), (&json!("GET"), &json!(route)), "{line}");
        assert_eq!((&line["http.status"], line["duration_ms"].is_u64()), (&json!(status), true), "{line}");
        let span = &line["span"];
        assert_eq!((&span["trace.id"], &span["http.path"]), (&json!(TRACE), &json!(path.split('?').next().unwrap())));
        assert!(span["request.id"].as_str().is_some_and(|id| id.len() == 36), "{line}");
    }
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_has_its_line_too() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines));
    // Polled once, then dropped, as when the caller hangs up.
    assert!(futures_now(app.send(traced("/api/v1/jobs", &key))).await.is_none());
    let answered: Vec<_> = log.lines().into_iter().filter(|line| line["message"] == "Answered").collect();
    assert_eq!(answered.len(), 1, "{answered:?}");
    let line = &answered[0];
    assert_eq!((&line["http.status"], &line["http.route"]), (&json!(499), &json!("/api/v1/jobs")), "{line}");
    assert_eq!(line["span"]["trace.id"], json!(TRACE), "{line}");
}

async fn futures_now<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(std::time::Duration::ZERO, work).await.ok()
}

#[tokio::test]
async fn a_job_continues_the_trace_of_its_request() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let id = app.register(&key, "a/b").await["id"].as_str().unwrap().to_owned();
    app.db.execute("DELETE FROM kotadb.job_events; DELETE FROM kotadb.jobs").await;
    let mut asked = traced(&format!("/api/v1/repositories/{id}/index"), &key);
    *asked.method_mut() = axum::http::Method::POST;
    assert_eq!(app.send(asked).await.status, 202);
    let kept = app.db.texts("SELECT substr(traceparent, 4, 32) FROM kotadb.jobs").await;
    assert_eq!(kept, [TRACE]);
}

#[tokio::test]
async fn metrics_tell_of_requests_and_of_jobs_that_others_ran() {
    let db = TestDb::new().await;
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let resources = Resources::new(config(&db.pooled_url, &[])).with_store(store.clone());
    let app = App { store, router: kotadb_router::build(resources.clone()), db };
    let key = app.tenant("one").await.key;
    app.register(&key, "a/b").await;
    app.register(&key, "c/d").await;
    assert_eq!(app.call("GET", "/api/v1/search/code?query=alpha", &key, None).await.status, 200);
    assert_eq!(app.call("GET", "/api/v1/jobs", "wrong", None).await.status, 401);
    let mut claimed = None;
    while claimed.is_none() {
        claimed = jobs::claim(&app.db.db, "w", std::time::Duration::from_secs(60), jobs::Spend::Guarded).await.unwrap();
    }
    let mut tx = app.db.db.begin(Scope::Worker).await.unwrap();
    jobs::fail(&mut tx, &claimed.unwrap(), jobs::ErrorClass::Permanent, "gone").await.unwrap();
    kotadb_core::db::health::note_sweep(&mut tx).await.unwrap();
    tx.commit().await.unwrap();

    let asked = axum::http::Request::builder().uri("/metrics").body(axum::body::Body::empty()).unwrap();
    let answer = metrics_router(resources).oneshot(asked).await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    let page = String::from_utf8(body.to_vec()).unwrap();
    for line in [
        r#"kotadb_http_requests_total{method="POST",route="/api/v1/repositories",status="201"} 2"#,
        r#"kotadb_http_requests_total{method="GET",route="/api/v1/jobs",status="401"} 1"#,
        r#"kotadb_http_request_duration_seconds_count{method="GET",route="/api/v1/search/code"} 1"#,
        "kotadb_http_requests_in_flight 0",
        "kotadb_searches_total 1",
        r#"kotadb_up{service="postgres"} 1"#,
        r#"kotadb_up{service="store"} 1"#,
        r#"kotadb_jobs{state="queued"} 1"#,
        r#"kotadb_jobs{state="running"} 0"#,
        r#"kotadb_jobs_ended_total{outcome="dead",class="permanent"} 1"#,
        "# EOF",
    ] {
        assert!(page.lines().any(|found| found == line), "{line}\n{page}");
    }
    for begin in ["kotadb_database_connections{", "kotadb_last_sweep_timestamp_seconds 1", "kotadb_store_gets_total "] {
        assert!(page.lines().any(|found| found.starts_with(begin)), "{begin}\n{page}");
    }
    assert_eq!(ask(&app.router, request("GET", "/metrics", &key, None)).await.status, 404, "not on the public port");
}
