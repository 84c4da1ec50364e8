//! Another tenant's key sees nothing, on every route.

use kotadb_core::db::{Scope, deletions};
use serde_json::json;

use crate::app::App;
use crate::index::publish;

#[tokio::test]
async fn nothing_of_another_tenant_is_seen_on_any_route() {
    let app = App::new().await;
    let (owner, other) = (app.tenant("owner").await, app.tenant("other").await);
    let repository = app.register(&owner.key, "owner/private").await;
    let (id, job) = (repository["id"].as_str().unwrap(), repository["job"].as_str().unwrap());
    publish(&app.store, owner.id, id, &[("secret.rs", "fn secret_of_owner() {}\n")]).await;
    let search = "/api/v1/search/code";
    let seen = app.call("GET", &format!("{search}?query=secret_of_owner"), &owner.key, None).await;
    assert_eq!(seen.body["items"].as_array().unwrap().len(), 1, "{}", seen.body);

    for (method, path, body) in [
        ("GET", format!("/api/v1/repositories/{id}"), None),
        ("DELETE", format!("/api/v1/repositories/{id}"), None),
        ("POST", format!("/api/v1/repositories/{id}/index"), None),
        ("PATCH", format!("/api/v1/repositories/{id}"), Some(json!({ "priority": 1 }))),
        ("POST", format!("/api/v1/repositories/{id}/webhook/rotate"), None),
        ("GET", format!("/api/v1/repositories/{id}/snapshots"), None),
        ("DELETE", format!("/api/v1/repositories/{id}/snapshots/{}", "07".repeat(20)), None),
        ("GET", format!("/api/v1/jobs/{job}"), None),
        ("POST", format!("/api/v1/jobs/{job}/cancel"), None),
        ("POST", format!("/api/v1/jobs/{job}/retry"), None),
        ("GET", format!("/api/v1/jobs?repository={id}"), None),
        ("GET", "/api/v1/jobs?repository=owner/private".to_owned(), None),
        ("GET", format!("{search}?query=secret&repository={id}"), None),
        ("GET", format!("{search}?query=secret&repository=owner/private"), None),
        ("POST", search.to_owned(), Some(json!({ "query": "secret", "repository": id }))),
    ] {
        let answer = app.call(method, &path, &other.key, body).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{method} {path}: {}", answer.body);
    }
    for path in ["/api/v1/repositories", "/api/v1/jobs", "/api/v1/search/code?query=secret_of_owner"] {
        let answer = app.call("GET", path, &other.key, None).await;
        assert_eq!((answer.status, &answer.body["items"]), (200, &json!([])), "{path}: {}", answer.body);
        assert!(!answer.body.to_string().contains("private"), "{path}");
    }
    let body = json!({ "query": "secret_of_owner repo:owner/private" });
    let answer = app.call("POST", search, &other.key, Some(body)).await;
    assert!(answer.body["items"].as_array().is_none_or(Vec::is_empty), "{}", answer.body);
    let still = app.call("GET", &format!("/api/v1/repositories/{id}"), &owner.key, None).await;
    assert_eq!(still.status, 200);
}

#[tokio::test]
async fn one_url_of_two_tenants_is_two_repositories() {
    let app = App::new().await;
    let (one, two) = (app.tenant("one").await, app.tenant("two").await);
    let (first, second) = (app.register(&one.key, "a/b").await, app.register(&two.key, "a/b").await);
    assert_ne!(first["id"], second["id"]);
    let id = first["id"].as_str().unwrap();
    publish(&app.store, one.id, id, &[("a.rs", "fn only_of_one() {}\n")]).await;
    let found = |key: String| {
        let app = &app;
        async move {
            let answer = app.call("GET", "/api/v1/search/code?query=only_of_one&repository=a/b", &key, None).await;
            answer.body["items"].as_array().unwrap().len()
        }
    };
    assert_eq!((found(one.key).await, found(two.key).await), (1, 0));
}

#[tokio::test]
async fn a_deleted_commit_leaves_search_and_list_at_once() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let repository = app.register(&tenant.key, "a/b").await;
    let id = repository["id"].as_str().unwrap();
    publish(&app.store, tenant.id, id, &[("a.rs", "fn soon_gone() {}\n")]).await;
    let (search, list) = ("/api/v1/search/code?query=soon_gone", format!("/api/v1/repositories/{id}/snapshots"));
    let commit = "07".repeat(20);
    let listed = app.call("GET", &list, &tenant.key, None).await;
    let expected = json!([{ "commit": commit, "is_tip": true, "refs": ["refs/heads/main"], "left_at": null }]);
    assert_eq!((&listed.body["items"], &listed.body["total"]), (&expected, &json!(1)));
    assert_eq!(app.call("GET", search, &tenant.key, None).await.body["items"].as_array().unwrap().len(), 1);
    let no_commit = app.call("DELETE", &format!("{list}/main"), &tenant.key, None).await;
    assert_eq!((no_commit.status, no_commit.code()), (404, "not_found"));
    let purges = async || {
        let mut tx = app.db.db.begin(Scope::Worker).await.unwrap();
        let purges = deletions::of_tenant(&mut tx, tenant.id).await.unwrap().purges;
        tx.commit().await.unwrap();
        purges.len()
    };
    assert_eq!(purges().await, 0);
    let unknown = format!("{list}/{}", "08".repeat(20));
    assert_eq!(app.call("DELETE", &unknown, &tenant.key, None).await.status, 202);
    assert_eq!(purges().await, 1);
    assert_eq!(app.call("GET", &list, &tenant.key, None).await.body["items"], expected);
    let path = format!("{list}/{commit}");
    assert_eq!(app.call("DELETE", &path, &tenant.key, None).await.status, 204);
    assert_eq!(app.call("DELETE", &path, &tenant.key, None).await.status, 404);
    assert_eq!(app.call("GET", search, &tenant.key, None).await.body["items"], json!([]));
    assert_eq!(app.call("GET", &list, &tenant.key, None).await.body["items"], json!([]));
}

#[tokio::test]
async fn a_deleted_repository_leaves_the_search_at_once() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let repository = app.register(&tenant.key, "a/b").await;
    let id = repository["id"].as_str().unwrap();
    publish(&app.store, tenant.id, id, &[("a.rs", "fn soon_gone() {}\n")]).await;
    let path = "/api/v1/search/code?query=soon_gone";
    assert_eq!(app.call("GET", path, &tenant.key, None).await.body["items"].as_array().unwrap().len(), 1);
    app.call("DELETE", &format!("/api/v1/repositories/{id}"), &tenant.key, None).await;
    assert_eq!(app.call("GET", path, &tenant.key, None).await.body["items"], json!([]));
}
