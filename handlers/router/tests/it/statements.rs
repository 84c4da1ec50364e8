//! What each route asks of Postgres: answered from the index one transaction with one statement, else at most two
//! transactions and three statements. Every operation that is described must have a row here.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use kotadb_core::crypto::{hmac_sha256, to_hex};
use kotadb_core::id::TenantId;
use kotadb_core::operations::Operations;
use kotadb_core::testing::fake_github::{FakeGithub, OPERATOR_TOKEN};
use serde_json::{Value, json};

use crate::app::{App, Tenant, request};
use crate::index::publish_program;
use crate::program::PROGRAM;
use crate::scip::{self, sending};

const TICK_SECRET: &str = "0123456789abcdef0123456789abcdef";
const APP_SECRET: &str = "the secret of the App";
/// Answered from the index.
const INDEX: Cost = Cost { transactions: 1, statements: 1 };
/// Answered from Postgres.
const POSTGRES: Cost = Cost { transactions: 2, statements: 3 };
/// Those below talk to GitHub as well, between transactions, since none may span that: what they cost now, so that it shows
/// when it grows. Makes the webhook and notes what came of it.
const REGISTER: Cost = Cost { transactions: 5, statements: 9 };
/// The same for each repository of the pattern, here one.
const REGISTER_MANY: Cost = Cost { transactions: 7, statements: 9 };
/// Sets the secret at GitHub, too.
const PROVISION: Cost = Cost { transactions: 3, statements: 6 };
/// Takes the webhook away at GitHub.
const UNREGISTER: Cost = Cost { transactions: 3, statements: 6 };
/// Looks the hook up, and goes alone because it verifies it.
const FIRST_DELIVERY: Cost = Cost { transactions: 3, statements: 6 };
/// Looks up what the first has changed.
const SECOND_DELIVERY: Cost = Cost { transactions: 2, statements: 2 };
/// Answered by who asks alone.
const WHO: Cost = INDEX;
/// Who it is, then the row of an SCIP index, those it takes the place of, and a job that a person asks for.
const SEND: Cost = Cost { transactions: 2, statements: 5 };
/// Ways to GitHub and back, which ask it in between: `accounts.rs` goes them.
const ELSEWHERE: [&str; 2] = ["GET /auth/github", "GET /auth/github/callback"];
/// Not answered from either.
const NOTHING: Cost = Cost { transactions: 0, statements: 0 };

/// Transactions and statements at most. What goes in one message is one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    transactions: usize,
    statements: usize,
}

impl Cost {
    fn of(passed: &[&str]) -> Self {
        let count = |what: &str| passed.iter().filter(|passed| **passed == what).count();
        let whole = count("database call");
        Self { transactions: count("database begin") + whole, statements: count("database statement") + whole }
    }

    fn is_within(self, limit: Self) -> bool {
        self.transactions <= limit.transactions && self.statements <= limit.statements
    }
}

/// Asks, and holds what it took against a limit. Nobody is woken: a wake-up comes seconds after its request, and would count
/// as a later one's.
struct Costs {
    app: App,
    tenant: TenantId,
    key: String,
    operations: Arc<Operations>,
    seen: BTreeSet<String>,
    over: Vec<String>,
}

impl Costs {
    async fn start(github: &FakeGithub) -> Self {
        let operations = Operations::all();
        let own = github.variables();
        let mut variables: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.extend([("GITHUB_WEBHOOK_TOKEN", OPERATOR_TOKEN), ("GITHUB_APP_WEBHOOK_SECRET", APP_SECRET)]);
        let app = App::counted_with(&operations, &variables).await;
        let Tenant { id: tenant, key, .. } = app.tenant("one").await;
        Self { app, tenant, key, operations, seen: BTreeSet::new(), over: Vec::new() }
    }

    /// `operation`: method and path as the description has them.
    async fn ask(&mut self, operation: &str, limit: Cost, path: &str, body: Option<Value>) -> Value {
        let (method, _) = operation.split_once(' ').unwrap();
        self.send(operation, limit, request(method, path, &self.key, body)).await
    }

