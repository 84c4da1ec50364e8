//! Why GitHub did not do what it was asked to, told apart by what a caller can do about it.

use time::OffsetDateTime;

/// Why GitHub did not do it. Never shows a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GithubError {
    /// The deployment has no App.
    #[error("this deployment has no GitHub App: set `GITHUB_APP_ID` and `GITHUB_APP_PRIVATE_KEY`")]
    NoApp,
    /// The App's key cannot be read.
    #[error("`GITHUB_APP_PRIVATE_KEY` is no RSA key in PEM: set it to the text of the `.pem` file that GitHub made")]
    BadKey,
    /// 401: the token is wrong, expired or revoked.
    #[error("GitHub does not know the token (401): it is mistyped, expired or revoked")]
    Unauthorized,
    /// 403 for another reason than a rate limit.
    #[error("GitHub refuses (403): {0}")]
    Forbidden(String),
    /// 404: there is no such thing, or the token may not see it. Also 410.
    #[error("GitHub knows no `{0}`, or does not show it to this token")]
    NotFound(String),
    /// 451: taken down for legal reasons.
    #[error("GitHub has taken `{0}` down for legal reasons (451)")]
    Blocked(String),
    /// 422: what was sent is not valid.
    #[error("GitHub does not accept this (422): {0}")]
    Invalid(String),
    /// Asked too often, by the primary or the secondary limit: nothing is sent before `until`.
    #[error("GitHub asks to wait until {until}")]
    RateLimited {
        /// When it may be asked again.
        until: OffsetDateTime,
    },
    /// No answer, or one that says that GitHub has a problem (5xx).
    #[error("GitHub does not answer: {0}")]
    Unavailable(String),
    /// An answer that is not what its documentation says, or that is too large.
    #[error("GitHub's answer to `{request}` is not understood: {why}")]
    Malformed {
        /// Method and path.
        request: String,
        /// What is wrong with it.
        why: String,
    },
}

impl GithubError {
    /// Whether the same request may succeed later, with nobody doing anything about it.
    pub fn passes(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable(_))
    }

    /// Whether the thing is gone for this token, or forbidden to it.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::NotFound(_) | Self::Blocked(_) | Self::Forbidden(_) | Self::Unauthorized)
    }
}
