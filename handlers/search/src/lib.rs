//! `GET|POST /api/v1/search/code`: matching lines of the repositories that the key may see, in rank order; and
//! `GET /api/v1/search/symbols` (in `symbols`).
//!
//! `query` is in the language of `core/src/query/syntax.md`, at most 1 KiB; `repository` takes a UUID or `owner/name`;
//! `limit` is 1 to 100 lines, by default 50; `cursor` is the `next_cursor` of the page before, for an hour, of the
//! same version of the index. `context` (0 to 10) gives lines around each match, `count` counts all matches, `facets` gives
//! files by language, folder, repository and class, `explain` the parts of each score. `min_version` refuses (409
//! `index_behind`) to answer from an index older than that root version, which a job's summary names. A search stops after
//! `timeout_ms` (1 to 10,000, the default) or 1 GiB of reads: `index.complete` says whether all is there, `index.reason`
//! why not. One that nobody waits for any more stops too. Answered from the index: the database is asked for the key only.
//!
//! An answer to `GET` that is not cut off by its deadline has a weak entity tag: of what was asked, of the repositories and
//! hidden commits that the key sees, and of the root version. Where a caller has it, 304 comes without a search.

mod symbols;

use std::fmt;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use kotadb_core::http::scope::Search;
use kotadb_core::http::{
    ApiError, Authorized, EntityTag, IfNoneMatch, Json, OpenApiRouter, Query, Resources, TagBuilder, page_limit, routes,
};
use kotadb_core::id::TenantId;
use kotadb_core::query;
use kotadb_core::search::{Budget, Context, Page, SearchError, SearchRequest, Searcher, StopReason, Visible};
use kotadb_core::wire::search::{SearchList, list};
use serde::Deserialize;
use utoipa::ToSchema;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default().routes(routes!(by_query, by_body)).routes(routes!(symbols::by_name))
}

/// What is asked, as query string or JSON.
#[derive(Debug, Deserialize, utoipa::IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[schema(example = json!({ "query": "lang:rust fn main", "limit": 10 }))]
struct CodeSearch {
    /// In the query language, at most 1 KiB.
    #[param(max_length = 1024, format = "code-query", example = "lang:rust fn main")]
    #[schema(max_length = 1024, format = "code-query")]
    query: String,
    /// Only in this repository: a UUID or `owner/name`.
    #[param(format = "repository")]
    repository: Option<String>,
    /// Most lines of a page.
    #[param(minimum = 1, maximum = 100, default = 50)]
    #[schema(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before: for an hour, of the same version of the index.
    cursor: Option<String>,
    /// Lines given before and after each match.
    #[serde(default)]
    #[param(minimum = 0, maximum = 10)]
    #[schema(minimum = 0, maximum = 10)]
    context: u32,
    /// Count all matches.
    #[serde(default)]
    count: bool,
    /// Give files by language, folder, repository and class.
    #[serde(default)]
    facets: bool,
    /// Give the parts of each score.
    #[serde(default)]
    explain: bool,
    /// Refuse to answer from an index older than this root version, which the summary of a job names.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    min_version: Option<u64>,
    /// After this the answer is what was found so far.
    #[param(minimum = 1, maximum = 10000, default = 10000)]
    #[schema(minimum = 1, maximum = 10000, default = 10000)]
    timeout_ms: Option<u64>,
}

/// Most lines before and after a match.
const MAX_CONTEXT: u32 = 10;
/// After this a search gives what it has, well before the request's own time limit.
const MAX_TIMEOUT_MS: u64 = 10_000;
/// The same of bytes from the object store: all of a large repository.
const MAX_BYTES: u64 = 1 << 30;

