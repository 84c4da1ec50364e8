//! The whole API over a database and a store of the test's own, asked without a socket.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use kotadb_core::config::Config;
use kotadb_core::db::keys::{NewKey, SCOPES};
use kotadb_core::db::{Scope, installations, keys, tenants};
use kotadb_core::http::Resources;
use kotadb_core::id::TenantId;
use kotadb_core::identity::ApiKey;
use kotadb_core::operations::Operations;
use kotadb_core::store::{Store, StoreOptions};
use kotadb_core::testing::TestDb;
use kotadb_core::testing::fake_github::{FakeGithub, OPERATOR_TOKEN};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

pub const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub struct App {
    pub db: TestDb,
    pub store: Store,
    pub router: Router,
}

/// A tenant with a key of all scopes.
pub struct Tenant {
    pub id: TenantId,
    pub key: String,
}

pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub headers: axum::http::HeaderMap,
    pub body: Value,
}

impl App {
    pub async fn new() -> Self {
        let store = Store::open(&StoreOptions::Memory).unwrap();
        Self::with(Some(store), &[]).await
    }

    /// `store`: instead of what the variables describe.
    pub async fn with(store: Option<Store>, variables: &[(&str, &str)]) -> Self {
        let db = TestDb::new().await;
        let mut resources = Resources::new(config(&db.pooled_url, variables));
        let kept = store.clone().unwrap_or_else(|| Store::open(&StoreOptions::Memory).unwrap());
        if let Some(store) = store {
            resources = resources.with_store(store);
        }
        Self { db, store: kept, router: kotadb_router::build(resources) }
    }

    /// Beside a server that has the same database and store.
    pub fn over(db: TestDb, store: Store, variables: &[(&str, &str)]) -> Self {
        let resources = Resources::new(config(&db.pooled_url, variables)).with_store(store.clone());
        Self { db, store, router: kotadb_router::build(resources) }
    }

    /// Whose database is asked where it is counted.
    pub async fn counted(operations: &Arc<Operations>) -> Self {
        Self::counted_with(operations, &[]).await
    }

    pub async fn counted_with(operations: &Arc<Operations>, variables: &[(&str, &str)]) -> Self {
        let (db, store) = (TestDb::new().await, Store::open(&StoreOptions::Memory).unwrap());
        let resources = Resources::new(config(&db.pooled_url, variables)).with_store(store.clone());
        let resources = resources.with_db(db.db.counted(operations));
        Self { db, store, router: kotadb_router::build(resources) }
    }

    /// With a GitHub of its own and the operator's token.
    pub async fn with_github(github: &FakeGithub) -> Self {
        let own = github.variables();
        let mut variables: Vec<_> = own.iter().map(|(name, value)| (*name, value.as_str())).collect();
        variables.push(("GITHUB_WEBHOOK_TOKEN", OPERATOR_TOKEN));
        Self::with(Some(Store::open(&StoreOptions::Memory).unwrap()), &variables).await
    }

    /// Links an installation of the App to a tenant, as an operator does.
    pub async fn link(&self, tenant: TenantId, installation: i64, account: &str) {
        let mut tx = self.db.db.begin(Scope::Worker).await.unwrap();
        assert!(installations::link(&mut tx, installation, account, 1, tenant).await.unwrap());
        tx.commit().await.unwrap();
    }

    pub async fn tenant(&self, name: &str) -> Tenant {
        let mut tx = self.db.db.begin(Scope::Worker).await.unwrap();
        let id = tenants::ensure(&mut tx, name).await.unwrap();
        tx.commit().await.unwrap();
        Tenant { id, key: self.key(id, &SCOPES).await }
    }

    pub async fn key(&self, tenant: TenantId, scopes: &[&str]) -> String {
        self.key_like(tenant, scopes, NewKey::default()).await.1
    }

    /// Id and text of a key that is otherwise like `new`.
    pub async fn key_like(&self, tenant: TenantId, scopes: &[&str], new: NewKey) -> (Uuid, String) {
        let key = ApiKey::generate(false);
        let new = NewKey {
            id: Uuid::now_v7(),
            name: "test".to_owned(),
            sha256: key.sha256(),
            display: key.display(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            ..new
        };
        let mut tx = self.db.db.begin(Scope::Tenant(tenant)).await.unwrap();
        keys::create(&mut tx, tenant, &new).await.unwrap();
        tx.commit().await.unwrap();
        (new.id, key.expose().to_owned())
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        ask(&self.router, request).await
    }

    pub async fn call(&self, method: &str, path: &str, key: &str, body: Option<Value>) -> Answer {
        self.send(request(method, path, key, body)).await
    }

    /// Registers a repository and gives the answer.
    pub async fn register(&self, key: &str, url: &str) -> Value {
        let answer = self.call("POST", "/api/v1/repositories", key, Some(serde_json::json!({ "url": url }))).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body
    }

    pub async fn count(&self, table: &str) -> String {
        self.db.texts(&format!("SELECT count(*)::text FROM kotadb.{table}")).await.remove(0)
    }
}

/// Asks a router without a socket.
pub async fn ask(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let content_type = parts.headers.get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    let content_type = content_type.unwrap_or_default();
    Answer { status: parts.status.as_u16(), content_type, headers: parts.headers, body }
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

pub fn request(method: &str, path: &str, key: &str, body: Option<Value>) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap()
}

pub fn config(database_url: &str, variables: &[(&str, &str)]) -> Config {
    let mut all = HashMap::from([
        ("DATABASE_URL", database_url),
        ("KOTADB_DATA_DIR", "/nonexistent"),
        ("KOTADB_MASTER_KEY", MASTER_KEY),
        ("KOTADB_WEBHOOK_BASE_URL", "https://kotadb.example"),
    ]);
    all.extend(variables.iter().copied());
    Config::from_lookup(&|name| all.get(name).map(|value| (*value).to_owned())).unwrap()
}
