//! The routes:
//!
//! - `POST /mcp?toolset=core|default|all`: the protocol over HTTP, for each request by itself: no session, no stream. A key as for
//!   all routes; each call costs what a search costs. A `Host` or `Origin` that is not ours is refused: a page of a stranger must
//!   not reach a server that a browser reaches.
//! - `GET /mcp/tools`, `POST /mcp/tools/{name}`: the same tools without the protocol, for scripts.
//! - `GET /.well-known/oauth-protected-resource[/mcp]`: what kind of key a client needs (RFC 9728).
//!
//! They are described by the protocol itself, not in `/openapi.json`.

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{HeaderValue, WWW_AUTHENTICATE};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use kotadb_core::config::Config;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{ApiError, Authorized, BODY_LIMIT, Code, Json, OpenApiRouter, Query, Resources};
use rmcp::handler::server::ServerHandler;
use rmcp::model::JsonObject;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::call;
use crate::progress::Progress;
use crate::server::McpServer;
use crate::service::ServiceGround;
use crate::table::{Toolset, tool, tools};

const METADATA: &str = "/.well-known/oauth-protected-resource";
/// Hosts of a service on this machine.
const NEAR: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    routes_with(|server| server)
}

/// The same with another server in the place of ours, which knows it: the conformance suite asks for tools of its own.
pub fn routes_with<S: ServerHandler>(
    wrap: impl Fn(McpServer<ServiceGround>) -> S + Clone + Send + Sync + 'static,
) -> OpenApiRouter<Resources> {
    let serve = move |state: State<Resources>,
                      key: Result<Authorized<Search>, ApiError>,
                      asked: Query<Asked>,
                      request: Request| { serve(state, key, asked, request, wrap.clone()) };
    OpenApiRouter::default()
        .route("/mcp", any(serve))
        .route("/mcp/tools", get(list))
        .route("/mcp/tools/{name}", post(call_one))
        .route("/.well-known/oauth-protected-resource", get(metadata))
        .route("/.well-known/oauth-protected-resource/mcp", get(metadata))
}

/// The query string of all of them.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    toolset: Option<String>,
}

impl Asked {
    fn toolset(&self) -> Result<Toolset, ApiError> {
        let Some(name) = &self.toolset else { return Ok(Toolset::default()) };
        let unknown = || ApiError::invalid_request(format!("`toolset` is `{name}`: give `core`, `default` or `all`"));
        Toolset::of(name).ok_or_else(unknown)
    }
}

async fn serve<S: ServerHandler>(
    State(resources): State<Resources>,
    key: Result<Authorized<Search>, ApiError>,
    Query(asked): Query<Asked>,
    request: Request,
    wrap: impl Fn(McpServer<ServiceGround>) -> S + Send + Sync + 'static,
) -> Response {
    let opened = key.and_then(|key| Ok((ServiceGround::new(&resources, &key)?, asked.toolset()?)));
    let (ground, toolset) = match opened {
        Ok(opened) => opened,
        Err(error) => return challenged(error, resources.config()),
    };
    let make = move || Ok(wrap(McpServer::new(ground.clone(), toolset)));
    let config = protocol(resources.config());
    let service = StreamableHttpService::new(make, Arc::new(NeverSessionManager::default()), config);
    service.handle(request).await.map(Body::new)
}

/// Nothing is kept between requests, so that any machine can answer the next one.
fn protocol(config: &Config) -> StreamableHttpServerConfig {
    static MADE: OnceLock<StreamableHttpServerConfig> = OnceLock::new();
    let make = || {
        let (hosts, origins) = allowed(config);
        StreamableHttpServerConfig::default()
            .with_legacy_session_mode(false)
            .with_json_response(true)
            .with_allowed_hosts(hosts)
            .with_allowed_origins(origins)
            .enforce_origin_validation()
            .with_max_request_body_bytes(BODY_LIMIT)
    };
    MADE.get_or_init(make).clone()
}

/// Hosts and origins by which we are reached: our public address, this machine, and pages that were let in for all routes.
fn allowed(config: &Config) -> (Vec<String>, Vec<String>) {
    let public = config.webhook_base_url.as_deref().and_then(|url| url.parse::<Uri>().ok());
    let host = public.as_ref().and_then(|url| url.host().map(ToOwned::to_owned));
    let hosts = NEAR.iter().map(ToString::to_string).chain(host.clone()).collect();
    let near = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"].map(ToOwned::to_owned);
    let ours = host.map(|host| format!("https://{host}:*"));
    let others = config.cors_origins.iter().map(|origin| with_port(origin));
    (hosts, near.into_iter().chain(ours).chain(others).collect())
}

/// An origin without a port has the one of its scheme.
fn with_port(origin: &str) -> String {
    let Some((scheme, rest)) = origin.split_once("://") else { return origin.to_owned() };
    let has_port = rest.rsplit(']').next().is_some_and(|end| end.contains(':'));
    let port = if scheme == "https" { 443 } else { 80 };
    if has_port { origin.to_owned() } else { format!("{origin}:{port}") }
}

/// Whoever is refused for want of a key is told where it is said which.
fn challenged(error: ApiError, config: &Config) -> Response {
    let is_challenge = error.code().status() == StatusCode::UNAUTHORIZED || error.code() == Code::InsufficientScope;
    let mut response = error.into_response();
    if is_challenge {
        let base = config.webhook_base_url.as_deref().unwrap_or_default().trim_end_matches('/');
        let challenge = format!("Bearer resource_metadata=\"{base}{METADATA}/mcp\", scope=\"search\"");
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
    }
    response
}

/// RFC 9728. Without Supabase there is nobody who gives out tokens: a key is made by its owner.
async fn metadata(State(resources): State<Resources>, uri: Uri) -> axum::Json<Value> {
    let config = resources.config();
    let base = config.webhook_base_url.as_deref().unwrap_or_default().trim_end_matches('/');
    let path = if uri.path().ends_with("/mcp") { "/mcp" } else { "" };
    let mut metadata = json!({
        "resource": format!("{base}{path}"),
        "resource_name": "KotaDB",
        "bearer_methods_supported": ["header"],
        "scopes_supported": ["search"],
        "resource_documentation": format!("{base}/docs/api"),
    });
    if let Some(supabase) = &config.supabase_url {
        metadata["authorization_servers"] = json!([format!("{}/auth/v1", supabase.trim_end_matches('/'))]);
    }
    axum::Json(metadata)
}

async fn list(_: Authorized<Search>, Query(asked): Query<Asked>) -> Result<axum::Json<Value>, ApiError> {
    Ok(axum::Json(json!({ "tools": tools(asked.toolset()?) })))
}

async fn call_one(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    Path(name): Path<String>,
    Json(arguments): Json<JsonObject>,
) -> Result<axum::Json<Value>, ApiError> {
    if tool(Toolset::All, &name).is_none() {
        return Err(ApiError::new(Code::NotFound, "there is no tool of that name: `/mcp/tools` names those there are"));
    }
    let result = call(&ServiceGround::new(&resources, &key)?, &name, arguments, Progress::default()).await;
    Ok(axum::Json(serde_json::to_value(result).map_err(ApiError::internal)?))
}
