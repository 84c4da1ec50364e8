//! `GET /account`: who is signed in, what that may do, and what the tenant has used of its plan.

use axum::extract::State;
use axum::response::Response;
use kotadb_core::db::principal::Principal;
use kotadb_core::db::{Scope, tenants};
use kotadb_core::http::scope::Any;
use kotadb_core::http::{ApiError, Authorized, Resources};
use kotadb_core::wire::{Tenant, Used};
use maud::{Markup, html};

use crate::layout::{Page, Visitor};
use crate::moment::{ago, bytes, count, number};
use crate::tenant;
use crate::visible::Visible;

/// The page.
pub(crate) async fn show(
    State(resources): State<Resources>,
    visitor: Visitor,
    key: Authorized<Any>,
) -> Result<Response, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let row = tenants::get(&mut tx).await?;
    tx.commit().await?;
    let tenant = Tenant::from(row.ok_or_else(|| ApiError::not_found("tenant"))?);
    let has_others = match &visitor.session {
        Some(session) if key.key.is_none() => tenant::has_several(session, &resources).await?,
        _ => false,
    };
    let body = html! {
        h1 { "Account" }
        (pages(&key, "/account"))
        (who(&key, &tenant, has_others))
        (usage(&tenant))
    };
    Ok(Page::new(&visitor, "Account").show(&body))
}

/// Ways to the pages of an account that this one may see.
pub(crate) fn pages(principal: &Principal, now: &str) -> Markup {
    let all = [
        ("/account", "Usage", true),
        ("/account/keys", "Keys", principal.has("keys:admin")),
        ("/account/members", "Members", principal.has("tenant:read")),
    ];
    html! {
        nav.kinds aria-label="Account" {
            @for (link, name, _) in all.iter().filter(|(_, _, is_there)| *is_there) {
                a href=(link) aria-current=[(*link == now).then_some("page")] { (name) }
            }
        }
    }
}

fn who(principal: &Principal, tenant: &Tenant, has_others: bool) -> Markup {
    let kind = if principal.key.is_some() { "an API key" } else { "a member" };
    html! {
        section aria-labelledby="who" {
            h2 #who { "Who you are" }
            dl.facts {
                dt { "Tenant" } dd { (Visible(&tenant.name)) @if has_others { " " a href=(tenant::PAGE) { "Choose another" } } }
                dt { "Signed in by" } dd { (kind) @if let Some(role) = principal.role { ", " (role.as_str()) } }
                dt { "May" } dd { @for scope in &principal.scopes { code { (scope) } " " } }
                dt { "Sees" }
                dd {
                    (count(principal.repositories.len() as u64, "repository"))
                    @if principal.allowed.is_some() { ", limited to these" }
                }
            }
        }
    }
}

fn usage(tenant: &Tenant) -> Markup {
    let usage = &tenant.usage;
    html! {
        section aria-labelledby="usage" {
            h2 #usage { "Usage" span.quiet { " of the plan " (Visible(&usage.plan)) } }
            dl.facts {
                (used("Searches this month", usage.searches, number))
                dt { "Requests this month" } dd { (number(usage.requests)) }
                (used("Repositories", usage.repositories, number))
                (used("Stored", usage.stored_bytes, bytes))
                (used("Valid keys", usage.keys, number))
                (used("Running jobs", usage.running_jobs, number))
                dt { "Rate" }
                dd {
                    @match usage.units_per_minute {
                        Some(units) => { (number(units)) " units a minute: a search costs 2, another read 1, a write 5" },
                        None => { "any number of requests" },
                    }
                }
            }
            @if let Some(at) = usage.stored_at { p.quiet { "Bytes as of " (ago(at)) "." } }
        }
    }
}

fn used(name: &str, used: Used, shown: fn(u64) -> String) -> Markup {
    html! {
        dt { (name) }
        dd {
            (shown(used.used))
            @if let Some(limit) = used.limit {
                " of " (shown(limit)) " "
                meter min="0" max=(limit.max(1)) value=(used.used.min(limit)) aria-label=(format!("{name}: share that is used")) {}
            }
        }
    }
}
