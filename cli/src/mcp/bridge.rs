//! `kotadb mcp --url`: carries messages between a client that speaks over standard input and output and a service that speaks
//! HTTP. It understands as much of them as HTTP needs: their method, their name, and the version that was agreed on.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, bail};
use kotadb_core::crypto::Secret;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Stdout, stdin, stdout};
use tokio::task::JoinSet;

use crate::server::address;

/// Where a request of the present protocol says its version.
const META_VERSION: &str = "/params/_meta/io.modelcontextprotocol~1protocolVersion";
/// JSON-RPC's code of what a server answers that it cannot do its work.
const SERVER_ERROR: i64 = -32000;

/// Carries messages until the client closes our input.
pub async fn run(url: &str, key: Option<Secret>, toolset: Option<&str>) -> anyhow::Result<()> {
    let bridge = Bridge::new(url, key, toolset)?;
    let mut lines = BufReader::new(stdin()).lines();
    let mut requests = JoinSet::new();
    while let Some(line) = lines.next_line().await.context("cannot read from the client")? {
        if line.trim().is_empty() {
            continue;
        }
        let bridge = bridge.clone();
        // A slow answer holds nobody up.
        requests.spawn(async move { bridge.carry(&line).await });
    }
    while let Some(done) = requests.join_next().await {
        done.context("a message was lost")??;
    }
    Ok(())
}

#[derive(Clone)]
struct Bridge {
    client: Client,
    url: Url,
    key: Option<Secret>,
    /// The version that `initialize` agreed on.
    version: Arc<Mutex<Option<String>>>,
    out: Arc<tokio::sync::Mutex<Stdout>>,
}

impl Bridge {
    fn new(url: &str, key: Option<Secret>, toolset: Option<&str>) -> anyhow::Result<Self> {
        let mut url = address("--url", url)?;
        if let Some(toolset) = toolset {
            url.query_pairs_mut().append_pair("toolset", toolset);
        }
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let out = Arc::new(tokio::sync::Mutex::new(stdout()));
        Ok(Self { client, url, key, version: Arc::default(), out })
    }

    /// Sends one message and writes what is answered. A service that is away is told to the client, not to the terminal.
    async fn carry(&self, line: &str) -> anyhow::Result<()> {
        let message: Value = match serde_json::from_str(line) {
            Ok(message) => message,
            Err(error) => return self.write(&failure(&Value::Null, -32700, &format!("no JSON: {error}"))).await,
        };
        let id = message.get("id").cloned();
        let answered = async {
            let response = self.request(&message).body(line.to_owned()).send().await?;
            self.answers(&message, response).await
        };
        match (answered.await, id) {
            (Ok(answers), _) => {
                for answer in answers {
                    self.write(&answer).await?;
                }
                Ok(())
            }
            (Err(error), Some(id)) => self.write(&failure(&id, SERVER_ERROR, &format!("{error:#}"))).await,
            (Err(_), None) => Ok(()),
        }
    }

    fn request(&self, message: &Value) -> RequestBuilder {
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        let mut request = self.client.post(self.url.clone());
        request =
            request.header(CONTENT_TYPE, "application/json").header(ACCEPT, "application/json, text/event-stream");
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose());
        }
        let agreed = self.version.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(version) = text(META_VERSION).map(ToOwned::to_owned).or(agreed) {
            request = request.header("MCP-Protocol-Version", version);
        }
        if text(META_VERSION).is_some() {
            let method = text("/method").map(|method| ("Mcp-Method", method));
            let name = text("/params/name").or_else(|| text("/params/uri")).map(|name| ("Mcp-Name", name));
            for (header, value) in method.into_iter().chain(name) {
                request = request.header(header, value);
            }
        }
        request
    }

    async fn answers(&self, message: &Value, response: Response) -> anyhow::Result<Vec<Value>> {
        let status = response.status();
        let kind =
            response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
        let body = response.text().await?;
        if status == StatusCode::ACCEPTED || body.is_empty() && status.is_success() {
            return Ok(Vec::new());
        }
        let answers: Vec<Value> = match kind.starts_with("text/event-stream") {
            true => {
                body.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok()).collect()
            }
            false => serde_json::from_str(&body)
                .into_iter()
                .filter(|answer: &Value| answer.get("jsonrpc").is_some())
                .collect(),
        };
        if answers.is_empty() {
            let problem: Value = serde_json::from_str(&body).unwrap_or_default();
            bail!("the service answers {status}: {}", problem["detail"].as_str().unwrap_or("that is no MCP server"));
        }
        if message["method"] == "initialize" {
            let version = answers.iter().find_map(|answer| answer.pointer("/result/protocolVersion")?.as_str());
            *self.version.lock().unwrap_or_else(PoisonError::into_inner) = version.map(ToOwned::to_owned);
        }
        Ok(answers)
    }

    async fn write(&self, message: &Value) -> anyhow::Result<()> {
        let mut out = self.out.lock().await;
        out.write_all(format!("{message}\n").as_bytes()).await?;
        Ok(out.flush().await?)
    }
}

fn failure(id: &Value, code: i64, told: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": told } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_travels_in_the_clear() {
        assert!(Bridge::new("http://code.example/mcp", Some(Secret::new("k")), None).is_err());
        assert!(Bridge::new("http://127.0.0.1:8080/mcp", Some(Secret::new("k")), None).is_ok());
        let bridge = Bridge::new("https://code.example/mcp", None, Some("core")).unwrap();
        assert_eq!(bridge.url.as_str(), "https://code.example/mcp?toolset=core");
    }

    #[test]
    fn headers_say_what_the_message_says() {
        let bridge = Bridge::new("http://127.0.0.1:8080/mcp", Some(Secret::new("kdb")), None).unwrap();
        let meta = json!({ "io.modelcontextprotocol/protocolVersion": "2026-07-28" });
        let message = json!({ "method": "tools/call", "params": { "name": "search_code", "_meta": meta } });
        let request = bridge.request(&message).build().unwrap();
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("mcp-protocol-version").as_deref(), Some("2026-07-28"));
        assert_eq!(
            (header("mcp-method").as_deref(), header("mcp-name").as_deref()),
            (Some("tools/call"), Some("search_code"))
        );
        assert_eq!(header("authorization").as_deref(), Some("Bearer kdb"));
        *bridge.version.lock().unwrap() = Some("2025-11-25".to_owned());
        let request = bridge.request(&json!({ "method": "tools/list" })).build().unwrap();
        assert_eq!(request.headers()["mcp-protocol-version"], "2025-11-25");
        assert!(!request.headers().contains_key("mcp-method"));
    }
}
