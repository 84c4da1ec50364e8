//! `GET /api/v1/symbols/{symbol}/impact`, and `POST /api/v1/repositories/{id}/impact` `{symbols, diff, base, ref, …}`: what may break when
//! something changes. A path among `symbols` stands for all that is in that file; a diff is unified, and against the commit that
//! is asked.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::graph::ask::Reach;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{
    ApiError, Asked, Authorized, Cursor, Id, IfNoneMatch, Json, Place, Query, Resources, levels, page_limit,
};
use kotadb_core::id::RepositoryId;
use kotadb_core::search::commit::{Answered, Changed, ImpactRequest};
use kotadb_core::search::relations::{ChangeSource, ImpactAnswer};
use kotadb_core::wire::relations::{GraphState, ImpactReport, impact_report};
use serde::Deserialize;
use utoipa::ToSchema;

/// Most symbols and files of one request.
const MAX_NAMED: usize = 100;
/// Steps where nothing is said.
const USUAL_DEPTH: u32 = 5;

/// Which commit, and how far.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImpactQuery {
    /// A UUID or `owner/name`; may be left out where the key sees one repository alone.
    #[param(format = "repository")]
    repository: Option<String>,
    /// A branch, a tag, or a commit by seven digits or more; by default the default branch.
    #[serde(rename = "ref")]
    #[param(rename = "ref", format = "ref", example = "main")]
    reference: Option<String>,
    /// Steps at most.
    #[param(minimum = 1, maximum = 5, default = 5)]
    depth: Option<u32>,
    /// Leave out what is less likely.
    #[param(minimum = 0, maximum = 1, default = 0.1)]
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

/// What changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "symbols": ["src/main.rs"], "depth": 2 }))]
pub(crate) struct ImpactBody {
    /// Symbols by id or name, and files by path, at most 100.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100)]
    symbols: Vec<String>,
    /// A unified diff against the commit, instead of `symbols`.
    diff: Option<String>,
    /// What is not as in this branch, tag or commit, instead of `symbols`: `base` of `base..ref`.
    #[schema(format = "ref")]
    base: Option<String>,
    /// A branch, a tag, or a commit by seven digits or more; by default the default branch.
    #[serde(rename = "ref")]
    #[schema(format = "ref")]
    reference: Option<String>,
    /// Steps at most.
    #[schema(minimum = 1, maximum = 5, default = 5)]
    depth: Option<u32>,
    /// Leave out what is less likely.
    #[schema(minimum = 0, maximum = 1, default = 0.1)]
    min_confidence: Option<f32>,
    /// Most items of a page; all where nothing is said.
    #[schema(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before, which is of the same commit.
    #[schema(value_type = Option<String>)]
    cursor: Option<Cursor>,
    /// Refuse to answer from an index older than this root version, which the summary of a job names.
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    min_version: Option<u64>,
}

/// Impact of a symbol
///
/// What may break when a symbol, or all of a file, changes.
#[utoipa::path(
    get,
    path = "/api/v1/symbols/{symbol}/impact",
    tag = "symbols",
    operation_id = "symbol_impact",
    params(("symbol" = String, Path, description = "Id, name or path, percent-encoded.", max_length = 2048, format = "symbol"), ImpactQuery),
    responses(
        (status = 200, description = "What is touched.", body = ImpactReport),
        (status = 404, description = "`not_found`: no such repository is visible to this key, or no such commit is indexed."),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
pub(crate) async fn of_symbol(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Id(symbol): Id<String>,
    Query(query): Query<ImpactQuery>,
) -> Result<Response, ApiError> {
    let page = Page::of(query.limit, query.cursor.as_ref())?;
    let commit = key.commit(query.repository.as_deref(), page.of_commit(&query.reference), query.min_version)?;
    let changed = Changed::Source(ChangeSource::Named(vec![super::checked(symbol)?]));
    let request = ImpactRequest { changed, reach: reach(query.depth, query.min_confidence)? };
    let asked = Asked { commit, parameters: &("impact", &request, &query), had: &had };
    asked.answer(&resources, &request, |found| page.shape(found)).await
}

/// Impact of a change
///
/// What may break when symbols or files change, or what a diff touches.
#[utoipa::path(
    post,
    path = "/api/v1/repositories/{id}/impact",
    tag = "symbols",
    operation_id = "change_impact",
    params(("id" = Uuid, Path, description = "Id of the repository.")),
    request_body = ImpactBody,
    responses(
        (status = 200, description = "What is touched.", body = ImpactReport),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
pub(crate) async fn of_change(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    Id(id): Id<RepositoryId>,
    Json(body): Json<ImpactBody>,
) -> Result<Response, ApiError> {
    let page = Page::of(body.limit, body.cursor.as_ref())?;
    let commit = key.commit(Some(&id.to_string()), page.of_commit(&body.reference), body.min_version)?;
    let request = ImpactRequest { changed: changed(&body)?, reach: reach(body.depth, body.min_confidence)? };
    let asked = Asked { commit, parameters: &("impact", &request), had: &IfNoneMatch::default() };
    asked.answer(&resources, &request, |found| page.shape(found)).await
}

fn changed(body: &ImpactBody) -> Result<Changed, ApiError> {
    match (&body.diff, &body.base, body.symbols.len()) {
        (Some(diff), None, 0) => Ok(Changed::Source(ChangeSource::Diff(diff.clone()))),
        (None, Some(base), 0) => Ok(Changed::Since(base.clone())),
        (None, None, 1..=MAX_NAMED) => Ok(Changed::Source(ChangeSource::Named(body.symbols.clone()))),
        (None, None, n) => {
            Err(ApiError::invalid_request(format!("`symbols` are {n}: give 1 to {MAX_NAMED}, a `diff`, or a `base`")))
        }
        _ => Err(ApiError::invalid_request("give one of `symbols`, `diff` and `base`")),
    }
}

fn reach(depth: Option<u32>, least: Option<f32>) -> Result<Reach, ApiError> {
    let usual = Reach::default();
    let least = least.unwrap_or(usual.least);
    if !(0.0..=1.0).contains(&least) {
        return Err(ApiError::invalid_request(format!("`min_confidence` is {least}: give 0 to 1")));
    }
    Ok(Reach { depth: levels(depth.or(Some(USUAL_DEPTH)), 1..=5)?, least, ..usual })
}

/// What of the report is wanted.
struct Page {
    place: Option<Place>,
    first: usize,
    most: Option<usize>,
}

impl Page {
    fn of(limit: Option<u32>, cursor: Option<&Cursor>) -> Result<Self, ApiError> {
        let (place, first) = Place::first(cursor, super::MOST)?;
        let most = limit.map(|limit| page_limit(Some(limit))).transpose()?;
        Ok(Self { place, first, most: most.map(|most| most as usize) })
    }

    /// The commit of the page before, else the one that is asked for.
    fn of_commit<'a>(&'a self, reference: &'a Option<String>) -> Option<&'a str> {
        self.place.as_ref().map(|place| &place.commit).or(reference.as_ref()).map(String::as_str)
    }

    fn shape(&self, found: Answered<ImpactAnswer>) -> ImpactReport {
        let report = impact_report(&found.answer, GraphState::of_commit(&found.state));
        report.page(self.first, self.most, |next| Place::cursor(&found.state, &next.to_string()))
    }
}
