//! `GET /repositories`: what is registered and how fresh it is; a form to register more.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::db::{Scope, repositories};
use kotadb_core::http::scope::ReadRepositories;
use kotadb_core::http::{ApiError, Authorized, Query, Resources};
use kotadb_core::wire::Repository;
use maud::{Markup, html};
use serde::Deserialize;

use crate::forms::Form;
use crate::layout::{Page, Visitor};
use crate::moment::{ago, count};
use crate::visible::{Visible, plain};
use crate::{links, results};

/// Repositories of a page.
const MOST: i64 = 100;

/// Where the page begins.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    after: Option<String>,
}

/// The page.
pub(crate) async fn list(
    State(resources): State<Resources>,
    visitor: Visitor,
    key: Authorized<ReadRepositories>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let rows = repositories::list(&mut tx, asked.after.as_deref(), MOST, key.only().as_deref()).await?;
    tx.commit().await?;
    let next = (rows.len() as i64 >= MOST).then(|| rows.last().map(|row| row.name.clone())).flatten();
    let rows: Vec<Repository> = rows.into_iter().map(Repository::from).collect();
    let may_register = key.has("repositories:write") && key.allowed.is_none();
    let body = html! {
        h1 { (count(key.repositories.len() as u64, "repository")) }
        @if may_register { (form(&visitor)) }
        @if rows.is_empty() { p { "Nothing is registered yet." } } @else { (table(&rows)) }
        @if let Some(next) = next {
            p.more { a.secondary href=(links::with("/repositories", &[("after", &next)])) { "More" } }
        }
    };
    Ok(Page::new(&visitor, "Repositories").show(&body))
}

fn form(visitor: &Visitor) -> Markup {
    let form = Form { then: "/repositories/{id}", ..Form::new("POST /api/v1/repositories", "/repositories") };
    form.show(
        visitor,
        &html! {
            label for="url" { "Register" }
            input #url name="url" value=(plain(visitor.typed("url"))) required autocomplete="off" spellcheck="false"
                placeholder="owner/name, or a clone URL";
            button.primary type="submit" { "Register" }
        },
    )
}

fn table(rows: &[Repository]) -> Markup {
    html! {
        div.wide {
            table {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Branch" } th scope="col" { "Commit" } th scope="col" { "Indexed" } } }
                tbody {
                    @for row in rows {
                        tr {
                            th scope="row" { a.go href=(format!("/repositories/{}", row.id)) { (Visible(&row.name)) } }
                            td { (branch(row)) }
                            td { @if let Some(commit) = &row.indexed_commit { code { (short(commit)) } } }
                            td { (state(row)) }
                        }
                    }
                }
            }
        }
    }
}

/// The branch that is searched without `ref:`.
pub(crate) fn branch(row: &Repository) -> Markup {
    html! {
        @match &row.default_branch {
            Some(name) => { (Visible(results::short_ref(name))) },
            None => { span.quiet { "the default one" } },
        }
    }
}

/// How fresh a repository is, or why it is not.
pub(crate) fn state(row: &Repository) -> Markup {
    html! {
        @match (&row.suspended, &row.indexed_at) {
            (Some(why), _) => { span.badge.bad { "suspended: " (why) } },
            (None, Some(at)) => { (ago(*at)) },
            (None, None) => { span.badge { "not indexed yet" } },
        }
    }
}

/// The first digits of a commit.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}
