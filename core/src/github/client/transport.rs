//! One request and its answer: caps, the error that a status stands for, and rate limits, which are remembered by token so
//! that nothing is sent while GitHub asks to wait.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use reqwest::redirect::{Action, Attempt, Policy};
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use url::Url;

use super::error::GithubError;
use crate::crypto::Secret;

/// Longest time of one request, the body included.
const TIMEOUT: Duration = Duration::from_secs(20);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A page of 100 repositories is below 1 MiB.
const MOST_BYTES: usize = 16 << 20;
/// A renamed repository is one redirect away.
const MOST_REDIRECTS: usize = 3;
/// The wait that GitHub recommends where a secondary limit names none.
const SECONDARY_WAIT: time::Duration = time::Duration::minutes(1);
/// A clock that is wrong must not silence us for longer: the primary limit is of an hour.
const LONGEST_WAIT: time::Duration = time::Duration::minutes(70);
/// Bytes of GitHub's own sentence that are kept.
const MOST_MESSAGE: usize = 300;

/// What is asked.
#[derive(Clone, Debug)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// Path and query, behind the base.
    pub(super) path: &'a str,
    pub(super) body: Option<&'a serde_json::Value>,
    pub(super) accept: &'static str,
    /// Answered with 304 while this is still true.
    pub(super) etag: Option<&'a str>,
}

/// What came back: 2xx or 304.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

#[derive(Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    base: String,
    web_origin: String,
    /// Until when a token must wait.
    waits: Mutex<HashMap<String, OffsetDateTime>>,
}

impl Transport {
    pub(super) fn new(base: &str) -> Result<Self, GithubError> {
        let http = reqwest::Client::builder()
            .user_agent("kotadb")
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .no_proxy()
            .redirect(Policy::custom(same_origin_only))
            .build()
            .map_err(|error| GithubError::Unavailable(format!("TLS cannot be set up: {error}")))?;
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { http, web_origin: web_origin(&base), base, waits: Mutex::default() })
    }

    pub(super) fn web_origin(&self) -> &str {
        &self.web_origin
    }

    /// Path and query of a URL of this API; `None`: it leads elsewhere.
    pub(super) fn path_of<'a>(&self, url: &'a str) -> Option<&'a str> {
        url.strip_prefix(&self.base).filter(|path| path.starts_with('/'))
    }

    /// Asks once. `budget` names whose limits count.
    pub(super) async fn send(
        &self,
        budget: &str,
        token: Option<&Secret>,
        call: &Call<'_>,
    ) -> Result<Answer, GithubError> {
        if let Some(until) = self.wait_of(budget) {
            return Err(GithubError::RateLimited { until });
        }
        let answer = self.exchange(token, call).await?;
        let now = OffsetDateTime::now_utc();
        if let Some(until) = wait_asked(&answer, now) {
            self.waits.lock().unwrap_or_else(PoisonError::into_inner).insert(budget.to_owned(), until);
            // The last request of a limit has its own answer, whatever that is.
            if is_limit(answer.status) {
                return Err(GithubError::RateLimited { until });
            }
        }
        refusal(call, &answer).map_or(Ok(answer), Err)
    }

    /// Asks the web side of GitHub, which is not part of the API, with JSON and without a token.
    pub(super) async fn post_web<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, GithubError> {
        let url = format!("{}{path}", self.web_origin);
        let request = self.http.post(url).header("accept", "application/json");
        let request = request.header("content-type", "application/json").body(body.to_string());
        let answer = self.read(request, |why| GithubError::Malformed { request: format!("POST {path}"), why });
        let Answer { status, body, .. } = answer.await?;
        match status {
            status if status.is_success() => serde_json::from_slice(&body)
                .map_err(|error| GithubError::Malformed { request: format!("POST {path}"), why: error.to_string() }),
            status => Err(GithubError::Unavailable(format!("status {}", status.as_u16()))),
        }
    }

    async fn exchange(&self, token: Option<&Secret>, call: &Call<'_>) -> Result<Answer, GithubError> {
        let mut request = self
            .http
            .request(call.method.clone(), format!("{}{}", self.base, call.path))
            .header("accept", call.accept)
            .header("x-github-api-version", "2022-11-28");
        if let Some(token) = token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(etag) = call.etag {
            request = request.header("if-none-match", etag);
        }
        if let Some(body) = call.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        self.read(request, |why| malformed(call, why)).await
    }

    /// The whole answer, if it is not too long.
    async fn read(
        &self,
        request: reqwest::RequestBuilder,
        malformed: impl Fn(String) -> GithubError,
    ) -> Result<Answer, GithubError> {
        let failed = |error: reqwest::Error| GithubError::Unavailable(error.without_url().to_string());
        let mut response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
        let mut body = BytesMut::new();
        while let Some(part) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&part);
            if body.len() > MOST_BYTES {
                return Err(malformed(format!("it is longer than {} MiB", MOST_BYTES >> 20)));
            }
        }
        Ok(Answer { status, headers, body: body.freeze() })
    }

    fn wait_of(&self, budget: &str) -> Option<OffsetDateTime> {
        let now = OffsetDateTime::now_utc();
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        waits.retain(|_, until| *until > now);
        waits.get(budget).copied()
    }
}

