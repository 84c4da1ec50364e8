//! Mounts every route family behind the one stack of layers: the table of contents of the API.

use axum::Router;
use kotadb_core::http::{Resources, stack};

/// All routes, ready to be served.
pub fn build(resources: Resources) -> Router {
    let routes = Router::new()
        .merge(kotadb_health::routes())
        .merge(kotadb_jobs::routes())
        .merge(kotadb_repositories::routes())
        .merge(kotadb_search::routes())
        .merge(kotadb_wake::routes())
        .merge(kotadb_webhooks::routes());
    stack(routes.with_state(resources))
}
