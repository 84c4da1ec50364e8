//! A form of a page. A browser sends it as it sends every form; here it becomes the request to the API that its fields describe, and what
//! comes of that a redirect to a page, with a flash. So whoever changes something by a page goes the way that programs go, and needs
//! no script for it.
//!
//! A form counts only with the token of its session. Its own fields begin with `form-`: token, method (HTML knows no `DELETE`), where
//! to go `then` and, when it is refused, `back` to. The others are those of the request; one whose name ends with `[]` is a list,
//! an empty one is absent.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, LOCATION, SET_COOKIE, TRANSFER_ENCODING,
};
use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::{Map, Value};
use tokio::time::timeout;
use url::form_urlencoded;

use super::flash::Flash;
use super::session::{BrowserSession, FORM, Sessions};

/// Bytes of a form, and of an answer to it.
const MOST_BYTES: usize = 64 << 10;
/// How long a form may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);
/// What begins the names of fields that are the form's own.
const OWN: &str = "form-";

/// A form as it was sent.
#[derive(Debug, Default)]
struct Sent {
    token: String,
    method: String,
    then: String,
    back: String,
    fields: Map<String, Value>,
}

/// The layer. It stands round the router, because it changes the method.
pub(super) async fn form(State(sessions): State<Sessions>, request: Request, next: Next) -> Response {
    match sender(&sessions, &request) {
        Some(session) => answered(&sessions, &session, request, next).await,
        None => next.run(request).await,
    }
}

/// The session whose form this is; `None`: it is none. Whoever is not signed in holds no body here.
fn sender(sessions: &Sessions, request: &Request) -> Option<BrowserSession> {
    let kind = request.headers().get(CONTENT_TYPE)?.as_bytes();
    let is_form = kind.starts_with(b"application/x-www-form-urlencoded");
    let is_ours = *request.method() == Method::POST && request.uri().path().starts_with("/api/");
    sessions.of(request.headers()).filter(|session| is_form && is_ours && session.is_signed_in())
}

