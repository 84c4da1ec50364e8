//! Health: what it reports, and what it says when Postgres goes away.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use kotadb_core::db::Scope;
use kotadb_core::db::cluster::{Cluster, ClusterOptions};
use kotadb_core::http::Resources;
use kotadb_core::store::{Store, StoreOptions};
use kotadb_core::testing::{PgBouncer, PgBouncerOptions};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::app::{App, ask, config, request};

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
    let asked = async |path| ask(&router, request("GET", path, "", None)).await.status;
    assert_eq!((asked("/health").await, asked("/health/ready").await, asked("/health/live").await), (200, 503, 200));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!((asked("/health").await, asked("/health/live").await), (503, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_that_is_all_in_use_is_no_postgres_that_is_away() {
    let db = kotadb_core::testing::TestDb::new().await;
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let resources = Resources::new(config(&db.pooled_url, &[])).with_store(store).with_max_connections(2);
    let router = kotadb_router::build(resources.clone());
    let pool = resources.db().unwrap();
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(pool.begin(Scope::Anonymous).await.unwrap());
    }
    let health = ask(&router, request("GET", "/health", "", None)).await;
    assert_eq!((health.status, &health.body["status"]), (200, &json!("healthy")), "{}", health.body);
    let key = kotadb_core::identity::ApiKey::generate(false);
    let answer = ask(&router, request("GET", "/api/v1/jobs", key.expose(), None)).await;
    assert_eq!((answer.status, answer.code()), (503, "unavailable"), "{}", answer.body);
}

#[tokio::test]
async fn a_hundred_askers_share_a_probe_and_its_counts() {
    let app = App::new().await;
    let transactions =
        "SELECT (xact_commit + xact_rollback)::text FROM pg_stat_database WHERE datname = current_database()";
    let count = async || {
        // What a session counts it tells others at most a second later.
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        app.db.texts(transactions).await[0].parse::<u64>().unwrap()
    };
    let before = count().await;
    for _ in 0..100 {
        assert_eq!(app.call("GET", "/health", "", None).await.status, 200);
    }
    let asked = count().await - before;
    // A probe or two, three transactions the first, and the two looks of this test.
    assert!(asked <= 10, "{asked} transactions");
}

/// Leads to a port that may change, as the address of a database does that moves.
async fn way_to(port: Arc<AtomicU16>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            let port = port.load(Ordering::SeqCst);
            tokio::spawn(async move {
                let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                let _ended = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    own
}

async fn start(folder: &Path) -> Cluster {
    let data_dir = folder.join("postgres");
    Cluster::start(ClusterOptions { data_dir, durable: false, max_connections: 50 }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_goes_away_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let cluster = start(folder.path()).await;
    cluster.provision("kotadb", "kotadb_login").await.unwrap();
    let port = Arc::new(AtomicU16::new(cluster.port()));
    let options = PgBouncerOptions {
        postgres_port: way_to(Arc::clone(&port)).await,
        login: "kotadb_login",
        password: "",
        pool_size: 8,
    };
    let pgbouncer = PgBouncer::start(folder.path(), &options).unwrap();
    let url = format!("postgres://kotadb_login@127.0.0.1:{}/kotadb?sslmode=disable", pgbouncer.port());
    let store = Store::open(&StoreOptions::Memory).unwrap();
    let router = kotadb_router::build(Resources::new(config(&url, &[])).with_store(store));
    let key = kotadb_core::identity::ApiKey::generate(false);
    let asked = async |path: &str| {
        let began = Instant::now();
        let answer = ask(&router, request("GET", path, key.expose(), None)).await;
        (answer.status, answer.body, began.elapsed())
    };
    assert_eq!(asked("/health").await.0, 200);
    assert_eq!(asked("/api/v1/jobs").await.0, 401, "the key is unknown, which Postgres says");

    cluster.stop().await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let (status, body, _) = asked("/health").await;
    assert_eq!((status, &body["status"]), (200, &json!("degraded")), "the first may be a hiccup: {body}");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let (status, body, took) = asked("/health").await;
    assert_eq!(
        (status, &body["status"], &body["saas"]["supabase_status"]),
        (503, &json!("unhealthy"), &json!("error"))
    );
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(asked("/health/live").await.0, 200);
    assert_eq!(asked("/health/ready").await.0, 503);
    for path in ["/api/v1/jobs", "/api/v1/repositories", "/api/v1/search/code?query=x"] {
        let (status, body, took) = asked(path).await;
        assert_eq!((status, &body["code"]), (503, &json!("unavailable")), "{path}: {body}");
        assert!(took < Duration::from_secs(5), "{path}: {took:?}");
    }

    let cluster = start(folder.path()).await;
    port.store(cluster.port(), Ordering::SeqCst);
    let back = Instant::now();
    while asked("/health").await.1["status"] != "healthy" || asked("/api/v1/jobs").await.0 != 401 {
        assert!(back.elapsed() < Duration::from_secs(5), "still away after {:?}", back.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
