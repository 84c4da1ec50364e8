//! Code search over a published index.

use serde_json::json;

use crate::app::{Answer, App};
use crate::index::publish;

const FILES: [(&str, &str); 2] = [("a.rs", "fn alpha() {}\nfn beta() {}\n"), ("b.py", "def alpha():\n    pass\n")];

const NOTHING_SEARCHED: &str = "nothing was searched: no indexed repository of this key has such a name or ref";

/// One repository of one tenant, published, and how to ask it.
struct Asked {
    app: App,
    key: String,
}

impl Asked {
    async fn of(files: &[(&str, &str)]) -> Self {
        let app = App::new().await;
        let tenant = app.tenant("one").await;
        let repository = app.register(&tenant.key, "a/b").await;
        publish(&app.store, tenant.id, repository["id"].as_str().unwrap(), files).await;
        Self { app, key: tenant.key }
    }

    /// `query` as the query string has it, further parameters included.
    async fn get(&self, query: &str) -> Answer {
        self.app.call("GET", &format!("/api/v1/search/code?query={query}"), &self.key, None).await
    }

    /// The paths of the hits.
    async fn paths(&self, query: &str) -> Vec<String> {
        let answer = self.get(query).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        let path = |item: &serde_json::Value| item["path"].as_str().unwrap().to_owned();
        answer.body["items"].as_array().unwrap().iter().map(path).collect()
    }
}

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
    assert_eq!(answer.body["notes"], json!([NOTHING_SEARCHED]));
}

#[tokio::test]
async fn types_answer_lines_files_or_paths() {
    let asked = Asked::of(&[("alpha.md", "# beta\n"), ("b.rs", "alpha\nno\nalpha\n")]).await;
    assert_eq!(asked.paths("alpha").await, ["b.rs", "b.rs"]);
    assert_eq!(asked.paths("alpha+type:line").await, ["b.rs", "b.rs"]);
    let files = asked.get("alpha+type:file").await.body;
    let item = &files["items"][0];
    assert_eq!((&item["path"], item.get("line"), item.get("text")), (&json!("b.rs"), None, None), "{files}");
    assert_eq!(files["items"].as_array().unwrap().len(), 1);
    assert_eq!(asked.paths("alpha+type:path").await, ["alpha.md"]);
    let wrong = asked.get("alpha+type:symbols").await;
    assert_eq!((wrong.status, wrong.code()), (400, "invalid_query"));
    assert_eq!(wrong.body["errors"][0]["field"], "query", "{}", wrong.body);
}

#[tokio::test]
async fn generated_and_vendored_files_are_hidden_and_counted() {
    let files =
        [("a.rs", "alpha\n"), ("gen/a.rs", "alpha 1\n"), ("gen/b.rs", "alpha 2\n"), ("vendor/a.rs", "alpha 3\n")];
    let asked = Asked::of(&files).await;
    assert_eq!(asked.paths("alpha").await, ["a.rs"]);
    assert_eq!(asked.paths("alpha+generated:yes").await, ["a.rs", "gen/a.rs", "gen/b.rs"]);
    assert_eq!(asked.paths("alpha+generated:only").await, ["gen/a.rs", "gen/b.rs"]);
    assert_eq!(asked.paths("alpha+vendored:only").await, ["vendor/a.rs"]);
    let counted = asked.get("alpha&count=true").await.body;
    let notes = [
        "2 hidden in generated files: `generated:yes` shows them",
        "1 hidden in vendored files: `vendored:yes` shows them",
    ];
    assert_eq!((&counted["notes"], &counted["total"]), (&json!(notes), &json!(1)));
    let all = asked.get("alpha+generated:yes+vendored:yes&count=true").await.body;
    assert_eq!((&all["notes"], &all["total"]), (&json!([]), &json!(4)));
}

#[tokio::test]
async fn an_index_older_than_was_asked_for_does_not_answer() {
    let asked = Asked::of(&FILES).await;
    let version = asked.get("alpha").await.body["index"]["root_version"].as_u64().unwrap();
    let there = asked.get(&format!("alpha&min_version={version}")).await;
    assert_eq!((there.status, &there.body["index"]["root_version"]), (200, &json!(version)));
    let early = asked.get(&format!("alpha&min_version={}", version + 1)).await;
    assert_eq!((early.status, early.code()), (409, "index_behind"), "{}", early.body);
    let first = asked.get("alpha&limit=1").await.body;
    let rest = format!("alpha&cursor={}&min_version=", first["next_cursor"].as_str().unwrap());
    assert_eq!(asked.get(&format!("{rest}{version}")).await.status, 200);
    assert_eq!(asked.get(&format!("{rest}{}", version + 1)).await.code(), "index_behind");
    assert_eq!(asked.get("alpha&min_version=-1").await.code(), "invalid_request");
}

#[tokio::test]
async fn an_answer_says_whether_it_is_complete_and_why_not() {
    let asked = Asked::of(&FILES).await;
    let state = |answer: &Answer| (answer.body["index"]["complete"].clone(), answer.body["index"]["reason"].clone());
    let whole = asked.get("alpha").await;
    assert_eq!((state(&whole), &whole.body["notes"]), ((json!(true), json!(null)), &json!([])));
    let page = asked.get("alpha&limit=1").await;
    assert_eq!(state(&page), (json!(false), json!("limit")));
    assert_eq!(page.body["notes"], json!(["there may be more matches: ask with `cursor`"]));
    for nowhere in ["alpha+repo:nope", "alpha+ref:nope"] {
        let answer = asked.get(nowhere).await.body;
        assert_eq!((&answer["index"]["refs"], &answer["notes"]), (&json!(0), &json!([NOTHING_SEARCHED])), "{nowhere}");
    }
    for wrong in ["0", "10001", "x"] {
        assert_eq!(asked.get(&format!("alpha&timeout_ms={wrong}")).await.code(), "invalid_request", "{wrong}");
    }
}
