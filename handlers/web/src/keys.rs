//! `GET /account/keys`: API keys, a form that makes one, and buttons that end one.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::db::{Scope, keys};
use kotadb_core::http::scope::AdminKeys;
use kotadb_core::http::{ApiError, Authorized, Resources};
use kotadb_core::wire::ApiKeyInfo;
use maud::{Markup, html};

use crate::account::pages;
use crate::forms::Form;
use crate::layout::{Page, Visitor};
use crate::moment::ago;
use crate::visible::{Visible, plain};

const PAGE: &str = "/account/keys";
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
        (pages(&key, PAGE))
        (make(&visitor, &key.scopes))
        (table(&visitor, &rows, own.as_deref()))
    };
    Ok(Page::new(&visitor, "API keys").show(&body))
}

fn make(visitor: &Visitor, scopes: &[String]) -> Markup {
    let form = Form { class: "stack", ..Form::new("POST /api/v1/keys", PAGE) };
    let fields = html! {
        label for="name" { "Name" }
        input #name name="name" value=(plain(visitor.typed("name"))) required maxlength="200" autocomplete="off"
            placeholder="agent of the build server";
        fieldset {
            legend { "It may" }
            @for scope in scopes {
                label { input type="checkbox" name="scopes[]" value=(scope) checked[scope == "search"]; " " code { (scope) } }
            }
        }
        button.primary type="submit" { "Make the key" }
    };
    html! { section aria-labelledby="make" { h2 #make { "Make a key" } (form.show(visitor, &fields)) } }
}

fn table(visitor: &Visitor, rows: &[ApiKeyInfo], own: Option<&str>) -> Markup {
    html! {
        div.wide tabindex="0" role="group" aria-label="Keys" {
            table {
                thead { tr { th scope="col" { "Name" } th scope="col" { "Key" } th scope="col" { "May" } th scope="col" { "Used" } th scope="col" { "State" } } }
                tbody { @for row in rows { (line(visitor, row, own == Some(row.id.as_str()))) } }
            }
        }
    }
}

fn line(visitor: &Visitor, row: &ApiKeyInfo, is_own: bool) -> Markup {
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
                    (None, false) => { (revoke(visitor, row)) },
                }
            }
        }
    }
}

fn revoke(visitor: &Visitor, row: &ApiKeyInfo) -> Markup {
    let request = format!("DELETE /api/v1/keys/{}", row.id);
    let sure = format!("Revoke the key {}? Whoever uses it is refused from then on.", plain(&row.name));
    let form = Form { class: "inline", sure: Some(&sure), ..Form::new(&request, PAGE) };
    form.show(visitor, &html! { button.plain type="submit" { "Revoke" span.unseen { " " (Visible(&row.name)) } } })
}
