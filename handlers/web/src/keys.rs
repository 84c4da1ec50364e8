//! `GET /account/keys`: API keys, a form that makes one, and buttons that end one. A new key is shown once, by the script that asked
//! for it.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::db::{Scope, keys};
use kotadb_core::http::scope::AdminKeys;
use kotadb_core::http::{ApiError, Authorized, Resources};
use kotadb_core::wire::ApiKeyInfo;
use maud::{Markup, html};

use crate::account::pages;
use crate::layout::{Page, Visitor};
use crate::moment::ago;
use crate::visible::{Visible, plain};

/// Keys of the page; the API has all.
const MOST: i64 = 100;

/// The page.
pub(crate) async fn show(
    State(resources): State<Resources>,
    visitor: Visitor,
    key: Authorized<AdminKeys>,
) -> Result<Response, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let rows = keys::list(&mut tx, None, MOST, key.allowed.as_deref()).await?;
    tx.commit().await?;
    let rows: Vec<ApiKeyInfo> = rows.into_iter().map(ApiKeyInfo::from).collect();
    let own = key.key.map(|id| id.to_string());
    let body = html! {
        h1 { "API keys" }
        (pages(&key, "/account/keys"))
        (make(&key.scopes))
        (table(&rows, own.as_deref()))
    };
    Ok(Page::new(&visitor, "API keys").show(&body))
}

fn make(scopes: &[String]) -> Markup {
    html! {
        section aria-labelledby="make" {
            h2 #make { "Make a key" }
            form.stack data-api="POST /api/v1/keys" data-show="#made" {
                label for="name" { "Name" }
                input #name name="name" required maxlength="200" autocomplete="off" placeholder="agent of the build server";
                fieldset {
                    legend { "It may" }
                    @for scope in scopes {
                        label { input type="checkbox" data-many name="scopes" value=(scope) checked[scope == "search"]; " " code { (scope) } }
                    }
                }
                button.primary type="submit" { "Make the key" }
                noscript { p.note { "Making a key here needs JavaScript; the API does not." } }
            }
            div #made tabindex="-1" role="status" hidden {
                p { strong { "This is the key. It is shown this once." } }
                p { output #key {} " " button.secondary type="button" data-copy-from="key" { "Copy" } }
                p { a href="/account/keys" { "Done" } }
            }
        }
    }
}

fn table(rows: &[ApiKeyInfo], own: Option<&str>) -> Markup {
    html! {
        div.wide tabindex="0" role="group" aria-label="Keys" {
            table {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Key" } th scope="col" { "May" } th scope="col" { "Used" } th scope="col" { "State" } } }
                tbody { @for row in rows { (line(row, own == Some(row.id.as_str()))) } }
            }
        }
    }
}

fn line(row: &ApiKeyInfo, is_own: bool) -> Markup {
    html! {
        tr {
            th scope="row" { (Visible(&row.name)) @if is_own { " " span.badge { "this one" } } }
            td { code { (row.display) } }
            td { @for scope in &row.scopes { code { (scope) } " " } @if row.repositories.is_some() { "in some repositories" } }
            td { @match row.last_used_at { Some(at) => { (ago(at)) }, None => { "never" } } }
            td {
                @match (row.revoked_at, is_own) {
                    (Some(at), _) => { "revoked " (ago(at)) },
                    (None, true) => { "valid" },
                    (None, false) => {
                        form data-api=(format!("DELETE /api/v1/keys/{}", row.id)) data-then=""
                            data-sure=(format!("Revoke the key {}? Whoever uses it is refused from then on.", plain(&row.name))) {
                            button.plain type="submit" { "Revoke" span.unseen { " " (Visible(&row.name)) } }
                        }
                    },
                }
            }
        }
    }
}
