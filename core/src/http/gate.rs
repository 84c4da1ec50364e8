//! How many requests are worked on at once. Beyond that a request is refused at once, since one that waits would be answered
//! too late for whoever sent it. Health is always answered.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;

use super::code::Code;
use super::error::ApiError;

/// Lets a request in, if there is a place.
pub(super) async fn gate(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == "/health" || path.starts_with("/health/") {
        return next.run(request).await;
    }
    match places.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => overloaded().into_response(),
    }
}

pub(super) fn overloaded() -> ApiError {
    ApiError::new(Code::Overloaded, "more is asked for than this server takes on at once: try again in a second")
}
