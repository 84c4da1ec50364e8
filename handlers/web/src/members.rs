//! `GET /account/members`: members and invitations; forms that invite, give another role, and remove.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::db::{Scope, members};
use kotadb_core::http::scope::ReadTenant;
use kotadb_core::http::{ApiError, Authorized, Resources};
use kotadb_core::wire::{Member, MemberRole};
use maud::{Markup, html};

use crate::account::pages;
use crate::forms::Form;
use crate::layout::{Page, Visitor};
use crate::moment::ago;
use crate::visible::{Visible, plain};

const PAGE: &str = "/account/members";
/// Members of the page; the API has all.
const MOST: i64 = 200;
const ROLES: [(&str, &str); 3] = [
    ("reader", "looks and searches"),
    ("maintainer", "also repositories, jobs and keys"),
    ("owner", "everything, members too"),
];

/// The page.
pub(crate) async fn show(
    State(resources): State<Resources>,
    visitor: Visitor,
    key: Authorized<ReadTenant>,
) -> Result<Response, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let rows = members::list(&mut tx, None, MOST).await?;
    tx.commit().await?;
    let may_change = key.has("tenant:admin") && key.allowed.is_none();
    let path = format!("/api/v1/tenants/{}/members", key.tenant);
    let rows: Vec<Member> = rows.into_iter().map(Member::from).collect();
    let body = html! {
        h1 { "Members" }
        (pages(&key, PAGE))
        @if may_change { (invite(&visitor, &path)) }
        @if rows.is_empty() {
            p { "There are keys only: nobody was invited yet." }
        } @else {
            (table(&rows, &|row| if may_change { remove(&visitor, &path, row) } else { Markup::default() }))
        }
    };
    Ok(Page::new(&visitor, "Members").show(&body))
}

fn invite(visitor: &Visitor, path: &str) -> Markup {
    let request = format!("POST {path}");
    let fields = html! {
        label for="email" { "E-mail address" }
        input #email type="email" name="email" value=(plain(visitor.typed("email"))) required autocomplete="off";
        label for="role" { "Role" }
        select #role name="role" { @for (role, what) in ROLES { option value=(role) { (role) ": " (what) } } }
        button.primary type="submit" { "Invite" }
    };
    html! {
        section aria-labelledby="invite" {
            h2 #invite { "Invite somebody" }
            (Form::new(&request, PAGE).show(visitor, &fields))
        }
    }
}

/// `action`: what can be done about a member.
fn table(rows: &[Member], action: &dyn Fn(&Member) -> Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="group" aria-label="Members" {
            table {
                thead { tr { th scope="col" { "Who" } th scope="col" { "Role" } th scope="col" { "Sees" } th scope="col" { "Since" } th scope="col" { "State" } } }
                tbody { @for row in rows { (line(row, &action(row))) } }
            }
        }
    }
}

fn line(row: &Member, action: &Markup) -> Markup {
    let role = match row.role {
        MemberRole::Owner => "owner",
        MemberRole::Maintainer => "maintainer",
        MemberRole::Reader => "reader",
    };
    html! {
        tr {
            th scope="row" { (Visible(name(row))) }
            td { (role) }
            td { @if row.repositories.is_some() { "some repositories" } @else { "all" } }
            td { (ago(row.joined_at.unwrap_or(row.created_at))) }
            td { (row.state) " " (action) }
        }
    }
}

fn remove(visitor: &Visitor, path: &str, row: &Member) -> Markup {
    let request = format!("DELETE {path}/{}", row.id);
    let sure = format!("Remove {}?", plain(name(row)));
    let form = Form { class: "inline", sure: Some(&sure), ..Form::new(&request, PAGE) };
    form.show(visitor, &html! { button.plain type="submit" { "Remove" span.unseen { " " (Visible(name(row))) } } })
}

fn name(row: &Member) -> &str {
    row.email.as_deref().or(row.github_login.as_deref()).unwrap_or("a member without a name")
}
