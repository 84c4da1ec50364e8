//! Who may not speak to `/mcp`: the server that is deployed and the one of the suite refuse the same.

use axum::http::HeaderValue;
use serde_json::json;

use super::{furnished, message, with_fixtures};
use crate::app::{App, ask, request};

#[tokio::test]
async fn strangers_are_refused_alike_by_both_servers() {
    let app = App::new().await;
    let key = furnished(&app).await;
    for router in [app.router.clone(), with_fixtures(&app)] {
        let list = |key: &str| message(key, "tools/list", json!({}));
        let mut no_key = list(&key);
        no_key.headers_mut().remove("authorization");
        let refused = ask(&router, no_key).await;
        assert_eq!((refused.status, refused.code()), (401, "unauthorized"));
        let challenge = refused.headers["www-authenticate"].to_str().unwrap();
        let metadata = "https://kotadb.example/.well-known/oauth-protected-resource/mcp";
        assert_eq!(challenge, format!("Bearer resource_metadata=\"{metadata}\", scope=\"search\""));
        for (header, evil) in [("origin", "https://evil.example"), ("origin", "null"), ("host", "evil.example")] {
            let mut asked = list(&key);
            asked.headers_mut().insert(header, HeaderValue::from_static(evil));
            let refused = ask(&router, asked).await;
            assert_eq!(refused.status, 403, "{header}: {evil}: {}", refused.body);
        }
        for (header, ours) in
            [("origin", "https://kotadb.example"), ("host", "kotadb.example"), ("host", "127.0.0.1:80")]
        {
            let mut asked = list(&key);
            asked.headers_mut().insert(header, HeaderValue::from_static(ours));
            assert_eq!(ask(&router, asked).await.status, 200, "{header}: {ours}");
        }
    }
}

#[tokio::test]
async fn a_key_needs_the_scope_and_nothing_is_streamed() {
    let app = App::new().await;
    let key = furnished(&app).await;
    let tenant = app.tenant("two").await;
    let narrow = app.key(tenant.id, &["jobs:read"]).await;
    let refused = ask(&app.router, message(&narrow, "tools/list", json!({}))).await;
    assert_eq!((refused.status, refused.code()), (403, "insufficient_scope"));
    assert!(refused.headers["www-authenticate"].to_str().unwrap().contains("scope=\"search\""));
    for method in ["GET", "DELETE"] {
        let mut asked = request(method, "/mcp", &key, None);
        asked.headers_mut().insert("host", HeaderValue::from_static("localhost"));
        asked.headers_mut().insert("accept", HeaderValue::from_static("text/event-stream"));
        assert_eq!(ask(&app.router, asked).await.status, 405, "{method}");
    }
    let asked = request("GET", "/mcp/tools", "", None);
    assert_eq!(ask(&app.router, asked).await.status, 401);
    let metadata = ask(&app.router, request("GET", "/.well-known/oauth-protected-resource/mcp", "", None)).await;
    assert_eq!((metadata.status, &metadata.body["resource"]), (200, &json!("https://kotadb.example/mcp")));
    assert_eq!(metadata.body["scopes_supported"], json!(["search"]));
}
