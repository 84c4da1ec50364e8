//! What stands before the git server, as the host of a repository would: it keeps silent, sends whoever asks for a former name
//! elsewhere, asks for credentials, has forgotten a repository, or answers as the API of GitHub.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, HOST, LOCATION, TRANSFER_ENCODING, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Client;

/// Where an API of GitHub lies that is not that of github.com.
pub const API: &str = "/api/v3";
/// Requests to the API are small.
const MOST_BYTES: usize = 1 << 20;

/// Handle of the gate; clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Mutex<Rules>>);

#[derive(Debug, Default)]
struct Rules {
    silent: BTreeSet<String>,
    private: BTreeSet<String>,
    forgotten: BTreeSet<String>,
    moved: BTreeMap<String, String>,
    api: Option<(Client, String)>,
}

impl Gate {
    /// A router behind this gate.
    pub fn before(&self, router: Router) -> Router {
        router.layer(middleware::from_fn_with_state(self.clone(), pass))
    }

    /// Lets the API at `url` answer what is asked below [`API`].
    pub fn answer_api_by(&self, url: &str) -> anyhow::Result<()> {
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        self.rules().api = Some((client, url.to_owned()));
        Ok(())
    }

    /// Whether requests for a repository are never answered.
    pub fn set_silent(&self, name: &str, is_silent: bool) {
        set(&mut self.rules().silent, name, is_silent);
    }

    /// Whether a repository wants credentials.
    pub fn set_private(&self, name: &str, is_private: bool) {
        set(&mut self.rules().private, name, is_private);
    }

    /// There is no such repository any more.
    pub fn forget(&self, name: &str) {
        set(&mut self.rules().forgotten, name, true);
    }

    /// A repository has another name: the former one leads there.
    pub fn move_to(&self, name: &str, to: &str) {
        self.rules().moved.insert(name.to_owned(), to.to_owned());
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, name: &str, rest: &str) -> Answer {
        let rules = self.rules();
        if rules.silent.contains(name) {
            return Answer::Never;
        }
        if let Some(to) = rules.moved.get(name) {
            return Answer::Now((StatusCode::MOVED_PERMANENTLY, [(LOCATION, format!("/{to}{rest}"))]).into_response());
        }
        if rules.private.contains(name) {
            let ask = [(WWW_AUTHENTICATE, "Basic realm=\"GitHub\"")];
            return Answer::Now((StatusCode::UNAUTHORIZED, ask).into_response());
        }
        if rules.forgotten.contains(name) {
            return Answer::Now(StatusCode::NOT_FOUND.into_response());
        }
        Answer::Git
    }
}

enum Answer {
    Git,
    Never,
    Now(Response),
}

fn set(names: &mut BTreeSet<String>, name: &str, is_in: bool) {
    match is_in {
        true => drop(names.insert(name.to_owned())),
        false => drop(names.remove(name)),
    }
}

async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    if path.starts_with(API) {
        let api = gate.rules().api.clone();
        let Some((client, url)) = api else { return StatusCode::NOT_FOUND.into_response() };
        return ask(&client, &url, request).await.unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response());
    }
    let answer = match split(path) {
        Some((name, rest)) => gate.answer(name, rest),
        None => Answer::Git,
    };
    match answer {
        Answer::Git => next.run(request).await,
        Answer::Never => std::future::pending().await,
        Answer::Now(response) => response,
    }
}

/// `/owner/name/rest` as `owner/name` and `/rest`.
fn split(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('/')?;
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    let end = slashes.nth(1)?;
    let (name, rest) = path.split_at(end);
    Some((name.strip_suffix(".git").unwrap_or(name), rest))
}

/// Passes a request on. Addresses in the answer lead back to this gate.
async fn ask(client: &Client, url: &str, request: Request) -> anyhow::Result<Response> {
    let (head, body) = request.into_parts();
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let here = format!("http://{host}{API}");
    let path = head.uri.path_and_query().map_or("", |path| path.as_str());
    let bytes = axum::body::to_bytes(body, MOST_BYTES).await?;
    let answer = client.request(head.method, format!("{url}{path}")).headers(end_to_end(&head.headers));
    let answer = answer.body(bytes).send().await?;
    let (status, mut headers) = (answer.status(), end_to_end(answer.headers()));
    for value in headers.values_mut() {
        let text = value.to_str().unwrap_or_default().replace(url, &here);
        *value = HeaderValue::from_str(&text)?;
    }
    let mut response = Response::new(Body::from(answer.bytes().await?));
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}

/// Without what is said of one connection.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_an_owner_and_a_name() {
        assert_eq!(split("/a/b/info/refs?service=x"), Some(("a/b", "/info/refs?service=x")));
        assert_eq!(split("/a/b.git/git-upload-pack"), Some(("a/b", "/git-upload-pack")));
        assert_eq!(split("/a/b"), None);
    }
}
