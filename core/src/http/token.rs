//! Users who ask with a token of Supabase. Whoever is in no tenant yet may have been invited: then the project is asked who
//! that is, once a minute at most, because a token's claims hold what a user wrote there himself.

use http::HeaderMap;
use uuid::Uuid;

use super::code::Code;
use super::error::ApiError;
use super::resources::Resources;
use super::session::BrowserSession;
use crate::db::principal::{self, Admission, Cost, Refusal};
use crate::db::{Scope, members};
use crate::id::TenantId;
use crate::identity::{Supabase, TokenError};

/// Which tenant is meant, where a user is in several.
pub(super) const TENANT: &str = "kotadb-tenant";

/// Verifies a token and finds the member whose it is.
pub(super) async fn authenticate(
    token: &str,
    headers: &HeaderMap,
    resources: &Resources,
    cost: Cost,
) -> Result<Admission, ApiError> {
    let Some(supabase) = resources.supabase()? else {
        let detail = "this deployment takes no tokens of users, because `SUPABASE_URL` is not set: send an API key";
        return Err(ApiError::new(Code::Unauthorized, detail));
    };
    let user = supabase.verify(token).await?;
    let tenant = wanted(headers)?;
    let admission = principal::of_user(resources.db()?, user, tenant, cost).await?;
    let is_outside = matches!(admission.verdict, Err(Refusal::NoMember));
    if is_outside && takes_invitations(supabase, token, user, resources).await? {
        return Ok(principal::of_user(resources.db()?, user, tenant, cost).await?);
    }
    Ok(admission)
}

/// The tenants of whoever is signed in, by name: (id, name). Of a key there are none: it opens one.
pub async fn tenants_of(session: &BrowserSession, resources: &Resources) -> Result<Vec<(TenantId, String)>, ApiError> {
    let Some(supabase) = resources.supabase()? else { return Ok(Vec::new()) };
    if session.credential().matches('.').count() != 2 {
        return Ok(Vec::new());
    }
    let user = supabase.verify(session.credential()).await?;
    Ok(members::tenants_of(resources.db()?, user).await?)
}

fn wanted(headers: &HeaderMap) -> Result<Option<TenantId>, ApiError> {
    let wrong = || ApiError::invalid_request("`KotaDB-Tenant` is no id of a tenant: give its UUID");
    let parse = |value: &http::HeaderValue| value.to_str().ok()?.trim().parse().ok();
    headers.get(TENANT).map(|value| parse(value).ok_or_else(wrong)).transpose()
}

/// Whether invitations were found that are meant for this user.
async fn takes_invitations(
    supabase: &Supabase,
    token: &str,
    user: Uuid,
    resources: &Resources,
) -> Result<bool, ApiError> {
    let db = resources.db()?;
    if !members::claim_verification(db, user).await? {
        return Ok(false);
    }
    let Some(identity) = supabase.identity(token, user).await else { return Ok(false) };
    let mut tx = db.begin(Scope::Anonymous).await?;
    let taken = members::note_user(&mut tx, user, &identity).await?;
    tx.commit().await?;
    Ok(taken > 0)
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        let code = match error {
            TokenError::Expired => Code::TokenExpired,
            TokenError::Unavailable => Code::Unavailable,
            _ => Code::Unauthorized,
        };
        Self::new(code, error.to_string())
    }
}
