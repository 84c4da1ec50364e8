//! The protocol for agents at `/mcp`: what is refused, what the tools answer, and the official suites.

mod conformance;
mod fixtures;
mod refused;
mod tools;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn};
use kotadb_core::http::Resources;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::{Answer, App, ask, config, request};
use crate::index::publish;
use fixtures::Fixtures;

/// Files of the repository that is asked about.
const FILES: [(&str, &str); 3] = [
    ("README.md", "a pool of connections\n"),
    ("src/main.rs", "fn main() {\n    pool().acquire();\n}\n"),
    ("src/pool.rs", "/// Makes one.\nfn pool() -> Pool {\n    Pool\n}\n"),
];

/// The router as it is served, but for the fixtures of the suite.
fn with_fixtures(app: &App) -> Router {
    let resources = Resources::new(config(&app.db.pooled_url, &[])).with_store(app.store.clone());
    kotadb_router::build_with(resources, kotadb_mcp::routes_with(Fixtures))
}

/// The outermost layer of the suite's server: it sends no key.
fn with_key(router: Router, key: &str) -> Router {
    let key = HeaderValue::from_str(&format!("Bearer {key}")).unwrap();
    router.layer(from_fn(move |mut request: Request, next: Next| {
        request.headers_mut().entry(AUTHORIZATION).or_insert(key.clone());
        next.run(request)
    }))
}

/// Serves on this machine until the test ends; gives the address of the protocol.
async fn served(router: Router) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// A tenant's key and the repository `acme/app`, indexed.
async fn furnished(app: &App) -> String {
    let tenant = app.tenant("one").await;
    let repository = app.register(&tenant.key, "acme/app").await;
    publish(&app.store, tenant.id, repository["id"].as_str().unwrap(), &FILES).await;
    tenant.key
}

/// A message of the era before this one.
fn message(key: &str, method: &str, params: Value) -> axum::http::Request<Body> {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut message = request("POST", "/mcp", key, Some(body));
    let headers = message.headers_mut();
    headers.insert("accept", HeaderValue::from_static("application/json, text/event-stream"));
    headers.insert("host", HeaderValue::from_static("localhost"));
    headers.insert("mcp-protocol-version", HeaderValue::from_static("2025-11-25"));
    message
}

async fn say(app: &App, key: &str, method: &str, params: Value) -> Answer {
    ask(&app.router, message(key, method, params)).await
}
