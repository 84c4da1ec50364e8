//! How a person links an account: the browser is sent to GitHub and comes back with a code, which is changed for a token of
//! that person (OAuth 2 with PKCE, RFC 7636). Such a token sees what both the person and the App may see.

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::error::GithubError;
use super::pages::Listed;
use super::repositories::{GithubAccount, GithubInstallation, GithubRepository};
use super::session::Session;
use super::{Client, Transport};
use crate::crypto::Secret;

/// Id and secret of the App for signing in. `Debug` prints no secret.
#[derive(Clone, Debug)]
pub(super) struct OAuth {
    pub(super) id: String,
    pub(super) secret: Secret,
}

/// A way to GitHub and back.
#[derive(Clone, Copy, Debug)]
pub struct Authorization<'a> {
    /// Comes back as it is.
    pub state: &'a str,
    /// The SHA-256 of the verifier, in base64 for URLs.
    pub challenge: &'a str,
    /// Where the browser comes back.
    pub redirect: &'a str,
}

/// A token of a person.
#[derive(Clone, Debug)]
pub struct UserToken {
    /// It.
    pub token: Secret,
    /// After so many seconds it ends.
    pub expires_in: Option<i64>,
    /// With what another is had then.
    pub refresh: Option<Secret>,
}

/// GitHub answers faults with 200, too.
#[derive(Deserialize)]
struct Answer {
    access_token: Option<String>,
    expires_in: Option<i64>,
    refresh_token: Option<String>,
    error_description: Option<String>,
}

impl Client {
    /// Where the browser is sent. `None`: `GITHUB_CLIENT_ID` and `GITHUB_CLIENT_SECRET` are not set.
    pub fn authorize_url(&self, way: &Authorization<'_>) -> Option<String> {
        let parameters = [
            ("client_id", self.0.oauth.as_ref()?.id.as_str()),
            ("redirect_uri", way.redirect),
            ("state", way.state),
            ("code_challenge", way.challenge),
            ("code_challenge_method", "S256"),
        ];
        let base = format!("{}/login/oauth/authorize", self.web_origin());
        Url::parse_with_params(&base, parameters).ok().map(String::from)
    }

    /// Changes a code for a token.
    pub async fn exchange(&self, code: &str, verifier: &str, redirect: &str) -> Result<UserToken, GithubError> {
        self.grant(json!({ "code": code, "code_verifier": verifier, "redirect_uri": redirect })).await
    }

    /// Another token for one that has ended.
    pub async fn refresh(&self, refresh: &Secret) -> Result<UserToken, GithubError> {
        self.grant(json!({ "grant_type": "refresh_token", "refresh_token": refresh.expose() })).await
    }

    async fn grant(&self, mut body: Value) -> Result<UserToken, GithubError> {
        let oauth = self.0.oauth.as_ref().ok_or(GithubError::NoApp)?;
        body["client_id"] = json!(oauth.id);
        body["client_secret"] = json!(oauth.secret.expose());
        let transport: &Transport = &self.0.transport;
        let answer: Answer = transport.post_web("/login/oauth/access_token", &body).await?;
        let refused = || GithubError::Invalid(answer.error_description.clone().unwrap_or_default());
        Ok(UserToken {
            token: answer.access_token.as_deref().map(Secret::new).ok_or_else(refused)?,
            expires_in: answer.expires_in,
            refresh: answer.refresh_token.map(Secret::new),
        })
    }
}

impl Session {
    /// Whose token it is.
    pub async fn account(&self) -> Result<GithubAccount, GithubError> {
        self.fetch("/user").await
    }

    /// Installations of the App that the owner of the token sees.
    pub async fn own_installations(&self) -> Result<Listed<GithubInstallation>, GithubError> {
        self.pages("/user/installations?per_page=100", Some("installations"), |_| false).await
    }

    /// Repositories of an installation that the owner of the token sees.
    pub async fn seen_through(&self, installation: i64) -> Result<Listed<GithubRepository>, GithubError> {
        let path = format!("/user/installations/{installation}/repositories?per_page=100");
        self.pages(&path, Some("repositories"), |_| false).await
    }
}
