//! Health: what it reports, and what it says when Postgres goes away.

use std::time::Duration;

use kotadb_core::http::Resources;
use kotadb_core::store::{Store, StoreOptions};
use serde_json::json;

use crate::app::{App, config, request};

#[tokio::test]
async fn a_healthy_service_reports_its_queue() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    app.register(&key, "a/b").await;
    let health = app.call("GET", "/health", "", None).await;
    assert_eq!((health.status, &health.body["status"]), (200, &json!("healthy")), "{}", health.body);
    let saas = &health.body["saas"];
    assert_eq!((&saas["supabase_status"], &saas["job_queue"]["queued"]), (&json!("ok"), &json!(1)));
    for count in ["in_progress", "failed_recent", "failed_recent_tenant", "oldest_queued_seconds"] {
        assert_eq!(saas["job_queue"][count], 0, "{count}");
    }
    assert!(saas["supabase_latency_ms"].is_u64() && health.body["store"]["latency_ms"].is_u64());
    assert_eq!(health.body["schema_version"], kotadb_core::db::migrate::latest());
    assert_eq!(app.call("GET", "/health/live", "", None).await.body, json!({ "status": "live" }));
    assert_eq!(app.call("GET", "/health/ready", "", None).await.status, 200);
}

#[tokio::test]
async fn two_failed_probes_are_unhealthy() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let config = config(&format!("postgres://x@{closed}/x?sslmode=disable"), &[]);
    let router = kotadb_router::build(Resources::new(config).with_store(store));
    let ask = |path: &'static str| {
        let router = router.clone();
        async move { tower::ServiceExt::oneshot(router, request("GET", path, "", None)).await.unwrap().status().as_u16() }
    };
    assert_eq!((ask("/health").await, ask("/health/ready").await, ask("/health/live").await), (200, 503, 200));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!((ask("/health").await, ask("/health/live").await), (503, 200));
}
