//! The hook of the GitHub App: one secret for all installations. An installation says whose a delivery is; what is not
//! linked to a tenant is only written down.

use kotadb_core::crypto::{self, Secret};
use kotadb_core::db::suspensions::{self, Suspension};
use kotadb_core::db::{Scope, Tx, deliveries, hooks, installations, subjects, tokens};
use kotadb_core::github::{Event, InstallationEvent, Payload, PayloadError, Remote};
use kotadb_core::http::{ApiError, Code, Resources};
use kotadb_core::id::TenantId;
use kotadb_core::wire::DeliveryAnswer;

use crate::delivery;
use crate::effects::{self, Effects, applied, ignored};
use crate::headers::Headers;

/// Where the App's repositories are.
const ORIGIN: &str = "https://github.com";

/// Takes a delivery to the App's own hook.
pub async fn accept(resources: &Resources, headers: &Headers, body: &[u8]) -> Result<DeliveryAnswer, ApiError> {
    verify(resources, headers, body)?;
    let (event, payload) = Event::read(&headers.event, &headers.content_type, body)?;
    let installation = payload.installation.as_ref().map(|installation| installation.id);
    let tenant = match installation {
        Some(installation) => tenant_of(resources, installation).await?,
        None => None,
    };
    let mut tx = resources.db()?.begin(tenant.map_or(Scope::Anonymous, Scope::Tenant)).await?;
    let answer = apply(&mut tx, tenant, &event, &payload).await?;
    let row = delivery::row(headers, &payload, body, &answer);
    if !deliveries::record_app(&mut tx, installation, &row).await? {
        // Dropped, the transaction undoes what a second time must not do.
        return Ok(DeliveryAnswer::Duplicate);
    }
    tx.commit().await?;
    Ok(answer)
}

fn verify(resources: &Resources, headers: &Headers, body: &[u8]) -> Result<(), ApiError> {
    let config = resources.config();
    let bytes = |secret: &Secret| secret.expose().as_bytes().to_vec();
    let current = config.github_app_webhook_secret.as_ref().map(bytes);
    let current = current.ok_or_else(|| ApiError::not_configured(&["GITHUB_APP_WEBHOOK_SECRET"]))?;
    let previous = config.github_app_webhook_secret_previous.as_ref().map(bytes);
    let secrets = [current, previous.unwrap_or_else(|| crypto::random::<32>().to_vec())];
    if headers.signature.is_some_and(|signature| signature.is_by_any(&secrets, body)) {
        return Ok(());
    }
    Err(ApiError::new(Code::BadSignature, "no secret of the App made this signature"))
}

async fn tenant_of(resources: &Resources, installation: i64) -> Result<Option<TenantId>, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Anonymous).await?;
    let tenant = installations::tenant(&mut tx, installation).await?;
    tx.commit().await?;
    Ok(tenant)
}

async fn apply(
    tx: &mut Tx,
    tenant: Option<TenantId>,
    event: &Event,
    payload: &Payload,
) -> Result<DeliveryAnswer, ApiError> {
    if let Event::Ping { fault, .. } = event {
        if let Some(fault) = fault {
            tracing::warn!("The hook of the App is not right: {fault}");
        }
        return Ok(DeliveryAnswer::Pong);
    }
    if let Event::Revoked { login } = event {
        let n = tokens::revoke_all_of(tx, login).await?;
        return Ok(applied(format!("{n} tokens were forgotten")));
    }
    if *event == Event::Other {
        return Ok(ignored("this event means nothing here"));
    }
    let missing = || ApiError::from(PayloadError::Missing("installation"));
    let installation = payload.installation.as_ref().ok_or_else(missing)?;
    let is_usable = match event {
        Event::Installation(what) => note(tx, payload, *what).await?,
        _ => true,
    };
    let Some(tenant) = tenant else {
        return Ok(match event {
            Event::Installation(_) => applied("the installation was written down".to_owned()),
            _ => ignored("no tenant is linked to this installation"),
        });
    };
    let mut linked = Linked { tx, tenant, installation: installation.id, payload };
    match event {
        Event::Installation(what) => linked.installation(*what, is_usable).await,
        Event::Repositories { added, removed } => linked.repositories(added, removed).await,
        event => linked.repository(event).await,
    }
}

