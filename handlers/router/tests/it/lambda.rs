//! Every family as a Lambda answers as it does over TCP: status, headers and body, whatever API Gateway does to the request on
//! its way. One bootstrap mounts all of them through the same `lambda::run`; that each family's own is the same three
//! lines, `scripts/tidy` checks.

use kotadb_core::crypto::{hmac_sha256, to_hex};
use kotadb_core::http::Resources;
use kotadb_core::store::{Store, StoreOptions};
use kotadb_core::testing::{LambdaAnswer, LambdaEvent, LambdaRuntime, TestDb};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::{App, MASTER_KEY, config};

const REQUEST_ID: &str = "0190b0a0-0000-7000-8000-000000000001";
const TICK_SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The same database and store behind both.
struct Both {
    app: App,
    url: String,
    runtime: LambdaRuntime,
    _data: tempfile::TempDir,
}

impl Both {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let db = TestDb::new().await;
        let folder = data.path().to_str().unwrap();
        let more = [
            ("KOTADB_DATA_DIR", folder),
            ("KOTADB_TICK_SECRET", TICK_SECRET),
            ("KOTADB_WAKE", "process"),
            ("KOTADB_WAKE_COMMAND", "true"),
            ("GITHUB_APP_WEBHOOK_SECRET", "the secret of the App"),
            ("KOTADB_WEBHOOK_BASE_URL", "https://kotadb.example"),
            ("KOTADB_MASTER_KEY", MASTER_KEY),
        ];
        let router = kotadb_router::build(Resources::new(config(&db.pooled_url, &more)));
        let store = Store::open(&StoreOptions::Folder(data.path().join("objects"))).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(kotadb_core::http::serve(listener, router.clone(), std::future::pending()));
        let mut variables = vec![("KOTADB_MODE", "local"), ("DATABASE_URL", db.pooled_url.as_str())];
        variables.extend(more);
        let mut runtime = LambdaRuntime::start().await.unwrap();
        runtime.run(env!("CARGO_BIN_EXE_bootstrap-router").as_ref(), &variables).unwrap();
        Self { app: App { db, store, router }, url, runtime, _data: data }
    }

    /// Asks both; they must agree. Gives the answer.
    async fn ask(&mut self, event: LambdaEvent) -> LambdaAnswer {
        self.ask_each(&event, &event).await
    }

    /// The same of two events that differ in what is taken once.
    async fn ask_each(&mut self, event: &LambdaEvent, other: &LambdaEvent) -> LambdaAnswer {
        let named = format!("{} {}?{}", event.method, event.path, event.query);
        let by_lambda = self.runtime.invoke(event).await.unwrap().comparable();
        let by_router = other.over_tcp(&self.url).await.unwrap().comparable();
        assert_eq!(by_lambda.status, by_router.status, "{named}");
        assert_eq!(by_lambda.headers, by_router.headers, "{named}");
        let text = |answer: &LambdaAnswer| String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!(text(&by_lambda), text(&by_router), "{named}");
        by_router
    }
}

fn event(method: &str, target: &str, key: &str) -> LambdaEvent {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = [("authorization", format!("Bearer {key}")), ("x-request-id", REQUEST_ID.to_owned())];
    LambdaEvent {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        ..LambdaEvent::default()
    }
}

