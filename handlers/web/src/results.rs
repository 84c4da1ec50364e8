//! What a search found, by file: the first lines of each, the others a click away.

use std::ops::Range;
use std::time::Duration;

use kotadb_core::query::LineMatch;
use kotadb_core::search::{FileMatch, SearchResult, StopReason};
use kotadb_core::text::Language;
use kotadb_core::wire::search::hidden_notes;
use maud::{Markup, html};

use crate::moment::count;
use crate::visible::Visible;
use crate::{code, facets, home, links};

/// Lines of a file that are shown at once.
const SHOWN: usize = 5;
/// Bytes of a long line that are shown before and after where its first match begins.
const BEFORE: usize = 120;
const AFTER: usize = 280;

/// The main part of the page.
pub(crate) fn body(query: &str, result: &SearchResult, took: Duration, is_first: bool) -> Markup {
    html! {
        h1.unseen { "Results" }
        div.bar {
            p.counts role="status" { (counts(result)) " · " (millis(took)) @if !is_first { " · further results" } }
            (kinds(query, ""))
        }
        div.columns {
            @if let Some(found) = &result.facets { (facets::panel(query, found)) }
            div.results {
                (notes(query, result))
                @if result.files.is_empty() { (nothing(query, result)) }
                ol.files { @for file in &result.files { li { (card(file)) } } }
                @if let Some(next) = &result.next {
                    p.more { a.go.secondary rel="next" href=(links::with("/search", &[("q", query), ("cursor", &next.to_string())])) { "More results" } }
                }
            }
        }
    }
}

fn counts(result: &SearchResult) -> Markup {
    let (lines, files) = (result.totals.lines, result.totals.files.max(result.files.len() as u64));
    let is_exact = result.complete || result.totals.exact;
    html! {
        strong {
            @if !is_exact { "at least " }
            @if lines > 0 { (count(lines, "line")) } @else { (count(files, "file")) }
        }
        @if lines > 0 { " in " (count(files, "file")) }
    }
}

fn millis(took: Duration) -> String {
    match took.as_millis() {
        0 => "under 1 ms".to_owned(),
        millis => format!("{millis} ms"),
    }
}

/// Ways to ask the same of other things.
pub(crate) fn kinds(query: &str, now: &str) -> Markup {
    let bare: Vec<&str> = query.split_whitespace().filter(|word| !word.starts_with("type:")).collect();
    let bare = bare.join(" ");
    let now = if now.is_empty() && query.contains("type:path") { "files" } else { now };
    let ways = [
        ("", "Code", links::search(&bare)),
        ("files", "Files", links::search(&format!("{bare} type:path"))),
        ("symbols", "Symbols", links::with("/search", &[("q", &bare), ("kind", "symbols")])),
        ("repositories", "Repositories", links::with("/search", &[("q", &bare), ("kind", "repositories")])),
    ];
    html! {
        nav.kinds aria-label="What to find" {
            @for (kind, name, link) in ways {
                a href=(link) aria-current=[(kind == now).then_some("page")] { (name) }
            }
        }
    }
}

fn notes(query: &str, result: &SearchResult) -> Markup {
    let mut notes: Vec<String> = Vec::new();
    match result.reason {
        Some(StopReason::Deadline) => notes.push("The time was over before all was searched.".to_owned()),
        Some(StopReason::Bytes) => notes.push("Enough was read for one page.".to_owned()),
        Some(StopReason::Limit) | None => {}
    }
    let hidden = result.hidden.filter(|hidden| hidden.generated + hidden.vendored > 0);
    html! {
        @for note in notes { p.note { (note) } }
        @if let Some(hidden) = hidden {
            p.note {
                @for note in hidden_notes(Some(hidden)) { (note.split(':').next().unwrap_or_default()) ". " }
                a href=(links::search(&format!("{query} generated:yes vendored:yes"))) { "Show them" }
            }
        }
    }
}

fn nothing(query: &str, result: &SearchResult) -> Markup {
    let without = facets::without_filters(query);
    html! {
        section.nothing {
            h2 { "Nothing matches" }
            @if result.n_refs == 0 {
                p { "No indexed repository has such a name or ref, or none is indexed yet: " a href="/repositories" { "look at them" } "." }
            }
            ul {
                @if !without.is_empty() && without != query {
                    li { "The same without filters: " a.go href=(links::search(&without)) { code { (Visible(&without)) } } }
                }
                @if query.chars().any(char::is_uppercase) {
                    li { "In either case: " a.go href=(links::search(&format!("{query} case:no"))) { code { (Visible(query)) " case:no" } } }
                }
                @if !query.contains("ref:") {
                    li { "On every branch: " a.go href=(links::search(&format!("{query} ref:*"))) { code { (Visible(query)) " ref:*" } } }
                }
            }
            h2 { "Queries that work" }
            (home::examples())
        }
    }
}

