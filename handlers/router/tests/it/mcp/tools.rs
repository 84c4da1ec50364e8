//! What the tools answer over HTTP, and what others may not see.

use std::time::Duration;

use kotadb_core::db::jobs::{self, Spend};
use kotadb_core::operations::Operations;
use serde_json::{Value, json};

use super::{FILES, furnished, message, say};
use crate::app::App;
use crate::index::publish;
use crate::webhooks;

async fn call(app: &App, key: &str, name: &str, arguments: Value) -> Value {
    let answer = say(app, key, "tools/call", json!({ "name": name, "arguments": arguments })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["result"].clone()
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

#[tokio::test]
async fn code_is_found_and_read_with_its_freshness() {
    let app = App::new().await;
    let key = furnished(&app).await;
    let found = call(&app, &key, "search_code", json!({ "query": "acquire" })).await;
    assert_eq!(found["structuredContent"]["items"][0]["path"], "src/main.rs", "{found}");
    let fresh = &found["structuredContent"]["freshness"][0];
    assert_eq!((&fresh["repository"], &fresh["commit"]), (&json!("acme/app"), &json!("07".repeat(20))));
    assert!(fresh["indexed_at"].is_string());
    let lines: Vec<_> = text(&found).lines().collect();
    assert!(lines[0].starts_with("acme/app @ 070707070707 indexed 20"), "{lines:?}");
    assert!(lines.contains(&"  2:     pool().acquire();"), "{lines:?}");
    let read =
        call(&app, &key, "read_file", json!({ "repo": "acme/app", "path": "src/pool.rs", "start": 2, "end": 3 })).await;
    assert!(text(&read).contains("2: fn pool() -> Pool {\n3:     Pool\n"), "{read}");
    let listed = call(&app, &key, "list_repositories", json!({})).await;
    assert_eq!(listed["structuredContent"]["items"][0]["repository"], "acme/app");
    let queued = call(&app, &key, "index_repository", json!({})).await;
    assert_eq!(queued["structuredContent"]["status"], "queued", "{queued}");
    let status = call(&app, &key, "get_index_status", json!({ "repo": "acme/app" })).await;
    assert_eq!(status["structuredContent"]["job"], queued["structuredContent"]["job"]);
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let app = App::new().await;
    let key = furnished(&app).await;
    for (name, arguments, told) in [
        ("search_code", json!({ "query": "" }), "give 1 to 1024"),
        ("search_code", json!({ "query": "a", "limit": 101 }), "give 1 to 100"),
        ("search_code", json!({ "query": "a", "max_tokens": 5 }), "give 256 to 20000"),
        ("search_code", json!({ "query": "/(/" }), "invalid_query"),
        ("search_code", json!({ "query": "a", "nonsense": 1 }), "nonsense"),
        ("search_code", json!({ "query": "a", "repo": "no/such" }), "no repository"),
        ("read_file", json!({ "path": "gone.rs" }), "gone.rs"),
        ("analyze_impact", json!({}), "`diff`"),
    ] {
        let result = call(&app, &key, name, arguments.clone()).await;
        assert_eq!(result["isError"], true, "{name} {arguments}: {result}");
        assert!(text(&result).contains(told), "{name} {arguments}: {result}");
    }
    let unknown = say(&app, &key, "tools/call", json!({ "name": "no_such", "arguments": {} })).await;
    assert_eq!(unknown.body["error"]["code"], -32602, "{}", unknown.body);
}

#[tokio::test]
async fn another_tenant_sees_nothing() {
    let app = App::new().await;
    furnished(&app).await;
    let other = app.tenant("two").await.key;
    for (name, arguments) in [
        ("search_code", json!({ "query": "acquire" })),
        ("search_symbols", json!({ "name": "pool" })),
        ("list_repositories", json!({})),
    ] {
        let result = call(&app, &other, name, arguments).await;
        assert_eq!(result["structuredContent"]["items"], json!([]), "{result}");
        assert!(!result.to_string().contains("acme/app"), "{result}");
    }
    for name in ["search_code", "read_file", "get_repo_map", "find_callers", "get_index_status", "index_repository"] {
        let arguments = match name {
            "search_code" => json!({ "query": "acquire", "repo": "acme/app" }),
            "read_file" => json!({ "path": "src/pool.rs", "repo": "acme/app" }),
            "find_callers" => json!({ "symbol": "pool", "repo": "acme/app" }),
            _ => json!({ "repo": "acme/app" }),
        };
        let result = call(&app, &other, name, arguments).await;
        assert_eq!(result["isError"], true, "{name}: {result}");
        assert!(text(&result).contains("not_found"), "{name}: {result}");
    }
    let read =
        say(&app, &other, "resources/read", json!({ "uri": "kotadb://file/src/pool.rs?repository=acme/app" })).await;
    assert!(read.body["error"]["message"].as_str().unwrap().contains("not_found"), "{}", read.body);
}

#[tokio::test]
async fn the_bridge_gives_the_same_answers() {
    let app = App::new().await;
    let key = furnished(&app).await;
    let listed = app.call("GET", "/mcp/tools", &key, None).await;
    let protocol = say(&app, &key, "tools/list", json!({})).await;
    assert_eq!(listed.body["tools"], protocol.body["result"]["tools"]);
    assert_eq!(listed.body["tools"].as_array().unwrap().len(), 15);
    let asked = json!({ "query": "acquire" });
    let bridged = app.call("POST", "/mcp/tools/search_code", &key, Some(asked.clone())).await;
    let called = call(&app, &key, "search_code", asked).await;
    assert_eq!(bridged.body["structuredContent"], called["structuredContent"]);
    assert_eq!(app.call("POST", "/mcp/tools/no_such", &key, Some(json!({}))).await.status, 404);
    assert_eq!(app.call("GET", "/mcp/tools?toolset=nonsense", &key, None).await.status, 400);
}

/// What pushes told is missing until it is indexed; of other refs, and where the branch was rewritten, nobody knows.
#[tokio::test]
async fn an_answer_says_how_many_commits_it_is_behind() {
    let app = App::new().await;
    let hook = webhooks::hook(&app, "one", json!({ "url": "a/b" })).await;
    let tenant = app.tenant("one").await;
    publish(&app.store, tenant.id, hook.repository["id"].as_str().unwrap(), &FILES).await;
    app.db.execute("UPDATE kotadb.repositories SET indexed_at = now()").await;
    let commits = |n: usize| json!(vec![json!({ "id": "1" }); n]);
    let behind = async |tool: &str, arguments: Value| {
        let answer = call(&app, &hook.key, tool, arguments).await["structuredContent"].clone();
        let fresh = if answer["freshness"].is_array() { &answer["freshness"][0] } else { &answer };
        fresh["behind_by"].clone()
    };
    let search = json!({ "query": "acquire" });
    assert_eq!(behind("search_code", search.clone()).await, 0);
    // The first delivery of a hook is taken by itself, the others in batches.
    for (ref_name, n, forced, expected) in [
        ("refs/heads/main", 3, false, json!(3)),
        ("refs/heads/main", 2, false, json!(5)),
        ("refs/heads/main", 1, true, Value::Null),
    ] {
        let mut push = webhooks::push(ref_name);
        (push["commits"], push["forced"]) = (commits(n), json!(forced));
        assert_eq!(webhooks::Delivery::of(&hook, "push", &push).send(&app).await.status, 202);
        for (tool, arguments) in [
            ("search_code", search.clone()),
            ("search_symbols", json!({ "name": "pool" })),
            ("read_file", json!({ "path": "src/main.rs" })),
            ("get_index_status", json!({})),
        ] {
            // No symbol was found, so no repository is spoken of.
            let is_silent = tool == "search_symbols";
            assert_eq!(behind(tool, arguments).await, if is_silent { Value::Null } else { expected.clone() }, "{tool}");
        }
    }
    app.db.execute("UPDATE kotadb.jobs SET state = 'done', finished_at = now()").await;
    assert_eq!(behind("search_code", search.clone()).await, 0);
    let listed = call(&app, &hook.key, "list_repositories", json!({})).await;
    assert_eq!(listed["structuredContent"]["items"][0]["behind_by"], 0, "{listed}");
}

#[tokio::test]
async fn a_repository_that_is_new_is_registered_with_the_scope_for_it() {
    let app = App::new().await;
    let tenant = app.tenant("one").await;
    let new = call(&app, &tenant.key, "index_repository", json!({ "url": "acme/new" })).await;
    assert_eq!(
        (&new["structuredContent"]["repository"], &new["structuredContent"]["status"]),
        (&json!("acme/new"), &json!("queued"))
    );
    assert!(!new.to_string().contains("whsec") && text(&new).contains("its webhook: "), "{new}");
    assert_eq!(app.count("jobs WHERE trigger = 'register'").await, "1");
    let again = call(&app, &tenant.key, "index_repository", json!({ "url": "https://github.com/acme/new" })).await;
    assert_eq!(again["structuredContent"]["job"], new["structuredContent"]["job"], "it is queued already");
    assert_eq!(app.count("repositories").await, "1");
    for (scopes, told) in
        [(&["search", "jobs:write"][..], "`repositories:write`"), (&["search", "repositories:write"], "`jobs:write`")]
    {
        let narrow = app.key(tenant.id, scopes).await;
        let refused = call(&app, &narrow, "index_repository", json!({ "url": "acme/new" })).await;
        assert!(refused["isError"] == true && text(&refused).contains(told), "{refused}");
    }
    let refused = call(&app, &tenant.key, "index_repository", json!({ "url": "http://127.0.0.1/x" })).await;
    assert_eq!(refused["isError"], true, "{refused}");
}

/// Steps come while the job runs, each further than the one before, and the answer last.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_progress_is_told_the_steps_of_the_job() {
    let app = App::new().await;
    let key = furnished(&app).await;
    let params = json!({ "name": "index_repository", "arguments": {}, "_meta": { "progressToken": "p" } });
    let (router, asked) = (app.router.clone(), message(&key, "tools/call", params));
    let answer = tokio::spawn(async move {
        let response = tower::ServiceExt::oneshot(router, asked).await.unwrap();
        http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes()
    });
    while app.count("jobs WHERE state = 'queued'").await != "1" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(400)).await;
    let claimed = jobs::claim(&app.db.db, "one", Duration::from_secs(60), Spend::Guarded).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    jobs::complete(&app.db.db, &claimed, Some(&"07".repeat(20)), &json!({})).await.unwrap();
    let body = String::from_utf8(answer.await.unwrap().to_vec()).unwrap();
    let said: Vec<Value> =
        body.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok()).collect();
    let (last, steps) = said.split_last().unwrap();
    assert_eq!(last["result"]["structuredContent"]["status"], "indexed", "{body}");
    let told = |step: &Value| (step["params"]["progress"].as_f64().unwrap(), step["params"]["message"].clone());
    let told: Vec<_> = steps.iter().map(told).collect();
    assert!(
        told.iter().any(|(_, message)| message == "queued") && told.iter().any(|(_, message)| message == "claimed"),
        "{body}"
    );
    assert!(told.windows(2).all(|pair| pair[0].0 < pair[1].0), "{told:?}");
    assert!(steps.iter().all(|step| step["params"]["progressToken"] == "p"), "{body}");
}

#[tokio::test]
async fn a_call_that_the_index_answers_asks_postgres_who_asks_and_how_far_it_is_behind() {
    let operations = Operations::all();
    let app = App::counted(&operations).await;
    let key = furnished(&app).await;
    for (name, arguments) in [
        ("search_code", json!({ "query": "acquire" })),
        ("search_symbols", json!({ "name": "pool" })),
        ("read_file", json!({ "path": "src/pool.rs" })),
    ] {
        let before = operations.passed().len();
        call(&app, &key, name, arguments).await;
        let passed = operations.passed()[before..].to_vec();
        let n = passed.iter().filter(|passed| passed.starts_with("database")).count();
        assert!(
            passed.iter().filter(|passed| **passed == "database call").count() <= 2 && n <= 4,
            "{name}: {passed:?}"
        );
    }
}
