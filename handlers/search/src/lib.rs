//! `GET|POST /api/v1/search/code`: matching lines of the repositories that the key may see, in rank order.
//!
//! `query` is in the language of `core/src/query/syntax.md`, at most 1 KiB; `repository` takes a UUID or `owner/name`;
//! `limit` is 1 to 100 lines, by default 50. Answered from the index: the database is asked for the key only.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{ApiError, Authorized, Json, Query, Resources, page_limit};
use kotadb_core::query;
use kotadb_core::search::SearchRequest;
use kotadb_core::wire::search::{SearchList, list};
use serde::Deserialize;

/// The routes of this family.
pub fn routes() -> Router<Resources> {
    Router::new().route("/api/v1/search/code", get(by_query).post(by_body))
}

/// What is asked, as query string or JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeSearch {
    query: String,
    repository: Option<String>,
    limit: Option<u32>,
}

async fn by_query(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    Query(search): Query<CodeSearch>,
) -> Result<Json<SearchList>, ApiError> {
    answer(&resources, &key, &search).await
}

async fn by_body(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    Json(search): Json<CodeSearch>,
) -> Result<Json<SearchList>, ApiError> {
    answer(&resources, &key, &search).await
}

async fn answer(
    resources: &Resources,
    key: &Authorized<Search>,
    search: &CodeSearch,
) -> Result<Json<SearchList>, ApiError> {
    let limit = page_limit(search.limit)?;
    let query = query::parse(&search.query)?;
    let visible = match &search.repository {
        Some(text) => vec![key.repository(text)?],
        None => key.visible(),
    };
    let request = SearchRequest { tenant: key.tenant, visible, query, limit: Some(limit as usize) };
    let result = resources.searcher()?.search(&request).await?;
    Ok(Json(list(&result)))
}
