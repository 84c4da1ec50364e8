//! Entity tags of searches and lists: what is had already is not sent again, and no other key, query or page has the tag.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use kotadb_core::http::Resources;
use kotadb_core::operations::Operations;
use kotadb_core::store::SharedMemory;

use crate::app::{Answer, App, ask, config, request};
use crate::index::publish;

fn asking(path: &str, key: &str, tag: &str) -> Request<Body> {
    let mut request = request("GET", path, key, None);
    request.headers_mut().insert("if-none-match", tag.parse().unwrap());
    request
}

fn tag(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_search_is_tagged_by_what_it_depends_on() {
    let app = App::new().await;
    let (one, two) = (app.tenant("one").await, app.tenant("two").await);
    for tenant in [&one, &two] {
        let repository = app.register(&tenant.key, "a/b").await;
        publish(&app.store, tenant.id, repository["id"].as_str().unwrap(), &[("a.rs", "fn one() {}\nfn one() {}\n")])
            .await;
    }
    let other = app.register(&one.key, "a/other").await;
    let narrow = app.key(one.id, &kotadb_core::db::keys::SCOPES).await;
    let id = other["id"].as_str().unwrap();
    app.db
        .execute(&format!(
            "UPDATE kotadb.api_keys SET repository_ids = ARRAY['{id}'::uuid] WHERE created_at = (SELECT max(created_at) FROM kotadb.api_keys)"
        ))
        .await;
    let search = "/api/v1/search/code?query=one";
    let get = |path: String, key: String| {
        let app = &app;
        async move { app.call("GET", &path, &key, None).await }
    };
    let first = get(search.to_owned(), one.key.clone()).await;
    assert!(tag(&first).starts_with("W/\""), "what it cost is not part of it");
    assert_eq!(tag(&get(search.to_owned(), one.key.clone()).await), tag(&first));
    let page = get(format!("{search}&limit=1"), one.key.clone()).await;
    let cursor = page.body["next_cursor"].as_str().unwrap();
    assert!(page.headers["link"].to_str().unwrap().ends_with("; rel=\"next\""));
    let mut tags = BTreeSet::from([tag(&first), tag(&page)]);
    for (path, key) in [
        (format!("{search}&limit=1&cursor={cursor}"), &one.key),
        (format!("{search}&count=true"), &one.key),
        (format!("{search}&repository=a/b"), &one.key),
        ("/api/v1/search/code?query=two".to_owned(), &one.key),
        (search.to_owned(), &two.key),
        (search.to_owned(), &narrow),
    ] {
        let answer = get(path.clone(), key.clone()).await;
        assert!(tags.insert(tag(&answer)), "{path} has the tag of another answer");
    }
    let had = app.send(asking(search, &one.key, &tag(&first))).await;
    assert_eq!(
        (had.status, had.body.is_null(), had.headers["etag"].to_str().unwrap()),
        (304, true, tag(&first).as_str())
    );
    assert_eq!(app.send(asking(search, &two.key, &tag(&first))).await.status, 200);
    let renewed = other["id"].as_str().unwrap();
    publish(&app.store, one.id, renewed, &[("b.rs", "fn one() {}\n")]).await;
    let now = app.send(asking(search, &one.key, &tag(&first))).await;
    assert!(now.status == 200 && tags.insert(tag(&now)), "the index is another");
}

#[tokio::test]
async fn a_search_that_is_had_reads_head_and_nothing_else() {
    let (memory, operations) = (SharedMemory::default(), Operations::all());
    let app = App::with(Some(memory.counted(&operations)), &[]).await;
    let tenant = app.tenant("one").await;
    let repository = app.register(&tenant.key, "a/b").await;
    publish(&app.store, tenant.id, repository["id"].as_str().unwrap(), &[("a.rs", "fn one() {}\n")]).await;
    let search = "/api/v1/search/code?query=one";
    let gets = || operations.passed().iter().filter(|what| **what == "store get").count();
    // Each by a process of its own, which knows nothing yet.
    let fresh = async |tag: &str| {
        let resources = Resources::new(config(&app.db.pooled_url, &[])).with_store(memory.counted(&operations));
        let before = gets();
        let answer = ask(&kotadb_router::build(resources), asking(search, &tenant.key, tag)).await;
        (answer, gets() - before)
    };
    let (first, whole) = fresh("\"other\"").await;
    let (had, head) = fresh(&tag(&first)).await;
    assert_eq!((had.status, head), (304, 1));
    assert!(whole > head, "a search reads more than HEAD");
}

#[tokio::test]
async fn lists_and_commits_are_tagged_too() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let repository = app.register(&tenant.key, "a/b").await;
    let id = repository["id"].as_str().unwrap();
    publish(&app.store, tenant.id, id, &[("a.rs", "fn one() {}\n")]).await;
    let snapshots = format!("/api/v1/repositories/{id}/snapshots");
    for path in ["/api/v1/repositories", &format!("/api/v1/repositories/{id}"), &snapshots, "/api/v1/jobs"] {
        let first = tag(&app.call("GET", path, &tenant.key, None).await);
        assert_eq!(app.send(asking(path, &tenant.key, &first)).await.status, 304, "{path}");
        assert_eq!(app.send(asking(path, &tenant.key, "\"other\"")).await.status, 200, "{path}");
    }
    let first = tag(&app.call("GET", &snapshots, &tenant.key, None).await);
    let forget = format!("{snapshots}/{}", "07".repeat(20));
    assert_eq!(app.call("DELETE", &forget, &tenant.key, None).await.status, 204);
    assert_eq!(app.send(asking(&snapshots, &tenant.key, &first)).await.status, 200, "a commit of it is hidden");
}

#[tokio::test]
async fn health_is_never_kept() {
    let app = App::new().await;
    let answer = app.call("GET", "/health", "", None).await;
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.headers.contains_key("etag"));
}
