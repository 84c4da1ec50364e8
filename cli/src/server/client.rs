//! A client of a service's API: requests with a key, pages of lists, and refusals as people read them.

use std::fmt;
use std::time::Duration;

use anyhow::Context;
use kotadb_core::config::api_key;
use kotadb_core::crypto::Secret;
use kotadb_core::wire::{List, Problem, ProblemError};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::address::{address, shown};
use super::credentials::Credentials;
use crate::settings::Settings;

/// Longest wait for a connection, and for an answer.
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(60);
/// Items of a page: the most that the API gives.
const PAGE: usize = 100;

/// Why a service did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Nobody answers there.
    #[error("`{server}` cannot be reached ({why}): is the address right, and the service up?")]
    Unreachable {
        /// Address of the service.
        server: String,
        /// What went wrong.
        why: String,
    },
    /// The service says no, and why.
    #[error("{0}")]
    Refused(Refusal),
    /// What answers is no such service.
    #[error("`{server}` answers {status} and nothing that a KotaDB service says: is the address right?")]
    Odd {
        /// Address of the service.
        server: String,
        /// What it answered.
        status: StatusCode,
    },
}

/// A problem that a service told.
#[derive(Debug)]
pub struct Refusal {
    /// Address of the service.
    pub server: String,
    /// What it said.
    pub problem: Problem,
    /// Seconds after which to ask again.
    pub retry_after: Option<String>,
}

/// A client with a key.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    key: Secret,
}

impl Client {
    /// A client of the service at `base`. A redirection is not followed: the key is for nobody else.
    pub fn new(base: Url, key: Secret) -> anyhow::Result<Self> {
        let http =
            reqwest::Client::builder().redirect(Policy::none()).connect_timeout(CONNECT).timeout(ANSWER).build()?;
        Ok(Self { http, base, key })
    }

    /// A client of the service that the settings name, with `KOTADB_API_KEY` or the key of its login.
    pub fn of(settings: &Settings) -> anyhow::Result<Self> {
        let server = settings.server().context(
            "no service is named: `kotadb login URL` keeps one with its key, `--server URL` or `KOTADB_SERVER` names one",
        )?;
        let base = address("server", server)?;
        let key = key_of(&base)?;
        let key = key.with_context(|| format!("no key of `{server}` is kept: run `kotadb login {server}`"))?;
        Self::new(base, key)
    }

    /// Its address, as people read it.
    pub fn server(&self) -> String {
        shown(&self.base)
    }

    /// Reads `path` with parameters.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, parameters: &[(&str, String)]) -> Result<T, ServerError> {
        self.answer(self.http.get(self.url(path, parameters))).await
    }

    /// Posts a body to `path`.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ServerError> {
        self.answer(self.http.post(self.url(path, &[])).json(body)).await
    }

    /// Posts nothing but parameters to `path`.
    pub async fn ask_for<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
    ) -> Result<T, ServerError> {
        self.answer(self.http.post(self.url(path, parameters))).await
    }

    /// Deletes what is at `path`.
    pub async fn delete(&self, path: &str) -> Result<(), ServerError> {
        self.checked(self.http.delete(self.url(path, &[]))).await.map(|_| ())
    }

    /// Up to `most` items of a list, page by page, and whether there are more.
    pub async fn items<T: DeserializeOwned>(
        &self,
        path: &str,
        parameters: &[(&str, String)],
        most: usize,
    ) -> Result<(Vec<T>, bool), ServerError> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let limit = ("limit", PAGE.min(most - items.len()).max(1).to_string());
            let cursor_of = cursor.take().map(|cursor| ("cursor", cursor));
            let all: Vec<_> = parameters.iter().cloned().chain([limit]).chain(cursor_of).collect();
            let page: List<T> = self.get(path, &all).await?;
            items.extend(page.items);
            match page.next_cursor {
                Some(next) if items.len() < most => cursor = Some(next),
                next => return Ok((items, next.is_some())),
            }
        }
    }

    fn url(&self, path: &str, parameters: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        // Below the address, which may have a path of its own.
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        url
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ServerError> {
        let response = self.checked(request).await?;
        let status = response.status();
        let odd = || ServerError::Odd { server: self.server(), status };
        response.json().await.map_err(|_| odd())
    }

    async fn checked(&self, request: RequestBuilder) -> Result<Response, ServerError> {
        let server = self.server();
        let response = match request.bearer_auth(self.key.expose()).send().await {
            Ok(response) => response,
            Err(error) => return Err(ServerError::Unreachable { server, why: cause(&error.without_url()) }),
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (retry_after, kind) = (header(RETRY_AFTER), header(CONTENT_TYPE));
        let is_problem = kind.is_some_and(|kind| kind.starts_with("application/problem+json"));
        match response.json::<Problem>().await {
            Ok(problem) if is_problem => Err(ServerError::Refused(Refusal { server, problem, retry_after })),
            _ => Err(ServerError::Odd { server, status }),
        }
    }
}

/// The key that a service is asked with: `KOTADB_API_KEY`, else that of its login.
pub fn key_of(base: &Url) -> anyhow::Result<Option<Secret>> {
    match api_key() {
        Some(key) => Ok(Some(key)),
        None => Ok(Credentials::load()?.keys.remove(&shown(base)).map(Secret::new)),
    }
}

impl ServerError {
    /// Exit code of a command that ends so: 3, the key is refused; 4, the service cannot be reached; 2, the rest.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unreachable { .. } => 4,
            Self::Refused(refusal) if matches!(refusal.problem.status, 401 | 403) => 3,
            Self::Refused(_) | Self::Odd { .. } => 2,
        }
    }
}

/// What lies at the bottom of it: `error trying to connect` says nothing.
fn cause(error: &reqwest::Error) -> String {
    let mut error: &dyn std::error::Error = error;
    while let Some(next) = error.source() {
        error = next;
    }
    error.to_string()
}

/// What happened, why, what to do, and what to quote.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { kind, title, status, detail, code, request_id, errors, .. } = &self.problem;
        write!(f, "{title} ({code}, {status}): {detail}")?;
        // A single fault is the detail already.
        let others = errors.iter().filter(|error| !detail.contains(&error.message));
        for ProblemError { field, message, help, position } in others {
            let field = field.as_ref().map(|field| format!("`{field}` ")).unwrap_or_default();
            let at = position.map(|at| format!(" at position {at}")).unwrap_or_default();
            let help = help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
            write!(f, "\n  {field}{message}{at}{help}")?;
        }
        if *status == 401 {
            write!(f, "\n  `kotadb login {}` keeps another key", self.server)?;
        }
        if let Some(seconds) = &self.retry_after {
            write!(f, "\n  ask again in {seconds} s")?;
        }
        let request = request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default();
        write!(f, "\n  more: {}{kind}{request}", self.server)
    }
}
