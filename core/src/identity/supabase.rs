//! The Supabase project that users sign in to: whose token is it, and what is certain of that user.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::jwks::{Jwks, Unavailable};
use super::jwt::{TokenError, Unverified, VerifyKey};
use crate::config::Config;
use crate::crypto::Secret;
use crate::db::members::Identity;

/// Longest time of one request.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest answer about a user.
const MOST_BYTES: usize = 256 << 10;

/// A Supabase project as one process knows it. `Debug` prints no secret.
pub struct Supabase {
    http: reqwest::Client,
    issuer: String,
    jwks: Jwks,
    shared: Option<VerifyKey>,
    anon_key: Option<Secret>,
}

/// What the project says of a user; the claims of a token would repeat what the user wrote there himself.
#[derive(Deserialize)]
struct User {
    id: Uuid,
    email: Option<String>,
    email_confirmed_at: Option<String>,
    #[serde(default)]
    identities: Vec<LinkedAccount>,
}

/// A code, changed.
#[derive(Deserialize)]
struct Exchanged {
    access_token: String,
}

#[derive(Deserialize)]
struct LinkedAccount {
    provider: String,
    #[serde(default)]
    identity_data: serde_json::Value,
}

impl Supabase {
    /// By the settings; `None`: there is no project. Nothing is asked yet.
    pub fn new(config: &Config) -> Result<Option<Self>, reqwest::Error> {
        let Some(url) = config.supabase_url.as_deref() else { return Ok(None) };
        let http = reqwest::Client::builder().user_agent("kotadb").timeout(TIMEOUT).no_proxy();
        let http = http.redirect(reqwest::redirect::Policy::none()).build()?;
        let issuer = format!("{url}/auth/v1");
        let jwks = Jwks::new(http.clone(), format!("{issuer}/.well-known/jwks.json"));
        let shared = config.jwt_secret.as_ref().map(|secret| VerifyKey::Shared(secret.expose().as_bytes().to_vec()));
        Ok(Some(Self { http, issuer, jwks, shared, anon_key: config.supabase_anon_key.clone() }))
    }

    /// Whose token it is.
    pub async fn verify(&self, token: &str) -> Result<Uuid, TokenError> {
        self.verify_at(token, Instant::now()).await
    }

    /// The same, where `now` decides how old the keys are that are known.
    pub async fn verify_at(&self, text: &str, now: Instant) -> Result<Uuid, TokenError> {
        let token = Unverified::parse(text)?;
        let key = match (token.algorithm(), &self.shared, token.key_id()) {
            ("HS256", Some(shared), _) => shared.clone(),
            ("ES256" | "RS256", _, Some(id)) => {
                let found = self.jwks.key(id, now).await.map_err(|Unavailable| TokenError::Unavailable)?;
                found.ok_or(TokenError::Signature)?
            }
            _ => return Err(TokenError::Signature),
        };
        token.verify(&key, &self.issuer, OffsetDateTime::now_utc().unix_timestamp())
    }

    /// Where a browser goes to sign in with its account at GitHub; it comes back to `redirect` with a code, which needs the
    /// secret behind `challenge` (PKCE).
    pub fn sign_in_url(&self, challenge: &str, redirect: &str) -> String {
        let pairs = [
            ("provider", "github"),
            ("redirect_to", redirect),
            ("code_challenge", challenge),
            ("code_challenge_method", "s256"),
        ];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("{}/authorize?{query}", self.issuer)
    }

    /// Changes the code that a browser came back with for the token of its user. `None`: it is none, or was used already.
    pub async fn exchange(&self, code: &str, verifier: &str) -> Result<Option<Secret>, TokenError> {
        let Some(anon_key) = &self.anon_key else { return Ok(None) };
        let asked = serde_json::json!({ "auth_code": code, "code_verifier": verifier });
        let request =
            self.http.post(format!("{}/token?grant_type=pkce", self.issuer)).header("apikey", anon_key.expose());
        let body = body(request.json(&asked), MOST_BYTES).await.map_err(reqwest::Error::without_url);
        let body = body.map_err(|error| {
            tracing::warn!(%error, "Supabase does not change a code: {error}");
            TokenError::Unavailable
        })?;
        let token = body.and_then(|body| serde_json::from_slice::<Exchanged>(&body).ok());
        Ok(token.map(|token| Secret::new(token.access_token)))
    }

    /// What is certain of the owner of a verified token, who is `user`. `None`: the project does not say.
    pub async fn identity(&self, token: &str, user: Uuid) -> Option<Identity> {
        let anon_key = self.anon_key.as_ref()?;
        let request =
            self.http.get(format!("{}/user", self.issuer)).bearer_auth(token).header("apikey", anon_key.expose());
        let body = body(request, MOST_BYTES).await.map_err(reqwest::Error::without_url);
        let body =
            body.inspect_err(|error| tracing::warn!(%error, "Supabase does not tell of a user: {error}")).ok()??;
        let found: User = serde_json::from_slice(&body).ok().filter(|found: &User| found.id == user)?;
        let email = found.email.filter(|email| found.email_confirmed_at.is_some() && !email.is_empty());
        Some(Identity { email, github: found.identities.iter().find_map(LinkedAccount::github) })
    }
}

impl std::fmt::Debug for Supabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Supabase").field("issuer", &self.issuer).field("jwks", &self.jwks).finish_non_exhaustive()
    }
}

impl LinkedAccount {
    /// Number and login.
    fn github(&self) -> Option<(i64, String)> {
        let data = &self.identity_data;
        let id = data["provider_id"].as_str().or_else(|| data["sub"].as_str())?.parse().ok()?;
        let login = data["user_name"].as_str().filter(|login| !login.is_empty())?;
        (self.provider == "github").then(|| (id, login.to_owned()))
    }
}

/// The body of a successful answer of at most so many bytes; `None`: it is another.
pub(super) async fn body(request: reqwest::RequestBuilder, most: usize) -> Result<Option<Bytes>, reqwest::Error> {
    let mut response = request.send().await?;
    if !response.status().is_success() {
        return Ok(None);
    }
    let mut body = BytesMut::new();
    while let Some(part) = response.chunk().await? {
        body.extend_from_slice(&part);
        if body.len() > most {
            return Ok(None);
        }
    }
    Ok(Some(body.freeze()))
}
