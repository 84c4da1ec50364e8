//! What a member's own account sees at GitHub: asked while the member asks us, at most once in half an hour. Repositories
//! whose access was not confirmed within the hour are hidden by `kotadb.visible_repositories`, whatever becomes of the asking.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use super::error::ApiError;
use super::resources::Resources;
use crate::crypto::{MasterKey, Secret};
use crate::db::github_access::{self, NewToken, StoredToken};
use crate::db::principal::Principal;
use crate::db::{Scope, tokens};
use crate::github::client::{Client, GithubError, Session, UserToken};
use crate::id::TenantId;

/// After this long GitHub is asked again.
const FRESH: Duration = Duration::from_secs(30 * 60);
/// After this long repositories are hidden, so the answer waits for GitHub.
const SURE: Duration = Duration::from_secs(60 * 60);
/// Longest such wait.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks GitHub if it is time; `true`: what is to be seen may be other than the principal says.
pub(super) async fn confirm(resources: &Resources, principal: &Principal) -> bool {
    let (Some(user), Some(age)) = (principal.user, principal.access_age) else { return false };
    if age < FRESH {
        return false;
    }
    let (own, tenant) = (resources.clone(), principal.tenant);
    let asking = async move {
        let asked = own.check_github_access(tenant, user).await;
        asked.inspect_err(|error| tracing::warn!(%user, %error, "GitHub access was not checked: {error}"))
    };
    if age < SURE && !resources.ends_with_answer() {
        tokio::spawn(asking);
        return false;
    }
    matches!(tokio::time::timeout(PATIENCE, asking).await, Ok(Ok(true)))
}

impl Resources {
    /// Asks GitHub what a user sees through the tenant's installations, unless somebody just has, and notes it; `false`:
    /// nothing was learnt.
    pub async fn check_github_access(&self, tenant: TenantId, user: Uuid) -> Result<bool, ApiError> {
        let mut tx = self.db()?.begin(Scope::Tenant(tenant)).await?;
        let is_turn = github_access::claim_check(&mut tx, tenant, user).await?;
        let token = if is_turn { github_access::token(&mut tx, user).await? } else { None };
        let installations = github_access::installations(&mut tx).await?;
        tx.commit().await?;
        let Some(token) = token else { return Ok(false) };
        let session = self.session_of(tenant, &token).await?;
        let seen = match session {
            Some(session) => seen(&session, &installations).await?,
            // GitHub has taken the token back: the account sees nothing for us.
            None => Vec::new(),
        };
        let mut tx = self.db()?.begin(Scope::Tenant(tenant)).await?;
        github_access::note(&mut tx, tenant, user, &seen).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// As the owner of a stored token, which is renewed if it has ended. `None`: GitHub knows it no more.
    async fn session_of(&self, tenant: TenantId, stored: &StoredToken) -> Result<Option<Session>, ApiError> {
        let (github, key) = (self.github()?, self.master_key()?);
        let sealed_refresh = stored.sealed_refresh.as_deref().filter(|_| stored.is_over);
        let Some(sealed_refresh) = sealed_refresh else {
            return Ok(Some(github.user(open(key, &tokens::context(stored.id), &stored.sealed)?)));
        };
        let refresh = open(key, &github_access::refresh_context(stored.id), sealed_refresh)?;
        let token = match github.refresh(&refresh).await {
            Err(GithubError::Invalid(_) | GithubError::Unauthorized) => return Ok(None),
            token => token?,
        };
        let mut tx = self.db()?.begin(Scope::Tenant(tenant)).await?;
        let mut sealed = Sealed::of(key, stored.id, &token);
        // Without another one the same serves again.
        sealed.refresh = sealed.refresh.or_else(|| stored.sealed_refresh.clone());
        github_access::renew(&mut tx, &sealed.row()).await?;
        tx.commit().await?;
        Ok(Some(github.user(token.token)))
    }

    /// Stores the token of a linked account and notes what it sees, as far as GitHub tells now.
    pub async fn link_github(
        &self,
        (tenant, user): (TenantId, Uuid),
        account: (i64, &str),
        token: &UserToken,
    ) -> Result<(), ApiError> {
        let sealed = Sealed::of(self.master_key()?, Uuid::now_v7(), token);
        let mut tx = self.db()?.begin(Scope::Tenant(tenant)).await?;
        github_access::link(&mut tx, tenant, user, account, &sealed.row()).await?;
        let installations = github_access::installations(&mut tx).await?;
        tx.commit().await?;
        let github: &Client = self.github()?;
        let seen = match seen(&github.user(token.token.clone()), &installations).await {
            // The next request asks again.
            Err(error) if error.passes() => return Ok(()),
            seen => seen?,
        };
        let mut tx = self.db()?.begin(Scope::Tenant(tenant)).await?;
        github_access::note(&mut tx, tenant, user, &seen).await?;
        Ok(tx.commit().await?)
    }
}

/// A token as it is to be stored.
struct Sealed {
    id: Uuid,
    token: Vec<u8>,
    refresh: Option<Vec<u8>>,
    expires_at: Option<OffsetDateTime>,
}

impl Sealed {
    fn of(key: &MasterKey, id: Uuid, token: &UserToken) -> Self {
        let seal = |context: &str, secret: &Secret| key.seal(context, secret.expose().as_bytes());
        let ends = |seconds: i64| OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
        Self {
            id,
            token: seal(&tokens::context(id), &token.token),
            refresh: token.refresh.as_ref().map(|refresh| seal(&github_access::refresh_context(id), refresh)),
            expires_at: token.expires_in.map(ends),
        }
    }

    fn row(&self) -> NewToken<'_> {
        let sealed_refresh = self.refresh.as_deref();
        NewToken { id: self.id, sealed: &self.token, sealed_refresh, expires_at: self.expires_at }
    }
}

/// GitHub's numbers of what the owner of a token sees through these installations. One that he does not see, or a token that
/// is worth nothing, shows nothing.
async fn seen(session: &Session, installations: &[i64]) -> Result<Vec<i64>, GithubError> {
    let mut seen = Vec::new();
    for installation in installations {
        match session.seen_through(*installation).await {
            Ok(listed) => seen.extend(listed.items.iter().map(|repository| repository.id)),
            Err(error) if error.is_lost() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(seen)
}

fn open(key: &MasterKey, context: &str, sealed: &[u8]) -> Result<Secret, ApiError> {
    let opened = key.open(context, sealed)?;
    String::from_utf8(opened).map(Secret::new).map_err(ApiError::internal)
}
