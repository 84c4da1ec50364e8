//! Every route by everybody who must not pass: a table with a row for each operation of the description.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use kotadb_core::db::keys::{NewKey, SCOPES};
use kotadb_core::db::members::{self, Invited, Role};
use kotadb_core::db::{Scope, tenants};
use kotadb_core::id::RepositoryId;
use kotadb_core::operations::Operations;
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::app::{Answer, App, Tenant, ask, request};

/// One operation: what it asks for, and what becomes of those who are somebody, but not the right one.
struct Row {
    method: &'static str,
    /// With the names of [`Things`] in braces.
    path: &'static str,
    /// `None`: anybody may ask; empty: whoever has a key.
    scope: Option<&'static str>,
    body: Option<&'static str>,
    /// By a key of another tenant, of all scopes.
    foreign: u16,
    /// By a key of the same tenant that is limited to another repository.
    limited: u16,
}

/// A row for who has a key.
const fn keyed(
    method: &'static str,
    path: &'static str,
    scope: &'static str,
    body: Option<&'static str>,
    (foreign, limited): (u16, u16),
) -> Row {
    Row { method, path, scope: Some(scope), body, foreign, limited }
}

const fn open(method: &'static str, path: &'static str) -> Row {
    Row { method, path, scope: None, body: None, foreign: 0, limited: 0 }
}

