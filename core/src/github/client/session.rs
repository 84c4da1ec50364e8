//! The API with one token: the verbs that the modules beside this one speak in.

use std::sync::Arc;

use http::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::GithubError;
use super::transport::{Answer, Call, Transport, malformed};
use crate::crypto::Secret;

/// What most answers are asked for as.
const JSON: &str = "application/vnd.github+json";

/// Asks with one token. `Debug` does not print it.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) transport: Arc<Transport>,
    budget: String,
    token: Option<Secret>,
}

impl Session {
    pub(super) fn new(transport: Arc<Transport>, budget: String, token: Option<Secret>) -> Self {
        Self { transport, budget, token }
    }

    /// Whose rate limit it counts against: equal for all sessions that share one.
    pub fn budget(&self) -> &str {
        &self.budget
    }

    pub(super) async fn fetch<T: DeserializeOwned>(&self, path: &str) -> Result<T, GithubError> {
        self.typed(&call(Method::GET, path, None)).await
    }

    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: Option<&Value>) -> Result<T, GithubError> {
        self.typed(&call(Method::POST, path, body)).await
    }

    pub(super) async fn patch<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, GithubError> {
        self.typed(&call(Method::PATCH, path, Some(body))).await
    }

    /// For requests whose answer says nothing.
    pub(super) async fn run(&self, method: Method, path: &str) -> Result<(), GithubError> {
        self.send(&call(method, path, None)).await.map(drop)
    }

    /// A request as it is written by hand.
    pub(super) async fn send(&self, call: &Call<'_>) -> Result<Answer, GithubError> {
        self.transport.send(&self.budget, self.token.as_ref(), call).await
    }

    async fn typed<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, GithubError> {
        let answer = self.send(call).await?;
        serde_json::from_slice(&answer.body).map_err(|error| malformed(call, error.to_string()))
    }
}

pub(super) fn call<'a>(method: Method, path: &'a str, body: Option<&'a Value>) -> Call<'a> {
    Call { method, path, body, accept: JSON, etag: None }
}
