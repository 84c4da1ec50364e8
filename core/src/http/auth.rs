//! Who asks. A handler that takes [`Authorized`] cannot be reached without a key of that scope.
//!
//! The key's shape and checksum are checked before any database; then one statement in a transaction of its own, which is
//! committed before the handler runs, so that a slow handler holds no connection.

use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::code::Code;
use super::error::ApiError;
use super::resources::Resources;
use crate::db::Scope;
use crate::db::keys::{self, Principal};
use crate::identity::ApiKey;

/// A permission of a key, as a type.
pub trait AccessScope: Send + Sync + 'static {
    /// As it is stored with the key.
    const NAME: &'static str;
}

/// The scopes.
pub mod scope {
    use super::AccessScope;

    macro_rules! scopes {
        ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {$(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl AccessScope for $name {
                const NAME: &'static str = $text;
            }
        )*};
    }

    scopes! {
        /// Search what is indexed.
        Search = "search",
        /// See repositories.
        ReadRepositories = "repositories:read",
        /// Register and delete repositories.
        WriteRepositories = "repositories:write",
        /// See jobs.
        ReadJobs = "jobs:read",
        /// Queue jobs.
        WriteJobs = "jobs:write",
    }
}

/// The owner of a valid key that has the scope `S`.
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
        let principal = authenticate(&parts.headers, resources).await?;
        if !principal.scopes.iter().any(|scope| scope == S::NAME) {
            let detail = format!("this key lacks the scope `{}`: use one that has it", S::NAME);
            return Err(ApiError::new(Code::InsufficientScope, detail));
        }
        Ok(Self { principal, scope: PhantomData })
    }
}

async fn authenticate(headers: &HeaderMap, resources: &Resources) -> Result<Principal, ApiError> {
    let text = presented_key(headers).ok_or_else(|| {
        ApiError::new(Code::Unauthorized, "send an API key as `Authorization: Bearer KEY` or `X-API-Key: KEY`")
    })?;
    let invalid = || ApiError::new(Code::Unauthorized, "the API key is not valid: it is mistyped, expired or revoked");
    let key = ApiKey::parse(text).ok_or_else(invalid)?;
    let mut tx = resources.db()?.begin(Scope::Anonymous).await?;
    let principal = keys::authenticate(&mut tx, &key.sha256()).await?;
    tx.commit().await?;
    let principal = principal.ok_or_else(invalid)?;
    tracing::debug!(key_id = %principal.key_id, tenant = %principal.tenant, "Authenticated");
    Ok(principal)
}

fn presented_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (kind, key) = value.split_once(' ')?;
        kind.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok().map(str::trim))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn presented(name: &'static str, value: &'static str) -> Option<String> {
        let headers = HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())]);
        presented_key(&headers).map(ToOwned::to_owned)
    }

    #[test]
    fn a_key_comes_in_either_header() {
        assert_eq!(presented("authorization", "bearer  abc").as_deref(), Some("abc"));
        assert_eq!(presented("x-api-key", " abc ").as_deref(), Some("abc"));
        assert_eq!(presented("authorization", "Basic abc"), None);
        assert_eq!(presented("authorization", "abc"), None);
    }
}
