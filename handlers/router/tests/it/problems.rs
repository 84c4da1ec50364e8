//! Every refusal is a problem: media type, stable code, request id, and what to do.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::app::{App, request};

#[tokio::test]
async fn refusals_are_problems_with_stable_codes() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let repositories = "/api/v1/repositories";
    let with_type = |kind: &str, body: &str| {
        let request = Request::builder().method("POST").uri(repositories).header("x-api-key", &key);
        request.header("content-type", kind).body(Body::from(body.to_owned())).unwrap()
    };
    let search = |query: &str| request("GET", &format!("/api/v1/search/code?{query}"), &key, None);
    for (request, status, code) in [
        (request("GET", "/nowhere", &key, None), 404, "not_found"),
        (request("PUT", repositories, &key, None), 405, "method_not_allowed"),
        (with_type("text/plain", "{}"), 415, "unsupported_media_type"),
        (with_type("application/json", "{"), 400, "invalid_request"),
        (with_type("application/json", r#"{"url":"a/b","colour":1}"#), 400, "invalid_request"),
        (with_type("application/json", r#"["a/b", []]"#), 400, "invalid_request"),
        (with_type("application/json", "{} {}"), 400, "invalid_request"),
        (with_type("application/json", &" ".repeat(1024 * 1024 + 1)), 413, "payload_too_large"),
        (request("GET", "/api/v1/repositories?limit=0", &key, None), 400, "invalid_request"),
        (request("GET", "/api/v1/repositories?limit=x", &key, None), 400, "invalid_request"),
        (request("GET", "/api/v1/repositories?cursor=x", &key, None), 400, "invalid_request"),
        (request("GET", "/api/v1/repositories/x", &key, None), 404, "not_found"),
        (request("GET", "/api/v1/jobs?x=1", &key, None), 400, "invalid_request"),
        (search("limit=5"), 400, "invalid_request"),
        (search("query=%22open"), 400, "invalid_query"),
        (search("query=a&limit=101"), 400, "invalid_request"),
        (search("query=a&repository=no/such"), 404, "not_found"),
    ] {
        let named = format!("{} {}", request.method(), request.uri());
        let answer = app.send(request).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{named}: {}", answer.body);
        assert_eq!(answer.content_type, "application/problem+json", "{named}");
        assert_eq!(answer.headers["x-request-id"].to_str().unwrap(), answer.body["request_id"], "{named}");
        assert_eq!(answer.body["type"], format!("/errors/{code}"), "{named}");
        assert!(answer.body["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{named}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_whole_number_may_be_written_with_a_fraction_of_zero() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let search = |body: serde_json::Value| app.call("POST", "/api/v1/search/code", &key, Some(body));
    assert_eq!(search(json!({ "query": "x", "limit": 5.0, "context": 1e0 })).await.status, 200);
    let half = search(json!({ "query": "x", "limit": 5.5 })).await;
    assert_eq!((half.status, half.code()), (400, "invalid_request"));
    let unknown = search(json!({ "query": "x", "limit": 5.0, "colour": 1 })).await;
    assert_eq!((unknown.status, unknown.code()), (400, "invalid_request"));
}

#[tokio::test]
async fn a_query_that_is_not_understood_is_explained() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let body = json!({ "query": "fn \"open" });
    let answer = app.call("POST", "/api/v1/search/code", &key, Some(body)).await;
    assert_eq!(answer.status, 400);
    let error = &answer.body["errors"][0];
    assert_eq!((&error["field"], &error["position"]), (&json!("query"), &json!(4)), "{error}");
    assert!(error["help"].as_str().is_some_and(|help| !help.is_empty()), "{error}");
}

#[tokio::test]
async fn keys_are_checked_before_anything_else() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let only_search = app.key(tenant.id, &["search"]).await;
    let mut mistyped = tenant.key.clone();
    mistyped.replace_range(20..21, if &mistyped[20..21] == "x" { "y" } else { "x" });
    let unknown = kotadb_core::identity::ApiKey::generate(false);
    for (key, status, code) in [
        ("", 401, "unauthorized"),
        ("secret", 401, "unauthorized"),
        (mistyped.as_str(), 401, "unauthorized"),
        (unknown.expose(), 401, "unauthorized"),
        (only_search.as_str(), 403, "insufficient_scope"),
        (tenant.key.as_str(), 200, ""),
    ] {
        let answer = app.call("GET", "/api/v1/repositories", key, None).await;
        assert_eq!((answer.status, answer.code()), (status, code), "{key}");
        assert_eq!(answer.headers.contains_key("www-authenticate"), status == 401);
    }
    let without = Request::builder().uri("/api/v1/repositories").body(Body::empty()).unwrap();
    assert_eq!(app.send(without).await.status, 401);
}

#[tokio::test]
async fn without_postgres_or_variables_the_answer_says_so() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://x@{closed}/x?sslmode=disable");
    let config = crate::app::config(&url, &[]);
    let router = kotadb_router::build(kotadb_core::http::Resources::new(config));
    let key = kotadb_core::identity::ApiKey::generate(false);
    let response =
        tower::ServiceExt::oneshot(router, request("GET", "/api/v1/jobs", key.expose(), None)).await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "5");

    let app = App::with(None, &[("KOTADB_MASTER_KEY", "")]).await;
    let tenant = app.tenant("one").await;
    let answer = app.call("POST", "/api/v1/repositories", &tenant.key, Some(json!({ "url": "a/b" }))).await;
    assert_eq!((answer.status, answer.code()), (503, "not_configured"));
    assert_eq!(answer.body["errors"][0]["field"], "KOTADB_MASTER_KEY");
}
