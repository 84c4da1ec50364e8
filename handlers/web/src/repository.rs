//! `GET /repositories/{id}`: what a repository is, how fresh it is, its jobs, its languages, and what is left out of it.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::db::{Scope, repositories};
use kotadb_core::http::scope::ReadRepositories;
use kotadb_core::http::{ApiError, Authorized, Id, Resources};
use kotadb_core::id::RepositoryId;
use kotadb_core::query::Query;
use kotadb_core::search::{Facets, Page as Part, SearchRequest};
use kotadb_core::wire::Repository;
use maud::{Markup, html};

use crate::jobs::Jobs;
use crate::layout::{Page, Visitor};
use crate::moment::{ago, count, number};
use crate::repositories::{branch, short, state};
use crate::visible::Visible;
use crate::{facets, links};

/// Languages that are named; what is left is one share.
const LANGUAGES: usize = 8;

/// The page.
pub(crate) async fn show(
    State(resources): State<Resources>,
    visitor: Visitor,
    key: Authorized<ReadRepositories>,
    Id(id): Id<RepositoryId>,
) -> Result<Response, ApiError> {
    key.require(id)?;
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let row = repositories::get(&mut tx, id).await?;
    tx.commit().await?;
    let row = Repository::from(row.ok_or_else(|| ApiError::not_found("repository"))?);
    let jobs = match key.has("jobs:read") {
        true => Some(Jobs::of(resources.db()?, key.tenant, id).await?),
        false => None,
    };
    let (files, n_skipped) = match key.has("search") {
        true => held(&resources, &key, id).await?,
        false => (None, 0),
    };
    let body = html! {
        h1 { (Visible(&row.name)) }
        (facts(&row, id))
        @if let Some(files) = &files { (languages(files, &row)) }
        @if let Some(jobs) = &jobs {
            (skipped(jobs, n_skipped))
            (jobs.show(id, key.has("jobs:write").then_some(&visitor)))
        }
    };
    Ok(Page { query: &facets::filter("repo", &row.name), ..Page::new(&visitor, &row.name) }.show(&body))
}

/// The files of the default branch by what the index says of them, and how many are left out. No text is read.
async fn held(
    resources: &Resources,
    key: &Authorized<ReadRepositories>,
    id: RepositoryId,
) -> Result<(Option<Facets>, u64), ApiError> {
    let visible = vec![key.repository(&id.to_string())?];
    let request = SearchRequest {
        page: Part::of_files(0),
        facets: true,
        ..SearchRequest::new(key.tenant, visible, Query::everything())
    };
    let result = resources.searcher()?.search(&request).await?;
    Ok((result.facets.filter(|facets| !facets.languages.is_empty()), result.n_skipped))
}

fn facts(row: &Repository, id: RepositoryId) -> Markup {
    html! {
        dl.facts {
            dt { "Source" } dd { (Visible(&row.url)) }
            dt { "Branch" } dd { (branch(row)) }
            @if !row.refs.is_empty() { dt { "Tracked" } dd { (Visible(&row.refs.join(", "))) } }
            dt { "Commit" }
            dd { @if let Some(commit) = &row.indexed_commit { code title=(commit) { (short(commit)) } } @else { "none yet" } }
            dt { "Indexed" } dd { (state(row)) }
            dt { "Registered" } dd { (ago(row.created_at)) }
            @if let Some(schedule) = &row.schedule { dt { "Schedule" } dd { code { (schedule) } " (UTC)" } }
            @if let Some(fault) = &row.webhook_fault { dt { "Webhook" } dd.alarm { (Visible(fault)) } }
        }
        @if row.indexed_commit.is_some() {
            p {
                a.go.primary href=(links::search(&facets::filter("repo", &row.name))) { "Search in it" }
                " " a.go.secondary href=(links::file(id, b"", "")) data-key="t" { "Browse files" }
            }
        }
    }
}

/// Shares of files as one bar, and as a list that leads to them.
fn languages(files: &Facets, row: &Repository) -> Markup {
    let total: u64 = files.languages.iter().map(|(_, n)| n).sum();
    let shares: Vec<(&str, u64)> = files.languages.iter().take(LANGUAGES).map(|(one, n)| (one.name(), *n)).collect();
    let width = |n: u64| 1000.0 * n as f64 / total.max(1) as f64;
    let starts = shares.iter().scan(0.0, |at, (_, n)| {
        let start = *at;
        *at += width(*n);
        Some(start)
    });
    let link =
        |name: &str| links::search(&format!("{} {}", facets::filter("repo", &row.name), facets::filter("lang", name)));
    html! {
        section aria-labelledby="languages" {
            h2 #languages { "Languages" span.quiet { " of " (count(total, "file")) } }
            svg.shares viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                rect.rest x="0" y="0" width="1000" height="14" {}
                @for (nth, (start, (_, n))) in starts.zip(&shares).enumerate() {
                    rect class=(format!("share{nth}")) x=(format!("{start:.2}")) y="0" width=(format!("{:.2}", width(*n))) height="14" {}
                }
            }
            ul.legend {
                @for (nth, (name, n)) in shares.iter().enumerate() {
                    li { a href=(link(name)) { span class=(format!("dot share{nth}")) {} (name) " " span.quiet { (number(*n)) } } }
                }
            }
        }
    }
}

fn skipped(jobs: &Jobs, n: u64) -> Markup {
    let reasons = jobs.skipped();
    if n == 0 && reasons.is_empty() {
        return Markup::default();
    }
    html! {
        section aria-labelledby="skipped" {
            h2 #skipped { (count(n, "path")) " left out" }
            ul { @for (reason, n) in reasons { li { (reason) ": " (number(n)) } } }
        }
    }
}
