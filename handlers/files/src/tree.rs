//! `GET /api/v1/repositories/{id}/tree`: what is in a folder of a commit, or all files below it.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{
    ApiError, Asked, Authorized, Cursor, Id, IfNoneMatch, Place, Query, Resources, bounded, page_limit,
};
use kotadb_core::id::RepositoryId;
use kotadb_core::query;
use kotadb_core::search::commit::{Answered, TreeRequest};
use kotadb_core::wire::files::{TreeList, path_bytes, tree_list};
use serde::Deserialize;

use crate::MAX_PATH;

/// Which folder.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TreeQuery {
    /// Path of the folder from the root of the repository, by default that root.
    #[serde(default)]
    #[param(max_length = 4096, format = "folder", example = "src")]
    path: String,
    /// All files below the folder, instead of files and folders in it.
    #[serde(default)]
    recursive: bool,
    /// Only files that match this: in the query language, without text. Generated and vendored ones must be asked for.
    #[param(max_length = 1024, example = "lang:rust path:*_test.rs")]
    filter: Option<String>,
    /// Most items of a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before, which is of the same commit.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// A branch, a tag, or a commit by seven digits or more; by default the default branch.
    #[serde(rename = "ref")]
    #[param(rename = "ref", format = "ref", example = "main")]
    reference: Option<String>,
    /// Refuse to answer from an index older than this root version, which the summary of a job names.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    min_version: Option<u64>,
}

/// List files
///
/// What is in a folder of a commit, in path order.
#[utoipa::path(
    get,
    path = "/api/v1/repositories/{id}/tree",
    tag = "files",
    operation_id = "list_files",
    params(("id" = Uuid, Path, description = "Id of the repository."), TreeQuery),
    responses(
        (status = 200, description = "A page of files and folders.", body = TreeList),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
pub(crate) async fn tree(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Id(id): Id<RepositoryId>,
    Query(query): Query<TreeQuery>,
) -> Result<Response, ApiError> {
    let place = query.cursor.as_ref().map(Place::read).transpose()?;
    let reference = place.as_ref().map(|place| &place.commit).or(query.reference.as_ref());
    let commit = key.commit(Some(&id.to_string()), reference.map(String::as_str), query.min_version)?;
    let request = TreeRequest {
        folder: path_bytes(bounded("path", &query.path, MAX_PATH)?),
        recursive: query.recursive,
        filter: query.filter.as_deref().map(query::parse_filter).transpose()?,
        limit: page_limit(query.limit)? as usize,
        after: place.map(|place| path_bytes(&place.at)),
    };
    let asked = Asked { commit, parameters: &query, had: &had };
    let shape = |found: Answered<_>| {
        tree_list(&found.answer, &found.state, found.stats, |last| Place::cursor(&found.state, last))
    };
    asked.answer(&resources, &request, shape).await
}
