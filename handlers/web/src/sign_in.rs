//! `GET·POST /sign-in`, `POST /sign-out`: a session by pasting an API key. The key is looked at as for any request; what the browser
//! keeps is sealed.

use axum::extract::{FromRequestParts, State};
use axum::http::header::{AUTHORIZATION, HeaderValue, LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{Request, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use kotadb_core::http::scope::Any;
use kotadb_core::http::{ApiError, Authorized, BrowserSession, Query, RawBody, Resources, own_path};
use maud::{Markup, html};
use serde::Deserialize;
use url::form_urlencoded;

use crate::layout::{Page, Visitor};
use crate::provider;
use crate::visible::Visible;

/// Where to go then, and why somebody was led here.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Way {
    #[serde(default)]
    next: String,
    #[serde(default)]
    why: String,
}

/// A form that was sent.
#[derive(Debug, Default)]
struct Sent {
    token: String,
    key: String,
    next: String,
}

impl Sent {
    fn parse(body: &[u8]) -> Self {
        let mut sent = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "token" => sent.token = value.into_owned(),
                "key" => sent.key = value.trim().to_owned(),
                "next" => sent.next = value.into_owned(),
                _ => {}
            }
        }
        sent
    }
}

/// The form.
pub(crate) async fn show(
    State(resources): State<Resources>,
    visitor: Visitor,
    Query(way): Query<Way>,
) -> Result<Response, ApiError> {
    let told = match way.why.as_str() {
        "" => None,
        "token_expired" => Some("Your session has expired: sign in again."),
        _ => Some("The key that you signed in with opens nothing any more: sign in with another."),
    };
    form(&resources, visitor, &way.next, told)
}

fn form(resources: &Resources, visitor: Visitor, next: &str, told: Option<&str>) -> Result<Response, ApiError> {
    let is_new = visitor.session.is_none();
    let session = visitor.session.clone().map_or_else(|| BrowserSession::new(resources, ""), Ok)?;
    let body = body(&session.form_token(), own_path(next), told, provider::is_there(resources));
    let mut response = Page::new(&visitor, "Sign in").show(&body);
    if is_new {
        response.headers_mut().append(SET_COOKIE, session.set_cookie(visitor.is_tls));
    }
    Ok(response)
}

fn body(token: &str, next: &str, told: Option<&str>, has_provider: bool) -> Markup {
    html! {
        section.narrow {
            h1 { "Sign in" }
            @if let Some(told) = told { p.alarm role="alert" { (Visible(told)) } }
            @if has_provider {
                p { a.primary href="/sign-in/github" { "Sign in with GitHub" } }
                p.quiet { "Or by an API key:" }
            }
            form.stack method="post" action="/sign-in" {
                input type="hidden" name="token" value=(token);
                input type="hidden" name="next" value=(next);
                input.unseen type="text" name="username" value="API key" autocomplete="username" tabindex="-1" aria-hidden="true" readonly;
                label for="key" { "API key" }
                input #key type="password" name="key" required autocomplete="current-password" spellcheck="false"
                    placeholder="kdb_live_…";
                p.quiet {
                    "An operator or a colleague makes one for you. It stays sealed in a cookie that no script can read, for a week."
                }
                button.primary type="submit" { "Sign in" }
            }
        }
    }
}

/// Looks at the key and begins a session.
pub(crate) async fn enter(
    State(resources): State<Resources>,
    visitor: Visitor,
    RawBody(body): RawBody,
) -> Result<Response, ApiError> {
    let sent = Sent::parse(&body);
    if !visitor.session.as_ref().is_some_and(|session| session.holds(&sent.token)) {
        let told = "This form was open for too long, or cookies are refused: try again.";
        return refused(form(&resources, visitor, &sent.next, Some(told)));
    }
    if let Err(error) = look_at(&resources, &sent.key).await {
        if error.code().status().is_server_error() {
            return Err(error);
        }
        return refused(form(&resources, visitor, &sent.next, Some(error.detail())));
    }
    begin(&resources, &visitor, &sent.key, &sent.next)
}

/// A form that did not lead on.
fn refused(answer: Result<Response, ApiError>) -> Result<Response, ApiError> {
    let mut response = answer?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

/// Begins a session with a key or token that was looked at.
pub(crate) fn begin(
    resources: &Resources,
    visitor: &Visitor,
    credential: &str,
    next: &str,
) -> Result<Response, ApiError> {
    let session = BrowserSession::new(resources, credential)?;
    let to = HeaderValue::try_from(own_path(next)).unwrap_or(HeaderValue::from_static("/"));
    let headers = AppendHeaders([(LOCATION, to), (SET_COOKIE, session.set_cookie(visitor.is_tls))]);
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// As a request that brings it.
pub(crate) async fn look_at(resources: &Resources, key: &str) -> Result<(), ApiError> {
    let mut value = HeaderValue::try_from(format!("Bearer {key}"))
        .map_err(|_| ApiError::invalid_request("this is no API key: a key begins with `kdb_`"))?;
    value.set_sensitive(true);
    let (mut parts, ()): (Parts, ()) = Request::new(()).into_parts();
    parts.headers.insert(AUTHORIZATION, value);
    Authorized::<Any>::from_request_parts(&mut parts, resources).await.map(|_| ())
}

/// Ends the session.
pub(crate) async fn leave(visitor: Visitor, RawBody(body): RawBody) -> Response {
    let sent = Sent::parse(&body);
    let to = HeaderValue::from_static("/");
    match visitor.session.as_ref().is_some_and(|session| session.holds(&sent.token)) {
        true => {
            let headers = AppendHeaders([(LOCATION, to), (SET_COOKIE, BrowserSession::forget(visitor.is_tls))]);
            (StatusCode::SEE_OTHER, headers).into_response()
        }
        false => (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response(),
    }
}
