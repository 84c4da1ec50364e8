//! `GET·POST /sign-in/tenant`: whoever is a member of several tenants chooses one, at sign-in and whenever he likes.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, LOCATION, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse, Response};
use kotadb_core::http::{ApiError, BrowserSession, Code, RawBody, Resources, tenants_of};
use kotadb_core::id::TenantId;
use maud::html;
use url::form_urlencoded;

use crate::layout::{Page, Visitor};
use crate::visible::Visible;

/// Where one chooses.
pub(crate) const PAGE: &str = "/sign-in/tenant";

/// Whether there is something to choose.
pub(crate) async fn has_several(session: &BrowserSession, resources: &Resources) -> Result<bool, ApiError> {
    Ok(tenants_of(session, resources).await?.len() > 1)
}

/// The choice.
pub(crate) async fn show(State(resources): State<Resources>, visitor: Visitor) -> Result<Response, ApiError> {
    let tenants = tenants_of(signed_in(&visitor)?, &resources).await?;
    let body = html! {
        section.narrow {
            h1 { "Which tenant?" }
            @if tenants.is_empty() { p { "A key opens the one tenant that it is of." } }
            ul.plain-list {
                @for (id, name) in &tenants {
                    li {
                        form method="post" action=(PAGE) {
                            input type="hidden" name="token" value=(visitor.form_token());
                            input type="hidden" name="tenant" value=(id);
                            button.secondary type="submit" { (Visible(name)) }
                        }
                    }
                }
            }
        }
    };
    Ok(Page::new(&visitor, "Choose a tenant").show(&body))
}

/// Goes on in one of them.
pub(crate) async fn choose(
    State(resources): State<Resources>,
    visitor: Visitor,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let session = signed_in(&visitor)?;
    let field = |wanted: &str| form_urlencoded::parse(&body).find(|(name, _)| name == wanted).map(|(_, value)| value);
    if !session.holds(&field("token").unwrap_or_default()) {
        return Err(ApiError::invalid_request("this form was open for too long: try again"));
    }
    let asked: Option<TenantId> = field("tenant").and_then(|text| text.parse().ok());
    let known = tenants_of(session, &resources).await?;
    let chosen = known.iter().map(|(id, _)| *id).find(|id| Some(*id) == asked);
    let chosen = chosen.ok_or_else(|| ApiError::not_found("tenant"))?;
    let cookie = session.within(&resources, chosen)?.set_cookie(visitor.is_tls);
    Ok((StatusCode::SEE_OTHER, AppendHeaders([(LOCATION, HeaderValue::from_static("/")), (SET_COOKIE, cookie)]))
        .into_response())
}

fn signed_in(visitor: &Visitor) -> Result<&BrowserSession, ApiError> {
    let session = visitor.session.as_ref().filter(|session| session.is_signed_in());
    session.ok_or_else(|| ApiError::new(Code::Unauthorized, "sign in first"))
}
