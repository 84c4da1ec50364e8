//! What the tools answer over HTTP, and what others may not see.

use kotadb_core::operations::Operations;
use serde_json::{Value, json};

use super::{furnished, say};
use crate::app::App;

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

#[tokio::test]
async fn a_call_that_the_index_answers_asks_postgres_who_asks_and_nothing_else() {
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
            passed.iter().filter(|passed| **passed == "database call").count() <= 1 && n <= 3,
            "{name}: {passed:?}"
        );
    }
}
