//! `GET /api/v1/repositories/{id}/map`: what of a commit is worth knowing first, as text: files with the signatures of their
//! most used symbols, as many as fit in `bytes` (200 to 80,000, by default 6,000; a token is about four).
//!
//! `focus` names files, symbols or names to begin from, joined with commas; `path` narrows to files whose path begins so.
//! `ref` is a branch, a tag, or a commit by seven digits or more. Needs the graph of the commit, which tips of tracked refs
//! have. Answered from the index; the entity tag is of snapshot and graph.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{
    ApiError, Asked, Authorized, Id, IfNoneMatch, OpenApiRouter, Query, Resources, bounded, routes,
};
use kotadb_core::id::RepositoryId;
use kotadb_core::search::commit::{Answered, MapRequest};
use kotadb_core::wire::relations::{GraphState, RepositoryMap, repository_map};
use serde::Deserialize;

/// Fewest bytes of a map: below there is hardly room for a file with a symbol.
const MIN_BYTES: usize = 200;
/// Most bytes of a map.
const MAX_BYTES: usize = 80_000;
/// The same where nothing is said.
const USUAL_BYTES: usize = 6000;
/// Most names to begin from.
const MAX_FOCUS: usize = 20;
/// Longest `focus`, in characters.
const MAX_FOCUS_TEXT: usize = 1024;
/// Longest beginning of a path, in characters.
const MAX_PATH: usize = 4096;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default().routes(routes!(map))
}

/// What is wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MapQuery {
    /// Bytes at most; a token is about four.
    #[param(minimum = 200, maximum = 80000, default = 6000)]
    bytes: Option<usize>,
    /// Files, symbols or names to begin from, at most 20, joined with commas.
    #[param(max_length = 1024, example = "src/main.rs,Pool.acquire")]
    focus: Option<String>,
    /// Only files whose path begins so.
    #[serde(default)]
    #[param(max_length = 4096, format = "folder", example = "src/")]
    path: String,
    /// A branch, a tag, or a commit by seven digits or more; by default the default branch.
    #[serde(rename = "ref")]
    #[param(rename = "ref", format = "ref", example = "main")]
    reference: Option<String>,
    /// Refuse to answer from an index older than this root version, which the summary of a job names.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    min_version: Option<u64>,
}

/// Map a repository
///
/// Files with the signatures of their most used symbols, within a budget of bytes.
#[utoipa::path(
    get,
    path = "/api/v1/repositories/{id}/map",
    tag = "files",
    operation_id = "map_repository",
    params(("id" = Uuid, Path, description = "Id of the repository."), MapQuery),
    responses(
        (status = 200, description = "The map.", body = RepositoryMap),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
async fn map(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Id(id): Id<RepositoryId>,
    Query(query): Query<MapQuery>,
) -> Result<Response, ApiError> {
    let commit = key.commit(Some(&id.to_string()), query.reference.as_deref(), query.min_version)?;
    let request = request(&query)?;
    let asked = Asked { commit, parameters: &query, had: &had };
    let shape = |found: Answered<_>| repository_map(&found.answer, GraphState::of_commit(&found.state));
    asked.answer(&resources, &request, shape).await
}

fn request(query: &MapQuery) -> Result<MapRequest, ApiError> {
    let bytes = match query.bytes.unwrap_or(USUAL_BYTES) {
        bytes @ MIN_BYTES..=MAX_BYTES => bytes,
        wrong => {
            let detail = format!("`bytes` is {wrong}: give {MIN_BYTES} to {MAX_BYTES}");
            return Err(ApiError::invalid_request(detail));
        }
    };
    let focus = bounded("focus", query.focus.as_deref().unwrap_or_default(), MAX_FOCUS_TEXT)?;
    let names = focus.split(',').map(str::trim).filter(|name| !name.is_empty());
    let focus: Vec<_> = names.map(str::to_owned).collect();
    if focus.len() > MAX_FOCUS {
        return Err(ApiError::invalid_request(format!("`focus` has {} names: give {MAX_FOCUS} at most", focus.len())));
    }
    Ok(MapRequest { focus, prefix: bounded("path", &query.path, MAX_PATH)?.to_owned(), bytes })
}
