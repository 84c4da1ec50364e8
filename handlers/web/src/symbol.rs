//! `GET /repositories/{id}/symbol?symbol=&at=`: where something is defined, who calls it and how sure that is, what it calls, and what
//! a change of it may break. A name that means several things is never guessed at: they are listed.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::graph::Confidence;
use kotadb_core::graph::ask::{self, Direction, Reach};
use kotadb_core::http::{ApiError, Resources};
use kotadb_core::search::Searcher;
use kotadb_core::search::commit::{
    Answered, CallsRequest, Changed, CommitError, CommitRequest, CommitState, DefinitionRequest, ImpactRequest,
};
use kotadb_core::search::relations::{CallTree, ChangeSource, ImpactAnswer, Meant, SymbolPlace};
use kotadb_core::wire::relations::SymbolRef;
use maud::{Markup, html};

use crate::at::{At, crumbs};
use crate::calls::Question;
use crate::definition::Definition;
use crate::layout::{Page, Visitor};
use crate::moment::count;
use crate::visible::{Visible, is_plain};
use crate::{code, drawing, highlight, links, users};

/// Lines of a definition that are shown.
const LINES: usize = 24;
/// Callers and callees that are listed.
const MOST: usize = 300;

/// What a page tells of a symbol.
struct Told {
    symbol: SymbolPlace,
    definition: Option<Definition>,
    callers: Option<CallTree>,
    callees: Option<CallTree>,
    impact: Option<ImpactAnswer>,
}

/// The page.
pub(crate) async fn show(State(resources): State<Resources>, visitor: Visitor, at: At) -> Result<Response, ApiError> {
    let (searcher, commit) = (resources.searcher()?, at.commit()?);
    let asked = at.asked.symbol.trim().to_owned();
    if asked.is_empty() {
        return Err(ApiError::invalid_request(
            "`symbol` is missing: give a name, or an id as `src/pool.rs#Pool.acquire`",
        ));
    }
    let found = searcher.ask(&commit, &DefinitionRequest { symbol: asked.clone() }).await?;
    // All questions are asked of the commit that the first one met.
    let commit = CommitRequest { reference: Some(found.state.commit.to_string()), ..commit };
    let body = match <[SymbolPlace; 1]>::try_from(found.answer) {
        Ok([symbol]) => {
            let known = Told::of(searcher, &commit, symbol).await?;
            let question = question(&at, &found.state, &known.symbol, (&resources, &visitor));
            html! { (told(&at, &found.state, &known)) (question) }
        }
        Err(places) => several(&at, &found.state, &asked, &places),
    };
    Ok(Page::new(&visitor, &asked).show(&body))
}

impl Told {
    async fn of(searcher: &Searcher, commit: &CommitRequest, symbol: SymbolPlace) -> Result<Self, ApiError> {
        let calls = |direction| CallsRequest {
            symbol: symbol.id.clone(),
            // What has no more than the name in common is not worth a look.
            question: ask::Question { min_confidence: Confidence(2), most: MOST, ..ask::Question::calls(direction) },
        };
        let callers = one(known(searcher.ask(commit, &calls(Direction::Users)).await)?);
        let callees = one(known(searcher.ask(commit, &calls(Direction::Used)).await)?);
        let changed = Changed::Source(ChangeSource::Named(vec![symbol.id.clone()]));
        let impact = known(searcher.ask(commit, &ImpactRequest { changed, reach: Reach::default() }).await)?;
        let definition = Definition::of(searcher, commit, &symbol).await?;
        Ok(Self { symbol, definition, callers, callees, impact })
    }
}

/// What needs a graph is left out where the commit has none.
fn known<T>(answered: Result<Answered<T>, CommitError>) -> Result<Option<T>, ApiError> {
    match answered {
        Err(CommitError::NoGraph) => Ok(None),
        answered => Ok(Some(answered?.answer)),
    }
}

fn one(meant: Option<Meant<CallTree>>) -> Option<CallTree> {
    match meant? {
        Meant::One(tree) => Some(tree),
        Meant::Unclear(_) => None,
    }
}

fn several(at: &At, state: &CommitState, asked: &str, places: &[SymbolPlace]) -> Markup {
    html! {
        (crumbs(state, b"", &at.asked.at))
        h1 { (Visible(asked)) }
        @if places.is_empty() {
            p { "No symbol has this name here." }
            p { a.go href=(links::search(&format!("\"{}\"", asked.replace(['"', '\\'], "")))) { "Search for it in text" } }
        } @else {
            p { "This name means several symbols. Which one?" }
            ol.symbols { @for place in places { li { (users::name(at, place)) } } }
        }
    }
}

fn told(at: &At, state: &CommitState, told: &Told) -> Markup {
    let symbol = SymbolRef::from(&told.symbol);
    let here = at.asked.at.as_str();
    html! {
        (crumbs(state, &told.symbol.path, here))
        div.bar {
            h1.file { (Visible(&symbol.name)) }
            p.quiet { (symbol.kind) @if symbol.exported { " · exported" } @if symbol.test { " · test" } }
            p.actions {
                a href=(links::symbol(at.id, &symbol.id, &state.commit.to_string())) data-permalink data-key="y" { "Permalink" }
                @if is_plain(&symbol.id) { " " button.plain.copy type="button" data-copy=(symbol.id) { "Copy id" } }
            }
        }
        @if state.graph.is_none() {
            p.note { "Of this commit names are all that is known: who uses what is resolved for the tips of tracked branches." }
        }
        @if let Some(one) = &told.definition { (definition(at, &told.symbol, one)) }
        @if told.callers.is_none() { p { "Nobody is known to use it." } }
        @if let Some(callers) = &told.callers { (users::callers(at, callers)) }
        @if let Some(callees) = &told.callees { (users::callees(at, callees)) }
        @if let Some(impact) = &told.impact { (drawing::impact(at, &told.symbol, impact)) }
    }
}

/// Its first lines; where there are more, a way to them.
fn definition(at: &At, symbol: &SymbolPlace, definition: &Definition) -> Markup {
    let link = links::file(at.id, &symbol.path, &at.asked.at);
    let (first, last) = definition.lines;
    let spans = highlight::spans(definition.language, definition.text());
    html! {
        article.card {
            h2.where {
                a.go.path href=(format!("{link}#L{first}-L{last}")) {
                    (Visible(&String::from_utf8_lossy(&symbol.path))) ":" (symbol.line)
                }
            }
            div.code {
                @for (n, (line, spans)) in (first..=last).zip(code::lines(definition.text(), &spans)).take(LINES) {
                    a.line href=(format!("{link}#L{n}")) { span.n { (n) } code { (code::pieces(line, &spans, &[])) } }
                }
            }
            @if last - first >= LINES as u64 {
                p.after { a href=(format!("{link}#L{first}-L{last}")) { "All " (count(last - first + 1, "line")) } }
            }
        }
    }
}

/// The same for programs.
fn question(
    at: &At,
    state: &CommitState,
    symbol: &SymbolPlace,
    (resources, visitor): (&Resources, &Visitor),
) -> Markup {
    let repository = &state.repository_name;
    Question {
        path: links::api_symbol(&symbol.id, "callers"),
        parameters: &[("repository", repository), ("ref", &at.asked.at)],
        tool: "find_callers",
        arguments: serde_json::json!({ "repository": repository, "symbol": symbol.id }),
    }
    .show(resources, visitor)
}
