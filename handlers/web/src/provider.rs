//! `GET /sign-in/github`, `/sign-in/github/back`: a session by an account at GitHub, where the deployment has a Supabase project. The code
//! that the browser comes back with is good in the session that it began in alone.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{HeaderValue, LOCATION, SET_COOKIE};
use axum::response::{AppendHeaders, IntoResponse, Response};
use kotadb_core::crypto;
use kotadb_core::http::{ApiError, BrowserSession, Query, Resources};
use kotadb_core::identity::Supabase;
use serde::Deserialize;

use crate::layout::Visitor;
use crate::{sign_in, tenant};

/// What the project adds to the address; it may add more.
#[derive(Debug, Deserialize)]
pub(crate) struct Back {
    code: Option<String>,
    error_description: Option<String>,
}

/// Whether the deployment has a project to sign in to.
pub(crate) fn is_there(resources: &Resources) -> bool {
    project(resources).is_ok()
}

/// The project, and where a browser comes back to.
fn project(resources: &Resources) -> Result<(&Supabase, String), ApiError> {
    let config = resources.config();
    let missing: Vec<&str> = [
        ("SUPABASE_URL", config.supabase_url.is_none()),
        ("SUPABASE_ANON_KEY", config.supabase_anon_key.is_none()),
        ("KOTADB_WEBHOOK_BASE_URL", config.webhook_base_url.is_none()),
    ]
    .into_iter()
    .filter_map(|(name, is_missing)| is_missing.then_some(name))
    .collect();
    match (resources.supabase()?, &config.webhook_base_url) {
        (Some(supabase), Some(base)) if missing.is_empty() => Ok((supabase, format!("{base}/sign-in/github/back"))),
        _ => Err(ApiError::not_configured(&missing)),
    }
}

/// Sends the browser there.
pub(crate) async fn begin(State(resources): State<Resources>, visitor: Visitor) -> Result<Response, ApiError> {
    let (supabase, back) = project(&resources)?;
    // One of its own, so that a link from elsewhere cannot use that of somebody who is signed in.
    let session = BrowserSession::new(&resources, "")?;
    let challenge = crypto::challenge(&session.verifier());
    let to = HeaderValue::try_from(supabase.sign_in_url(&challenge, &back)).map_err(ApiError::internal)?;
    let headers = AppendHeaders([(LOCATION, to), (SET_COOKIE, session.set_cookie(visitor.is_tls))]);
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// Begins a session with the token of whoever came back.
pub(crate) async fn come_back(
    State(resources): State<Resources>,
    visitor: Visitor,
    Query(query): Query<Back>,
) -> Result<Response, ApiError> {
    let (supabase, _) = project(&resources)?;
    let again = |why: &str| ApiError::invalid_request(format!("{why}: sign in again"));
    let session = visitor.session.as_ref().ok_or_else(|| again("this way was not begun in this browser"))?;
    let code = query.code.ok_or_else(|| again(query.error_description.as_deref().unwrap_or("there is no code")))?;
    let token = supabase.exchange(&code, &session.verifier()).await?;
    let token = token.ok_or_else(|| again("the code is not good here, or was used already"))?;
    match sign_in::look_at(&resources, token.expose()).await {
        Ok(()) => sign_in::begin(&resources, &visitor, token.expose(), "/"),
        // Without a tenant the session opens nothing but the choice of one.
        Err(_) if tenant::has_several(&BrowserSession::new(&resources, token.expose())?, &resources).await? => {
            sign_in::begin(&resources, &visitor, token.expose(), tenant::PAGE)
        }
        Err(error) => Err(error),
    }
}
