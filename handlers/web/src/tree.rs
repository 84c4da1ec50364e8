//! A folder: files and folders in it, or all files below whose path has what is looked for.

use axum::response::Response;
use kotadb_core::http::ApiError;
use kotadb_core::query;
use kotadb_core::search::Searcher;
use kotadb_core::search::commit::{CommitRequest, CommitState, Tree, TreeItem, TreeItemKind, TreeRequest};
use maud::{Markup, html};

use crate::at::{At, crumbs};
use crate::facets;
use crate::layout::{Page, Visitor};
use crate::links;
use crate::moment::count;
use crate::visible::{Visible, plain};

/// Items of a page.
const MOST: usize = 500;

/// The page.
pub(crate) async fn show(
    searcher: &Searcher,
    visitor: &Visitor,
    at: &At,
    commit: &CommitRequest,
) -> Result<Response, ApiError> {
    let looked_for = at.asked.find.trim();
    let filter = match looked_for {
        "" => None,
        text => {
            Some(query::parse_filter(&format!("{} generated:yes vendored:yes case:no", facets::filter("path", text)))?)
        }
    };
    let after = Some(at.asked.from.clone().into_bytes()).filter(|after| !after.is_empty());
    let request = TreeRequest { recursive: filter.is_some(), filter, after, ..TreeRequest::new(&at.path, MOST) };
    let found = searcher.ask(commit, &request).await?;
    let name = String::from_utf8_lossy(&at.path);
    let title = format!("{}/{name}", found.state.repository_name);
    Ok(Page::new(visitor, &title).show(&body(at, &found.state, &found.answer)))
}

fn body(at: &At, state: &CommitState, tree: &Tree) -> Markup {
    let (here, find) = (at.asked.at.as_str(), at.asked.find.trim());
    let folder = at.path.strip_suffix(b"/").unwrap_or(&at.path);
    let name = folder.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    html! {
        (crumbs(state, &at.path, here))
        div.bar {
            h1.file { @if name.is_empty() { "Files" } @else { (Visible(&String::from_utf8_lossy(name))) "/" } }
            form.row method="get" action=(links::file(at.id, &at.path, "")) {
                @if !here.is_empty() { input type="hidden" name="at" value=(here); }
                input type="search" name="find" value=(plain(find)) data-key="t" autocomplete="off" spellcheck="false"
                    aria-label="Find files by a part of their path" placeholder="Find files by name (t)";
                button type="submit" { "Find" }
            }
        }
        @if !find.is_empty() { p role="status" { (count(tree.total, "file")) " with " code { (Visible(find)) } " in the path" } }
        @if tree.items.is_empty() { p { "Nothing is here." } }
        ul.tree { @for item in &tree.items { (row(at, item, folder.len())) } }
        (more(at, tree))
    }
}

fn row(at: &At, item: &TreeItem, prefix: usize) -> Markup {
    let shown = item.path.get(prefix..).unwrap_or(&item.path);
    let shown = String::from_utf8_lossy(shown.strip_prefix(b"/").unwrap_or(shown)).into_owned();
    let link = links::file(at.id, &item.path, &at.asked.at);
    html! {
        li {
            @match &item.kind {
                TreeItemKind::Folder { files } => {
                    a.go.folder href=(link) { (Visible(&shown)) } " " span.quiet { (count(*files, "file")) }
                },
                TreeItemKind::File { language, .. } => {
                    a.go href=(link) { (Visible(&shown)) } " " span.quiet { (language.name()) }
                },
                TreeItemKind::LeftOut(reason) => {
                    span { (Visible(&shown)) } " " span.quiet { "not in the index: " (reason.name().replace('_', " ")) }
                },
            }
        }
    }
}

fn more(at: &At, tree: &Tree) -> Markup {
    let last = tree.items.last().filter(|_| tree.more).and_then(|last| std::str::from_utf8(&last.path).ok());
    let pairs = |from| [("at", at.asked.at.as_str()), ("find", at.asked.find.trim()), ("from", from)];
    html! {
        @if let Some(last) = last {
            p.more {
                a.go.secondary href=(links::with(&links::file(at.id, &at.path, ""), &pairs(last))) { "More" }
                " " span.quiet { "of " (count(tree.total, "item")) }
            }
        }
    }
}
