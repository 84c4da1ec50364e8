//! `GET /search`: asks as the API does, and shows what it costs. A query that is not understood is shown with the place.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use kotadb_core::http::scope::Search;
use kotadb_core::http::{ApiError, Authorized, Query, Resources};
use kotadb_core::query::{self, ParseError};
use kotadb_core::search::{Budget, Page as Part, SearchError, SearchRequest};
use maud::{Markup, html};
use serde::Deserialize;

use crate::calls::Question;
use crate::layout::{Page, Visitor};
use crate::visible::{Visible, plain};
use crate::{home, named, results, symbols};

/// Files of a page, and lines of all of them.
const FILES: usize = 20;
const LINES: usize = 400;
/// What a page may cost: the limits of the API.
const PATIENCE: Duration = Duration::from_secs(10);
const MOST_BYTES: u64 = 1 << 30;

/// What is asked.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    pub(crate) q: String,
    cursor: Option<String>,
    /// `symbols`, `repositories`, or nothing for lines and files.
    #[serde(default)]
    kind: String,
}

/// The page.
pub(crate) async fn show(
    State(resources): State<Resources>,
    visitor: Visitor,
    key: Authorized<Search>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let began = Instant::now();
    if asked.q.trim().is_empty() {
        return Ok(Redirect::to("/").into_response());
    }
    match asked.kind.as_str() {
        "symbols" => return symbols::show(&resources, &visitor, &key, &asked.q).await,
        "repositories" => return Ok(named::show(&visitor, &key, &asked.q)),
        _ => {}
    }
    let query = match query::parse(&asked.q) {
        Ok(query) => query,
        Err(error) => return Ok(not_understood(&visitor, &asked.q, &error)),
    };
    let searcher = resources.searcher()?;
    let cursor = asked.cursor.as_deref().map(|text| searcher.cursor(key.tenant, text));
    let cursor = cursor.transpose().map_err(SearchError::from)?;
    let is_first = cursor.is_none();
    let request = SearchRequest {
        page: Part { files: Some(FILES), lines: Some(LINES), cursor },
        facets: true,
        budget: Budget { deadline: Some(Instant::now() + PATIENCE), bytes: Some(MOST_BYTES) },
        ..SearchRequest::new(key.tenant, key.visible(), query)
    };
    let searching = Instant::now();
    let result = searcher.search(&request).await?;
    let took = searching.elapsed();
    let body = html! {
        (results::body(&asked.q, &result, took, is_first))
        (question(&[("query", &asked.q)]).show(&resources, &visitor))
    };
    let page = Page { query: &asked.q, ..Page::new(&visitor, &asked.q) };
    Ok(timed(page.show(&body), took, began.elapsed()))
}

/// The same for programs.
fn question<'a>(parameters: &'a [(&'a str, &'a str); 1]) -> Question<'a> {
    let [(_, query)] = parameters;
    let (path, arguments) = ("/api/v1/search/code".to_owned(), serde_json::json!({ "query": query }));
    Question { path, parameters, tool: "search_code", arguments }
}

/// With the time of the search, and that of the whole page, for whoever looks into it.
pub(crate) fn timed(mut response: Response, search: Duration, whole: Duration) -> Response {
    let millis = |took: Duration| took.as_secs_f64() * 1000.0;
    let value = format!("search;dur={:.3}, page;dur={:.3}", millis(search), millis(whole));
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert("server-timing", value);
    }
    response
}

fn not_understood(visitor: &Visitor, query: &str, error: &ParseError) -> Response {
    let page = Page { query, is_about_search: true, ..Page::new(visitor, query) };
    let mut response = page.show(&fault(query, error));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// The query, and a mark below the character where it stops being one.
fn fault(query: &str, error: &ParseError) -> Markup {
    let before = plain(&query.chars().take(error.position.saturating_sub(1)).collect::<String>()).chars().count();
    html! {
        section.narrow {
            h1 { "The query is not understood" }
            pre.fault { (plain(query)) "\n" (" ".repeat(before)) "^" }
            p.alarm role="alert" { (Visible(&error.message)) }
            p { (Visible(&error.help)) }
            h2 { "Queries that work" }
            (home::examples())
        }
    }
}
