//! `GET /api/v1/symbols/{symbol}/callers`, `…/callees` and `…/usages`: trees of who calls or uses a symbol, or what it calls,
//! level by level, the most certain first. `min_confidence` is one half unless it is given; `summary` counts what is below
//! it, too, and the references by that name which lead nowhere that is known.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::graph::ask::{Direction, Question};
use kotadb_core::http::scope::Search;
use kotadb_core::http::{
    ApiError, Asked, Authorized, Cursor, Id, IfNoneMatch, Place, Query, Resources, bounded, confidence, levels,
    page_limit,
};
use kotadb_core::search::commit::{Answered, CallsRequest};
use kotadb_core::wire::files::path_bytes;
use kotadb_core::wire::relations::{CallList, GraphState, call_answer};
use serde::Deserialize;

/// Which commit, and what of the tree.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallsQuery {
    /// A UUID or `owner/name`; may be left out where the key sees one repository alone.
    #[param(format = "repository")]
    repository: Option<String>,
    /// A branch, a tag, or a commit by seven digits or more; by default the default branch.
    #[serde(rename = "ref")]
    #[param(rename = "ref", format = "ref", example = "main")]
    reference: Option<String>,
    /// Levels of the tree.
    #[param(minimum = 1, maximum = 3, default = 1)]
    depth: Option<u32>,
    /// Leave out what is less sure.
    #[param(minimum = 0, maximum = 1, default = 0.5)]
    min_confidence: Option<f32>,
    /// Whether tests are shown among those who use.
    #[param(default = true)]
    include_tests: Option<bool>,
    /// Only what is in files whose path begins so.
    #[serde(default)]
    #[param(max_length = 2048, format = "folder", example = "src/")]
    path: String,
    /// Most items of a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before, which is of the same commit.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Refuse to answer from an index older than this root version, which the summary of a job names.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    min_version: Option<u64>,
}

/// Find callers
///
/// Who calls a symbol, with the call sites.
#[utoipa::path(
    get,
    path = "/api/v1/symbols/{symbol}/callers",
    tag = "symbols",
    operation_id = "find_callers",
    params(("symbol" = String, Path, description = "Id, name or path, percent-encoded.", max_length = 2048, format = "symbol"), CallsQuery),
    responses(
        (status = 200, description = "A page of callers.", body = CallList),
        (status = 404, description = "`not_found`: no such repository is visible to this key, or no such commit is indexed."),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
pub(crate) async fn callers(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Id(symbol): Id<String>,
    Query(query): Query<CallsQuery>,
) -> Result<Response, ApiError> {
    answer(&resources, (&key, &had), (symbol, &query), ("callers", Question::calls(Direction::Users))).await
}

/// Find callees
///
/// What a symbol calls, with the call sites.
#[utoipa::path(
    get,
    path = "/api/v1/symbols/{symbol}/callees",
    tag = "symbols",
    operation_id = "find_callees",
    params(("symbol" = String, Path, description = "Id, name or path, percent-encoded.", max_length = 2048, format = "symbol"), CallsQuery),
    responses(
        (status = 200, description = "A page of callees.", body = CallList),
        (status = 404, description = "`not_found`: no such repository is visible to this key, or no such commit is indexed."),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
pub(crate) async fn callees(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Id(symbol): Id<String>,
    Query(query): Query<CallsQuery>,
) -> Result<Response, ApiError> {
    answer(&resources, (&key, &had), (symbol, &query), ("callees", Question::calls(Direction::Used))).await
}

/// Find usages
///
/// Who uses a symbol in any way: calls, types, imports, inheritance, reads and writes.
#[utoipa::path(
    get,
    path = "/api/v1/symbols/{symbol}/usages",
    tag = "symbols",
    operation_id = "find_usages",
    params(("symbol" = String, Path, description = "Id, name or path, percent-encoded.", max_length = 2048, format = "symbol"), CallsQuery),
    responses(
        (status = 200, description = "A page of users.", body = CallList),
        (status = 404, description = "`not_found`: no such repository is visible to this key, or no such commit is indexed."),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
pub(crate) async fn usages(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Id(symbol): Id<String>,
    Query(query): Query<CallsQuery>,
) -> Result<Response, ApiError> {
    answer(&resources, (&key, &had), (symbol, &query), ("usages", Question::usages())).await
}

async fn answer(
    resources: &Resources,
    (key, had): (&Authorized<Search>, &IfNoneMatch),
    (symbol, query): (String, &CallsQuery),
    (kind, question): (&str, Question),
) -> Result<Response, ApiError> {
    let (place, first) = Place::first(query.cursor.as_ref(), super::MOST)?;
    let reference = place.as_ref().map(|place| &place.commit).or(query.reference.as_ref());
    let commit = key.commit(query.repository.as_deref(), reference.map(String::as_str), query.min_version)?;
    let most = first + page_limit(query.limit)? as usize;
    let question = Question {
        depth: levels(query.depth, 1..=3)?,
        min_confidence: confidence(query.min_confidence)?,
        include_tests: query.include_tests.unwrap_or(true),
        under: path_bytes(bounded("path", &query.path, super::MAX_TEXT)?),
        most,
        ..question
    };
    let request = CallsRequest { symbol: super::checked(symbol)?, question };
    let asked = Asked { commit, parameters: &(kind, &request, query), had };
    let shape = |found: Answered<_>| -> CallList {
        let list = call_answer(&request.symbol, &found.answer, GraphState::of_commit(&found.state));
        list.behind(first, || Place::cursor(&found.state, &most.to_string()))
    };
    asked.answer(resources, &request, shape).await
}
