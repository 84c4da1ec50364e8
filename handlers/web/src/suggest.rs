//! `GET /suggest?q=&caret=`: how a query may go on where the caret is, and what is wrong with it so far; for a script, which shows it
//! below the box. Filters and their values are taken over, symbols are opened.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::db::principal::Principal;
use kotadb_core::http::scope::Any;
use kotadb_core::http::{ApiError, Authorized, Query, Resources};
use kotadb_core::query;
use kotadb_core::search::{SymbolHit, SymbolRequest};
use kotadb_core::text::Language;
use maud::{Markup, html};
use serde::Deserialize;

use crate::layout::answer;
use crate::visible::{Visible, plain};
use crate::{facets, links};

/// Suggestions of a kind.
const MOST: usize = 6;
/// Letters of a name before symbols are looked for.
const LETTERS: usize = 3;

/// Filters, and what each is for.
const FIELDS: [(&str, &str); 10] = [
    ("repo:", "a repository"),
    ("path:", "a path, glob or /regex/"),
    ("lang:", "a language"),
    ("sym:", "files that define it"),
    ("ref:", "a branch, tag or commit"),
    ("case:", "yes, no"),
    ("type:", "line, file, path, symbol"),
    ("multiline:", "yes: over line ends"),
    ("generated:", "yes, no, only"),
    ("vendored:", "yes, no, only"),
];
const YES_NO: &[&str] = &["yes", "no"];
const SHARES: &[&str] = &["yes", "no", "only"];

/// A query that is being written.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    /// Where the caret is, in characters; absent: at the end.
    caret: Option<usize>,
}

/// What stands before the word at the caret, that word up to the caret, and what follows.
#[derive(Debug, PartialEq, Eq)]
struct Place<'a> {
    before: &'a str,
    word: &'a str,
    after: &'a str,
}

/// A suggestion.
struct Choice {
    text: String,
    about: String,
    /// What it does: the whole query anew, or a page.
    then: Then,
}

enum Then {
    Query(String),
    Page(String),
}

/// The list; of what is wrong a sentence.
pub(crate) async fn show(
    State(resources): State<Resources>,
    key: Authorized<Any>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let place = Place::of(&asked.q, asked.caret);
    let mut choices = values(&place, &key).unwrap_or_else(|| fields(&place));
    if key.has("search") {
        choices.extend(symbols(&resources, &key, &place).await);
    }
    let fault = query::parse(&asked.q).err().filter(|_| !asked.q.trim().is_empty());
    Ok(answer(html! {
        div {
            @if let Some(fault) = fault {
                p.fault-line role="status" {
                    span.caret aria-hidden="true" { (" ".repeat(fault.position.saturating_sub(1))) "^" }
                    (Visible(&fault.message)) ". " (Visible(&fault.help))
                }
            }
            @if !choices.is_empty() {
                ul #suggestions role="listbox" aria-label="Suggestions" {
                    @for (nth, choice) in choices.iter().enumerate() { (choice.show(nth)) }
                }
            }
        }
    }))
}

impl<'a> Place<'a> {
    fn of(query: &'a str, caret: Option<usize>) -> Self {
        let end = caret.and_then(|caret| query.char_indices().nth(caret)).map_or(query.len(), |(at, _)| at);
        let (head, after) = query.split_at(end);
        let start = head.rfind(|c: char| c.is_whitespace() || c == '(').map_or(0, |at| at + 1);
        let start = if head[start..].starts_with('-') { start + 1 } else { start };
        Self { before: &head[..start], word: &head[start..], after }
    }

    /// The query with another word there. A filter that is whole is followed by a blank.
    fn with(&self, word: &str) -> String {
        let blank = if word.ends_with(':') || self.after.starts_with(' ') { "" } else { " " };
        format!("{}{word}{blank}{}", self.before, self.after)
    }

    fn choice(&self, word: &str, about: &str) -> Choice {
        Choice { text: word.to_owned(), about: about.to_owned(), then: Then::Query(self.with(word)) }
    }
}