    /// Waits until nothing is asked of Postgres any more behind an answer.
    async fn quiet(&self) {
        let mut before = usize::MAX;
        while before != self.operations.passed().len() {
            before = self.operations.passed().len();
            tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
        }
    }

    async fn send(&mut self, operation: &str, limit: Cost, asked: Request<Body>) -> Value {
        let before = self.operations.passed().len();
        let answer = self.app.send(asked).await;
        assert!((200..300).contains(&answer.status), "{operation}: {} {}", answer.status, answer.body);
        let cost = Cost::of(&self.operations.passed()[before..]);
        self.hold(operation, cost, limit);
        answer.body
    }

    fn hold(&mut self, operation: &str, cost: Cost, limit: Cost) {
        if !cost.is_within(limit) {
            self.over.push(format!("{operation}: {cost:?}"));
        }
        self.seen.insert(operation.to_owned());
    }

    /// The tick of the database, in a service that wakes and has nothing to do.
    async fn tick(&mut self) {
        let operations = Operations::all();
        let wakes = [("KOTADB_TICK_SECRET", TICK_SECRET), ("KOTADB_WAKE", "process"), ("KOTADB_WAKE_COMMAND", "true")];
        let app = App::counted_with(&operations, &wakes).await;
        let before = operations.passed().len();
        let answer = app.send(tick()).await;
        assert_eq!((answer.status, &answer.body), (202, &json!({ "status": "idle" })));
        self.hold("POST /internal/wake", Cost::of(&operations.passed()[before..]), INDEX);
    }
}

/// `signature`: name of its header, secret, and what is signed.
fn signed(path: &str, headers: &[(&str, &str)], signature: (&str, &str, &str), body: String) -> Request<Body> {
    let (header, secret, message) = signature;
    let signature = format!("sha256={}", to_hex(&hmac_sha256(secret.as_bytes(), message.as_bytes())));
    let mut request = Request::builder().method("POST").uri(path).header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.header(header, signature).body(Body::from(body)).unwrap()
}

fn delivery(path: &str, secret: &str, event: &str, body: &Value) -> Request<Body> {
    let id = uuid::Uuid::now_v7().to_string();
    let headers = [("x-github-event", event), ("x-github-delivery", id.as_str())];
    signed(path, &headers, ("x-hub-signature-256", secret, &body.to_string()), body.to_string())
}

fn tick() -> Request<Body> {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs().to_string();
    let headers = [("x-kotadb-timestamp", now.as_str()), ("x-kotadb-nonce", "n")];
    signed("/internal/wake", &headers, ("x-kotadb-signature", TICK_SECRET, &format!("{now}.n")), String::new())
}

