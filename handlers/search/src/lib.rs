//! `GET|POST /api/v1/search/code`: matching lines of the repositories that the key may see, in rank order.
//!
//! `query` is in the language of `core/src/query/syntax.md`, at most 1 KiB; `repository` takes a UUID or `owner/name`;
//! `limit` is 1 to 100 lines, by default 50; `cursor` is the `next_cursor` of the page before, for an hour, of the
//! same version of the index. `context` (0 to 10) gives lines around each match, `count` counts all matches, `facets` gives
//! files by language, folder, repository and class, `explain` the parts of each score. `min_version` refuses (409
//! `index_behind`) to answer from an index older than that root version, which a job's summary names. A search stops after
//! `timeout_ms` (1 to 10,000, the default) or 1 GiB of reads: `index.complete` says whether all is there, `index.reason`
//! why not. One that nobody waits for any more stops too. Answered from the index: the database is asked for the key only.

use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{ApiError, Authorized, Json, Query, Resources, page_limit};
use kotadb_core::query;
use kotadb_core::search::{Budget, Context, Page, SearchError, SearchRequest, Searcher};
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
    cursor: Option<String>,
    #[serde(default)]
    context: u32,
    #[serde(default)]
    count: bool,
    #[serde(default)]
    facets: bool,
    #[serde(default)]
    explain: bool,
    min_version: Option<u64>,
    timeout_ms: Option<u64>,
}

/// Most lines before and after a match.
const MAX_CONTEXT: u32 = 10;
/// After this a search gives what it has, well before the request's own time limit.
const MAX_TIMEOUT_MS: u64 = 10_000;
/// The same of bytes from the object store: all of a large repository.
const MAX_BYTES: u64 = 1 << 30;

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
    let searcher = resources.searcher()?;
    let request = request(searcher, key, search)?;
    let result = searcher.search(&request).await?;
    Ok(Json(list(&result)))
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
