//! Code search over a published index.

use serde_json::json;

use crate::app::App;
use crate::index::publish;

const FILES: [(&str, &str); 2] = [("a.rs", "fn alpha() {}\nfn beta() {}\n"), ("b.py", "def alpha():\n    pass\n")];

#[tokio::test]
async fn get_and_post_answer_the_same_lines() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let repository = app.register(&tenant.key, "a/b").await;
    let id = repository["id"].as_str().unwrap();
    publish(&app.store, tenant.id, id, &FILES).await;
    let got = app.call("GET", "/api/v1/search/code?query=alpha", &tenant.key, None).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let items = got.body["items"].as_array().unwrap();
    let lines: Vec<_> =
        items.iter().map(|item| (item["path"].as_str().unwrap(), item["line"].as_u64().unwrap())).collect();
    assert_eq!(lines, [("a.rs", 1), ("b.py", 1)], "{}", got.body);
    assert_eq!(items[0]["text"], "fn alpha() {}");
    let posted = json!({ "query": "alpha", "repository": "A/B" });
    let posted = app.call("POST", "/api/v1/search/code", &tenant.key, Some(posted)).await;
    assert_eq!(posted.body["items"], got.body["items"]);
    let by_id = format!("/api/v1/search/code?query=alpha+lang:python&repository={id}");
    let by_id = app.call("GET", &by_id, &tenant.key, None).await;
    assert_eq!(by_id.body["items"].as_array().unwrap().len(), 1);
    let limited = app.call("GET", "/api/v1/search/code?query=alpha&limit=1", &tenant.key, None).await;
    assert_eq!(limited.body["items"].as_array().unwrap().len(), 1);
    let cursor = limited.body["next_cursor"].as_str().unwrap();
    assert_eq!((&limited.body["truncated"], &limited.body["index"]["reason"]), (&json!(false), &json!("limit")));
    let rest = format!("/api/v1/search/code?query=alpha&cursor={cursor}");
    let rest = app.call("GET", &rest, &tenant.key, None).await;
    assert_eq!(rest.body["items"], json!([items[1]]), "{}", rest.body);
    assert_eq!((&rest.body["next_cursor"], &got.body["next_cursor"]), (&json!(null), &json!(null)));
}

#[tokio::test]
async fn counts_facets_context_and_scores_come_when_asked_for() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let repository = app.register(&tenant.key, "a/b").await;
    publish(&app.store, tenant.id, repository["id"].as_str().unwrap(), &FILES).await;
    let ask = async |more: &str| {
        app.call("GET", &format!("/api/v1/search/code?query=alpha&limit=1&{more}"), &tenant.key, None).await
    };
    let plain = ask("").await.body;
    assert!(plain.get("facets").is_none() && plain["items"][0].get("score").is_none());
    let all = ask("count=true&facets=true&context=1&explain=true").await.body;
    assert_eq!((&all["total"], &all["total_is_exact"]), (&json!(2), &json!(true)));
    assert_eq!(all["facets"]["languages"].as_array().unwrap().len(), 2);
    assert_eq!(all["facets"]["repositories"], json!([{ "value": "a/b", "files": 2 }]));
    assert_eq!((&all["facets"]["exact"], &all["items"][0]["after"]), (&json!(true), &json!(["fn beta() {}"])));
    assert_eq!(all["items"][0]["score_parts"]["definition"], json!(5000), "{all}");
    for wrong in ["cursor=x", "context=11", "nonsense=1"] {
        assert_eq!(ask(wrong).await.status, 400, "{wrong}");
    }
    let cursor = plain["next_cursor"].as_str().unwrap();
    let foreign = format!("/api/v1/search/code?query=beta&cursor={cursor}");
    assert_eq!(app.call("GET", &foreign, &tenant.key, None).await.status, 400);
}

#[tokio::test]
async fn a_repository_without_an_index_has_no_matches() {
    let app = App::new().await;
    let key = app.tenant("one").await.key;
    app.register(&key, "a/b").await;
    let answer = app.call("GET", "/api/v1/search/code?query=alpha", &key, None).await;
    assert_eq!((answer.status, &answer.body["items"]), (200, &json!([])), "{}", answer.body);
}