/// The token must not go to another host.
fn same_origin_only(attempt: Attempt<'_>) -> Action {
    let first = attempt.previous().first().map(Url::origin);
    let stays = first == Some(attempt.url().origin()) && attempt.previous().len() <= MOST_REDIRECTS;
    if stays { attempt.follow() } else { attempt.stop() }
}

/// GitHub serves its API from a host of its own, an Enterprise Server below `/api/v3` of the only one it has.
fn web_origin(base: &str) -> String {
    base.strip_suffix("/api/v3").unwrap_or("https://github.com").to_owned()
}

/// The two statuses that a limit comes with.
fn is_limit(status: StatusCode) -> bool {
    matches!(status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS)
}

/// Until when GitHub asks to wait: said by the answer that was refused, or by the last one that was not.
fn wait_asked(answer: &Answer, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let number = |name: &str| answer.headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let reset = number("x-ratelimit-reset").and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok());
    let is_spent = number("x-ratelimit-remaining") == Some(0);
    let is_refused = is_limit(answer.status);
    let retry_after =
        number("retry-after").filter(|_| is_refused).map(|seconds| now + time::Duration::seconds(seconds));
    let is_secondary = is_refused && message(&answer.body).to_ascii_lowercase().contains("rate limit")
        || answer.status == StatusCode::TOO_MANY_REQUESTS;
    let until = retry_after.or(reset.filter(|_| is_spent)).or_else(|| is_secondary.then(|| now + SECONDARY_WAIT))?;
    (until > now).then(|| until.min(now + LONGEST_WAIT))
}

fn refusal(call: &Call<'_>, answer: &Answer) -> Option<GithubError> {
    let thing = || call.path.split('?').next().unwrap_or_default().to_owned();
    let said = || message(&answer.body);
    Some(match answer.status {
        StatusCode::NOT_MODIFIED if call.etag.is_some() => return None,
        status if status.is_success() => return None,
        StatusCode::UNAUTHORIZED => GithubError::Unauthorized,
        StatusCode::FORBIDDEN => GithubError::Forbidden(said()),
        StatusCode::NOT_FOUND | StatusCode::GONE => GithubError::NotFound(thing()),
        StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => GithubError::Blocked(thing()),
        StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST | StatusCode::CONFLICT => {
            GithubError::Invalid(said())
        }
        StatusCode::REQUEST_TIMEOUT => GithubError::Unavailable("it timed out".to_owned()),
        StatusCode::TOO_MANY_REQUESTS => GithubError::RateLimited { until: OffsetDateTime::now_utc() + SECONDARY_WAIT },
        status if status.is_server_error() => GithubError::Unavailable(format!("status {}", status.as_u16())),
        status => malformed(call, format!("status {}", status.as_u16())),
    })
}

pub(super) fn malformed(call: &Call<'_>, why: impl Into<String>) -> GithubError {
    GithubError::Malformed { request: format!("{} {}", call.method, call.path), why: why.into() }
}

/// GitHub's own sentence, with that of the first single fault.
fn message(body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let parts = [&value["message"], &value["errors"][0]["message"]];
    let text = parts.iter().filter_map(|part| part.as_str()).collect::<Vec<_>>().join(": ");
    text.chars().filter(|c| !c.is_control()).take(MOST_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers: headers.collect(), body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    #[test]
    fn waits_are_read_from_every_form_of_a_limit() {
        let now = OffsetDateTime::from_unix_timestamp(1_000_000).unwrap();
        let secondary = r#"{"message":"You have exceeded a secondary rate limit"}"#;
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000300")];
        let far = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "9000000")];
        let past = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")];
        for (answer, seconds) in [
            (answer(403, &spent, ""), Some(300)),
            (answer(200, &spent, ""), Some(300)),
            (answer(403, &[("retry-after", "7")], secondary), Some(7)),
            (answer(429, &[("retry-after", "7"), spent[0], spent[1]], ""), Some(7)),
            (answer(403, &[], secondary), Some(60)),
            (answer(429, &[], ""), Some(60)),
            (answer(403, &far, ""), Some(4200)),
            (answer(403, &past, r#"{"message":"Resource not accessible"}"#), None),
            (answer(403, &[], r#"{"message":"Resource not accessible"}"#), None),
            (answer(200, &[("x-ratelimit-remaining", "1"), spent[1]], ""), None),
            (answer(503, &[("retry-after", "7")], ""), None),
        ] {
            let until = wait_asked(&answer, now);
            assert_eq!(until.map(|until| (until - now).whole_seconds()), seconds, "{answer:?}");
        }
    }

    #[test]
    fn the_origin_of_clone_urls_follows_the_api() {
        assert_eq!(web_origin("https://api.github.com"), "https://github.com");
        assert_eq!(web_origin("https://github.example/api/v3"), "https://github.example");
    }
}
