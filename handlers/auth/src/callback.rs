//! `GET /auth/github/callback`. Nothing that the browser says is believed but what the sealed cookie and GitHub confirm.

use axum::extract::State;
use axum::http::header::{COOKIE as COOKIES, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use kotadb_core::db::members::{self, Identity};
use kotadb_core::db::{Scope, github_access};
use kotadb_core::github::client::{GithubError, GithubInstallation, Session, UserToken};
use kotadb_core::github::handshake::Handshake;
use kotadb_core::http::{ApiError, Code, Json, Query, Resources};
use kotadb_core::wire::LinkedGithub;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::{COOKIE, Way};

/// What GitHub adds to the address; it may add more.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallbackQuery {
    /// What is changed for a token.
    code: Option<String>,
    /// The nonce of the way there.
    state: Option<String>,
    /// GitHub's number of an installation that was just made or changed.
    installation_id: Option<i64>,
    /// Why there is no code.
    error: Option<String>,
}

/// Come back from GitHub
///
/// Where GitHub sends the browser, which must bring the cookie of the way there.
#[utoipa::path(
    get,
    path = "/auth/github/callback",
    tag = "auth",
    operation_id = "finish_github",
    params(CallbackQuery),
    responses(
        (status = 200, description = "The account is linked.", body = LinkedGithub),
        (status = 303, description = "An installation was made: GitHub has to say first that it may be linked."),
        (status = 400, description = "`invalid_request`: the cookie, the state or the code is not, or no longer, good."),
        (status = 404, description = "`not_found`: the account does not see the installation, or another tenant has it."),
        (status = 503, description = "`not_configured`, or GitHub does not answer."),
    )
)]
pub(crate) async fn come_back(
    State(resources): State<Resources>,
    headers: HeaderMap,
    Query(query): Query<CallbackQuery>,
) -> Result<Response, ApiError> {
    let way = Way::of(&resources)?;
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let begin_again =
        || ApiError::invalid_request("this way to GitHub was not begun here, or ten minutes ago: begin again");
    let handshake = cookie(&headers).and_then(|text| Handshake::open(way.key, text, now)).ok_or_else(begin_again)?;
    let installation = query.installation_id.or(handshake.installation);
    let Some(code) = query.code else {
        if query.error.is_some() || query.installation_id.is_none() {
            let detail = "GitHub did not link the account: begin again, and allow it";
            return Err(ApiError::invalid_request(detail));
        }
        let Handshake { tenant, user, may_install, .. } = handshake;
        let again = Handshake::new(tenant, user, may_install, installation, now);
        let location = HeaderValue::try_from(way.url(&again)).map_err(ApiError::internal)?;
        let headers = AppendHeaders([(LOCATION, location), (SET_COOKIE, way.cookie(&again))]);
        return Ok((StatusCode::SEE_OTHER, headers).into_response());
    };
    if query.state.as_deref() != Some(handshake.nonce.as_str()) {
        return Err(begin_again());
    }
    let token = way.github.exchange(&code, &handshake.verifier, &way.redirect).await;
    let refused = |_| {
        ApiError::invalid_request("GitHub does not take the code, which is good once and for ten minutes: begin again")
    };
    let token = match token {
        Err(GithubError::Invalid(why)) => return Err(refused(why)),
        token => token?,
    };
    let linked = link(&resources, &handshake, installation, (&way.github.user(token.token.clone()), &token)).await?;
    let forget: [(HeaderName, HeaderValue); 1] = [(SET_COOKIE, way.set_cookie("", 0))];
    Ok((AppendHeaders(forget), Json(linked)).into_response())
}

async fn link(
    resources: &Resources,
    handshake: &Handshake,
    installation: Option<i64>,
    (session, token): (&Session, &UserToken),
) -> Result<LinkedGithub, ApiError> {
    let account = session.account().await?;
    let installation = match installation {
        Some(id) => Some(seen_by(session, handshake, id).await?),
        None => None,
    };
    let Handshake { tenant, user, .. } = *handshake;
    let mut tx = resources.db()?.begin(Scope::Tenant(tenant)).await?;
    if !github_access::is_member(&mut tx, user).await? {
        return Err(ApiError::new(
            Code::NoMember,
            "you are no member of the tenant any more: ask an owner of it to invite you",
        ));
    }
    let identity = Identity { email: None, github: Some((account.id, account.login.clone())) };
    members::note_user(&mut tx, user, &identity).await?;
    if let Some(GithubInstallation { id, account }) = &installation
        && !github_access::link_installation(&mut tx, *id, (&account.login, account.id)).await?
    {
        return Err(ApiError::not_found("installation"));
    }
    tx.commit().await?;
    resources.link_github((tenant, user), (account.id, &account.login), token).await?;
    let installation = installation.map(|one| one.id);
    Ok(LinkedGithub { login: account.login, installation })
}

/// The installation, if the person's own token lists it.
async fn seen_by(session: &Session, handshake: &Handshake, id: i64) -> Result<GithubInstallation, ApiError> {
    if !handshake.may_install {
        let detail = "to link an installation, be a member who may register repositories and sees all of them";
        return Err(ApiError::new(Code::InsufficientScope, detail));
    }
    let listed = session.own_installations().await?;
    listed.items.into_iter().find(|one| one.id == id).ok_or_else(|| ApiError::not_found("installation"))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs =
        headers.get_all(COOKIES).iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}
