//! `GET /api/v1/search/symbols`: definitions of the repositories that the key may see, by name, the best first.
//!
//! `name` is a name, the beginning of one, parts of one (`index` finds `applyIndexOperation`) or a qualified one
//! (`Pool.acquire`); `exact` asks for the whole name in its case. `kind` narrows to kinds, joined with commas; `filter` is in the
//! query language, without text (`lang:rust path:src`); `repository` takes a UUID or `owner/name`; `limit` is 1 to 100, by
//! default 50. There are no pages: `truncated` says that a longer name or a filter is needed. Answered from the index, without a
//! look at any text.

use axum::extract::State;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use kotadb_core::facts::SymbolKind;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{ApiError, Authorized, IfNoneMatch, Json, Query, Resources, page_limit};
use kotadb_core::query;
use kotadb_core::search::SymbolRequest;
use kotadb_core::wire::symbols::{SymbolList, list};
use serde::Deserialize;

/// Longest name, in bytes.
const MAX_NAME: usize = 1024;

/// What is asked.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SymbolSearch {
    /// A name, its beginning, parts of it, or a qualified name.
    #[param(min_length = 1, max_length = 1024, example = "acquire")]
    name: String,
    /// Only the whole name, in the same case.
    #[serde(default)]
    exact: bool,
    /// Only these kinds, joined with commas: `function,method`.
    #[param(example = "function,method")]
    kind: Option<String>,
    /// Where, in the query language, without text.
    #[param(max_length = 1024, example = "lang:rust")]
    filter: Option<String>,
    /// Only in this repository: a UUID or `owner/name`.
    #[param(format = "repository")]
    repository: Option<String>,
    /// Most symbols.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// Refuse to answer from an index older than this root version, which the summary of a job names.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    min_version: Option<u64>,
}

/// Search symbols
///
/// Definitions of the repositories that the key may see, by name, the best first.
#[utoipa::path(
    get,
    path = "/api/v1/search/symbols",
    tag = "search",
    operation_id = "search_symbols",
    params(SymbolSearch),
    responses(
        (status = 200, description = "Symbols.", body = SymbolList),
        (status = 404, description = "`not_found`: no such repository is visible to this key."),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
pub(crate) async fn by_name(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Query(search): Query<SymbolSearch>,
) -> Result<Response, ApiError> {
    let searcher = resources.searcher()?;
    let request = request(&key, &search)?;
    let tag = |version| super::tag("symbols", (key.tenant, &request.visible), &search, version);
    if had.is_some() {
        let tag = tag(searcher.version(key.tenant, search.min_version).await?);
        if had.has(&tag.to_string()) {
            return Ok(tag.not_modified());
        }
    }
    let answer = searcher.symbols(&request).await?;
    let tag = tag(answer.root_version);
    Ok(([(ETAG, tag.header())], Json(list(&answer))).into_response())
}

/// Checked against the limits of this route.
fn request(key: &Authorized<Search>, search: &SymbolSearch) -> Result<SymbolRequest, ApiError> {
    if search.name.trim().is_empty() || search.name.len() > MAX_NAME {
        return Err(ApiError::invalid_request(format!("`name` has {} bytes: give 1 to {MAX_NAME}", search.name.len())));
    }
    let visible = match &search.repository {
        Some(text) => vec![key.repository(text)?],
        None => key.visible(),
    };
    let limit = page_limit(search.limit)? as usize;
    let kinds = search.kind.as_deref().map_or(Ok(Vec::new()), kinds)?;
    let request = SymbolRequest::new(key.tenant, visible, &search.name);
    let filter = match &search.filter {
        Some(filter) => query::parse_filter(filter)?,
        None => request.filter.clone(),
    };
    Ok(SymbolRequest { exact: search.exact, kinds, filter, limit, min_version: search.min_version, ..request })
}

fn kinds(text: &str) -> Result<Vec<SymbolKind>, ApiError> {
    let kind = |name: &str| {
        let found = SymbolKind::ALL.into_iter().find(|kind| kind.name() == name.trim());
        found.ok_or_else(|| {
            ApiError::invalid_request(format!("`kind` `{name}` is unknown: give `function`, `class`, …"))
        })
    };
    text.split(',').map(kind).collect()
}