fn with_json(event: LambdaEvent, body: &Value, is_base64: bool) -> LambdaEvent {
    let mut headers = event.headers;
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    LambdaEvent { headers, body: Some(body.to_string().into_bytes()), is_base64, ..event }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_family_answers_as_over_tcp() {
    let mut both = Both::start().await;
    let key = both.app.tenant("one").await.key;
    let repository = both.app.register(&key, "a/b").await["id"].as_str().unwrap().to_owned();
    let job = both.app.db.texts("SELECT id::text FROM kotadb.jobs").await.remove(0);
    for (method, target, status) in [
        ("GET", "/health/live".to_owned(), 200),
        ("GET", "/openapi.json".to_owned(), 200),
        ("GET", "/api/v1/repositories".to_owned(), 200),
        ("GET", "/api/v1/repositories?limit=1&limit=2".to_owned(), 400),
        ("GET", format!("/api/v1/repositories/{repository}"), 200),
        ("GET", format!("/api/v1/repositories/{repository}/snapshots"), 200),
        ("GET", "/api/v1/repositories/nonsense".to_owned(), 404),
        ("GET", "/api/v1/registrations".to_owned(), 200),
        ("GET", "/api/v1/jobs?limit=5".to_owned(), 200),
        ("GET", format!("/api/v1/jobs/{job}"), 200),
        ("GET", format!("/api/v1/jobs/{job}?x=%ff"), 200),
        ("GET", "/api/v1/search/code?query=alpha%20%22a%20b%22".to_owned(), 200),
        ("GET", "/api/v1/search/code?query=a&query=b".to_owned(), 400),
        ("GET", "/api/v1/search/code?query=%22open".to_owned(), 400),
        ("GET", "/api/v1/search/code?query=a&repository=no/such".to_owned(), 404),
        ("GET", "/api/v1/symbols/src%2Fa.rs%23Pool.acquire/callers".to_owned(), 404),
        ("GET", "/api/v1/symbols/acquire/impact?depth=9".to_owned(), 400),
        ("GET", format!("/api/v1/repositories/{repository}/files?path=a.rs"), 404),
        ("GET", format!("/api/v1/repositories/{repository}/tree?filter=text"), 400),
        ("GET", format!("/api/v1/repositories/{repository}/map?bytes=1"), 400),
        ("DELETE", "/api/v1/search/code".to_owned(), 405),
        ("PUT", "/api/v1/repositories".to_owned(), 405),
        ("POST", "/internal/wake".to_owned(), 401),
        ("GET", "/nowhere".to_owned(), 404),
        ("GET", "/".to_owned(), 200),
        ("GET", "/docs/query".to_owned(), 200),
        ("GET", format!("/repositories/{repository}"), 200),
        ("GET", "/search?q=%22open".to_owned(), 400),
        ("GET", "/repositories/nonsense".to_owned(), 404),
    ] {
        let answer = both.ask(event(method, &target, &key)).await;
        assert_eq!(answer.status, status, "{method} {target}");
        assert!(answer.headers.contains(&("x-request-id".to_owned(), REQUEST_ID.to_owned())), "{target}");
    }
    for key in ["x", "kdb_live_wrong"] {
        assert_eq!(both.ask(event("GET", "/api/v1/jobs", key)).await.status, 401);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_gateway_does_to_a_request_changes_no_answer() {
    let mut both = Both::start().await;
    let key = both.app.tenant("one").await.key;
    let search = || event("POST", "/api/v1/search/code", &key);
    let asked = json!({ "query": "größe \u{1f980}", "limit": 3 });
    for is_base64 in [true, false] {
        assert_eq!(both.ask(with_json(search(), &asked, is_base64)).await.status, 200);
        assert_eq!(both.ask(with_json(search(), &json!({ "no": 1 }), is_base64)).await.status, 400);
    }
    let staged = LambdaEvent { stage: "prod".into(), ..event("GET", "/prod/api/v1/jobs?limit=5", &key) };
    assert_eq!(both.ask(staged).await.status, 200);
    let staged = LambdaEvent { stage: "prod".into(), ..event("GET", "/prod/nowhere", &key) };
    assert_eq!(both.ask(staged).await.status, 404);
    let cookies = vec!["a=1".to_owned(), "b=2; c=3".to_owned()];
    assert_eq!(both.ask(LambdaEvent { cookies, ..event("GET", "/api/v1/jobs", &key) }).await.status, 200);
    let not_text = LambdaEvent { body: Some(vec![0xff, 0, 0xfe]), is_base64: true, ..search() };
    assert_eq!(both.ask(not_text).await.status, 415);
    let large = json!({ "query": "a".repeat(1 << 20) });
    assert_eq!(both.ask(with_json(search(), &large, true)).await.status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_calls_are_taken_alike() {
    let mut both = Both::start().await;
    let body = json!({ "zen": "Keep it logically awesome.", "hook_id": 7, "hook": { "type": "App" } });
    for (secret, is_base64, status) in
        [("the secret of the App", true, 200), ("the secret of the App", false, 200), ("another", true, 401)]
    {
        let signature = to_hex(&hmac_sha256(secret.as_bytes(), body.to_string().as_bytes()));
        let delivery = || {
            let mut event = with_json(event("POST", "/webhooks/github/app", "x"), &body, is_base64);
            event.headers.extend([
                ("x-github-event".to_owned(), "ping".to_owned()),
                ("x-github-delivery".to_owned(), uuid::Uuid::now_v7().to_string()),
                ("x-hub-signature-256".to_owned(), format!("sha256={signature}")),
            ]);
            event
        };
        assert_eq!(both.ask_each(&delivery(), &delivery()).await.status, status);
    }
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let signature = to_hex(&hmac_sha256(TICK_SECRET.as_bytes(), format!("{now}.n").as_bytes()));
    let mut tick = event("POST", "/internal/wake", "x");
    tick.headers.extend([
        ("x-kotadb-timestamp".to_owned(), now.to_string()),
        ("x-kotadb-nonce".to_owned(), "n".to_owned()),
        ("x-kotadb-signature".to_owned(), format!("sha256={signature}")),
    ]);
    assert_eq!(both.ask(tick).await.status, 202);
}
