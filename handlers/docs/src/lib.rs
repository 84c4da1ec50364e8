//! What the API is, public and without a key:
//!
//! - `GET /openapi.json`: the description of all routes (OpenAPI 3.1). It is a committed file, which a test of the router
//!   compares with what the routes say of themselves.
//! - `GET /docs/api`: the same as a page, made here: nothing of it comes from elsewhere, and it runs no script.
//! - `GET /errors/{code}`: what a problem means; its `type` leads here. 404 for a code that there is none of.
//! - `GET /llms.txt`: the same for language models.
//!
//! All of them depend on the version of the program alone, so they are made once, and have an entity tag.

mod page;
mod problems;
mod reference;
mod text;

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kotadb_core::http::{ApiError, Code, OpenApiRouter, Resources, TagBuilder, routes};
use serde_json::Value;

/// The description of all routes.
const OPENAPI: &str = include_str!("../openapi.json");
const LIFE: &str = "public, max-age=300";

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(OPENAPI).expect("the committed description is JSON, as a test says"));
static REFERENCE: LazyLock<String> = LazyLock::new(|| page::whole("API reference", &reference::body(&DOCUMENT)));
static TEXT: LazyLock<String> = LazyLock::new(|| text::whole(&DOCUMENT));
static POLICY: LazyLock<String> = LazyLock::new(page::policy);

/// The routes of this family. Pages for people are not in the description.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default()
        .routes(routes!(openapi))
        .route("/docs/api", get(reference))
        .route("/errors/{code}", get(problem))
        .route("/llms.txt", get(llms))
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "docs",
    operation_id = "read_openapi",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object))
)]
async fn openapi() -> Response {
    fixed("application/json", OPENAPI)
}

async fn reference() -> Response {
    html(REFERENCE.as_str())
}

async fn problem(Path(code): Path<String>) -> Result<Response, ApiError> {
    let known = Code::ALL.iter().find(|known| known.as_str() == code);
    let known =
        known.ok_or_else(|| ApiError::new(Code::NotFound, "there is no problem of that code: see `/docs/api`"))?;
    Ok(html(&page::whole(known.as_str(), &problems::body(*known))))
}

async fn llms() -> Response {
    fixed("text/plain; charset=utf-8", &TEXT)
}

fn html(page: &str) -> Response {
    let mut response = fixed("text/html; charset=utf-8", page);
    let policy = POLICY.parse().expect("a policy is a header value");
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    response
}

fn fixed(kind: &'static str, text: &str) -> Response {
    let tag = TagBuilder::new("docs").with(text.as_bytes()).strong().header();
    let headers = [(CONTENT_TYPE, kind), (CACHE_CONTROL, LIFE)];
    (headers, [(ETAG, tag)], text.to_owned()).into_response()
}