async fn note(tx: &mut Tx, payload: &Payload, what: InstallationEvent) -> Result<bool, ApiError> {
    let installation = payload.installation.as_ref();
    let account = installation.and_then(|installation| installation.account.as_ref());
    let login = account.and_then(|account| account.login.as_deref()).unwrap_or_default();
    let (id, account_id) = (installation.map_or(0, |one| one.id), account.map_or(0, |account| account.id));
    Ok(installations::note(tx, id, (login, account_id), what.as_str()).await?)
}

/// A delivery of an installation that a tenant is linked to.
struct Linked<'a> {
    tx: &'a mut Tx,
    tenant: TenantId,
    installation: i64,
    payload: &'a Payload,
}

impl Linked<'_> {
    async fn installation(&mut self, what: InstallationEvent, is_usable: bool) -> Result<DeliveryAnswer, ApiError> {
        let of_it = installations::repositories(self.tx, self.installation).await?;
        match what {
            InstallationEvent::Deleted | InstallationEvent::Suspended => {
                suspensions::suspend(self.tx, &of_it, Suspension::Installation).await?;
                Ok(applied(format!("{} repositories stand still", of_it.len())))
            }
            InstallationEvent::Unsuspended if is_usable => {
                let resumed = suspensions::resume(self.tx, &of_it, &[Suspension::Installation]).await?;
                effects::queue(self.tx, self.tenant, &resumed, None).await
            }
            _ => Ok(applied("the installation was written down".to_owned())),
        }
    }

    async fn repositories(&mut self, added: &[i64], removed: &[i64]) -> Result<DeliveryAnswer, ApiError> {
        let lost = installations::repositories_of(self.tx, self.installation, removed).await?;
        suspensions::suspend(self.tx, &lost, Suspension::Access).await?;
        let mut wanted = installations::adopt(self.tx, self.installation, added).await?;
        let seen = installations::repositories_of(self.tx, self.installation, added).await?;
        let resumed = suspensions::resume(self.tx, &seen, &[Suspension::Access]).await?;
        wanted.extend(resumed.into_iter().filter(|id| !wanted.contains(id)).collect::<Vec<_>>());
        if wanted.is_empty() {
            return Ok(applied(format!("{} repositories stand still", lost.len())));
        }
        effects::queue(self.tx, self.tenant, &wanted, None).await
    }

    async fn repository(&mut self, event: &Event) -> Result<DeliveryAnswer, ApiError> {
        let missing = |what| ApiError::from(PayloadError::Missing(what));
        let repository = self.payload.repository.as_ref().ok_or_else(|| missing("repository"))?;
        let full_name = repository.full_name.as_deref().unwrap_or_default();
        let url = Remote::renamed(ORIGIN, full_name).map(|remote| remote.url).unwrap_or_default();
        let subjects = subjects::of_installation(self.tx, self.installation, repository.id, &url).await?;
        if subjects.is_empty() {
            return Ok(ignored("this repository is not registered through this installation"));
        }
        for subject in subjects.iter().filter(|subject| subject.github_repository_id.is_none()) {
            hooks::set_github_repository_id(self.tx, subject.repository, repository.id).await?;
        }
        let mut effects = Effects { tx: self.tx, tenant: self.tenant, subjects: &subjects, payload: self.payload };
        match event {
            Event::Push { ref_name } => effects.push(ref_name).await,
            Event::Repository(event) => effects.repository(event).await,
            _ => Ok(ignored("this event means nothing here")),
        }
    }
}
