//! The one error of every route. It is made by named constructors or from the errors of lower floors, and becomes a
//! problem; its cause stays inside and is logged once, by `boundary`.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::code::Code;
use crate::config::ConfigError;
use crate::crypto::CryptoError;
use crate::db::DbError;
use crate::github::client::GithubError;
use crate::github::{PatternError, PayloadError, RefPatternError, RemoteError};
use crate::query::ParseError;
use crate::search::SearchError;
use crate::search::commit::CommitError;
use crate::search::relations::RelationsError;
use crate::store::StoreError;
use crate::wire::{Problem, ProblemError};

type Cause = Box<dyn Error + Send + Sync>;

/// Why a request is refused or failed.
#[derive(Clone, Debug)]
pub struct ApiError {
    code: Code,
    detail: String,
    errors: Vec<ProblemError>,
    cause: Option<Arc<Cause>>,
}

impl ApiError {
    /// Any code with a sentence that is safe to show.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), cause: None }
    }

    /// `invalid_request`, with a sentence.
    pub fn invalid_request(detail: impl Into<String>) -> Self {
        Self::new(Code::InvalidRequest, detail)
    }

    /// `not_found`: also the answer for things of other tenants.
    pub fn not_found(what: &str) -> Self {
        Self::new(Code::NotFound, format!("no {what} of that id or name is visible to this key"))
    }

    /// `not_configured`, naming the variables.
    pub fn not_configured(variables: &[&str]) -> Self {
        let list = variables.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let mut error = Self::new(Code::NotConfigured, format!("this deployment must set {list} for this request"));
        error.errors = variables
            .iter()
            .map(|name| ProblemError {
                field: Some((*name).to_owned()),
                message: "is not set".to_owned(),
                ..ProblemError::default()
            })
            .collect();
        error
    }

    /// `unavailable`: `what` is away for now.
    pub fn unavailable(what: &str, cause: impl Into<Cause>) -> Self {
        Self::new(Code::Unavailable, format!("{what} does not answer: try again in a few seconds")).with_cause(cause)
    }

    /// `internal`: nothing of the cause is shown.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::new(Code::Internal, "the fault is logged with this request id: quote it when asking for help")
            .with_cause(cause)
    }

    /// Adds what lies behind, for the log only.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(Arc::new(cause.into()));
        self
    }

    /// Adds a fault with its place.
    #[must_use]
    pub fn with_error(mut self, error: ProblemError) -> Self {
        self.errors.push(error);
        self
    }

    /// Its code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What happened and what to do.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The single faults.
    pub fn errors(&self) -> &[ProblemError] {
        &self.errors
    }

    /// What lies behind, in words, with the causes of causes.
    pub(super) fn cause(&self) -> Option<String> {
        let cause = self.cause.as_ref()?;
        let mut text = cause.to_string();
        let mut source = cause.source();
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        Some(text)
    }

    /// The problem, with the id of the request where one is known.
    pub(super) fn problem(&self, request_id: Option<&str>) -> Problem {
        Problem {
            kind: format!("/errors/{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            detail: self.detail.clone(),
            instance: request_id.map(|id| format!("urn:uuid:{id}")),
            code: self.code.as_str().to_owned(),
            request_id: request_id.map(ToOwned::to_owned),
            errors: self.errors.clone(),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| &***cause as &(dyn Error + 'static))
    }
}

impl IntoResponse for ApiError {
    /// The error itself travels along, so that `boundary` can add the request id and log the cause.
    fn into_response(self) -> Response {
        let mut response = problem_response(self.code, &self.problem(None));
        response.extensions_mut().insert(self);
        response
    }
}

/// A problem as an answer, with the headers that its code asks for.
pub(super) fn problem_response(code: Code, problem: &Problem) -> Response {
    let body = serde_json::to_vec(problem).expect("a problem is strings and numbers");
    let mut response = (code.status(), body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    match code {
        Code::Unauthorized | Code::KeyExpired | Code::KeyRevoked | Code::TokenExpired => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        Code::Unavailable => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        Code::Overloaded | Code::IdempotencyInFlight => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    response
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unreachable(_) => Self::unavailable("the database", error),
            DbError::Constraint { constraint } if constraint.ends_with("_quota_check") => Self::new(
                Code::QuotaExceeded,
                "the plan of the tenant allows no more: ask the operator for another plan",
            ),
            error => Self::internal(error),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Backend { .. } => Self::unavailable("the object store", error),
            error => Self::internal(error),
        }
    }
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Store(error) => error.into(),
            SearchError::Cursor(error) => Self::invalid_request(error.to_string()),
            error @ SearchError::Behind { .. } => Self::new(Code::IndexBehind, error.to_string()),
            error => Self::new(Code::InvalidQuery, error.to_string()),
        }
    }
}

impl From<CommitError> for ApiError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Search(error) => error.into(),
            CommitError::Relations(error) => error.into(),
            error @ (CommitError::NoLine { .. } | CommitError::IsFolder(_)) => Self::invalid_request(error.to_string()),
            error => Self::new(Code::NotFound, error.to_string()),
        }
    }
}

impl From<RelationsError> for ApiError {
    fn from(error: RelationsError) -> Self {
        match error {
            RelationsError::Store(error) => error.into(),
            RelationsError::Search(error) => error.into(),
            RelationsError::Graph(error) => Self::internal(error),
            error @ RelationsError::NoFile(_) => Self::new(Code::NotFound, error.to_string()),
            error => Self::invalid_request(error.to_string()),
        }
    }
}

impl From<ParseError> for ApiError {
    fn from(error: ParseError) -> Self {
        Self::new(Code::InvalidQuery, error.to_string()).with_error(ProblemError {
            field: Some("query".to_owned()),
            position: Some(error.position),
            message: error.message,
            help: Some(error.help),
        })
    }
}

impl From<RemoteError> for ApiError {
    fn from(error: RemoteError) -> Self {
        Self::refused("url", &error)
    }
}

impl From<RefPatternError> for ApiError {
    fn from(error: RefPatternError) -> Self {
        Self::refused("refs", &error)
    }
}

impl From<PatternError> for ApiError {
    fn from(error: PatternError) -> Self {
        Self::refused("pattern", &error)
    }
}

impl From<GithubError> for ApiError {
    /// For requests that can do nothing without GitHub.
    fn from(error: GithubError) -> Self {
        match error {
            GithubError::NoApp => Self::not_configured(&["GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"]),
            GithubError::BadKey => Self::not_configured(&["GITHUB_APP_PRIVATE_KEY"]),
            error if error.passes() => Self::new(Code::Unavailable, error.to_string()).with_cause(error),
            error if error.is_lost() => Self::new(Code::RepositoryRefused, error.to_string()),
            error => Self::internal(error),
        }
    }
}

impl From<PayloadError> for ApiError {
    fn from(error: PayloadError) -> Self {
        let code = match error {
            PayloadError::ContentType => Code::UnsupportedMediaType,
            _ => Code::InvalidRequest,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ConfigError> for ApiError {
    fn from(error: ConfigError) -> Self {
        Self::internal(error)
    }
}

impl From<CryptoError> for ApiError {
    fn from(error: CryptoError) -> Self {
        Self::internal(error)
    }
}

impl ApiError {
    /// `repository_refused`, for a field of a registration.
    pub fn refused(field: &str, error: &dyn Error) -> Self {
        Self::new(Code::RepositoryRefused, error.to_string()).with_error(ProblemError {
            field: Some(field.to_owned()),
            message: error.to_string(),
            ..ProblemError::default()
        })
    }
}
