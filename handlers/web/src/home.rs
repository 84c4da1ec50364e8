//! `GET /`: for whoever is signed in a search box with examples and the repositories; for others, what this is.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use kotadb_core::db::principal::Principal;
use kotadb_core::http::scope::Any;
use kotadb_core::http::{ApiError, Authorized, Resources};
use maud::{Markup, html};

use crate::layout::{Page, Visitor};
use crate::links;
use crate::moment::count;
use crate::visible::Visible;

/// Queries to click on, and what each finds.
const EXAMPLES: [(&str, &str); 6] = [
    ("TODO", "a word, in either case unless it has a capital"),
    ("\"return nil, err\" lang:go", "a phrase, in one language"),
    ("/fn \\w+_test\\(/ path:*.rs", "a regular expression, in some files"),
    ("(malloc OR calloc) -free", "files with one, without another"),
    ("type:path readme", "files by their path"),
    ("panic ref:*", "on every indexed branch and tag"),
];
/// Repositories that are named here; a page has all of them.
const MOST_NAMED: usize = 24;

/// Whoever asks, if anybody known.
pub(crate) struct Known(Option<Authorized<Any>>);

impl FromRequestParts<Resources> for Known {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, resources: &Resources) -> Result<Self, ApiError> {
        if !Visitor::of(parts).is_signed_in() {
            return Ok(Self(None));
        }
        Authorized::from_request_parts(parts, resources).await.map(|key| Self(Some(key)))
    }
}

/// The page.
pub(crate) async fn show(State(_): State<Resources>, visitor: Visitor, Known(key): Known) -> Response {
    match key {
        Some(key) => Page { is_about_search: true, ..Page::new(&visitor, "Code search") }.show(&for_member(&key)),
        None => Page::new(&visitor, "Code search").show(&for_anybody(&visitor)),
    }
}

fn for_member(principal: &Principal) -> Markup {
    let n = principal.repositories.len();
    html! {
        h1.unseen { "Code search" }
        section aria-labelledby="examples" {
            h2 #examples { "Try a query" }
            (examples())
        }
        section aria-labelledby="repositories" {
            h2 #repositories { (count(n as u64, "repository")) }
            @if n == 0 {
                p { "None is registered yet. " a href="/repositories" { "Register one" } " to search it a few seconds later." }
            } @else {
                ul.tiles {
                    @for (id, name) in principal.repositories.iter().take(MOST_NAMED) {
                        li { a.go href=(links::repository(*id)) { (Visible(name)) } }
                    }
                }
                @if n > MOST_NAMED { p { a href="/repositories" { "All of them" } } }
            }
        }
    }
}

/// Also what is shown where nothing was found.
pub(crate) fn examples() -> Markup {
    html! {
        ul.examples {
            @for (query, what) in EXAMPLES {
                li { a.go href=(links::search(query)) { code { (query) } } " " span.quiet { (what) } }
            }
        }
    }
}

fn for_anybody(visitor: &Visitor) -> Markup {
    html! {
        section.hero {
            h1 { "Search your code, and ask it questions" }
            p.lead {
                "Exact search over every repository of your team, seconds after each push. Who calls this, what breaks if it
                 changes, where is it defined: for people here and in a terminal, for agents by MCP."
            }
            p {
                a.primary href=(visitor.way_in()) { "Sign in" }
                " " a.secondary href="/docs" { "Read the docs" }
            }
        }
    }
}
