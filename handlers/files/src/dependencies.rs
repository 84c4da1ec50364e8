//! `GET /api/v1/repositories/{id}/dependencies`: what a file uses, or what uses it, with the circles that it is in.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::graph::ask::Direction;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{
    ApiError, Asked, Authorized, Cursor, Id, IfNoneMatch, Place, Query, Resources, bounded, confidence, levels,
    page_limit,
};
use kotadb_core::id::RepositoryId;
use kotadb_core::search::commit::{Answered, DependenciesRequest};
use kotadb_core::wire::files::path_bytes;
use kotadb_core::wire::relations::{DependencyList, GraphState, dependency_list, role};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::MAX_PATH;

/// Items that cursors lead to at most.
const MOST: usize = 10_000;

/// Which way.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// What the file uses.
    #[default]
    Dependencies,
    /// What uses the file.
    Dependents,
}

/// Which file, and how far.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DependenciesQuery {
    /// Path from the root of the repository, as answers write it.
    #[param(max_length = 4096, format = "path", example = "src/main.rs")]
    path: String,
    /// `dependencies`: what the file uses; `dependents`: what uses it.
    #[serde(default)]
    #[param(inline)]
    direction: Way,
    /// Levels of the tree.
    #[param(minimum = 1, maximum = 5, default = 1)]
    depth: Option<u32>,
    /// Leave out what is less sure.
    #[param(minimum = 0, maximum = 1, default = 0.5)]
    min_confidence: Option<f32>,
    /// Only these kinds of use, joined with commas: `import,call`.
    #[param(example = "import,call")]
    role: Option<String>,
    /// Most files.
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

/// Dependencies of a file
///
/// What a file uses, or what uses it, level by level, with the circles that it is in.
#[utoipa::path(
    get,
    path = "/api/v1/repositories/{id}/dependencies",
    tag = "files",
    operation_id = "file_dependencies",
    params(("id" = Uuid, Path, description = "Id of the repository."), DependenciesQuery),
    responses(
        (status = 200, description = "Files.", body = DependencyList),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
pub(crate) async fn dependencies(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Id(id): Id<RepositoryId>,
    Query(query): Query<DependenciesQuery>,
) -> Result<Response, ApiError> {
    let (place, first) = Place::first(query.cursor.as_ref(), MOST)?;
    let reference = place.as_ref().map(|place| &place.commit).or(query.reference.as_ref());
    let commit = key.commit(Some(&id.to_string()), reference.map(String::as_str), query.min_version)?;
    let most = first + page_limit(query.limit)? as usize;
    let request = request(&query, most)?;
    let asked = Asked { commit, parameters: &query, had: &had };
    let shape = |found: Answered<_>| {
        let list = dependency_list(&request.path, &found.answer, GraphState::of_commit(&found.state));
        list.behind(first, most, || Place::cursor(&found.state, &most.to_string()))
    };
    asked.answer(&resources, &request, shape).await
}

fn request(query: &DependenciesQuery, most: usize) -> Result<DependenciesRequest, ApiError> {
    let roles = query.role.as_deref().map(|text| text.split(',').map(|name| role(name.trim())).collect());
    Ok(DependenciesRequest {
        path: path_bytes(bounded("path", &query.path, MAX_PATH)?),
        direction: match query.direction {
            Way::Dependencies => Direction::Used,
            Way::Dependents => Direction::Users,
        },
        depth: levels(query.depth, 1..=5)?,
        min_confidence: confidence(query.min_confidence)?,
        roles: roles.unwrap_or(Ok(Vec::new())).map_err(ApiError::invalid_request)?,
        most,
    })
}
