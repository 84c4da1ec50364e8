//! Questions about symbols over a published graph: callers with their sites, what is not known, what others may not see.

use kotadb_core::db::keys::NewKey;
use serde_json::{Value, json};

use crate::app::{Answer, App, Tenant};
use crate::index::{publish_facts, publish_program};
use crate::program::{self, PROGRAM};

struct Asked {
    app: App,
    tenant: Tenant,
    repository: String,
}

impl Asked {
    async fn new() -> Self {
        let app = App::new().await;
        let tenant = app.tenant("one").await;
        let repository = app.register(&tenant.key, "a/b").await["id"].as_str().unwrap().to_owned();
        publish_program(&app.store, tenant.id, &repository, PROGRAM).await;
        Self { app, tenant, repository }
    }

    async fn get(&self, path: &str) -> Answer {
        self.app.call("GET", &format!("/api/v1/{path}"), &self.tenant.key, None).await
    }

    /// Answered with 200.
    async fn body(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.body
    }

    fn of_repository(&self, path: &str) -> String {
        format!("repositories/{}/{path}", self.repository)
    }
}

fn ids(items: &Value) -> Vec<&str> {
    let id = |item: &'static str| move |value: &'_ Value| value[item]["id"].as_str().is_some();
    let items = items.as_array().unwrap();
    let is_nested = items.iter().all(id("symbol"));
    items.iter().map(|item| if is_nested { &item["symbol"] } else { item }["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn callers_have_sites_and_say_what_is_not_known() {
    let asked = Asked::new().await;
    let callers = asked.body("symbols/pool.py%23acquire/callers?repository=a/b").await;
    assert_eq!(ids(&callers["items"]), ["app.py#run", "gen/made.py#made"]);
    let first = &callers["items"][0];
    assert_eq!(
        (&first["path"], &first["confidence"], &first["resolution"]),
        (&json!("app.py"), &json!(0.95), &json!("import"))
    );
    let site = &first["sites"][0];
    assert_eq!((&site["line"], &site["column"], &site["text"]), (&json!(2), &json!(5), &json!("acquire()")));
    assert_eq!(callers["summary"], json!({ "confirmed": 2, "possible": 0, "unresolved_same_name": 0 }));
    let index = &callers["index"];
    assert_eq!((&index["repository"], &index["resolution"]), (&json!("a/b"), &json!("graph")));
    assert_eq!((&index["commit"], index["indexed_at"].is_string()), (&json!("07".repeat(20)), true));
    // Nothing is never said without what is not known. A key that sees one repository need not name it.
    let nobody = asked.body("symbols/lost/callers").await;
    assert_eq!((&nobody["items"], &nobody["summary"]["unresolved_same_name"]), (&json!([]), &json!(1)));
    assert!(nobody["notes"][0].as_str().unwrap().starts_with("1 references by the same name lead nowhere"));
    let tree = asked.body("symbols/acquire/callers?depth=3&path=").await;
    let depths: Vec<_> = tree["items"].as_array().unwrap().iter().map(|item| item["depth"].as_u64().unwrap()).collect();
    assert_eq!(
        (ids(&tree["items"]), depths),
        (vec!["app.py#run", "gen/made.py#made", "test_app.py#test_run"], vec![1, 1, 2])
    );
    assert_eq!(ids(&asked.body("symbols/acquire/callers?path=gen/").await["items"]), ["gen/made.py#made"]);
    assert_eq!(ids(&asked.body("symbols/run/callers?include_tests=false").await["items"]), [""; 0]);
    assert_eq!(ids(&asked.body("symbols/run/callees").await["items"]), ["pool.py#acquire"]);
    assert_eq!(ids(&asked.body("symbols/run/usages").await["items"]), ["test_app.py#test_run"]);
}

#[tokio::test]
async fn pages_of_callers_are_the_list() {
    let asked = Asked::new().await;
    let (mut pages, mut path) = (Vec::new(), "symbols/acquire/callers?depth=2&limit=1".to_owned());
    loop {
        let page = asked.get(&path).await;
        pages.extend(ids(&page.body["items"]).into_iter().map(str::to_owned));
        assert!(!page.body["truncated"].as_bool().unwrap());
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        assert!(page.headers["link"].to_str().unwrap().contains(next));
        path = format!("symbols/acquire/callers?depth=2&limit=1&cursor={next}");
    }
    assert_eq!(pages, ["app.py#run", "gen/made.py#made", "test_app.py#test_run"]);
    let other = asked.body(&asked.of_repository("tree?limit=1")).await["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(asked.get(&format!("symbols/acquire/callers?cursor={other}")).await.code(), "invalid_request");
}

#[tokio::test]
async fn pages_of_impact_and_dependencies_are_the_lists() {
    let asked = Asked::new().await;
    for (list, name) in [
        ("symbols/acquire/impact".to_owned(), "symbol"),
        (asked.of_repository("dependencies?path=pool.py&direction=dependents&depth=2&limit=100"), "path"),
        ("symbols/acquire/implementations".to_owned(), "symbol"),
    ] {
        let whole = asked.body(&list).await;
        assert!(whole["next_cursor"].is_null(), "{list}: {whole}");
        let paged = list.replace("&limit=100", "");
        let mark = if paged.contains('?') { '&' } else { '?' };
        let (mut items, mut path) = (Vec::new(), format!("{paged}{mark}limit=1"));
        loop {
            let page = asked.body(&path).await;
            let found = page["items"].as_array().unwrap().clone();
            assert!(found.len() <= 1, "{path}: {page}");
            items.extend(found);
            let Some(next) = page["next_cursor"].as_str() else { break };
            path = format!("{paged}{mark}limit=1&cursor={next}");
        }
        assert_eq!(json!(items), whole["items"], "{list}");
        assert!(items.iter().all(|item| !item[name].is_null()), "{list}: {items:?}");
    }
    let path = format!("/api/v1/{}", asked.of_repository("impact"));
    let body = json!({ "symbols": ["acquire"], "limit": 1 });
    let first = asked.app.call("POST", &path, &asked.tenant.key, Some(body)).await.body;
    let body = json!({ "symbols": ["acquire"], "limit": 1, "cursor": first["next_cursor"] });
    let second = asked.app.call("POST", &path, &asked.tenant.key, Some(body)).await.body;
    assert_eq!((ids(&first["items"]), ids(&second["items"])), (vec!["app.py#run"], vec!["gen/made.py#made"]));
    assert!(second["next_cursor"].is_null(), "{second}");
    for wrong in [
        "symbols/acquire/impact?limit=0",
        "symbols/acquire/implementations?limit=101",
        "symbols/acquire/impact?cursor=x",
    ] {
        assert_eq!(asked.get(wrong).await.code(), "invalid_request", "{wrong}");
    }
}

#[tokio::test]
async fn a_name_of_several_symbols_is_not_guessed() {
    let asked = Asked::new().await;
    let expected = ["lock.py#close", "pool.py#close"];
    let definitions = asked.body("symbols/close/definition").await;
    assert_eq!(ids(&definitions["items"]), expected);
    for question in ["callers", "callees", "usages", "implementations"] {
        let answer = asked.body(&format!("symbols/close/{question}")).await;
        assert_eq!((ids(&answer["candidates"]), &answer["items"]), (expected.to_vec(), &json!([])), "{question}");
        assert!(answer["notes"][0].as_str().unwrap().starts_with("2 symbols have the name `close`"), "{question}");
    }
    let impact = asked.body("symbols/close/impact").await;
    assert_eq!(ids(&impact["unclear"][0]["candidates"]), expected);
    let one = asked.body("symbols/pool.py%23close/definition").await;
    assert_eq!(
        (ids(&one["items"]), &one["items"][0]["line"], &one["notes"]),
        (vec!["pool.py#close"], &json!(3), &json!([]))
    );
    assert_eq!(asked.body("symbols/nothing/definition").await["items"], json!([]));
}

#[tokio::test]
async fn impact_is_of_symbols_files_and_diffs() {
    let asked = Asked::new().await;
    let of_symbol = asked.body("symbols/acquire/impact").await;
    assert_eq!(ids(&of_symbol["items"]), ["app.py#run", "gen/made.py#made"]);
    assert_eq!(ids(&of_symbol["tests"]), ["test_app.py#test_run"]);
    let post = async |body: Value| {
        let path = format!("/api/v1/{}", asked.of_repository("impact"));
        asked.app.call("POST", &path, &asked.tenant.key, Some(body)).await
    };
    let diff = "--- a/pool.py\n+++ b/pool.py\n@@ -2 +2 @@\n-    pass\n+    return 1\n";
    let of_diff = post(json!({ "diff": diff })).await.body;
    assert_eq!(
        (ids(&of_diff["changed"]), &of_diff["changed"][0]["signature"]),
        (vec!["pool.py#acquire"], &json!(false))
    );
    assert_eq!((&of_diff["items"], &of_diff["tests"]), (&of_symbol["items"], &of_symbol["tests"]));
    let of_file = post(json!({ "symbols": ["pool.py"], "depth": 1 })).await.body;
    assert_eq!((ids(&of_file["items"]), &of_file["tests"]), (vec!["app.py#run", "gen/made.py#made"], &json!([])));
    for wrong in [
        json!({}),
        json!({ "symbols": ["a"], "diff": diff }),
        json!({ "diff": "@@ nonsense" }),
        json!({ "symbols": ["a"], "depth": 6 }),
    ] {
        assert_eq!(post(wrong.clone()).await.code(), "invalid_request", "{wrong}");
    }
}

#[tokio::test]
async fn files_depend_on_each_other_and_a_map_fits() {
    let asked = Asked::new().await;
    let of = async |path: &str| asked.body(&asked.of_repository(path)).await;
    let paths = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(paths(&of("dependencies?path=app.py").await), ["pool.py"]);
    let users = of("dependencies?path=pool.py&direction=dependents&depth=2").await;
    assert_eq!(paths(&users), ["app.py", "gen/made.py", "test_app.py"]);
    assert_eq!(paths(&of("dependencies?path=app.py&role=import").await), [""; 0]);
    let outline = of("outline?path=pool.py").await;
    let names: Vec<_> =
        outline["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!((names, &outline["items"][1]["line"]), (vec!["acquire", "close", "lost"], &json!(3)));
    let map = of("map?bytes=200&focus=acquire").await;
    assert!(map["text"].as_str().unwrap().contains("pool.py\n  1: def acquire():"), "{map}");
    assert!(map["bytes"].as_u64().unwrap() <= 200);
    for (path, status) in [
        ("dependencies?path=none.py", 404),
        ("dependencies?path=app.py&role=thing", 400),
        ("dependencies?path=app.py&depth=6", 400),
        ("dependencies?path=app.py&direction=up", 400),
        ("dependencies", 400),
        ("outline?path=none.py", 404),
        ("map?bytes=1", 400),
        ("map?ref=other", 404),
    ] {
        assert_eq!(asked.get(&asked.of_repository(path)).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_said() {
    let asked = Asked::new().await;
    for (path, status) in [
        ("symbols/acquire/callers?depth=4", 400),
        ("symbols/acquire/callers?depth=0", 400),
        ("symbols/acquire/callers?min_confidence=1.5", 400),
        ("symbols/acquire/callers?min_confidence=NaN", 400),
        ("symbols/acquire/callers?limit=101", 400),
        ("symbols/acquire/callers?cursor=x", 400),
        ("symbols/acquire/callers?nonsense=1", 400),
        ("symbols/%20/callers", 400),
        ("symbols/acquire/impact?depth=6", 400),
        ("symbols/acquire/implementations?direction=up", 400),
        ("symbols/acquire/callers?repository=no/such", 404),
        ("symbols/acquire/callers?ref=other", 404),
        ("symbols/acquire/callers?min_version=99", 409),
        ("symbols/acquire/nothing", 404),
    ] {
        let answer = asked.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
    asked.app.register(&asked.tenant.key, "a/c").await;
    assert!(asked.get("symbols/acquire/callers").await.body["detail"].as_str().unwrap().contains("give `repository`"));
    let empty = asked.get("symbols/acquire/callers?repository=a/c").await;
    assert_eq!(empty.code(), "not_found");
    assert!(empty.body["detail"].as_str().unwrap().contains("nothing of `a/c` is indexed yet"));
}

#[tokio::test]
async fn what_was_answered_is_not_sent_again() {
    let asked = Asked::new().await;
    for path in [
        "symbols/acquire/callers".to_owned(),
        "symbols/acquire/definition".to_owned(),
        asked.of_repository("files?path=app.py"),
        asked.of_repository("tree"),
        asked.of_repository("map"),
    ] {
        let path = format!("/api/v1/{path}");
        let first = asked.app.call("GET", &path, &asked.tenant.key, None).await;
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        assert!(tag.starts_with("W/"), "{path}: {tag}");
        let had = |path: &str| {
            let mut request = crate::app::request("GET", path, &asked.tenant.key, None);
            request.headers_mut().insert("if-none-match", tag.parse().unwrap());
            request
        };
        assert_eq!(asked.app.send(had(&path)).await.status, 304, "{path}");
        let other = if path.contains('?') { format!("{path}&ref=main") } else { format!("{path}?ref=main") };
        assert_eq!(asked.app.send(had(&other)).await.status, 200, "another question: {path}");
    }
}

#[tokio::test]
async fn what_may_not_be_seen_is_not_there() {
    let asked = Asked::new().await;
    let other = asked.app.tenant("two").await;
    let only = asked.app.register(&asked.tenant.key, "a/c").await["id"].as_str().unwrap().parse().unwrap();
    let limits = NewKey { repositories: Some(vec![only]), ..NewKey::default() };
    let (_, limited) = asked.app.key_like(asked.tenant.id, &["search"], limits).await;
    let hidden = format!("/api/v1/{}", asked.of_repository(&format!("snapshots/{}", "07".repeat(20))));
    let paths = [
        "symbols/acquire/callers?repository=a/b".to_owned(),
        "symbols/acquire/definition?repository=a/b".to_owned(),
        format!("symbols/acquire/impact?repository={}", asked.repository),
        asked.of_repository("files?path=app.py"),
        asked.of_repository("tree"),
        asked.of_repository("outline?path=app.py"),
        asked.of_repository("dependencies?path=app.py"),
        asked.of_repository("map"),
    ];
    for path in &paths {
        for key in [&other.key, &limited] {
            let answer = asked.app.call("GET", &format!("/api/v1/{path}"), key, None).await;
            assert_eq!((answer.status, answer.code()), (404, "not_found"), "{path}: {}", answer.body);
            assert!(!answer.body.to_string().contains("acquire()"), "{path}");
        }
    }
    // A commit that was deleted is hidden at once, from whoever has an answer of it, too.
    let tag = asked.get(&paths[3]).await.headers["etag"].clone();
    assert_eq!(asked.app.call("DELETE", &hidden, &asked.tenant.key, None).await.status, 204);
    for path in &paths {
        let mut request = crate::app::request("GET", &format!("/api/v1/{path}"), &asked.tenant.key, None);
        request.headers_mut().insert("if-none-match", tag.clone());
        assert_eq!(asked.app.send(request).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn files_are_read_and_listed() {
    let asked = Asked::new().await;
    let of = async |path: &str| asked.body(&asked.of_repository(path)).await;
    let file = of("files?path=app.py&first_line=2&last_line=2").await;
    assert_eq!(
        (&file["text"], &file["lines"], &file["language"]),
        (&json!("    acquire()\n"), &json!(3), &json!("python"))
    );
    let index = json!({ "repository": "a/b", "ref": "refs/heads/main", "commit": "07".repeat(20) });
    assert_eq!((&file["index"], &file["class"], &file["next_line"]), (&index, &json!("source"), &Value::Null));
    assert_eq!(of("files?path=app.py&max_bytes=12").await["next_line"], 2);
    let paths = |list: &Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect()
    };
    let tree = of("tree").await;
    assert_eq!(paths(&tree), ["app.py", "gen/", "lock.py", "pool.py", "test_app.py"]);
    assert_eq!((&tree["total"], &tree["index"]["commit"]), (&json!(5), &index["commit"]));
    assert_eq!(paths(&of("tree?recursive=true&path=gen").await), ["gen/made.py"]);
    let filtered = of("tree?recursive=true&filter=path:ma").await;
    assert_eq!(
        (paths(&filtered), &filtered["notes"][0]),
        (vec![], &json!("1 generated and vendored files are left out: `generated:yes`, `vendored:yes` show them"))
    );
    let next = of("tree?limit=3").await["next_cursor"].as_str().unwrap().to_owned();
    assert_eq!(paths(&of(&format!("tree?limit=3&cursor={next}")).await), ["pool.py", "test_app.py"]);
    for (path, status) in [
        ("files?path=none.py", 404),
        ("files?path=gen", 400),
        ("files?path=app.py&first_line=9", 400),
        ("files?path=app.py&first_line=0", 400),
        ("files?path=app.py&first_line=3&last_line=2", 400),
        ("files?path=app.py&max_bytes=0", 400),
        ("files?path=app.py&ref=other", 404),
        ("files?path=app.py&min_version=99", 409),
        ("files", 400),
        ("tree?path=none", 404),
        ("tree?filter=text", 400),
        ("tree?limit=0", 400),
    ] {
        assert_eq!(asked.get(&asked.of_repository(path)).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_commit_without_a_graph_is_read_all_the_same() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let repository = app.register(&tenant.key, "a/b").await["id"].as_str().unwrap().to_owned();
    publish_facts(&app.store, tenant.id, &repository, PROGRAM, program::facts).await;
    let get = async |path: &str| app.call("GET", &format!("/api/v1/{path}"), &tenant.key, None).await;
    let outline = get(&format!("repositories/{repository}/outline?path=pool.py")).await;
    assert_eq!((outline.status, &outline.body["index"]["resolution"]), (200, &json!("names only")));
    let callers = get("symbols/acquire/callers").await.body;
    assert_eq!(ids(&callers["items"]), ["app.py#run", "gen/made.py#made"]);
    let first = &callers["items"][0];
    assert_eq!((&first["confidence"], &first["resolution"]), (&json!(0.5), &json!("candidate")));
    assert_eq!((&first["sites"][0]["line"], &first["sites"][0]["text"]), (&json!(2), &json!("acquire()")));
    assert_eq!(callers["summary"], json!({ "confirmed": 0, "possible": 2, "unresolved_same_name": 0 }));
    assert!(callers["notes"][0].as_str().unwrap().starts_with("this commit has no graph"), "{callers}");
    let close = get("symbols/close/callers").await.body;
    assert_eq!((ids(&close["candidates"]), &close["items"]), (vec!["lock.py#close", "pool.py#close"], &json!([])));
    assert_eq!(get("symbols/pool.py%23close/callers").await.body["items"], json!([]));
    assert_eq!(ids(&get("symbols/run/definition").await.body["items"]), ["app.py#run"]);
    assert_eq!(get("symbols/run/callees").await.code(), "not_found");
    let map = get(&format!("repositories/{repository}/map")).await;
    assert_eq!((map.status, map.code()), (404, "not_found"));
    assert!(map.body["detail"].as_str().unwrap().starts_with("there is no graph of this commit"));
}
