//! Linking a member's account at GitHub, and an installation of the GitHub App to the tenant. 503 `not_configured` without
//! `GITHUB_CLIENT_ID`, `GITHUB_CLIENT_SECRET`, `KOTADB_MASTER_KEY` and `KOTADB_WEBHOOK_BASE_URL`.
//!
//! - `GET /auth/github?installation=`: for a member, with a token of Supabase or a key of that member. 200 `{url}`: where the
//!   browser is to go, and a cookie that it must bring back within ten minutes. `installation` is linked on the way.
//! - `GET /auth/github/callback`: where GitHub sends the browser. The code is changed for a token of that person (PKCE), which is
//!   kept sealed; the account is noted, and invitations by its login are taken. An installation that GitHub names here is linked
//!   to the tenant only if that person's own token lists it, and only for members who may register repositories.

mod callback;

use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderName, HeaderValue};
use axum::response::AppendHeaders;
use kotadb_core::crypto::MasterKey;
use kotadb_core::github::client::{Authorization, Client};
use kotadb_core::github::handshake::{Handshake, LIFE_SECONDS};
use kotadb_core::http::scope::Any;
use kotadb_core::http::{ApiError, Authorized, Code, Json, OpenApiRouter, Query, Resources, routes};
use kotadb_core::wire::GithubRedirect;
use serde::Deserialize;
use time::OffsetDateTime;

const COOKIE: &str = "kotadb_github";

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default().routes(routes!(begin)).routes(routes!(callback::come_back))
}

/// The query string of the way there.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BeginQuery {
    /// GitHub's number of an installation of the App, which is to be linked to the tenant.
    #[param(minimum = 1, maximum = 9007199254740991_i64)]
    installation: Option<i64>,
}

/// Link an account at GitHub
///
/// Tells where the browser is to go, and sets a cookie that it must bring back within ten minutes.
#[utoipa::path(
    get,
    path = "/auth/github",
    tag = "auth",
    operation_id = "begin_github",
    params(BeginQuery),
    responses((status = 200, description = "Where to go.", body = GithubRedirect)),
    security(("bearer" = []))
)]
async fn begin(
    State(resources): State<Resources>,
    key: Authorized<Any>,
    Query(query): Query<BeginQuery>,
) -> Result<(AppendHeaders<[(HeaderName, HeaderValue); 1]>, Json<GithubRedirect>), ApiError> {
    let way = Way::of(&resources)?;
    let no_user = || ApiError::new(Code::InsufficientScope, "an account is linked to a member: sign in as one");
    let user = key.user.ok_or_else(no_user)?;
    let may_install = key.has("repositories:write") && key.allowed.is_none();
    if query.installation.is_some() && !may_install {
        let detail = "to link an installation, be a member who may register repositories and sees all of them";
        return Err(ApiError::new(Code::InsufficientScope, detail));
    }
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let handshake = Handshake::new(key.tenant, user, may_install, query.installation, now);
    Ok((AppendHeaders([(SET_COOKIE, way.cookie(&handshake))]), Json(GithubRedirect { url: way.url(&handshake) })))
}

/// What both ways need.
struct Way<'a> {
    github: &'a Client,
    key: &'a MasterKey,
    redirect: String,
}

impl<'a> Way<'a> {
    fn of(resources: &'a Resources) -> Result<Self, ApiError> {
        let config = resources.config();
        let missing: Vec<&str> = [
            ("GITHUB_CLIENT_ID", config.github_client.is_none()),
            ("GITHUB_CLIENT_SECRET", config.github_client.is_none()),
            ("KOTADB_MASTER_KEY", config.master_key.is_none()),
            ("KOTADB_WEBHOOK_BASE_URL", config.webhook_base_url.is_none()),
        ]
        .into_iter()
        .filter_map(|(name, is_missing)| is_missing.then_some(name))
        .collect();
        let Some(base) = config.webhook_base_url.as_deref().filter(|_| missing.is_empty()) else {
            return Err(ApiError::not_configured(&missing));
        };
        let (github, key) = (resources.github()?, resources.master_key()?);
        Ok(Self { github, key, redirect: format!("{base}/auth/github/callback") })
    }

    fn url(&self, handshake: &Handshake) -> String {
        let challenge = handshake.challenge();
        let way = Authorization { state: &handshake.nonce, challenge: &challenge, redirect: &self.redirect };
        self.github.authorize_url(&way).unwrap_or_default()
    }

    /// `Lax`, so that it comes along when GitHub sends the browser back, and with nothing that another page sends.
    fn cookie(&self, handshake: &Handshake) -> HeaderValue {
        self.set_cookie(&handshake.seal(self.key), LIFE_SECONDS)
    }

    fn set_cookie(&self, value: &str, max_age: i64) -> HeaderValue {
        let secure = if self.redirect.starts_with("https://") { "; Secure" } else { "" };
        let cookie = format!("{COOKIE}={value}; Path=/auth/github; HttpOnly; SameSite=Lax; Max-Age={max_age}{secure}");
        HeaderValue::try_from(cookie).expect("base64 and digits are a header value")
    }
}
