//! A `POST` with an `Idempotency-Key` is done once, and its answer given as often as it is asked for.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::app::{Answer, App, request};

fn keyed(path: &str, api_key: &str, key: &str, body: Option<Value>) -> Request<Body> {
    let mut request = request("POST", path, api_key, body);
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
}

#[tokio::test]
async fn a_registration_that_is_sent_twice_shows_the_same_secret_and_keeps_it_sealed() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let send = |key: &'static str, body: Value| app.send(keyed("/api/v1/repositories", &tenant.key, key, Some(body)));
    let first = send("a", json!({ "url": "a/b" })).await;
    assert_eq!((first.status, is_replayed(&first)), (201, false), "{}", first.body);
    let again = send("a", json!({ "url": "a/b" })).await;
    assert_eq!((again.status, &again.body, is_replayed(&again)), (201, &first.body, true));
    assert_eq!(again.content_type, "application/json");
    assert_eq!((app.count("repositories").await.as_str(), app.count("jobs").await.as_str()), ("1", "1"));
    let secret = first.body["webhook"]["secret"].as_str().unwrap();
    let kept = app.db.texts("SELECT encode(answer, 'escape') FROM kotadb.idempotent_requests").await;
    assert!(kept.len() == 1 && !kept[0].contains(secret) && !kept[0].contains("webhook"), "{kept:?}");
    let other = send("a", json!({ "url": "a/c" })).await;
    assert_eq!((other.status, other.code()), (422, "idempotency_mismatch"));
    assert_eq!(send("b", json!({ "url": "a/b" })).await.status, 200, "another key is another request");
}

#[tokio::test]
async fn keys_are_of_one_caller_and_one_path() {
    let app = App::new().await;
    let (one, two) = (app.tenant("one").await, app.tenant("two").await);
    let second = app.key(one.id, &kotadb_core::db::keys::SCOPES).await;
    for api_key in [&one.key, &two.key, &second] {
        let answer = app.send(keyed("/api/v1/repositories", api_key, "same", Some(json!({ "url": "a/b" })))).await;
        assert!(matches!(answer.status, 200 | 201) && !is_replayed(&answer), "{}", answer.body);
    }
    let id = app.call("GET", "/api/v1/repositories", &one.key, None).await.body["items"][0]["id"].clone();
    let index = format!("/api/v1/repositories/{}/index", id.as_str().unwrap());
    let answer = app.send(keyed(&index, &one.key, "same", None)).await;
    assert_eq!((answer.status, is_replayed(&answer)), (202, false));
    let answer = app.send(keyed(&format!("{index}?full=true"), &one.key, "same", None)).await;
    assert_eq!((answer.status, answer.code()), (422, "idempotency_mismatch"), "the query is part of the request");
}

#[tokio::test]
async fn refusals_are_not_kept_and_a_key_is_checked_first() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let send = |key: &'static str, url: &'static str| {
        app.send(keyed("/api/v1/repositories", &tenant.key, key, Some(json!({ "url": url }))))
    };
    let refused = send("a", "file:///etc").await;
    assert_eq!((refused.status, refused.code()), (400, "repository_refused"));
    assert_eq!(app.count("idempotent_requests").await, "0");
    assert_eq!(send("a", "a/b").await.status, 201, "nothing was done under this key");
    for key in ["", "x y\u{e9}"] {
        let mut request = request("POST", "/api/v1/repositories", &tenant.key, Some(json!({ "url": "a/b" })));
        request.headers_mut().insert("idempotency-key", axum::http::HeaderValue::from_bytes(key.as_bytes()).unwrap());
        let answer = app.send(request).await;
        assert_eq!((answer.status, answer.code()), (400, "invalid_request"), "{key}");
    }
    let long = app.send(keyed("/api/v1/repositories", &tenant.key, &"k".repeat(256), None)).await;
    assert_eq!((long.status, long.code()), (400, "invalid_request"));
    let nobody = app.send(keyed("/api/v1/repositories", "kdb_live_x", "a", Some(json!({ "url": "a/b" })))).await;
    assert_eq!(nobody.status, 401);
}

#[tokio::test]
async fn while_it_is_answered_the_same_request_waits_its_turn() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let body = || Some(json!({ "url": "a/b" }));
    app.send(keyed("/api/v1/repositories", &tenant.key, "a", body())).await;
    // As if the first were not done yet.
    app.db.execute("UPDATE kotadb.idempotent_requests SET status = NULL, answer = NULL").await;
    let meanwhile = app.send(keyed("/api/v1/repositories", &tenant.key, "a", body())).await;
    assert_eq!((meanwhile.status, meanwhile.code()), (409, "idempotency_in_flight"));
    assert_eq!(meanwhile.headers["retry-after"], "1");
    let sends = (0..8).map(|_| app.send(keyed("/api/v1/repositories", &tenant.key, "many", body())));
    let answers = futures::future::join_all(sends).await;
    let done = answers.iter().filter(|answer| answer.status == 200 && !is_replayed(answer)).count();
    assert_eq!(done, 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_search_takes_no_key_and_stores_nothing() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    for _ in 0..2 {
        let answer = app.send(keyed("/api/v1/search/code", &tenant.key, "a", Some(json!({ "query": "x" })))).await;
        assert_eq!((answer.status, is_replayed(&answer)), (200, false), "{}", answer.body);
    }
    assert_eq!(app.count("idempotent_requests").await, "0");
}
