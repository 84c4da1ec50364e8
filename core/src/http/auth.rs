//! Who asks. A handler that takes [`Authorized`] cannot be reached without a key or member that has its scope.
//!
//! A key's shape and checksum, and a token's signature, are checked before any database; then one statement in a transaction
//! of its own, which is committed before the handler runs, so that a slow handler holds no connection. That statement also
//! counts the request and refuses what is over a limit.

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::code::Code;
use super::error::ApiError;
use super::github_access;
use super::idempotency::claim;
use super::rate::{Told, cost};
use super::resources::Resources;
use super::scope::AccessScope;
use crate::db::principal::{self, Admission, Cost, Principal, Refusal};
use crate::identity::ApiKey;
use crate::metrics;

/// Whoever asks, who has the scope `S`.
#[derive(Clone, Debug)]
pub struct Authorized<S> {
    principal: Principal,
    scope: PhantomData<S>,
}

impl<S> Deref for Authorized<S> {
    type Target = Principal;

    fn deref(&self) -> &Principal {
        &self.principal
    }
}

impl<S: AccessScope> FromRequestParts<Resources> for Authorized<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, resources: &Resources) -> Result<Self, ApiError> {
        let principal = admit(parts, resources, S::NAME, cost::<S>(&parts.method)).await?;
        Ok(Self { principal, scope: PhantomData })
    }
}

/// Boxed, so that it is compiled here and not in every crate that has a handler.
fn admit<'a>(
    parts: &'a Parts,
    resources: &'a Resources,
    scope: &'static str,
    cost: Cost,
) -> BoxFuture<'a, Result<Principal, ApiError>> {
    Box::pin(async move {
        let mut admission = authenticate(&parts.headers, resources, cost).await?;
        if let Ok(principal) = &admission.verdict
            && github_access::confirm(resources, principal).await
        {
            // Nothing is counted twice.
            let free = Cost { units: 0, is_search: false };
            admission.verdict = authenticate(&parts.headers, resources, free).await?.verdict;
        }
        let Admission { verdict, rate } = admission;
        if let Some(told) = parts.extensions.get::<Told>() {
            told.tell(rate, verdict.as_ref().err().copied());
        }
        let principal = verdict.map_err(refused)?;
        if !scope.is_empty() && !principal.has(scope) {
            let detail = format!("this key lacks the scope `{scope}`: use one that has it");
            return Err(ApiError::new(Code::InsufficientScope, detail));
        }
        claim(parts, resources, principal.tenant, principal.subject()).await?;
        Ok(principal)
    })
}

async fn authenticate(headers: &HeaderMap, resources: &Resources, cost: Cost) -> Result<Admission, ApiError> {
    let text = presented(headers).ok_or_else(|| {
        ApiError::new(Code::Unauthorized, "send an API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`")
    })?;
    let admission = match ApiKey::parse(text) {
        Some(key) => principal::of_key(resources.db()?, &key.sha256(), cost).await?,
        // Three parts with dots between them: a token.
        None if text.matches('.').count() == 2 => super::token::authenticate(text, headers, resources, cost).await?,
        None => {
            metrics::key_malformed();
            return Err(refused(Refusal::Unknown));
        }
    };
    if let Ok(principal) = &admission.verdict {
        tracing::debug!(subject = %principal.subject(), tenant = %principal.tenant, "Authenticated");
    }
    Ok(admission)
}

fn presented(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (kind, key) = value.split_once(' ')?;
        kind.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok().map(str::trim))
}

/// What is said of a key besides that it is not valid, is said to whoever has it: its hash has matched.
fn refused(refusal: Refusal) -> ApiError {
    let (code, detail) = match refusal {
        Refusal::Unknown => (Code::Unauthorized, "the API key is not valid: it is mistyped, or of another deployment"),
        Refusal::Revoked => (Code::KeyRevoked, "the API key was revoked: use another"),
        Refusal::Expired => (Code::KeyExpired, "the time of the API key is over: use its successor, or make another"),
        Refusal::RateLimited { .. } => {
            (Code::RateLimited, "too many requests lately: wait as long as `Retry-After` says")
        }
        Refusal::QuotaExceeded { .. } => (
            Code::QuotaExceeded,
            "the searches of this month are used up: wait for the next, or ask the operator for another plan",
        ),
        Refusal::NoMember => (Code::NoMember, "you are no member of this tenant: ask an owner of it to invite you"),
        Refusal::Several => {
            (Code::InvalidRequest, "you are a member of several tenants: name one by the header `KotaDB-Tenant`")
        }
    };
    ApiError::new(code, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &'static str, value: &'static str) -> Option<String> {
        let headers = HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())]);
        presented(&headers).map(ToOwned::to_owned)
    }

    #[test]
    fn a_key_comes_in_either_header() {
        assert_eq!(found("authorization", "bearer  abc").as_deref(), Some("abc"));
        assert_eq!(found("x-api-key", " abc ").as_deref(), Some("abc"));
        assert_eq!(found("authorization", "Basic abc"), None);
        assert_eq!(found("authorization", "abc"), None);
    }
}
