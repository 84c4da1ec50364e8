//! Files of a commit of a repository that the key may see. `ref` is a branch, a tag, or a commit by seven digits or more, by
//! default the default branch; `min_version` refuses an older index (409 `index_behind`).
//!
//! - `GET /api/v1/repositories/{id}/files?path=&first_line=&last_line=&max_bytes=`: the lines of a file, as many whole ones
//!   as fit in `max_bytes` (1 to 1 MiB, by default 128 KiB); `next_line` says where to go on. What the index has not is 404 with
//!   the reason.
//! - `GET …/{id}/tree?path=&recursive=&filter=&limit=&cursor=`: what is in a folder, at most 100 items a page. `filter` is in
//!   the query language, without text. The next page is of the same commit.
//! - `GET …/{id}/outline?path=`: what is defined in a file (in `outline`).
//! - `GET …/{id}/dependencies?path=&direction=&depth=&min_confidence=&limit=&cursor=`: what a file uses, or what uses it (in `dependencies`).
//!
//! Answered from the index: the database is asked for the key only. Entity tags are of snapshot and graph.

mod dependencies;
mod outline;
mod tree;

use axum::extract::State;
use axum::response::Response;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{
    ApiError, Asked, Authorized, Id, IfNoneMatch, OpenApiRouter, Query, Resources, bounded, routes,
};
use kotadb_core::id::RepositoryId;
use kotadb_core::search::commit::FileRequest;
use kotadb_core::wire::files::{FileText, file_text, path_bytes};
use serde::Deserialize;

/// Most bytes of a text.
const MAX_BYTES: usize = 1 << 20;
/// Longest path, in characters: git's has no more bytes.
const MAX_PATH: usize = 4096;
/// The same where nothing is said.
const USUAL_BYTES: usize = 128 << 10;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default()
        .routes(routes!(content))
        .routes(routes!(tree::tree))
        .routes(routes!(outline::outline))
        .routes(routes!(dependencies::dependencies))
}

/// Which lines of which file.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FileQuery {
    /// Path from the root of the repository, as answers write it.
    #[param(max_length = 4096, format = "path", example = "src/main.rs")]
    path: String,
    /// The first line.
    #[param(minimum = 1, default = 1)]
    first_line: Option<u64>,
    /// The last line, by default that of the file.
    #[param(minimum = 1)]
    last_line: Option<u64>,
    /// Bytes of text at most.
    #[param(minimum = 1, maximum = 1048576, default = 131072)]
    max_bytes: Option<usize>,
    /// A branch, a tag, or a commit by seven digits or more; by default the default branch.
    #[serde(rename = "ref")]
    #[param(rename = "ref", format = "ref", example = "main")]
    reference: Option<String>,
    /// Refuse to answer from an index older than this root version, which the summary of a job names.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    min_version: Option<u64>,
}

/// Read a file
///
/// Lines of a file of a commit.
#[utoipa::path(
    get,
    path = "/api/v1/repositories/{id}/files",
    tag = "files",
    operation_id = "read_file",
    params(("id" = Uuid, Path, description = "Id of the repository."), FileQuery),
    responses(
        (status = 200, description = "Lines of the file.", body = FileText),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
async fn content(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Id(id): Id<RepositoryId>,
    Query(query): Query<FileQuery>,
) -> Result<Response, ApiError> {
    let commit = key.commit(Some(&id.to_string()), query.reference.as_deref(), query.min_version)?;
    let request = request(&query)?;
    let asked = Asked { commit, parameters: &query, had: &had };
    asked.answer(&resources, &request, |found| file_text(&found.answer, &found.state, found.stats)).await
}

fn request(query: &FileQuery) -> Result<FileRequest, ApiError> {
    let most_bytes = match query.max_bytes.unwrap_or(USUAL_BYTES) {
        most @ 1..=MAX_BYTES => most,
        wrong => return Err(ApiError::invalid_request(format!("`max_bytes` is {wrong}: give 1 to {MAX_BYTES}"))),
    };
    let first = query.first_line.unwrap_or(1);
    let last = query.last_line;
    if first == 0 || last.is_some_and(|last| last < first) {
        return Err(ApiError::invalid_request("lines count from 1, and `last_line` is not before `first_line`"));
    }
    Ok(FileRequest { path: path_bytes(bounded("path", &query.path, MAX_PATH)?), first, last, most_bytes })
}
