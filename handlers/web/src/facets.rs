//! What was found by language, folder and repository, as links that add a filter to the query, or take it away.

use kotadb_core::search::Facets;
use kotadb_core::wire::search::FacetList;
use maud::{Markup, html};

use crate::links;
use crate::moment::number;
use crate::visible::Visible;
use crate::ways::{self, Way};

/// Values of a kind that are shown.
const MOST: usize = 10;
/// What narrows where, and not what.
const FIELDS: [&str; 12] =
    ["repo:", "r:", "path:", "file:", "f:", "lang:", "language:", "l:", "ref:", "b:", "generated:", "vendored:"];

/// What else narrows or widens.
const OPTIONS: [(&str, &str); 4] = [
    ("case:yes", "Match case"),
    ("type:file", "Files only"),
    ("ref:*", "All branches"),
    ("generated:yes", "Generated"),
];

struct Choice {
    filter: String,
    name: String,
    files: u64,
}

/// The panel.
pub(crate) fn panel(query: &str, facets: &Facets) -> Markup {
    let list = FacetList::from(facets);
    let choices = |values: Vec<(String, String, u64)>| -> Vec<Choice> {
        values.into_iter().take(MOST).map(|(filter, name, files)| Choice { filter, name, files }).collect()
    };
    let languages = list.languages.into_iter().map(|one| (filter("lang", &one.value), one.value, one.files)).collect();
    let repositories =
        list.repositories.into_iter().map(|one| (filter("repo", &one.value), one.value, one.files)).collect();
    let folders = list.folders.into_iter().filter(|one| !one.value.is_empty());
    let folders = folders.map(|one| (within(&one.value), one.value, one.files)).collect();
    html! {
        aside.facets aria-label="Filters" {
            (group(query, "Language", &choices(languages)))
            (group(query, "Repository", &choices(repositories)))
            (group(query, "Folder", &choices(folders)))
            (options(query))
            @if !facets.exact { p.quiet { "Counts are of files that may match." } }
        }
    }
}

fn group(query: &str, title: &str, choices: &[Choice]) -> Markup {
    if choices.is_empty() {
        return Markup::default();
    }
    html! {
        div.group {
            h2 { (title) }
            ul {
                @for Choice { filter, name, files } in choices {
                    @let note = html! { (number(*files)) };
                    (option(&toggled(query, filter), has(query, filter), &html! { (Visible(name)) }, &note))
                }
            }
        }
    }
}

/// A way to narrow or widen, or back from it.
fn option(query: &str, is_on: bool, name: &Markup, note: &Markup) -> Markup {
    html! {
        li {
            a href=(links::search(query)) aria-current=[is_on.then_some("true")] {
                span.name { (name) } " " span.n { @if is_on { "remove" } @else { (note) } }
            }
        }
    }
}

/// Filters that do not depend on what was found, and other ways to take the words.
fn options(query: &str) -> Markup {
    let ways = [("Whole words", r"\b", ways::whole(query)), ("Regex", "/…/", ways::regex(query))];
    html! {
        div.group {
            h2 { "Options" }
            ul {
                @for (name, mark, way) in &ways {
                    @if let Some(Way { query, is_on }) = way { (option(query, *is_on, &html! { (name) }, &html! { code { (mark) } })) }
                }
                @for (filter, name) in OPTIONS {
                    (option(&toggled(query, filter), has(query, filter), &html! { (name) }, &html! { code { (filter) } }))
                }
            }
        }
    }
}

/// A filter of the query language, quoted where that is needed.
pub(crate) fn filter(field: &str, value: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"\"()\\".contains(c);
    match value.chars().all(is_plain) && !value.is_empty() && !value.starts_with('/') {
        true => format!("{field}:{value}"),
        false => format!("{field}:\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// Files in a folder at the root of a repository. Wildcards in its name are none there: only a regex says so.
fn within(folder: &str) -> String {
    if !folder.contains(['*', '?', '[', '{']) {
        return filter("path", &format!("/{folder}/"));
    }
    let escaped = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => c.to_string(),
        c => format!("\\x{{{:x}}}", u32::from(c)),
    };
    format!("path:/^{}\\//", folder.chars().map(escaped).collect::<String>())
}

fn words(query: &str) -> impl Iterator<Item = &str> {
    query.split_whitespace()
}

fn has(query: &str, filter: &str) -> bool {
    format!(" {query} ").contains(&format!(" {filter} "))
}

/// With the filter, or without it where it is there.
pub(crate) fn toggled(query: &str, filter: &str) -> String {
    if has(query, filter) {
        let padded = format!(" {query} ").replacen(&format!(" {filter} "), " ", 1);
        return padded.trim().to_owned();
    }
    // What stands beside an OR belongs to one side of it.
    let query = query.trim();
    if words(query).any(|word| word == "OR") { format!("({query}) {filter}") } else { format!("{query} {filter}") }
}

/// The words of a query that say what, and not where; empty: there are filters only.
pub(crate) fn without_filters(query: &str) -> String {
    let is_filter = |word: &str| FIELDS.iter().any(|field| word.trim_start_matches('-').starts_with(field));
    words(query).filter(|word| !is_filter(word)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use kotadb_core::query;

    use super::*;

    #[test]
    fn a_filter_is_added_once_and_taken_away() {
        assert_eq!(toggled("foo", "lang:rust"), "foo lang:rust");
        assert_eq!(toggled("foo lang:rust bar", "lang:rust"), "foo bar");
        assert_eq!(toggled("a OR b", "lang:rust"), "(a OR b) lang:rust");
        assert_eq!(toggled("foo lang:rustic", "lang:rust"), "foo lang:rustic lang:rust");
        assert_eq!(without_filters("foo lang:rust -path:x bar"), "foo bar");
        assert_eq!(without_filters("path:x"), "");
    }

    #[test]
    fn a_filter_of_any_value_is_a_query() {
        for value in ["src", "my folder", "a\"b", "a\\b", "x[1]", "a(b", "a*b", "/", "é", "\u{202e}"] {
            for field in ["path", "repo"] {
                let text = filter(field, &format!("/{value}/"));
                assert!(query::parse(&format!("foo {text}")).is_ok(), "{text}");
            }
        }
        assert_eq!(within("src"), "path:\"/src/\"");
        assert_eq!(within("a[1] b"), r"path:/^a\x{5b}1\x{5d}\x{20}b\//");
        for folder in ["src", "my folder", "a[1]", "a*", "{x}", "a\"b", "a\\b", "\u{202e}"] {
            assert!(query::parse(&format!("foo {}", within(folder))).is_ok(), "{folder}");
        }
    }
}
