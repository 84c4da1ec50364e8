//! `GET /search?kind=symbols`: definitions by name, the best first. Words with a field narrow, the first other word is the name.

use std::time::{Duration, Instant};

use axum::response::Response;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{ApiError, Authorized, Resources};
use kotadb_core::query;
use kotadb_core::search::{SymbolAnswer, SymbolHit, SymbolRequest};
use kotadb_core::wire::symbols::list;
use maud::{Markup, html};

use crate::layout::{Page, Visitor};
use crate::moment::count;
use crate::visible::Visible;
use crate::{links, results, search};

/// Symbols of a page.
const MOST: usize = 100;

/// The page.
pub(crate) async fn show(
    resources: &Resources,
    visitor: &Visitor,
    key: &Authorized<Search>,
    asked: &str,
) -> Result<Response, ApiError> {
    let began = Instant::now();
    let (name, filter) = parts(asked);
    let request = SymbolRequest::new(key.tenant, key.visible(), &name);
    let filter = if filter.is_empty() { request.filter.clone() } else { query::parse_filter(&filter)? };
    let searching = Instant::now();
    let answer = resources.searcher()?.symbols(&SymbolRequest { filter, limit: MOST, ..request }).await?;
    let took = searching.elapsed();
    let page = Page { query: asked, ..Page::new(visitor, asked) };
    Ok(search::timed(page.show(&body(asked, &name, &answer, took)), took, began.elapsed()))
}

/// The name, and what narrows.
fn parts(asked: &str) -> (String, String) {
    let is_field = |word: &&str| word.contains(':') && !word.contains("::");
    let name = asked.split_whitespace().find(|word| !is_field(word)).unwrap_or_default();
    let filter: Vec<&str> =
        asked.split_whitespace().filter(is_field).filter(|word| !word.starts_with("type:")).collect();
    (name.trim_matches('"').to_owned(), filter.join(" "))
}

fn body(asked: &str, name: &str, answer: &SymbolAnswer, took: Duration) -> Markup {
    let items = list(answer).list.items;
    html! {
        h1.unseen { "Symbols" }
        div.bar {
            p.counts role="status" {
                strong { (count(items.len() as u64, "symbol")) @if !answer.complete { " of more" } }
                " · " (took.as_millis()) " ms"
            }
            (results::kinds(asked, "symbols"))
        }
        @if answer.pending { p.note { "Symbols of some files are read anew: there may be more soon." } }
        @if items.is_empty() {
            section.nothing {
                h2 { "No symbol has this name" }
                p { "Names, beginnings and parts of names are found: " code { "index" } " finds " code { "applyIndexOperation" } "." }
                p { a.go href=(links::search(asked)) { "Search for " code { (Visible(name)) } " in text" } }
            }
        }
        (rows(answer))
    }
}

/// One line each.
pub(crate) fn rows(answer: &SymbolAnswer) -> Markup {
    html! {
        ol.symbols {
            @for (hit, item) in answer.symbols.iter().zip(&list(answer).list.items) { (row(hit, &item.kind)) }
        }
    }
}

fn row(hit: &SymbolHit, kind: &str) -> Markup {
    let commit = hit.commit.to_string();
    let place = format!("{}#L{}", links::file(hit.repository, &hit.path, &commit), hit.row.line);
    html! {
        li {
            span.kind { (kind) } " "
            a.go href=(links::symbol(hit.repository, &hit.id(), &commit)) { b { (Visible(&hit.row.qualified())) } }
            " " a.quiet href=(place) {
                (Visible(&hit.repository_name)) " " (Visible(&String::from_utf8_lossy(&hit.path))) ":" (hit.row.line)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_the_name_and_fields_narrow() {
        assert_eq!(
            parts("lang:rust Pool::acquire path:src"),
            ("Pool::acquire".to_owned(), "lang:rust path:src".to_owned())
        );
        assert_eq!(parts("\"acquire\" more type:path"), ("acquire".to_owned(), String::new()));
    }
}
