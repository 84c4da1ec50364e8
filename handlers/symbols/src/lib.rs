//! What a commit's graph says of a symbol. `symbol` is the percent-encoded id (`src/pool.rs#Pool.acquire`, `external:serde#from_str`),
//! a name, a qualified name, or a path; a name of several symbols is answered by `candidates`, never by a guess. `repository`
//! takes a UUID or `owner/name`, and may be left out by keys that see one alone; `ref` is a branch, a tag, or a commit by seven
//! digits or more.
//!
//! - `GET /api/v1/symbols/{symbol}/definition`: where it is defined.
//! - `GET …/callers`, `…/callees`, `…/usages` `?depth=&min_confidence=&include_tests=&path=&limit=&cursor=` (in `calls`): a tree
//!   of 1 to 3 levels, with the sites.
//! - `GET …/implementations?direction=&min_confidence=&limit=&cursor=` (in `members`): what implements, extends or overrides it.
//! - `GET …/impact?depth=&min_confidence=&limit=&cursor=`, and `POST /api/v1/repositories/{id}/impact` (in `impact`): what may break when it, or
//!   all that a diff touches, changes; 1 to 5 steps.
//!
//! Every edge says how sure it is and which rule found it. Needs the graph of the commit, which tips of tracked refs have.
//! Answered from the index; entity tags are of snapshot and graph.

mod calls;
mod impact;
mod members;

use axum::extract::State;
use axum::response::Response;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{
    ApiError, Asked, Authorized, Id, IfNoneMatch, OpenApiRouter, Query, Resources, bounded, routes,
};
use kotadb_core::search::commit::{Answered, DefinitionRequest};
use kotadb_core::search::relations::SymbolPlace;
use kotadb_core::wire::relations::{DefinitionList, GraphState, definition_list};
use serde::Deserialize;

/// Longest symbol, and longest folder, in characters: percent-encoded, both fit into one address.
const MAX_TEXT: usize = 2048;

/// Items that cursors lead to at most.
const MOST: usize = 10_000;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default()
        .routes(routes!(definition))
        .routes(routes!(calls::callers))
        .routes(routes!(calls::callees))
        .routes(routes!(calls::usages))
        .routes(routes!(members::implementations))
        .routes(routes!(impact::of_symbol))
        .routes(routes!(impact::of_change))
}

/// Which commit.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DefinitionQuery {
    /// A UUID or `owner/name`; may be left out where the key sees one repository alone.
    #[param(format = "repository")]
    repository: Option<String>,
    /// A branch, a tag, or a commit by seven digits or more; by default the default branch.
    #[serde(rename = "ref")]
    #[param(rename = "ref", format = "ref", example = "main")]
    reference: Option<String>,
    /// Refuse to answer from an index older than this root version, which the summary of a job names.
    #[param(minimum = 0, maximum = 9007199254740991_i64)]
    min_version: Option<u64>,
}

/// Find a definition
///
/// Where a symbol is defined; several places where several symbols have that name.
#[utoipa::path(
    get,
    path = "/api/v1/symbols/{symbol}/definition",
    tag = "symbols",
    operation_id = "find_definition",
    params(("symbol" = String, Path, description = "Id, name or path, percent-encoded.", max_length = 2048, format = "symbol"), DefinitionQuery),
    responses(
        (status = 200, description = "Symbols.", body = DefinitionList),
        (status = 404, description = "`not_found`: no such repository is visible to this key, or no such commit is indexed."),
        (status = 409, description = "`index_behind`: the index is older than `min_version`."),
    ),
    security(("bearer" = ["search"]))
)]
async fn definition(
    State(resources): State<Resources>,
    key: Authorized<Search>,
    had: IfNoneMatch,
    Id(symbol): Id<String>,
    Query(query): Query<DefinitionQuery>,
) -> Result<Response, ApiError> {
    let commit = key.commit(query.repository.as_deref(), query.reference.as_deref(), query.min_version)?;
    let request = DefinitionRequest { symbol: checked(symbol)? };
    let asked = Asked { commit, parameters: &("definition", &request, &query), had: &had };
    let shape = |found: Answered<Vec<SymbolPlace>>| {
        definition_list(&request.symbol, &found.answer, GraphState::of_commit(&found.state))
    };
    asked.answer(&resources, &request, shape).await
}

fn checked(symbol: String) -> Result<String, ApiError> {
    match bounded("symbol", &symbol, MAX_TEXT)?.trim() {
        "" => Err(ApiError::invalid_request("give an id, a name or a path as `symbol`")),
        name => Ok(name.to_owned()),
    }
}
