//! `GET /connect`: how an agent or an editor asks this server by MCP, ready to be copied. A key is never written into a file: each
//! reads it from the environment, or asks for it.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::http::scope::Any;
use kotadb_core::http::{Authorized, Resources};
use maud::{Markup, html};

use crate::layout::{Page, Visitor};

/// A program that speaks MCP, where its settings go, and what goes there; `HOST` is the address of this server.
const CLIENTS: [(&str, &str, &str); 7] = [
    (
        "Claude Code",
        "in a terminal",
        "claude mcp add --transport http kotadb HOST/mcp --header \"Authorization: Bearer $KOTADB_API_KEY\"",
    ),
    (
        "Claude Code, for everybody who works on a repository",
        ".mcp.json",
        r#"{
  "mcpServers": {
    "kotadb": { "type": "http", "url": "HOST/mcp", "headers": { "Authorization": "Bearer ${KOTADB_API_KEY}" } }
  }
}"#,
    ),
    (
        "Cursor",
        "~/.cursor/mcp.json",
        r#"{
  "mcpServers": {
    "kotadb": { "url": "HOST/mcp", "headers": { "Authorization": "Bearer ${env:KOTADB_API_KEY}" } }
  }
}"#,
    ),
    (
        "VS Code",
        ".vscode/mcp.json",
        r#"{
  "inputs": [{ "id": "kotadb", "type": "promptString", "password": true, "description": "API key of KotaDB" }],
  "servers": {
    "kotadb": { "type": "http", "url": "HOST/mcp", "headers": { "Authorization": "Bearer ${input:kotadb}" } }
  }
}"#,
    ),
    (
        "Codex",
        "~/.codex/config.toml",
        "[mcp_servers.kotadb]\nurl = \"HOST/mcp\"\nbearer_token_env_var = \"KOTADB_API_KEY\"",
    ),
    (
        "Zed, through the program `kotadb`",
        ".zed/settings.json",
        r#"{
  "context_servers": { "kotadb": { "command": "kotadb", "args": ["mcp", "--url", "HOST/mcp"] } }
}"#,
    ),
    (
        "Any other, without this server",
        "its settings of MCP servers",
        r#"{ "mcpServers": { "kotadb": { "command": "kotadb", "args": ["mcp", "--repo", "."] } } }"#,
    ),
];

/// The page.
pub(crate) async fn show(State(resources): State<Resources>, visitor: Visitor, _: Authorized<Any>) -> Response {
    let host = visitor.origin(&resources);
    let body = html! {
        h1 { "Ask from an agent or an editor" }
        p.lead { "This server speaks MCP at " code { (host) "/mcp" } ". What an agent may see is what its key may." }
        ol {
            li { a href="/account/keys" { "Make a key" } " with the scope " code { "search" } "." }
            li { "Put it into the environment: " code { "export KOTADB_API_KEY=kdb_live_…" } }
            li { "Take the settings of your program from below." }
        }
        @for (nth, (name, place, text)) in CLIENTS.iter().enumerate() { (snippet(nth, name, place, &text.replace("HOST", &host))) }
    };
    Page::new(&visitor, "MCP").show(&body)
}

fn snippet(nth: usize, name: &str, place: &str, text: &str) -> Markup {
    let id = format!("snippet{nth}");
    html! {
        section aria-labelledby=(format!("{id}-title")) {
            div.bar {
                h2 id=(format!("{id}-title")) { (name) " " span.quiet { (place) } }
                button.secondary.copy type="button" data-copy-from=(id) { "Copy" span.unseen { " the settings of " (name) } }
            }
            pre.snippet tabindex="0" { code id=(id) { (text) } }
        }
    }
}
