//! `GET /repositories/{id}/hover/{path}?symbol=&at=`: what a name in a file may mean, in a few lines, for a script to show beside it.
//! A definition in the same file comes first; several are listed, none is guessed.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::http::{ApiError, Resources};
use kotadb_core::search::commit::{CommitRequest, DefinitionRequest};
use kotadb_core::search::relations::SymbolPlace;
use kotadb_core::wire::relations::SymbolRef;
use maud::{Markup, html};

use crate::at::At;
use crate::definition::Definition;
use crate::layout::answer;
use crate::moment::count;
use crate::visible::Visible;
use crate::{code, links};

/// Definitions that are shown.
const MOST: usize = 3;
/// Lines above a definition that are shown.
const WORDS: usize = 8;

/// The card; empty where the name means nothing that is known.
pub(crate) async fn show(State(resources): State<Resources>, at: At) -> Result<Response, ApiError> {
    let (searcher, commit) = (resources.searcher()?, at.commit()?);
    let found = searcher.ask(&commit, &DefinitionRequest { symbol: at.asked.symbol.trim().to_owned() }).await?;
    let commit = CommitRequest { reference: Some(found.state.commit.to_string()), ..commit };
    let mut places = found.answer;
    places.sort_by_key(|place| place.path != at.path);
    let mut shown = Vec::new();
    for place in places.iter().take(MOST) {
        shown.push((place, Definition::of(searcher, &commit, place).await?));
    }
    Ok(answer(html! {
        @if !shown.is_empty() {
            div {
                @for (place, definition) in &shown { (card(&at, place, definition.as_ref())) }
                @if places.len() > MOST {
                    p { a href=(links::symbol(at.id, at.asked.symbol.trim(), &at.asked.at)) { (count((places.len() - MOST) as u64, "definition")) " more" } }
                }
            }
        }
    }))
}

fn card(at: &At, place: &SymbolPlace, definition: Option<&Definition>) -> Markup {
    let symbol = SymbolRef::from(place);
    let file = links::file(at.id, &place.path, &at.asked.at);
    html! {
        section {
            p.signature {
                span.kind { (symbol.kind) }
                @match definition {
                    Some(one) => { code { (code::line(one.signature.as_bytes(), one.language, &[])) } },
                    None => { code { (Visible(&symbol.name)) } },
                }
            }
            @if let Some(one) = definition {
                @if !one.words.is_empty() { pre { @for line in one.words.iter().take(WORDS) { (Visible(line.trim())) "\n" } } }
            }
            p.quiet {
                a href=(links::symbol(at.id, &symbol.id, &at.asked.at)) { "Who uses it" }
                @if !place.path.is_empty() {
                    " · " a href=(format!("{file}#L{}", place.line)) { (Visible(&String::from_utf8_lossy(&place.path))) ":" (place.line) }
                }
            }
        }
    }
}
