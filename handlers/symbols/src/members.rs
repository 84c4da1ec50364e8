//! `GET /api/v1/symbols/{symbol}/implementations`: what implements, extends or overrides a type or member, or what it does so
//! to, level by level.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::graph::Confidence;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{
    ApiError, Asked, Authorized, Cursor, Id, IfNoneMatch, Place, Query, Resources, confidence, page_limit,
};
use kotadb_core::search::commit::{Answered, MembersRequest};
use kotadb_core::wire::relations::{GraphState, MemberList, member_answer};
use serde::Deserialize;
use utoipa::ToSchema;

/// Which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Way {
    /// What implements, extends or overrides it.
    #[default]
    Below,
    /// What it implements, extends or overrides.
    Above,
}

/// Which commit, and which way.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MembersQuery {
    /// A UUID or `owner/name`; may be left out where the key sees one repository alone.
    #[param(format = "repository")]
    repository: Option<String>,
    /// A branch, a tag, or a commit by seven digits or more; by default the default branch.
    #[serde(rename = "ref")]
    #[param(rename = "ref", format = "ref", example = "main")]
    reference: Option<String>,
    /// `below`: what implements, extends or overrides it; `above`: what it does so to.
    #[serde(default)]
    #[param(inline)]
    direction: Way,
    /// Leave out what is less sure.
    #[param(minimum = 0, maximum = 1, default = 0)]
    min_confidence: Option<f32>,
    /// Most items of a page; all where nothing is said.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before, which is of the same commit.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Refuse to answer from an index older than this root version, which the summary of a job names.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    min_version: Option<u64>,
}

/// Find implementations
///
/// What implements, extends or overrides a type or member.
#[utoipa::path(
    get,
    path = "/api/v1/symbols/{symbol}/implementations",
    tag = "symbols",
    operation_id = "find_implementations",
    params(("symbol" = String, Path, description = "Id, name or path, percent-encoded.", max_length = 2048, format = "symbol"), MembersQuery),
    responses(
        (status = 200, description = "Types or members.", body = MemberList),
        (status = 404, description = "`not_found`: no such repository is visible to this key, or no such commit is indexed."),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
pub(crate) async fn implementations(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Id(symbol): Id<String>,
    Query(query): Query<MembersQuery>,
) -> Result<Response, ApiError> {
    let (place, first) = Place::first(query.cursor.as_ref(), super::MOST)?;
    let reference = place.as_ref().map(|place| &place.commit).or(query.reference.as_ref());
    let commit = key.commit(query.repository.as_deref(), reference.map(String::as_str), query.min_version)?;
    let most = query.limit.map(|limit| page_limit(Some(limit))).transpose()?;
    let min_confidence = query.min_confidence.map_or(Ok(Confidence(0)), |share| confidence(Some(share)))?;
    let below = query.direction == Way::Below;
    let request = MembersRequest { symbol: super::checked(symbol)?, below, min_confidence };
    let asked = Asked { commit, parameters: &("implementations", &request, &query), had: &had };
    let shape = |found: Answered<_>| {
        let list = member_answer(&request.symbol, &found.answer, GraphState::of_commit(&found.state));
        list.page(first, most.map(|most| most as usize), |next| Place::cursor(&found.state, &next.to_string()))
    };
    asked.answer(&resources, &request, shape).await
}
