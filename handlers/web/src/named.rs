//! `GET /search?kind=repositories`: repositories by a part of their name. The first word without a field is that part, and so is what
//! `repo:` says.

use axum::response::Response;
use kotadb_core::db::principal::Principal;
use maud::html;

use crate::layout::{Page, Visitor};
use crate::moment::count;
use crate::visible::Visible;
use crate::{facets, links, results};

/// Repositories of a page; their own page has all.
const MOST: usize = 200;

/// The page.
pub(crate) fn show(visitor: &Visitor, principal: &Principal, asked: &str) -> Response {
    let part = part(asked).to_lowercase();
    let found: Vec<_> = principal.repositories.iter().filter(|(_, name)| name.to_lowercase().contains(&part)).collect();
    let body = html! {
        h1.unseen { "Repositories" }
        div.bar {
            p.counts role="status" { strong { (count(found.len() as u64, "repository")) } }
            (results::kinds(asked, "repositories"))
        }
        @if found.is_empty() { p { "No repository has " code { (Visible(&part)) } " in its name: " a href="/repositories" { "all of them" } "." } }
        ol.symbols {
            @for (id, name) in found.iter().take(MOST) {
                li {
                    a.go href=(links::repository(*id)) { b { (Visible(name)) } }
                    " " a.quiet href=(links::search(&facets::filter("repo", name))) { "its files" }
                }
            }
        }
        @if found.len() > MOST { p { a href="/repositories" { "All of them" } } }
    };
    Page { query: asked, ..Page::new(visitor, asked) }.show(&body)
}

/// What of a query is a part of a name.
fn part(asked: &str) -> &str {
    let of_field = |word: &'_ str| ["repo:", "r:"].iter().any(|field| word.starts_with(field));
    let word = asked.split_whitespace().find(|word| of_field(word) || !word.contains(':')).unwrap_or_default();
    let value = ["repo:", "r:"].iter().find_map(|field| word.strip_prefix(field)).unwrap_or(word);
    value.trim_matches(['"', '/', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_for_by_the_first_word_or_its_field() {
        assert_eq!(
            [part("lang:rust kota db"), part("repo:\"a/b\""), part("lang:c"), part("r:x")],
            ["kota", "a/b", "", "x"]
        );
    }
}
