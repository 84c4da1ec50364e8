//! Gives every request its id, and makes every failure a problem that carries it: errors of
//! handlers, bare answers of layers and fallbacks, and panics. Causes are logged here and nowhere else.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, StatusCode};
use uuid::Uuid;

use super::code::Code;
use super::error::{ApiError, problem_response};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: the caller's `X-Request-Id` where that is a UUID, else a new one. In the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub Uuid);

pub(super) async fn boundary(mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id));
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let answer = answer.unwrap_or_else(|panic| axum::response::IntoResponse::into_response(panicked(&*panic)));
    let mut response = match failure(&answer) {
        Some(error) if is_page(&answer) => {
            log(&error, id);
            answer
        }
        Some(error) => refuse(&error, answer.headers(), id),
        None => answer,
    };
    let value = HeaderValue::from_str(&id.to_string()).expect("a UUID is a header value");
    response.headers_mut().insert(REQUEST_ID, value);
    response
}

fn request_id(headers: &HeaderMap) -> Uuid {
    let given = headers.get(REQUEST_ID).and_then(|value| Uuid::parse_str(value.to_str().ok()?).ok());
    given.unwrap_or_else(Uuid::now_v7)
}

/// The error behind an answer: the handler's own, or one made of a bare status of axum or a layer.
fn failure(answer: &Response) -> Option<ApiError> {
    if let Some(error) = answer.extensions().get::<ApiError>() {
        return Some(error.clone());
    }
    let status = answer.status();
    let is_bare = answer.headers().get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    (is_bare && (status.is_client_error() || status.is_server_error())).then(|| bare(status))
}

/// Whether a handler has told of its error in a page of its own.
fn is_page(answer: &Response) -> bool {
    answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

fn bare(status: StatusCode) -> ApiError {
    let detail = match status {
        StatusCode::NOT_FOUND => "no route has this path: the paths are listed in the API reference",
        StatusCode::METHOD_NOT_ALLOWED => "this path has other methods: see the `Allow` header",
        StatusCode::GATEWAY_TIMEOUT => "no answer was ready in time: ask for less, or try again",
        _ => status.canonical_reason().unwrap_or("the request failed"),
    };
    ApiError::new(Code::of_status(status), detail)
}

fn refuse(error: &ApiError, headers: &HeaderMap, id: Uuid) -> Response {
    log(error, id);
    let mut response = problem_response(error.code(), &error.problem(Some(&id.to_string())));
    for name in [ALLOW, RETRY_AFTER, WWW_AUTHENTICATE] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn log(error: &ApiError, id: Uuid) {
    let cause = error.cause().unwrap_or_default();
    let code = error.code().as_str();
    if error.code().status().is_server_error() {
        tracing::error!(request_id = %id, code, cause, "Request failed: {error}");
    } else {
        tracing::debug!(request_id = %id, code, cause, "Request refused: {error}");
    }
}

fn panicked(panic: &(dyn Any + Send)) -> ApiError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    ApiError::internal(format!("panic: {}", text.unwrap_or("without a message")))
}
