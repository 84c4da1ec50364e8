//! Registration, listing, deletion and index requests.

use kotadb_core::testing::hostile_urls;
use serde_json::json;

use crate::app::App;

const PATH: &str = "/api/v1/repositories";

#[tokio::test]
async fn registering_makes_repository_hook_and_job_once() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let body = json!({ "url": "Rust-Lang/rust", "refs": ["main", "release-*"] });
    let first = app.call("POST", PATH, &key, Some(body)).await;
    assert_eq!(first.status, 201, "{}", first.body);
    assert_eq!(first.body["url"], "https://github.com/rust-lang/rust");
    assert_eq!(first.body["refs"], json!(["refs/heads/main", "refs/heads/release-*"]));
    let webhook = &first.body["webhook"];
    assert!(webhook["url"].as_str().unwrap().starts_with("https://kotadb.example/webhooks/github/"), "{webhook}");
    assert_eq!(webhook["secret"].as_str().unwrap().len(), 64);
    let created = first.body["created_at"].as_str().unwrap();
    assert!(created.len() == 24 && created.ends_with('Z'), "{created}");
    let job = app.call("GET", &format!("/api/v1/jobs/{}", first.body["job"].as_str().unwrap()), &key, None).await;
    assert_eq!((&job.body["state"], &job.body["trigger"]), (&json!("queued"), &json!("register")));

    let again = app.call("POST", PATH, &key, Some(json!({ "url": "https://github.com/rust-lang/rust.git" }))).await;
    assert_eq!((again.status, &again.body["id"]), (200, &first.body["id"]), "{}", again.body);
    assert!(again.body["webhook"].is_null() && again.body["job"].is_null());
    assert_eq!((app.count("repositories").await, app.count("hooks").await), ("1".into(), "1".into()));
    let stored = app.db.texts("SELECT encode(secret, 'escape') FROM kotadb.hooks").await.remove(0);
    assert!(!stored.contains(webhook["secret"].as_str().unwrap()), "secrets are sealed at rest");
}

#[tokio::test]
async fn what_must_not_be_fetched_is_refused_by_its_rule() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    for &(url, rule) in hostile_urls::REFUSED {
        let answer = app.call("POST", PATH, &key, Some(json!({ "url": url }))).await;
        assert_eq!((answer.status, answer.code()), (400, "repository_refused"), "{url}");
        assert!(answer.body["detail"].as_str().unwrap().contains(rule), "{url}: {}", answer.body);
    }
    let bad_ref = app.call("POST", PATH, &key, Some(json!({ "url": "a/b", "refs": ["a b"] }))).await;
    assert_eq!((bad_ref.status, &bad_ref.body["errors"][0]["field"]), (400, &json!("refs")));
    assert_eq!(app.count("repositories").await, "0");
}

#[tokio::test]
async fn lists_go_on_behind_the_cursor() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    for name in ["c/c", "a/a", "b/b"] {
        app.register(&key, name).await;
    }
    let mut names = Vec::new();
    let mut path = format!("{PATH}?limit=2");
    loop {
        let page = app.call("GET", &path, &key, None).await;
        assert_eq!((&page.body["total"], &page.body["total_is_exact"]), (&json!(3), &json!(true)));
        names.extend(
            page.body["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        path = format!("{PATH}?limit=2&cursor={cursor}");
    }
    assert_eq!(names, ["a/a", "b/b", "c/c"]);
}

#[tokio::test]
async fn a_deleted_repository_is_gone_at_once() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let repository = app.register(&key, "a/b").await;
    let path = format!("{PATH}/{}", repository["id"].as_str().unwrap());
    assert_eq!(app.call("GET", &path, &key, None).await.body["name"], "a/b");
    assert_eq!(app.call("DELETE", &path, &key, None).await.status, 204);
    for (method, path) in [("GET", path.clone()), ("DELETE", path.clone()), ("POST", format!("{path}/index"))] {
        assert_eq!(app.call(method, &path, &key, None).await.status, 404, "{method} {path}");
    }
    assert_eq!(app.call("GET", PATH, &key, None).await.body["items"], json!([]));
    assert_ne!(app.register(&key, "a/b").await["id"], repository["id"]);
}

#[tokio::test]
async fn index_requests_join_the_queued_job() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    let repository = app.register(&key, "a/b").await;
    let path = format!("{PATH}/{}/index", repository["id"].as_str().unwrap());
    let queued = app.call("POST", &path, &key, None).await;
    assert_eq!(queued.status, 202);
    assert_eq!(queued.body, json!({ "id": repository["job"], "state": "queued", "coalesced": true }));
}
