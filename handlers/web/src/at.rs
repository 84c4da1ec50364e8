//! Pages of a commit: which repository, which commit, which path; and the way there as links.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use kotadb_core::db::principal::Principal;
use kotadb_core::http::scope::Search;
use kotadb_core::http::{ApiError, Authorized, Query, Resources};
use kotadb_core::id::RepositoryId;
use kotadb_core::search::commit::{CommitRequest, CommitState};
use maud::{Markup, html};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::visible::Visible;
use crate::{links, results};

/// Pages of a path.
const KINDS: [&str; 3] = ["files", "raw", "hover"];

/// What is asked of a commit. The path is that of the address, byte for byte: it need not be UTF-8.
#[derive(Debug)]
pub(crate) struct At {
    pub(crate) id: RepositoryId,
    pub(crate) path: Vec<u8>,
    pub(crate) key: Authorized<Search>,
    pub(crate) asked: Asked,
}

/// The query string of these pages.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    /// A branch, tag or commit; nothing: the default branch.
    #[serde(default)]
    pub(crate) at: String,
    /// A symbol, by its id or name.
    #[serde(default)]
    pub(crate) symbol: String,
    /// A part of the path of files that are looked for.
    #[serde(default)]
    pub(crate) find: String,
    /// The first line, or the path of the last item of the page before.
    #[serde(default)]
    pub(crate) from: String,
}

impl FromRequestParts<Resources> for At {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, resources: &Resources) -> Result<Self, ApiError> {
        let key = Authorized::from_request_parts(parts, resources).await?;
        let Query(asked) = Query::from_request_parts(parts, resources).await?;
        let rest = parts.uri.path().strip_prefix("/repositories/").unwrap_or_default();
        let (id, page) = rest.split_once('/').unwrap_or((rest, ""));
        let id: RepositoryId = id.parse().map_err(|_| ApiError::not_found("repository"))?;
        let path = KINDS.iter().find_map(|kind| page.strip_prefix(kind)).unwrap_or_default();
        let path = percent_decode_str(path.strip_prefix('/').unwrap_or(path)).collect();
        Ok(Self { id, path, key, asked })
    }
}

impl At {
    /// The commit, if the repository may be seen.
    pub(crate) fn commit(&self) -> Result<CommitRequest, ApiError> {
        let at = Some(self.asked.at.as_str()).filter(|at| !at.is_empty());
        Principal::commit(&self.key, Some(&self.id.to_string()), at, None)
    }
}

/// Repository, commit, and the folders down to a path.
pub(crate) fn crumbs(state: &CommitState, path: &[u8], at: &str) -> Markup {
    let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(end, _)| end);
    let ends: Vec<usize> = ends.chain([path.len()]).filter(|end| *end > 0).collect();
    let starts = std::iter::once(0).chain(ends.iter().map(|end| end + 1));
    html! {
        nav.crumbs aria-label="Where this is" {
            a href=(links::repository(state.repository)) { (Visible(&state.repository_name)) }
            " " span.badge title=(state.commit) { (Visible(results::short_ref(&state.ref_name))) }
            " " a href=(links::file(state.repository, b"", at)) { "files" }
            @for (start, end) in starts.zip(&ends) {
                @if start < *end {
                    " / " a href=(links::file(state.repository, &path[..*end], at)) {
                        (Visible(&String::from_utf8_lossy(&path[start..*end])))
                    }
                }
            }
        }
    }
}
