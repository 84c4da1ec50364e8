//! The served description is what the routes say, and the routes are what it describes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use kotadb_core::http::{Resources, openapi};
use serde_json::Value;

use crate::app::{ask, config};

/// Pages for people, and what is for agents and describes itself: the description leaves them out.
const PAGES: &[&str] = &[
    "/account",
    "/account/keys",
    "/account/members",
    "/assets/{name}",
    "/connect",
    "/docs",
    "/docs/api",
    "/docs/{page}",
    "/errors/{code}",
    "/llms.txt",
    "/mcp",
    "/mcp/tools",
    "/mcp/tools/{name}",
    "/repositories",
    "/repositories/{id}",
    "/repositories/{id}/files",
    "/repositories/{id}/files/",
    "/repositories/{id}/files/{*path}",
    "/repositories/{id}/hover/{*path}",
    "/repositories/{id}/jobs",
    "/repositories/{id}/raw/{*path}",
    "/repositories/{id}/symbol",
    "/search",
    "/sign-in",
    "/sign-in/github",
    "/sign-in/github/back",
    "/sign-in/tenant",
    "/sign-out",
    "/suggest",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
];
/// What axum answers all other paths by.
const FALLBACK: [&str; 2] = ["/", "/{*__private__axum_fallback}"];

/// Without Postgres: what is asked here needs none.
fn router() -> Router {
    kotadb_router::build(Resources::new(config("postgres://x@127.0.0.1:1/x?sslmode=disable", &[])))
}

async fn served() -> Value {
    let request = Request::builder().uri("/openapi.json").body(Body::empty()).unwrap();
    let answer = ask(&router(), request).await;
    assert_eq!((answer.status, answer.content_type.as_str()), (200, "application/json"));
    answer.body
}

/// What the routes say of themselves: the document that `handlers/docs` holds.
pub fn document() -> Value {
    openapi::describe(kotadb_router::routes().into_openapi())
}

/// Methods by path, in capitals.
fn operations(document: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let methods = |item: &Value| item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
    document["paths"].as_object().unwrap().iter().map(|(path, item)| (path.clone(), methods(item))).collect()
}

#[tokio::test]
async fn the_served_description_is_what_the_routes_say() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let mut said = serde_json::to_string_pretty(&document()).unwrap();
    said.push('\n');
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &said).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(
        kept == said,
        "`handlers/docs/openapi.json` is not what the routes say: look at the difference after \
         `UPDATE=1 cargo nextest run -p kotadb-router -E 'test(the_served_description)'`, and commit it"
    );
    if std::env::var_os("UPDATE").is_none() {
        assert_eq!(served().await, serde_json::from_str::<Value>(&said).unwrap());
    }
}

/// axum shows the paths of a router in its `Debug` form only: `RouteId(1): "/path"`.
#[test]
fn every_routed_path_is_described_and_every_described_one_routed() {
    let shown = format!("{:?}", kotadb_router::routes().into_router());
    let routed: BTreeSet<&str> =
        shown.split("RouteId(").filter_map(|part| part.split_once("): \"")?.1.split('"').next()).collect();
    let document = document();
    let described = operations(&document);
    let expected = described.keys().map(String::as_str).chain(PAGES.iter().copied()).chain(FALLBACK);
    assert_eq!(routed, expected.collect());
}

#[tokio::test]
async fn every_path_has_the_described_methods_and_no_other() {
    let router = router();
    for (path, mut methods) in operations(&document()) {
        let uri = path.replace("{id}", "0190b0a0-0000-7000-8000-000000000001").replace("{commit}", &"07".repeat(20));
        let uri = uri.replace("{symbol}", "acquire");
        let request = Request::builder().method("TRACE").uri(&uri).body(Body::empty()).unwrap();
        let answer = ask(&router, request).await;
        assert_eq!((answer.status, answer.code()), (405, "method_not_allowed"), "{path}");
        // axum answers HEAD wherever it answers GET.
        if methods.contains("GET") {
            methods.insert("HEAD".to_owned());
        }
        let allowed = answer.headers["allow"].to_str().unwrap();
        let allowed: BTreeSet<String> = allowed.split(',').map(|method| method.trim().to_owned()).collect();
        assert_eq!(allowed, methods, "{path}");
    }
}

#[test]
fn names_and_references_of_the_description_hold() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "`{id}` names two operations");
            for field in ["summary", "tags"] {
                assert!(operation.get(field).is_some(), "{method} {path} has no {field}");
            }
        }
    }
    walk(&document, &mut |key, value| match (key, value.as_str()) {
        ("$ref", Some(place)) => {
            let pointer = place.strip_prefix('#').unwrap_or_else(|| panic!("`{place}` is elsewhere"));
            assert!(document.pointer(pointer).is_some(), "nothing is at `{place}`");
        }
        ("operationId", Some(id)) => assert!(ids.contains(id), "no operation is called `{id}`"),
        _ => {}
    });
}

fn walk(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            visit(key, value);
            walk(value, visit);
        }),
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        _ => {}
    }
}
