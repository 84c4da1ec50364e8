//! Answers in the shapes of S3.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED};
use http::{HeaderName, StatusCode};

/// Without content.
pub(super) fn empty(status: StatusCode) -> Response {
    of(status, Bytes::new())
}

/// An error with its code.
pub(super) fn error(status: StatusCode, code: &str) -> Response {
    let text = format!("<Error><Code>{code}</Code><Message>made up</Message></Error>");
    set(of(status, text.into()), CONTENT_TYPE, "application/xml")
}

/// A list or a result.
pub(super) fn xml(text: &str) -> Response {
    set(of(StatusCode::OK, text.to_owned().into()), CONTENT_TYPE, "application/xml")
}

/// A whole object.
pub(super) fn whole(bytes: Bytes) -> Response {
    dated(of(StatusCode::OK, bytes))
}

/// A part of an object, as `bytes=1-2`, `bytes=1-` or `bytes=-2` asks for it.
pub(super) fn part(bytes: &Bytes, range: &str) -> Response {
    let len = bytes.len();
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return error(StatusCode::BAD_REQUEST, "InvalidRange");
    };
    let (from, to) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(from), Ok(last)) => (from, (last + 1).min(len)),
        (Ok(from), Err(_)) => (from, len),
        (Err(_), Ok(suffix)) => (len.saturating_sub(suffix), len),
        (Err(_), Err(_)) => (len, len),
    };
    if from >= to {
        return error(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
    }
    let answer = dated(of(StatusCode::PARTIAL_CONTENT, bytes.slice(from..to)));
    set(answer, CONTENT_RANGE, &format!("bytes {from}-{}/{len}", to - 1))
}

/// The same with an ETag.
pub(super) fn with_etag(answer: Response, etag: &str) -> Response {
    set(answer, ETAG, etag)
}

/// The same, but the connection ends in the middle of its content.
pub(super) async fn cut(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len().max(2)));
    let half = stream::iter([Ok(bytes.slice(..bytes.len() / 2))]);
    let end = stream::iter([Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))]);
    Response::from_parts(parts, Body::from_stream(half.chain(end)))
}

fn of(status: StatusCode, bytes: Bytes) -> Response {
    let mut answer = Response::new(Body::from(bytes));
    *answer.status_mut() = status;
    answer
}

fn dated(answer: Response) -> Response {
    set(answer, LAST_MODIFIED, "Thu, 02 Jan 2020 03:04:05 GMT")
}

fn set(mut answer: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
    answer
}