/// Search code
///
/// Matching lines of the repositories that the key may see, in rank order.
#[utoipa::path(
    get,
    path = "/api/v1/search/code",
    tag = "search",
    operation_id = "search_code",
    params(CodeSearch),
    responses(
        (status = 200, description = "A page of lines.", body = SearchList),
        (status = 404, description = "`not_found`: no such repository is visible to this key."),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
async fn by_query(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Query(search): Query<CodeSearch>,
) -> Result<Response, ApiError> {
    let searcher = resources.searcher()?;
    let request = request(searcher, &key, &search)?;
    if had.is_some() {
        let tag = tag(
            "code search",
            (key.tenant, &request.visible),
            &search,
            searcher.version(key.tenant, search.min_version).await?,
        );
        if had.has(&tag.to_string()) {
            return Ok(tag.not_modified());
        }
    }
    let result = searcher.search(&request).await?;
    let answer = Json(list(&result));
    // How far a search comes before its deadline differs from time to time.
    if result.reason == Some(StopReason::Deadline) {
        return Ok(answer.into_response());
    }
    let tag = tag("code search", (key.tenant, &request.visible), &search, result.root_version);
    Ok(([(ETAG, tag.header())], answer).into_response())
}

/// Search code, asked by a body
///
/// For queries that are too long or too private for a URL.
#[utoipa::path(
    post,
    path = "/api/v1/search/code",
    tag = "search",
    operation_id = "search_code_by_body",
    request_body = CodeSearch,
    responses(
        (status = 200, description = "A page of lines.", body = SearchList),
        (status = 404, description = "`not_found`: no such repository is visible to this key."),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
async fn by_body(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    Json(search): Json<CodeSearch>,
) -> Result<Json<SearchList>, ApiError> {
    let searcher = resources.searcher()?;
    let request = request(searcher, &key, &search)?;
    let result = searcher.search(&request).await?;
    Ok(Json(list(&result)))
}

/// All that the answer depends on, but for what it costs.
fn tag(
    kind: &str,
    (tenant, visible): (TenantId, &[Visible]),
    search: &impl fmt::Debug,
    root_version: u64,
) -> EntityTag {
    let mut tag = TagBuilder::new(kind).with(tenant.0.as_bytes()).with(&root_version.to_be_bytes());
    tag = tag.with(format!("{search:?}").as_bytes());
    for visible in visible {
        tag = tag.with(visible.id.0.as_bytes()).with(visible.name.as_bytes());
        tag = visible.hidden.iter().fold(tag, |tag, commit| tag.with(&commit.0));
    }
    tag.weak()
}

/// Checked against the limits of this route.
fn request(searcher: &Searcher, key: &Authorized<Search>, search: &CodeSearch) -> Result<SearchRequest, ApiError> {
    let limit = page_limit(search.limit)?;
    let query = query::parse(&search.query)?;
    let visible = match &search.repository {
        Some(text) => vec![key.repository(text)?],
        None => key.visible(),
    };
    if search.context > MAX_CONTEXT {
        return Err(ApiError::invalid_request(format!("`context` is {}: give 0 to {MAX_CONTEXT}", search.context)));
    }
    let cursor = search.cursor.as_deref().map(|text| searcher.cursor(key.tenant, text));
    let cursor = cursor.transpose().map_err(SearchError::from)?;
    Ok(SearchRequest {
        page: Page { cursor, ..Page::of_lines(limit as usize) },
        count: search.count,
        facets: search.facets,
        context: Context { before: search.context, after: search.context },
        explain: search.explain,
        budget: budget(search.timeout_ms)?,
        min_version: search.min_version,
        ..SearchRequest::new(key.tenant, visible, query)
    })
}

fn budget(timeout_ms: Option<u64>) -> Result<Budget, ApiError> {
    let timeout = match timeout_ms.unwrap_or(MAX_TIMEOUT_MS) {
        timeout @ 1..=MAX_TIMEOUT_MS => Duration::from_millis(timeout),
        wrong => return Err(ApiError::invalid_request(format!("`timeout_ms` is {wrong}: give 1 to {MAX_TIMEOUT_MS}"))),
    };
    Ok(Budget { deadline: Some(Instant::now() + timeout), bytes: Some(MAX_BYTES) })
}