async fn answered(sessions: &Sessions, session: &BrowserSession, request: Request, next: Next) -> Response {
    let is_tls = request.headers().get("x-forwarded-proto").is_some_and(|scheme| *scheme == "https");
    let (parts, body) = request.into_parts();
    let body = timeout(PATIENCE, to_bytes(body, MOST_BYTES)).await;
    let sent = Sent::parse(&body.ok().and_then(Result::ok).unwrap_or_default());
    let is_meant = session.holds(&sent.token);
    let (head, body) = next.run(sent.request(parts)).await.into_parts();
    let told = to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    let told: Value = serde_json::from_slice(&told).unwrap_or_default();
    let (to, flash) = match (head.status.is_success(), is_meant) {
        (true, _) => (sent.after(&told), made(&told)),
        (false, is_meant) => (own_path(&sent.back).to_owned(), Some(sent.refusal(&told, is_meant))),
    };
    let mut response = Response::from_parts(head, Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING, ETAG].iter().for_each(|name| {
        headers.remove(name);
    });
    headers.insert(LOCATION, HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/")));
    if let Some((flash, key)) = flash.zip(sessions.key()) {
        headers.append(SET_COOKIE, flash.set_cookie(key, is_tls));
    }
    response
}

/// What an answer has that is told once.
fn made(told: &Value) -> Option<Flash> {
    Some(Flash { key: Some(told["key"].as_str()?.to_owned()), ..Flash::default() })
}

/// Where a form or a sign-in may lead: a path of ours, whatever was given.
pub fn own_path(path: &str) -> &str {
    let is_own = path.starts_with('/') && !path.starts_with("//") && !path.contains('\\');
    if is_own && path.bytes().all(|byte| byte.is_ascii_graphic()) { path } else { "/" }
}

impl Sent {
    fn parse(body: &[u8]) -> Self {
        let mut sent = Self::default();
        for (name, value) in form_urlencoded::parse(body).filter(|(_, value)| !value.is_empty()) {
            let value = value.into_owned();
            match (name.strip_prefix(OWN), name.strip_suffix("[]")) {
                (Some("token"), _) => sent.token = value,
                (Some("method"), _) => sent.method = value,
                (Some("then"), _) => sent.then = value,
                (Some("back"), _) => sent.back = value,
                (Some(_), _) => {}
                (None, Some(list)) => match sent.fields.entry(list).or_insert_with(|| Value::Array(Vec::new())) {
                    Value::Array(values) => values.push(value.into()),
                    other => *other = value.into(),
                },
                (None, None) => {
                    sent.fields.insert(name.into_owned(), value.into());
                }
            }
        }
        sent
    }

    /// The request that it describes.
    fn request(&self, mut parts: Parts) -> Request {
        parts.method = match self.method.as_str() {
            "DELETE" => Method::DELETE,
            "PATCH" => Method::PATCH,
            _ => Method::POST,
        };
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.remove(CONTENT_TYPE);
        // What is no header value is no token either.
        if let Ok(token) = HeaderValue::try_from(&self.token) {
            parts.headers.insert(FORM, token);
        }
        let body = match self.fields.is_empty() {
            true => Bytes::new(),
            false => {
                parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Bytes::from(Value::Object(self.fields.clone()).to_string())
            }
        };
        parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        Request::from_parts(parts, Body::from(body))
    }

    /// Where it leads: `{id}` is that of what was answered.
    fn after(&self, told: &Value) -> String {
        let id = told["id"].as_str().unwrap_or_default();
        let then = if self.then.is_empty() { &self.back } else { &self.then };
        own_path(&then.replace("{id}", id)).to_owned()
    }

    fn refusal(&self, told: &Value, is_meant: bool) -> Flash {
        let why = match (is_meant, told["detail"].as_str()) {
            (false, _) => "this form was open for too long, or is too large: try again",
            (true, Some(detail)) => detail,
            (true, None) => "the server could not do it: try again",
        };
        let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        Flash { refused: Some(why.to_owned()), key: None, typed: self.fields.iter().filter_map(text).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(sent: &Sent) -> (Method, String) {
        let (parts, ()) = http::Request::post("/api/v1/keys").body(()).unwrap().into_parts();
        let request = sent.request(parts);
        let method = request.method().clone();
        (method, String::from_utf8(to_bytes(request.into_body(), 999).await.unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn fields_are_those_of_the_request() {
        let text = b"form-token=ab&form-other=x&name=a+b&scopes%5B%5D=search&scopes%5B%5D=jobs%3Aread&url=";
        let sent = Sent::parse(text);
        let (method, text) = body(&sent).await;
        assert_eq!((method, sent.token.as_str()), (Method::POST, "ab"));
        assert_eq!(text, r#"{"name":"a b","scopes":["search","jobs:read"]}"#);
        let none = body(&Sent::parse(b"form-method=DELETE&form-back=/account/keys")).await;
        assert_eq!(none, (Method::DELETE, String::new()));
        assert_eq!(body(&Sent::parse(b"form-method=CONNECT")).await.0, Method::POST);
        assert_eq!(body(&Sent::parse(b"a=1&a%5B%5D=2")).await.1, r#"{"a":"2"}"#);
    }

    #[test]
    fn it_leads_to_pages_of_ours_alone() {
        let sent = Sent { then: "/repositories/{id}".to_owned(), back: "/repositories".to_owned(), ..Sent::default() };
        let told = serde_json::json!({ "id": "7", "detail": "no" });
        assert_eq!(sent.after(&told), "/repositories/7");
        assert_eq!(own_path("/search?q=a%20b"), "/search?q=a%20b");
        for elsewhere in
            ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "/a b", "x", ""]
        {
            assert_eq!(own_path(elsewhere), "/", "{elsewhere}");
        }
        let back = Sent { then: String::new(), ..sent };
        assert_eq!(back.after(&told), "/repositories");
        assert_eq!(back.refusal(&told, true).refused.as_deref(), Some("no"));
        assert!(back.refusal(&told, false).refused.unwrap().contains("open for too long"));
    }
}
