//! Extractors whose refusals are problems. Types that are read this way carry `serde(deny_unknown_fields)`.

use std::str::FromStr;

use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::body::{BodyRefusal, too_large};
use super::code::Code;
use super::error::ApiError;
use super::resources::Resources;

/// Up to here a floating-point number holds every whole one.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// A JSON body, read or written. What is read is no list.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

/// The query string.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

/// The one parameter of the path. One that does not parse names nothing, so it is not found.
#[derive(Clone, Debug)]
pub struct Id<T>(pub T);

/// The body as it came, for signatures.
#[derive(Clone, Debug)]
pub struct RawBody(pub Bytes);

impl<T: DeserializeOwned> FromRequest<Resources> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, resources: &Resources) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::new(Code::UnsupportedMediaType, "send the body as `content-type: application/json`"));
        }
        let bytes = Bytes::from_request(request, resources).await?;
        // serde takes a list for a struct, too: its fields in their order, which nobody promised.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err(ApiError::invalid_request("the body must be a JSON object, not a list"));
        }
        match axum::Json::from_bytes(&bytes) {
            Ok(axum::Json(value)) => Ok(Self(value)),
            // `5.0` is an integer of JSON Schema, and so of our description, but none of serde.
            Err(rejection) => with_integers(&bytes).map(Self).ok_or_else(|| rejection.into()),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

impl<T: DeserializeOwned> FromRequestParts<Resources> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, resources: &Resources) -> Result<Self, ApiError> {
        // What is decoded below would put a sign in the place of such bytes, and be answered for that.
        if percent_decode_str(parts.uri.query().unwrap_or_default()).decode_utf8().is_err() {
            return Err(Self::Rejection::invalid_request(
                "query string: not UTF-8 once `%` is decoded: encode it as UTF-8",
            ));
        }
        let axum::extract::Query(value) = axum::extract::Query::from_request_parts(parts, resources).await?;
        Ok(Self(value))
    }
}

impl<T: FromStr + Send> FromRequestParts<Resources> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, resources: &Resources) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, resources).await.map_err(|_| no_such_id())?;
        text.parse().map(Self).map_err(|_| no_such_id())
    }
}

impl FromRequest<Resources> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, resources: &Resources) -> Result<Self, ApiError> {
        Ok(Self(Bytes::from_request(request, resources).await?))
    }
}

/// The body, read once more with whole numbers written as such; `None`: that does not help.
fn with_integers<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let mut body: Value = serde_json::from_slice(bytes).ok()?;
    body.as_object_mut()?.values_mut().for_each(|field| {
        let whole =
            field.as_f64().filter(|number| field.is_f64() && number.fract() == 0.0 && number.abs() < MOST_EXACT);
        if let Some(number) = whole {
            *field = Value::from(number as i64);
        }
    });
    serde_json::from_value(body).ok()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn no_such_id() -> ApiError {
    ApiError::new(Code::NotFound, "the path holds no id of ours: give a UUID")
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return too_large();
        }
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&rejection);
        while let Some(error) = cause {
            if let Some(refusal) = error.downcast_ref::<BodyRefusal>() {
                return refusal.error();
            }
            cause = error.source();
        }
        Self::invalid_request("the body could not be read to its end").with_cause(rejection)
    }
}

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        match rejection {
            JsonRejection::BytesRejection(rejection) => rejection.into(),
            JsonRejection::MissingJsonContentType(_) => {
                Self::new(Code::UnsupportedMediaType, "send the body as `content-type: application/json`")
            }
            rejection => Self::invalid_request(innermost(&rejection)),
        }
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::invalid_request(format!("query string: {}", innermost(&rejection)))
    }
}

/// serde's own sentence, which names field and position, without the prefixes round it.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
