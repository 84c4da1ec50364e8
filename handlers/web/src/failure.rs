//! A refusal as a page: whoever is not signed in is led there, all others are told what is wrong and what to do.

use axum::extract::Request;
use axum::http::header::LOCATION;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use kotadb_core::http::{ApiError, Code, RequestId, own_path};
use maud::html;

use crate::layout::{Page, Visitor};
use crate::links;
use crate::visible::Visible;

/// The layer round all pages. The error stays with the answer, so that its cause is logged as of every route.
pub(crate) async fn as_page(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let (visitor, method) = (Visitor::of(&parts), parts.method.clone());
    let id = parts.extensions.get::<RequestId>().map(|RequestId(id)| id.to_string());
    let response = next.run(Request::from_parts(parts, body)).await;
    match response.extensions().get::<ApiError>().cloned() {
        None => response,
        Some(error) if method == Method::GET && is_of_nobody(error.code()) => sign_in(&visitor, error.code()),
        Some(error) => page(&visitor, error, id.as_deref()),
    }
}

fn is_of_nobody(code: Code) -> bool {
    matches!(code, Code::Unauthorized | Code::KeyExpired | Code::KeyRevoked | Code::TokenExpired)
}

/// Whoever brought something that is no good any more is told so there.
fn sign_in(visitor: &Visitor, code: Code) -> Response {
    let why = if visitor.is_signed_in() { code.as_str() } else { "" };
    let to = links::with("/sign-in", &[("next", own_path(&visitor.asked)), ("why", why)]);
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}

fn page(visitor: &Visitor, error: ApiError, id: Option<&str>) -> Response {
    let code = error.code();
    let body = html! {
        h1 { (code.title()) }
        p.lead { (Visible(error.detail())) }
        @if !error.errors().is_empty() {
            ul {
                @for fault in error.errors() {
                    li {
                        @if let Some(field) = &fault.field { code { (Visible(field)) } " " }
                        (Visible(&fault.message))
                        @if let Some(help) = &fault.help { ": " (Visible(help)) }
                    }
                }
            }
        }
        p { a href=(format!("/errors/{}", code.as_str())) { "What " code { (code.as_str()) } " means" } }
        @if let Some(id) = id { p.quiet { "Request " code { (id) } ": quote it when asking for help." } }
    };
    let mut response = Page::new(visitor, code.title()).show(&body);
    *response.status_mut() = code.status();
    response.extensions_mut().insert(error);
    response
}
