//! `GET /repositories/{id}/files/{path}`: a file with its colours and its outline, or a folder (in `tree`).

use axum::extract::State;
use axum::response::Response;
use kotadb_core::http::{ApiError, Resources};
use kotadb_core::search::Searcher;
use kotadb_core::search::commit::{
    CommitError, CommitRequest, CommitState, FileContent, FileFactsRequest, FileRequest,
};
use kotadb_core::wire::relations::{Outline, file_outline};
use maud::{Markup, html};

use crate::at::{At, crumbs};
use crate::calls::Question;
use crate::highlight;
use crate::layout::{Page, Visitor};
use crate::moment::{bytes, count, number};
use crate::visible::{Visible, is_plain};
use crate::{code, links, tree};

/// Bytes of a text on one page.
const MOST_BYTES: usize = 256 << 10;
/// Definitions that the outline has.
const MOST_ITEMS: usize = 400;

/// The page.
pub(crate) async fn show(State(resources): State<Resources>, visitor: Visitor, at: At) -> Result<Response, ApiError> {
    let (searcher, commit) = (resources.searcher()?, at.commit()?);
    if at.path.is_empty() || at.path.ends_with(b"/") {
        return tree::show(searcher, &visitor, &at, &commit).await;
    }
    let first = at.asked.from.parse().unwrap_or(1);
    let request = FileRequest { first, ..FileRequest::new(&at.path, MOST_BYTES) };
    let found = match searcher.ask(&commit, &request).await {
        Err(CommitError::IsFolder(_)) => return tree::show(searcher, &visitor, &at, &commit).await,
        found => found?,
    };
    let outline = facts(searcher, &commit, &found.state, &at.path).await?;
    let name = String::from_utf8_lossy(&at.path);
    let body = html! {
        (body(&at, &found.state, &found.answer, outline.as_ref()))
        (question(&at, &found.state, (&resources, &visitor)))
    };
    Ok(Page::new(&visitor, &name).show(&body))
}

/// What a file defines, each with its id.
struct Definitions {
    outline: Outline,
    ids: Vec<String>,
}

/// The definitions of the file at the commit that was shown.
async fn facts(
    searcher: &Searcher,
    commit: &CommitRequest,
    state: &CommitState,
    path: &[u8],
) -> Result<Option<Definitions>, ApiError> {
    let same = CommitRequest { reference: Some(state.commit.to_string()), ..commit.clone() };
    let found = searcher.ask(&same, &FileFactsRequest { path: path.to_vec() }).await?;
    let outline = file_outline(&found.answer, &found.state);
    Ok((!outline.items.is_empty()).then(|| Definitions { outline, ids: found.answer.ids() }))
}

fn body(at: &At, state: &CommitState, file: &FileContent, outline: Option<&Definitions>) -> Markup {
    let commit = state.commit.to_string();
    let (here, permalink) = (at.asked.at.as_str(), links::file(at.id, &at.path, &commit));
    let name = at.path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    html! {
        (crumbs(state, &at.path, here))
        div.bar {
            h1.file { (Visible(&String::from_utf8_lossy(name))) }
            p.quiet { (file.language.name()) " · " (count(file.n_lines, "line")) " · " (bytes(file.n_bytes)) }
            p.actions {
                a href=(permalink) data-permalink data-key="y" { "Permalink" }
                " " a href=(links::raw(at.id, &at.path, here)) { "Raw" }
                " " a href=(links::with(&links::file(at.id, b"", ""), &[("at", here)])) data-key="t" { "Files" }
                @if let Some(path) = std::str::from_utf8(&at.path).ok().filter(|path| is_plain(path)) {
                    " " button.plain.copy type="button" data-copy=(path) { "Copy path" }
                }
            }
            (to_line(at, file, here))
        }
        div.reading {
            @if let Some(definitions) = outline { (panel(at, definitions, here)) }
            div.text {
                (source(at, file, here))
                (further(at, file, here))
            }
        }
    }
}

/// To a line by its number: without a script the page begins there.
fn to_line(at: &At, file: &FileContent, here: &str) -> Markup {
    html! {
        @if file.n_lines > 1 {
            form.to-line method="get" action=(links::file(at.id, &at.path, "")) {
                @if !here.is_empty() { input type="hidden" name="at" value=(here); }
                input type="number" name="from" min="1" max=(file.n_lines) required data-key="l" aria-label="Go to line"
                    placeholder="line (l)";
                button type="submit" { "Go" }
            }
        }
    }
}

/// The same for programs.
fn question(at: &At, state: &CommitState, (resources, visitor): (&Resources, &Visitor)) -> Markup {
    let (path, repository) = (String::from_utf8_lossy(&at.path), &state.repository_name);
    Question {
        path: format!("/api/v1/repositories/{}/files", at.id),
        parameters: &[("path", &path), ("ref", &at.asked.at)],
        tool: "read_file",
        arguments: serde_json::json!({ "repository": repository, "path": path }),
    }
    .show(resources, visitor)
}

fn source(at: &At, file: &FileContent, here: &str) -> Markup {
    let spans = highlight::spans(file.language, &file.text);
    html! {
        div.code.source data-symbols=(links::symbol(at.id, "", here)) data-hover=(links::hover(at.id, &at.path, here)) {
            @if file.n_bytes == 0 { p.quiet { "This file is empty." } }
            @else {
                @for (n, (line, spans)) in (file.first..).zip(code::lines(&file.text, &spans)) {
                    div.line id=(format!("L{n}")) {
                        a.n href=(format!("#L{n}")) { (n) }
                        code { (code::pieces(line, &spans, &[])) }
                    }
                }
            }
        }
    }
}

fn further(at: &At, file: &FileContent, here: &str) -> Markup {
    let link = |from: u64| links::with(&links::file(at.id, &at.path, ""), &[("at", here), ("from", &from.to_string())]);
    html! {
        @if file.cut { p.note { "This line is longer than what is shown of it." } }
        @if let Some(next) = file.next {
            p.more { a.go.secondary href=(link(next)) { "Lines from " (number(next)) " of " (number(file.n_lines)) } }
        }
    }
}

/// What is defined here: each leads to its line, and to who uses it.
fn panel(at: &At, Definitions { outline, ids }: &Definitions, here: &str) -> Markup {
    html! {
        aside.outline aria-labelledby="outline" {
            h2 #outline { "Outline" }
            ul {
                @for (item, id) in outline.items.iter().zip(ids).take(MOST_ITEMS) {
                    li class=(format!("depth{}", item.depth.min(4))) {
                        a.go href=(format!("#L{}", item.line)) title=(item.kind) { (Visible(&item.name)) }
                        " " a.uses href=(links::symbol(at.id, id, here)) {
                            "uses" span.unseen { " of " (Visible(&item.name)) }
                        }
                    }
                }
            }
            @if outline.items.len() > MOST_ITEMS { p.quiet { (number((outline.items.len() - MOST_ITEMS) as u64)) " more" } }
            @if outline.partial { p.quiet { "Some of it could not be read: definitions may be missing." } }
        }
    }
}
