//! What the API is, public and without a key:
//!
//! - `GET /openapi.json`: the description of all routes (OpenAPI 3.1). It is a committed file, which a test of the router
//!   compares with what the routes say of themselves.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use kotadb_core::http::{OpenApiRouter, Resources, routes};

/// The description of all routes.
const OPENAPI: &str = include_str!("../openapi.json");

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default().routes(routes!(openapi))
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "docs",
    operation_id = "read_openapi",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object))
)]
async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], OPENAPI)
}