const ROWS: &[Row] = &[
    keyed("GET", "/api/v1/jobs?repository={repository}", "jobs:read", None, (404, 404)),
    keyed("GET", "/api/v1/jobs/{job}", "jobs:read", None, (404, 404)),
    keyed("POST", "/api/v1/jobs/{job}/cancel", "jobs:write", None, (404, 404)),
    keyed("POST", "/api/v1/jobs/{job}/retry", "jobs:write", None, (404, 404)),
    keyed("GET", "/api/v1/keys", "keys:admin", None, (200, 200)),
    keyed(
        "POST",
        "/api/v1/keys",
        "keys:admin",
        Some(r#"{"name":"x","scopes":["search"],"repositories":["{repository}"]}"#),
        (404, 404),
    ),
    keyed("GET", "/api/v1/keys/{key}", "keys:admin", None, (404, 404)),
    keyed("DELETE", "/api/v1/keys/{key}", "keys:admin", None, (404, 404)),
    keyed("POST", "/api/v1/keys/{key}/rotate", "keys:admin", Some("{}"), (404, 404)),
    keyed("GET", "/api/v1/registrations", "repositories:read", None, (200, 403)),
    keyed("POST", "/api/v1/registrations", "repositories:write", Some(r#"{"installation":4242}"#), (404, 403)),
    keyed("DELETE", "/api/v1/registrations/{registration}", "repositories:write", None, (404, 403)),
    keyed("GET", "/api/v1/repositories", "repositories:read", None, (200, 200)),
    keyed("POST", "/api/v1/repositories", "repositories:write", Some(r#"{"url":"owner/private"}"#), (201, 403)),
    keyed("GET", "/api/v1/repositories/{repository}", "repositories:read", None, (404, 404)),
    keyed("PATCH", "/api/v1/repositories/{repository}", "repositories:write", Some(r#"{"priority":1}"#), (404, 404)),
    keyed("DELETE", "/api/v1/repositories/{repository}", "repositories:write", None, (404, 404)),
    keyed("GET", "/api/v1/repositories/{repository}/dependencies?path=a", "search", None, (404, 404)),
    keyed("GET", "/api/v1/repositories/{repository}/files?path=a", "search", None, (404, 404)),
    keyed("POST", "/api/v1/repositories/{repository}/impact", "search", Some(r#"{"symbols":["a"]}"#), (404, 404)),
    keyed("POST", "/api/v1/repositories/{repository}/index", "jobs:write", None, (404, 404)),
    keyed("GET", "/api/v1/repositories/{repository}/map", "search", None, (404, 404)),
    keyed("GET", "/api/v1/repositories/{repository}/outline?path=a", "search", None, (404, 404)),
    keyed(
        "POST",
        "/api/v1/repositories/{repository}/scip?commit=0707070707070707070707070707070707070707",
        "repositories:write",
        None,
        (404, 404),
    ),
    keyed("GET", "/api/v1/repositories/{repository}/snapshots", "repositories:read", None, (404, 404)),
    keyed("DELETE", "/api/v1/repositories/{repository}/snapshots/{commit}", "repositories:write", None, (404, 404)),
    keyed("GET", "/api/v1/repositories/{repository}/tree", "search", None, (404, 404)),
    keyed("POST", "/api/v1/repositories/{repository}/webhook/rotate", "repositories:write", None, (404, 404)),
    keyed("GET", "/api/v1/search/code?query=a&repository={repository}", "search", None, (404, 404)),
    keyed("POST", "/api/v1/search/code", "search", Some(r#"{"query":"a","repository":"{repository}"}"#), (404, 404)),
    keyed("GET", "/api/v1/search/symbols?name=a&repository={repository}", "search", None, (404, 404)),
    keyed("GET", "/api/v1/symbols/{symbol}/callees?repository={repository}", "search", None, (404, 404)),
    keyed("GET", "/api/v1/symbols/{symbol}/callers?repository={repository}", "search", None, (404, 404)),
    keyed("GET", "/api/v1/symbols/{symbol}/definition?repository={repository}", "search", None, (404, 404)),
    keyed("GET", "/api/v1/symbols/{symbol}/impact?repository={repository}", "search", None, (404, 404)),
    keyed("GET", "/api/v1/symbols/{symbol}/implementations?repository={repository}", "search", None, (404, 404)),
    keyed("GET", "/api/v1/symbols/{symbol}/usages?repository={repository}", "search", None, (404, 404)),
    keyed("GET", "/api/v1/tenants/{tenant}", "tenant:read", None, (404, 200)),
    keyed("PATCH", "/api/v1/tenants/{tenant}", "tenant:admin", Some(r#"{"name":"x"}"#), (404, 403)),
    keyed("DELETE", "/api/v1/tenants/{tenant}", "tenant:admin", None, (404, 403)),
    keyed("GET", "/api/v1/tenants/{tenant}/members", "tenant:read", None, (404, 200)),
    keyed(
        "POST",
        "/api/v1/tenants/{tenant}/members",
        "tenant:admin",
        Some(r#"{"email":"x@y.example","role":"reader"}"#),
        (404, 403),
    ),
    keyed("GET", "/api/v1/tenants/{tenant}/members/{member}", "tenant:read", None, (404, 200)),
    keyed(
        "PATCH",
        "/api/v1/tenants/{tenant}/members/{member}",
        "tenant:admin",
        Some(r#"{"role":"owner"}"#),
        (404, 403),
    ),
    keyed("DELETE", "/api/v1/tenants/{tenant}/members/{member}", "tenant:admin", None, (404, 403)),
    keyed("GET", "/auth/github", "", None, (503, 503)),
    keyed("GET", "/api/v1/usage", "", None, (200, 200)),
    keyed("GET", "/api/v1/whoami", "", None, (200, 200)),
    open("GET", "/auth/github/callback"),
    open("GET", "/health"),
    open("GET", "/health/live"),
    open("GET", "/health/ready"),
    open("POST", "/internal/wake"),
    open("GET", "/openapi.json"),
    open("POST", "/webhooks/github/app"),
    open("POST", "/webhooks/github/{hook}"),
];

/// Ids of a tenant who has one of everything.
struct Things(Vec<(&'static str, String)>);

impl Things {
    async fn of(app: &App, owner: &Tenant) -> Self {
        let repository = app.register(&owner.key, "owner/private").await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (key, _) = app.key_like(owner.id, &["search"], NewKey::default()).await;
        let mut tx = app.db.db.begin(Scope::Tenant(owner.id)).await.unwrap();
        let invited = Invited::Email("invited@owner.example".to_owned());
        let member = members::invite(&mut tx, owner.id, &invited, Role::Reader, None).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        app.link(owner.id, 4242, "owner").await;
        let registration = Uuid::now_v7();
        let (id, pattern) = (owner.id, "owner/*");
        app.db
            .execute(&format!(
                "INSERT INTO kotadb.registrations (id, tenant_id, pattern) VALUES ('{registration}', '{id}', '{pattern}')"
            ))
            .await;
        let hook = app.db.texts("SELECT id::text FROM kotadb.hooks").await.remove(0);
        Self(vec![
            ("{repository}", text(&repository["id"])),
            ("{job}", text(&repository["job"])),
            ("{key}", key.to_string()),
            ("{member}", member.id.to_string()),
            ("{tenant}", owner.id.to_string()),
            ("{registration}", registration.to_string()),
            ("{commit}", "07".repeat(20)),
            ("{hook}", hook),
            ("{symbol}", "acquire".to_owned()),
        ])
    }

    fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    fn repository(&self) -> RepositoryId {
        self.0[0].1.parse().unwrap()
    }
}

impl Row {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn request(&self, things: &Things, key: &str) -> Request<Body> {
        let body = self.body.map(|body| serde_json::from_str(&things.fill(body)).unwrap());
        request(self.method, &things.fill(self.path), key, body)
    }

    async fn ask(&self, router: &Router, things: &Things, key: &str) -> Answer {
        ask(router, self.request(things, key)).await
    }

    fn keyed() -> impl Iterator<Item = (&'static Self, &'static str)> {
        ROWS.iter().filter_map(|row| Some((row, row.scope?)))
    }
}

#[test]
fn every_operation_has_a_row() {
    let document = crate::openapi::document();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let scope = operation["security"][0]["bearer"].as_array();
            let scope = scope.map(|scopes| scopes.first().map_or("", |scope| scope.as_str().unwrap()));
            described.insert((method.to_uppercase(), anonymous(path), scope.map(ToOwned::to_owned)));
        }
    }
    let row = |row: &Row| {
        let path = row.path.split('?').next().unwrap();
        (row.method.to_owned(), anonymous(path), row.scope.map(ToOwned::to_owned))
    };
    assert_eq!(ROWS.iter().map(row).collect::<BTreeSet<_>>(), described);
}

/// Without the names of the parameters.
fn anonymous(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn who_is_nobody_does_not_reach_the_database() {
    let operations = Operations::all();
    let app = App::counted(&operations).await;
    let owner = app.tenant("owner").await;
    let things = Things::of(&app, &owner).await;
    let mut mistyped = owner.key.clone();
    mistyped.replace_range(20..21, if &mistyped[20..21] == "x" { "y" } else { "x" });
    let before = operations.passed().len();
    for (row, _) in Row::keyed() {
        for key in ["", "secret", &mistyped, "eyJhbGciOiJub25lIn0.e30."] {
            let answer = row.ask(&app.router, &things, key).await;
            assert_eq!((answer.status, answer.code()), (401, "unauthorized"), "{} by `{key}`", row.name());
            assert!(answer.headers.contains_key("www-authenticate"), "{}", row.name());
        }
        let mut without = row.request(&things, "");
        without.headers_mut().remove("authorization");
        assert_eq!(ask(&app.router, without).await.status, 401, "{}", row.name());
    }
    assert_eq!(operations.passed().len(), before, "statements");
    for row in ROWS.iter().filter(|row| row.scope.is_none()) {
        let answer = row.ask(&app.router, &things, "").await;
        assert!(!matches!(answer.code(), "unauthorized" | "insufficient_scope"), "{}: {}", row.name(), answer.body);
    }
}

#[tokio::test]
async fn who_may_not_ask_is_told_why() {
    let app = App::new().await;
    let owner = app.tenant("owner").await;
    let things = Things::of(&app, &owner).await;
    let unknown = kotadb_core::identity::ApiKey::generate(true);
    let past = OffsetDateTime::now_utc() - time::Duration::seconds(1);
    let over = NewKey { expires_at: Some(past), ..NewKey::default() };
    let (_, expired) = app.key_like(owner.id, &SCOPES, over).await;
    let (id, revoked) = app.key_like(owner.id, &SCOPES, NewKey::default()).await;
    app.db.execute(&format!("UPDATE kotadb.api_keys SET revoked_at = now() WHERE id = '{id}'")).await;
    for (row, scope) in Row::keyed() {
        let others: Vec<&str> = SCOPES.into_iter().filter(|other| *other != scope).collect();
        let other = app.key(owner.id, &others).await;
        for (key, status, code) in [
            (unknown.expose(), 401, "unauthorized"),
            (&expired, 401, "key_expired"),
            (&revoked, 401, "key_revoked"),
            (&other, 403, "insufficient_scope"),
        ] {
            if code == "insufficient_scope" && scope.is_empty() {
                continue;
            }
            let answer = row.ask(&app.router, &things, key).await;
            assert_eq!((answer.status, answer.code()), (status, code), "{}: {}", row.name(), answer.body);
        }
        app.db.execute("DELETE FROM kotadb.api_keys WHERE NOT 'tenant:admin' = ANY (scopes)").await;
    }
}

#[tokio::test]
async fn others_and_the_limited_find_nothing() {
    let app = App::new().await;
    let (owner, foreign) = (app.tenant("owner").await, app.tenant("foreign").await);
    let things = Things::of(&app, &owner).await;
    let other = app.register(&owner.key, "owner/other").await["id"].as_str().unwrap().parse().unwrap();
    let only = NewKey { repositories: Some(vec![other]), ..NewKey::default() };
    let (_, limited) = app.key_like(owner.id, &SCOPES, only).await;
    for (row, _) in Row::keyed() {
        for (who, key, status) in [("foreign", &foreign.key, row.foreign), ("limited", &limited, row.limited)] {
            let answer = row.ask(&app.router, &things, key).await;
            assert_eq!(answer.status, status, "{} by {who}: {}", row.name(), answer.body);
            let code = match status {
                404 => "not_found",
                403 => "insufficient_scope",
                503 => "not_configured",
                _ => "",
            };
            assert_eq!(answer.code(), code, "{} by {who}: {}", row.name(), answer.body);
            let body = answer.body.to_string();
            assert!(!body.contains(&things.repository().to_string()), "{} by {who}: {body}", row.name());
            let is_own_name = who == "foreign" && row.name() == "POST /api/v1/repositories";
            assert!(is_own_name || status != 200 || !body.contains("private"), "{} by {who}: {body}", row.name());
        }
    }
}

#[tokio::test]
async fn limits_are_told_on_every_route() {
    let app = App::new().await;
    let (poor, eager) = (app.tenant("poor").await, app.tenant("eager").await);
    let things = Things::of(&app, &app.tenant("owner").await).await;
    app.db
        .execute(
            "INSERT INTO kotadb.plans (name, searches_per_month) VALUES ('no-search', 0);
             INSERT INTO kotadb.plans (name, units_per_minute) VALUES ('slow', 5);
             UPDATE kotadb.tenants SET plan = 'no-search' WHERE name = 'poor';
             UPDATE kotadb.tenants SET plan = 'slow' WHERE name = 'eager'",
        )
        .await;
    // The first one uses all there is.
    let first = app.call("DELETE", "/api/v1/registrations/x", &eager.key, None).await;
    assert_eq!(
        (first.status, &first.headers["ratelimit"], &first.headers["x-ratelimit-remaining"]),
        (404, &"\"default\";r=0;t=60".parse().unwrap(), &"0".parse().unwrap())
    );
    for (row, scope) in Row::keyed() {
        let answer = row.ask(&app.router, &things, &poor.key).await;
        match scope {
            "search" => assert_eq!((answer.status, answer.code()), (403, "quota_exceeded"), "{}", row.name()),
            _ => assert!(answer.code() != "quota_exceeded", "{}: {}", row.name(), answer.body),
        }
        assert!(!answer.headers.contains_key("ratelimit"), "{}: no limit, no header", row.name());
        let answer = row.ask(&app.router, &things, &eager.key).await;
        assert_eq!((answer.status, answer.code()), (429, "rate_limited"), "{}", row.name());
        for (header, value) in [
            ("ratelimit-policy", "\"default\";q=5;w=60"),
            ("x-ratelimit-limit", "5"),
            ("content-type", "application/problem+json"),
        ] {
            assert_eq!(answer.headers[header], value, "{}", row.name());
        }
        let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{}: {wait}", row.name());
    }
}

/// Ids of everything, in every place, by every role of another tenant.
#[tokio::test]
async fn no_role_of_another_tenant_finds_any_id() {
    let app = App::new().await;
    let (owner, foreign) = (app.tenant("owner").await, app.tenant("foreign").await);
    let things = Things::of(&app, &owner).await;
    let mut tx = app.db.db.begin(Scope::Worker).await.unwrap();
    tenants::set_plan(&mut tx, foreign.id, "unlimited").await.unwrap();
    tx.commit().await.unwrap();
    let before = app.db.texts("SELECT md5(string_agg(r::text, '' ORDER BY r.id)) FROM kotadb.repositories r").await;
    let mut asked = 0;
    for role in [Role::Owner, Role::Maintainer, Role::Reader] {
        let key = app.key(foreign.id, &role.scopes()).await;
        for (row, scope) in Row::keyed().filter(|(row, _)| row.path.contains('{')) {
            let (template, query) = row.path.split_once('?').unwrap_or((row.path, ""));
            let query = things.fill(query);
            if !template.contains('{') {
                continue;
            }
            for (_, id) in &things.0 {
                for own in [None, Some(foreign.id.to_string())] {
                    // The tenant's own id leads on to the members of others.
                    let path: Vec<&str> = template.split('/').collect();
                    let is_first = |at: usize| !path[..at].iter().any(|part| part.starts_with('{'));
                    let fill = |(at, part): (usize, &&str)| match (part.starts_with('{'), &own) {
                        (true, Some(own)) if is_first(at) && path.len() > at + 2 => own.clone(),
                        (true, _) => id.clone(),
                        _ => (*part).to_owned(),
                    };
                    let path: Vec<String> = path.iter().enumerate().map(fill).collect();
                    let body = row.body.map(|body| serde_json::from_str(&things.fill(body)).unwrap());
                    let path = format!("{}?{query}", path.join("/"));
                    let answer = app.call(row.method, &path, &key, body).await;
                    let wanted = match role.scopes().contains(&scope) {
                        true => (404, "not_found"),
                        false => (403, "insufficient_scope"),
                    };
                    assert_eq!((answer.status, answer.code()), wanted, "{} as {role:?}: {id}", row.name());
                    asked += 1;
                }
            }
        }
    }
    assert!(asked > 500, "{asked}");
    let after = app.db.texts("SELECT md5(string_agg(r::text, '' ORDER BY r.id)) FROM kotadb.repositories r").await;
    assert_eq!(after, before);
}
