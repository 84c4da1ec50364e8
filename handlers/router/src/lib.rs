//! Mounts every route family behind the one stack of layers: the table of contents of the API.

use axum::Router;
use kotadb_core::http::{OpenApiRouter, Resources, stack};

/// All routes, ready to be served.
pub fn build(resources: Resources) -> Router {
    build_with(resources, kotadb_mcp::routes())
}

/// The same with other routes in the place of `kotadb_mcp::routes`: a test asks for tools of its own.
pub fn build_with(resources: Resources, mcp: OpenApiRouter<Resources>) -> Router {
    stack(described().merge(mcp).into_router().with_state(resources.clone()), resources.config())
}

/// The same without layers and state.
pub fn routes() -> OpenApiRouter<Resources> {
    described().merge(kotadb_mcp::routes())
}

fn described() -> OpenApiRouter<Resources> {
    OpenApiRouter::default()
        .merge(kotadb_auth::routes())
        .merge(kotadb_docs::routes())
        .merge(kotadb_files::routes())
        .merge(kotadb_health::routes())
        .merge(kotadb_jobs::routes())
        .merge(kotadb_keys::routes())
        .merge(kotadb_map::routes())
        .merge(kotadb_repositories::routes())
        .merge(kotadb_search::routes())
        .merge(kotadb_symbols::routes())
        .merge(kotadb_tenants::routes())
        .merge(kotadb_usage::routes())
        .merge(kotadb_wake::routes())
        .merge(kotadb_web::routes())
        .merge(kotadb_webhooks::routes())
}