/// Values of the filter that the word is; `None`: it is none whose values are known.
fn values(place: &Place<'_>, principal: &Principal) -> Option<Vec<Choice>> {
    let (field, begun) = place.word.split_once(':')?;
    let begun = begun.trim_matches('"').to_ascii_lowercase();
    let fixed = |known: &[&str]| -> Vec<String> { known.iter().map(|&value| value.to_owned()).collect() };
    let known: Vec<String> = match field {
        "repo" | "r" => principal.repositories.iter().map(|(_, name)| name.clone()).collect(),
        "lang" | "language" | "l" => Language::all().map(|one| one.name().to_owned()).collect(),
        "case" => fixed(&["yes", "no", "auto"]),
        "type" => fixed(&["line", "file", "path", "symbol"]),
        "multiline" => fixed(YES_NO),
        "generated" | "vendored" => fixed(SHARES),
        _ => return None,
    };
    let mut fitting: Vec<&String> = known.iter().filter(|value| value.to_ascii_lowercase().contains(&begun)).collect();
    // What begins so comes before what has it within.
    fitting.sort_by_key(|value| !value.to_ascii_lowercase().starts_with(&begun));
    Some(fitting.into_iter().take(MOST).map(|value| place.choice(&facets::filter(field, value), "")).collect())
}

/// Filters whose name begins with the word; all of them where there is none yet.
fn fields(place: &Place<'_>) -> Vec<Choice> {
    let is_meant = |field: &&(&str, &str)| {
        field.0.starts_with(place.word) && (!place.word.is_empty() || place.before.ends_with(' '))
    };
    FIELDS.iter().filter(is_meant).take(MOST).map(|(field, about)| place.choice(field, about)).collect()
}

/// Definitions of that name. What cannot be looked up is not suggested.
async fn symbols(resources: &Resources, principal: &Principal, place: &Place<'_>) -> Vec<Choice> {
    let name = place.word.strip_prefix("sym:").unwrap_or(place.word);
    let is_name = |c: char| c.is_alphanumeric() || "_.:$".contains(c);
    if name.chars().count() < LETTERS || !name.chars().all(is_name) || name.contains(':') && !name.contains("::") {
        return Vec::new();
    }
    let Ok(searcher) = resources.searcher() else { return Vec::new() };
    let request = SymbolRequest { limit: MOST, ..SymbolRequest::new(principal.tenant, principal.visible(), name) };
    let found = searcher.symbols(&request).await.map(|answer| answer.symbols).unwrap_or_default();
    found.iter().map(symbol).collect()
}

fn symbol(hit: &SymbolHit) -> Choice {
    let path = String::from_utf8_lossy(&hit.path);
    Choice {
        text: hit.row.qualified(),
        about: format!("{} {path}:{}", hit.repository_name, hit.row.line),
        then: Then::Page(links::symbol(hit.repository, &hit.id(), &hit.commit.to_string())),
    }
}

impl Choice {
    fn show(&self, nth: usize) -> Markup {
        let (query, page) = match &self.then {
            Then::Query(query) => (Some(plain(query)), None),
            Then::Page(page) => (None, Some(page)),
        };
        html! {
            li id=(format!("suggestion{nth}")) role="option" aria-selected="false" data-query=[query] data-page=[page] {
                code { (Visible(&self.text)) } " " span.quiet { (Visible(&self.about)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_at_the_caret_is_what_goes_on() {
        let place = Place::of("foo -la bar", Some(7));
        assert_eq!(place, Place { before: "foo -", word: "la", after: " bar" });
        assert_eq!(fields(&place).iter().map(|one| one.text.as_str()).collect::<Vec<_>>(), ["lang:"]);
        assert_eq!(
            (place.with("lang:"), place.with("lang:rust")),
            ("foo -lang: bar".to_owned(), "foo -lang:rust bar".to_owned())
        );
        assert_eq!(Place::of("é(ca", None), Place { before: "é(", word: "ca", after: "" });
        assert_eq!(Place::of("é", Some(9)).word, "é");
        assert_eq!(fields(&Place::of("", None)).len(), 0, "nothing is asked yet");
        assert_eq!(fields(&Place::of("foo ", None)).len(), MOST);
    }
}
