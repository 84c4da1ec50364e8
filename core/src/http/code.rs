//! Every code that a problem can carry. Codes are promises to programs: none changes its meaning, none is removed.

use std::collections::BTreeSet;

use http::StatusCode;

macro_rules! codes {
    ($(#[doc = $meaning:literal] $name:ident = $text:literal, $status:ident, $title:literal;)*) => {
        /// What kind of problem it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            fn row(self) -> Row {
                match self {
                    $(Self::$name => Row {
                        text: $text,
                        status: StatusCode::$status,
                        title: $title,
                        meaning: $meaning,
                    },)*
                }
            }
        }
    };
}

struct Row {
    text: &'static str,
    status: StatusCode,
    title: &'static str,
    meaning: &'static str,
}

codes! {
    /// The request is not understood: JSON, parameters, headers.
    InvalidRequest = "invalid_request", BAD_REQUEST, "The request is not understood";
    /// The search query is not understood.
    InvalidQuery = "invalid_query", BAD_REQUEST, "The query is not understood";
    /// The clone URL or a ref pattern breaks a rule of registration.
    RepositoryRefused = "repository_refused", BAD_REQUEST, "The repository cannot be registered";
    /// No key, or not a valid one.
    Unauthorized = "unauthorized", UNAUTHORIZED, "A valid API key is needed";
    /// The key was revoked: use another.
    KeyRevoked = "key_revoked", UNAUTHORIZED, "The API key was revoked";
    /// The key's time is over: use its successor, or make another.
    KeyExpired = "key_expired", UNAUTHORIZED, "The API key has expired";
    /// The user's token has expired: sign in again.
    TokenExpired = "token_expired", UNAUTHORIZED, "The token has expired";
    /// The signature of a delivery does not verify.
    BadSignature = "bad_signature", UNAUTHORIZED, "The signature does not verify";
    /// The key lacks a scope.
    InsufficientScope = "insufficient_scope", FORBIDDEN, "The API key lacks a scope";
    /// The user is no member of the tenant: ask an owner of it for an invitation.
    NoMember = "no_member", FORBIDDEN, "You are no member of the tenant";
    /// The plan of the tenant allows no more of this: wait for the next month, or ask the operator for another plan.
    QuotaExceeded = "quota_exceeded", FORBIDDEN, "The plan allows no more";
    /// The delivery is about another repository than its hook.
    RepositoryMismatch = "repository_mismatch", FORBIDDEN, "The delivery is about another repository";
    /// There is no such thing, or not for this key.
    NotFound = "not_found", NOT_FOUND, "There is no such thing";
    /// The index is older than the request wants: ask again when the job is done.
    IndexBehind = "index_behind", CONFLICT, "The index is not that far yet";
    /// The job has ended, or has not: it cannot be moved so.
    JobState = "job_state", CONFLICT, "The job is not in a state for this";
    /// Something else has this name or place already.
    Conflict = "conflict", CONFLICT, "It exists already";
    /// A tenant keeps one owner at least: make another one first.
    LastOwner = "last_owner", CONFLICT, "A tenant keeps one owner";
    /// Too many requests lately: wait as long as `Retry-After` says.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests";
    /// The path exists, but not with this method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not allowed here";
    /// The body is over the limit of the route.
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The content type is not one that the route reads.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The content type is not read here";
    /// A request with this `Idempotency-Key` is being answered: ask again in a second.
    IdempotencyInFlight = "idempotency_in_flight", CONFLICT, "The same request is being answered";
    /// The `Idempotency-Key` was used with another query or body: use a new key for a new request.
    IdempotencyMismatch = "idempotency_mismatch", UNPROCESSABLE_ENTITY, "The idempotency key is of another request";
    /// The body did not arrive in time: send it faster, or less of it.
    BodyTimeout = "body_timeout", REQUEST_TIMEOUT, "The body took too long";
    /// Path and query are over the limit: send a body instead.
    UriTooLong = "uri_too_long", URI_TOO_LONG, "The address is too long";
    /// All headers together are over the limit: send less of them.
    HeadersTooLarge = "headers_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large";
    /// More is asked for than the server takes on at once: try again in a second.
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "The server is busy";
    /// The deployment lacks variables that the feature needs.
    NotConfigured = "not_configured", SERVICE_UNAVAILABLE, "This deployment lacks configuration";
    /// Postgres or the object store is away: try again.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service is unavailable for now";
    /// The request took too long.
    Timeout = "timeout", GATEWAY_TIMEOUT, "The request took too long";
    /// A fault of ours.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something failed on our side";
}

impl Code {
    /// As it is written in a problem.
    pub fn as_str(self) -> &'static str {
        self.row().text
    }

    /// Status of the answer.
    pub fn status(self) -> StatusCode {
        self.row().status
    }

    /// Title of the problem, the same for every occurrence.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// When it is answered, and what to do.
    pub fn meaning(self) -> &'static str {
        self.row().meaning.trim()
    }

    /// The statuses that codes have, each once.
    pub fn statuses() -> impl Iterator<Item = u16> {
        let statuses: BTreeSet<u16> = Self::ALL.iter().map(|code| code.status().as_u16()).collect();
        statuses.into_iter()
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
            StatusCode::CONFLICT => Self::Conflict,
            StatusCode::TOO_MANY_REQUESTS => Self::RateLimited,
            StatusCode::SERVICE_UNAVAILABLE => Self::Unavailable,
            StatusCode::GATEWAY_TIMEOUT => Self::Timeout,
            StatusCode::REQUEST_TIMEOUT => Self::BodyTimeout,
            StatusCode::URI_TOO_LONG => Self::UriTooLong,
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Self::HeadersTooLarge,
            status if status.is_client_error() => Self::InvalidRequest,
            _ => Self::Internal,
        }
    }
}
