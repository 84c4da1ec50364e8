//! `GET /api/v1/repositories/{id}/outline`: what is defined in a file of a commit, in the order of the text.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{ApiError, Asked, Authorized, Id, IfNoneMatch, Query, Resources, bounded};
use kotadb_core::id::RepositoryId;
use kotadb_core::search::commit::FileFactsRequest;
use kotadb_core::wire::files::path_bytes;
use kotadb_core::wire::relations::{Outline, file_outline};
use serde::Deserialize;

use crate::MAX_PATH;

/// Which file.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OutlineQuery {
    /// Path from the root of the repository, as answers write it.
    #[param(max_length = 4096, format = "path", example = "src/main.rs")]
    path: String,
    /// A branch, a tag, or a commit by seven digits or more; by default the default branch.
    #[serde(rename = "ref")]
    #[param(rename = "ref", format = "ref", example = "main")]
    reference: Option<String>,
    /// Refuse to answer from an index older than this root version, which the summary of a job names.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    min_version: Option<u64>,
}

/// Outline a file
///
/// What is defined in a file of a commit, a container before what it contains.
#[utoipa::path(
    get,
    path = "/api/v1/repositories/{id}/outline",
    tag = "files",
    operation_id = "outline_file",
    params(("id" = Uuid, Path, description = "Id of the repository."), OutlineQuery),
    responses(
        (status = 200, description = "Definitions of the file.", body = Outline),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
pub(crate) async fn outline(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Id(id): Id<RepositoryId>,
    Query(query): Query<OutlineQuery>,
) -> Result<Response, ApiError> {
    let commit = key.commit(Some(&id.to_string()), query.reference.as_deref(), query.min_version)?;
    let request = FileFactsRequest { path: path_bytes(bounded("path", &query.path, MAX_PATH)?) };
    let asked = Asked { commit, parameters: &query, had: &had };
    asked.answer(&resources, &request, |found| file_outline(&found.answer, &found.state)).await
}