/// One file.
fn card(file: &FileMatch) -> Markup {
    let commit = file.commit.to_string();
    let link = links::file(file.repository, &file.path, &commit);
    let first = file.lines.first().map(|line| format!("{link}#L{}", line.line));
    let path = String::from_utf8_lossy(&file.path);
    let (folder, name) = path.rsplit_once('/').map_or(("", &*path), |(folder, name)| (folder, name));
    html! {
        article.card {
            h2.where {
                a.repo href=(links::repository(file.repository)) { (Visible(&file.repository_name)) }
                " " a.go.path href=(first.as_deref().unwrap_or(&link)) {
                    @if !folder.is_empty() { (Visible(folder)) "/" }
                    b { (Visible(name)) }
                }
                " " span.quiet { (file.language.name()) @for one in refs(file) { " · " (Visible(one)) } }
            }
            @if !file.lines.is_empty() { (shown(&file.lines, file.language, &link)) }
        }
    }
}

/// Refs, where they say something: not the one ref of everything.
fn refs(file: &FileMatch) -> impl Iterator<Item = &str> {
    file.refs.iter().filter(|_| file.refs.len() > 1).map(|name| short_ref(name))
}

/// `main` of `refs/heads/main`.
pub(crate) fn short_ref(name: &str) -> &str {
    ["refs/heads/", "refs/tags/"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

fn shown(lines: &[LineMatch], language: Language, link: &str) -> Markup {
    let (first, rest) = lines.split_at(lines.len().min(SHOWN));
    html! {
        div.code { @for line in first { (row(line, language, link)) } }
        @if !rest.is_empty() {
            details {
                summary.go { (count(rest.len() as u64, "line")) " more" }
                div.code { @for line in rest { (row(line, language, link)) } }
            }
        }
    }
}

fn row(line: &LineMatch, language: Language, link: &str) -> Markup {
    let (text, matches) = window(line);
    html! {
        a.line href=(format!("{link}#L{}", line.line)) {
            span.n { (line.line) }
            code { (code::line(text, language, &matches)) }
        }
    }
}

/// What is shown of a line, and where its matches are in that.
fn window(line: &LineMatch) -> (&[u8], Vec<Range<usize>>) {
    let text = &line.text[..];
    let first = line.ranges.first().map_or(0, |range| range.start as usize);
    let start = if text.len() <= BEFORE + AFTER { 0 } else { boundary(text, first.saturating_sub(BEFORE)) };
    let end = boundary(text, text.len().min(start + BEFORE + AFTER));
    let within = |range: &Range<u32>| {
        let (from, to) = ((range.start as usize).max(start), (range.end as usize).min(end));
        (from < to).then(|| from - start..to - start)
    };
    (&text[start..end], line.ranges.iter().filter_map(within).collect())
}

/// The beginning of the character that `at` lies in.
fn boundary(text: &[u8], at: usize) -> usize {
    let is_within = |at: &usize| text.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    (at.saturating_sub(3)..=at).rev().find(|at| !is_within(at)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str, ranges: &[Range<u32>]) -> LineMatch {
        let (line, column, byte_start, byte_end, cut) = (1, 1, 0, 0, false);
        LineMatch { line, column, byte_start, byte_end, cut, text: text.into(), ranges: ranges.to_vec() }
    }

    #[test]
    fn a_long_line_is_shown_round_its_match() {
        let long = format!("{}needle{}", "é".repeat(500), "x".repeat(5000));
        let long = line(&long, &[1000..1006, 5000..5003]);
        let (text, matches) = window(&long);
        assert_eq!((text.len(), &text[matches[0].clone()], matches.len()), (400, &b"needle"[..], 1));
        assert!(std::str::from_utf8(text).is_ok());
        let short = line("a needle", std::slice::from_ref(&(2..8)));
        let (text, matches) = window(&short);
        assert_eq!((text, matches.as_slice()), (&b"a needle"[..], std::slice::from_ref(&(2..8))));
    }
}
