//! Every code that a problem can carry. Codes are promises to programs: none changes its meaning, none is removed.

use http::StatusCode;

/// What kind of problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// The request is not understood: JSON, parameters, headers.
    InvalidRequest,
    /// The search query is not understood.
    InvalidQuery,
    /// The clone URL or a ref pattern breaks a rule of registration.
    RepositoryRefused,
    /// No key, or not a valid one.
    Unauthorized,
    /// The signature of a delivery does not verify.
    BadSignature,
    /// The key lacks a scope.
    InsufficientScope,
    /// The delivery is about another repository than its hook.
    RepositoryMismatch,
    /// There is no such thing, or not for this key.
    NotFound,
    /// The index is older than the request wants: ask again when the job is done.
    IndexBehind,
    /// The job has ended, or has not: it cannot be moved so.
    JobState,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The body is over the limit of the route.
    PayloadTooLarge,
    /// The content type is not one that the route reads.
    UnsupportedMediaType,
    /// The deployment lacks variables that the feature needs.
    NotConfigured,
    /// Postgres or the object store is away: try again.
    Unavailable,
    /// The request took too long.
    Timeout,
    /// A fault of ours.
    Internal,
}

impl Code {
    /// As it is written in a problem.
    pub fn as_str(self) -> &'static str {
        self.row().0
    }

    /// Status of the answer.
    pub fn status(self) -> StatusCode {
        self.row().1
    }

    /// Title of the problem, the same for every occurrence.
    pub fn title(self) -> &'static str {
        self.row().2
    }

    /// The code of an answer that something else than a handler made (a layer, a fallback).
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::Unauthorized,
            StatusCode::FORBIDDEN => Self::InsufficientScope,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => Self::Timeout,
            status if status.is_client_error() => Self::InvalidRequest,
            _ => Self::Internal,
        }
    }

    fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::InvalidRequest => ("invalid_request", S::BAD_REQUEST, "The request is not understood"),
            Self::InvalidQuery => ("invalid_query", S::BAD_REQUEST, "The query is not understood"),
            Self::RepositoryRefused => ("repository_refused", S::BAD_REQUEST, "The repository cannot be registered"),
            Self::Unauthorized => ("unauthorized", S::UNAUTHORIZED, "A valid API key is needed"),
            Self::BadSignature => ("bad_signature", S::UNAUTHORIZED, "The signature does not verify"),
            Self::InsufficientScope => ("insufficient_scope", S::FORBIDDEN, "The API key lacks a scope"),
            Self::RepositoryMismatch => {
                ("repository_mismatch", S::FORBIDDEN, "The delivery is about another repository")
            }
            Self::NotFound => ("not_found", S::NOT_FOUND, "There is no such thing"),
            Self::IndexBehind => ("index_behind", S::CONFLICT, "The index is not that far yet"),
            Self::JobState => ("job_state", S::CONFLICT, "The job is not in a state for this"),
            Self::MethodNotAllowed => ("method_not_allowed", S::METHOD_NOT_ALLOWED, "The method is not allowed here"),
            Self::PayloadTooLarge => ("payload_too_large", S::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnsupportedMediaType => {
                ("unsupported_media_type", S::UNSUPPORTED_MEDIA_TYPE, "The content type is not read here")
            }
            Self::NotConfigured => ("not_configured", S::SERVICE_UNAVAILABLE, "This deployment lacks configuration"),
            Self::Unavailable => ("unavailable", S::SERVICE_UNAVAILABLE, "The service is unavailable for now"),
            Self::Timeout => ("timeout", S::GATEWAY_TIMEOUT, "The request took too long"),
            Self::Internal => ("internal", S::INTERNAL_SERVER_ERROR, "Something failed on our side"),
        }
    }
}