fn described() -> BTreeSet<String> {
    let document = crate::openapi::document();
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, methods)| {
        methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

#[tokio::test]
async fn every_route_keeps_to_its_statements() {
    let github = FakeGithub::start().await;
    github.create("a/b", false);
    github.create("acme/lib", false);
    let mut costs = Costs::start(&github).await;
    for path in ["/health", "/health/live", "/health/ready", "/openapi.json"] {
        costs.ask(&format!("GET {path}"), NOTHING, path, None).await;
    }
    let all = "/api/v1/repositories";
    let made = costs.ask("POST /api/v1/repositories", REGISTER, all, Some(json!({ "url": "a/b" }))).await;
    let (id, job) = (made["id"].as_str().unwrap(), made["job"].as_str().unwrap());
    let one = format!("{all}/{id}");
    costs.ask("GET /api/v1/repositories", POSTGRES, all, None).await;
    costs.ask("GET /api/v1/repositories/{id}", POSTGRES, &one, None).await;
    costs.ask("PATCH /api/v1/repositories/{id}", POSTGRES, &one, Some(json!({ "priority": 7 }))).await;
    searches(&mut costs).await;
    code(&mut costs, id).await;
    snapshots(&mut costs, &one).await;
    jobs(&mut costs, job, &one).await;
    webhooks(&mut costs, &made, &one).await;
    registrations(&mut costs).await;
    costs.ask("DELETE /api/v1/repositories/{id}", UNREGISTER, &one, None).await;
    costs.quiet().await;
    keys(&mut costs).await;
    tenant(&mut costs).await;
    assert!(costs.over.is_empty(), "{:#?}", costs.over);
    costs.seen.extend(ELSEWHERE.map(ToOwned::to_owned));
    assert_eq!(costs.seen, described(), "each operation that is described has its row above");
}

async fn searches(costs: &mut Costs) {
    let search = "/api/v1/search/code";
    for _ in 0..2 {
        costs.ask("GET /api/v1/search/code", INDEX, &format!("{search}?query=alpha"), None).await;
        costs.ask("GET /api/v1/search/symbols", INDEX, "/api/v1/search/symbols?name=alpha", None).await;
        let body = json!({ "query": "alpha", "repository": "a/b", "count": true });
        costs.ask("POST /api/v1/search/code", INDEX, search, Some(body)).await;
        let symbols = "/api/v1/search/symbols?name=alpha";
        costs.ask("GET /api/v1/search/symbols", INDEX, symbols, None).await;
    }
}

async fn code(costs: &mut Costs, id: &str) {
    publish_program(&costs.app.store, costs.tenant, id, PROGRAM).await;
    for question in ["callees", "callers", "definition", "impact", "implementations", "usages"] {
        let path = format!("/api/v1/symbols/acquire/{question}?repository=a/b");
        costs.ask(&format!("GET /api/v1/symbols/{{symbol}}/{question}"), INDEX, &path, None).await;
    }
    for (question, parameters) in [
        ("dependencies", "?path=app.py"),
        ("files", "?path=app.py"),
        ("map", ""),
        ("outline", "?path=app.py"),
        ("tree", ""),
    ] {
        let path = format!("/api/v1/repositories/{id}/{question}{parameters}");
        costs.ask(&format!("GET /api/v1/repositories/{{id}}/{question}"), INDEX, &path, None).await;
    }
    let body = json!({ "symbols": ["acquire"] });
    let path = format!("/api/v1/repositories/{id}/impact");
    costs.ask("POST /api/v1/repositories/{id}/impact", INDEX, &path, Some(body)).await;
}

async fn snapshots(costs: &mut Costs, one: &str) {
    costs.ask("GET /api/v1/repositories/{id}/snapshots", POSTGRES, &format!("{one}/snapshots"), None).await;
    let commit = format!("{one}/snapshots/{}", "1".repeat(40));
    costs.ask("DELETE /api/v1/repositories/{id}/snapshots/{commit}", POSTGRES, &commit, None).await;
}

async fn jobs(costs: &mut Costs, job: &str, one: &str) {
    let path = format!("/api/v1/jobs/{job}");
    costs.ask("GET /api/v1/jobs", POSTGRES, "/api/v1/jobs", None).await;
    costs.ask("GET /api/v1/jobs/{id}", POSTGRES, &path, None).await;
    costs.ask("POST /api/v1/jobs/{id}/cancel", POSTGRES, &format!("{path}/cancel"), None).await;
    costs.ask("POST /api/v1/jobs/{id}/retry", POSTGRES, &format!("{path}/retry"), None).await;
    costs.ask("POST /api/v1/repositories/{id}/index", POSTGRES, &format!("{one}/index"), None).await;
    let sent = sending(&format!("{one}/scip?commit={}", "07".repeat(20)), &costs.key, scip::index());
    costs.send("POST /api/v1/repositories/{id}/scip", SEND, sent).await;
    costs.app.db.execute("UPDATE kotadb.jobs SET state = 'done', finished_at = now()").await;
    costs.tick().await;
}

async fn webhooks(costs: &mut Costs, made: &Value, one: &str) {
    let (url, secret) = (made["webhook"]["url"].as_str().unwrap(), made["webhook"]["secret"].as_str().unwrap());
    let path = &url[url.find("/webhooks/").unwrap()..];
    let number = "SELECT coalesce(github_repository_id, 7)::text FROM kotadb.repositories WHERE name = 'a/b'";
    let number: i64 = costs.app.db.texts(number).await[0].parse().unwrap();
    let push = json!({
        "ref": "refs/heads/main", "before": "0".repeat(40), "after": "1".repeat(40), "deleted": false, "forced": false,
        "repository": { "id": number, "full_name": "a/b", "default_branch": "main" },
    });
    let star = json!({ "action": "created", "repository": push["repository"] });
    // The first to a hook verifies it; from then on one statement is enough.
    let taken = [(FIRST_DELIVERY, &push, "push"), (SECOND_DELIVERY, &push, "push"), (INDEX, &star, "star")];
    for (limit, body, event) in taken {
        costs.send("POST /webhooks/github/{id}", limit, delivery(path, secret, event, body)).await;
    }
    let installed = json!({
        "action": "created", "installation": { "id": 5, "account": { "login": "acme", "id": 9, "type": "Organization" } },
    });
    let to_app = delivery("/webhooks/github/app", APP_SECRET, "installation", &installed);
    costs.send("POST /webhooks/github/app", POSTGRES, to_app).await;
    // What an installation brings is looked up behind the answer.
    costs.quiet().await;
    let rotate = format!("{one}/webhook/rotate");
    costs.ask("POST /api/v1/repositories/{id}/webhook/rotate", PROVISION, &rotate, None).await;
}

async fn registrations(costs: &mut Costs) {
    let path = "/api/v1/registrations";
    let body = json!({ "pattern": "acme/*" });
    let made = costs.ask("POST /api/v1/registrations", REGISTER_MANY, path, Some(body)).await;
    costs.ask("GET /api/v1/registrations", POSTGRES, path, None).await;
    let one = format!("{path}/{}", made["registration"]["id"].as_str().unwrap());
    costs.ask("DELETE /api/v1/registrations/{id}", POSTGRES, &one, None).await;
}

async fn keys(costs: &mut Costs) {
    let all = "/api/v1/keys";
    let body = json!({ "name": "ci", "scopes": ["search"] });
    let made = costs.ask("POST /api/v1/keys", POSTGRES, all, Some(body)).await;
    let one = format!("{all}/{}", made["id"].as_str().unwrap());
    costs.ask("GET /api/v1/keys", POSTGRES, all, None).await;
    costs.ask("GET /api/v1/keys/{id}", POSTGRES, &one, None).await;
    costs.ask("POST /api/v1/keys/{id}/rotate", POSTGRES, &format!("{one}/rotate"), Some(json!({}))).await;
    costs.ask("DELETE /api/v1/keys/{id}", POSTGRES, &one, None).await;
}

/// The last of all: nobody can ask afterwards.
async fn tenant(costs: &mut Costs) {
    costs.ask("GET /api/v1/usage", POSTGRES, "/api/v1/usage", None).await;
    let who = costs.ask("GET /api/v1/whoami", WHO, "/api/v1/whoami", None).await;
    let one = format!("/api/v1/tenants/{}", who["tenant"].as_str().unwrap());
    costs.ask("GET /api/v1/tenants/{id}", POSTGRES, &one, None).await;
    costs.ask("PATCH /api/v1/tenants/{id}", POSTGRES, &one, Some(json!({ "name": "uno" }))).await;
    let all = format!("{one}/members");
    let body = json!({ "email": "ann@one.example", "role": "reader" });
    let made = costs.ask("POST /api/v1/tenants/{id}/members", POSTGRES, &all, Some(body)).await;
    let member = format!("{all}/{}", made["id"].as_str().unwrap());
    costs.ask("GET /api/v1/tenants/{id}/members", POSTGRES, &all, None).await;
    costs.ask("GET /api/v1/tenants/{id}/members/{member}", POSTGRES, &member, None).await;
    let body = json!({ "role": "maintainer" });
    costs.ask("PATCH /api/v1/tenants/{id}/members/{member}", POSTGRES, &member, Some(body)).await;
    costs.ask("DELETE /api/v1/tenants/{id}/members/{member}", POSTGRES, &member, None).await;
    costs.ask("DELETE /api/v1/tenants/{id}", POSTGRES, &one, None).await;
}
