//! The hook of one repository: its secret says who sends, and binds the sender to that repository.

use kotadb_core::crypto;
use kotadb_core::db::hooks::{self, Hook};
use kotadb_core::db::{Scope, Tx, deliveries};
use kotadb_core::github::{Event, Payload};
use kotadb_core::http::{ApiError, Code, Resources};
use kotadb_core::wire::DeliveryAnswer;

use crate::delivery;
use crate::effects::{self, Effects};
use crate::headers::Headers;

/// Takes a delivery to the hook of that id.
pub async fn accept(
    resources: &Resources,
    id: &str,
    headers: &Headers,
    body: &[u8],
) -> Result<DeliveryAnswer, ApiError> {
    let hook = look_up(resources, id).await?;
    let hook = verified(resources, hook, headers, body)?;
    let (event, payload) = Event::read(&headers.event, &headers.content_type, body)?;
    check_sender(&hook, headers, &event, &payload)?;
    let mut tx = resources.db()?.begin(Scope::Tenant(hook.tenant)).await?;
    let answer = apply(&mut tx, &hook, &event, &payload).await?;
    let row = delivery::row(headers, &payload, body, &answer);
    if !deliveries::record(&mut tx, hook.tenant, hook.id, &row).await? {
        // Dropped, the transaction undoes what a second time must not do.
        return Ok(DeliveryAnswer::Duplicate);
    }
    tx.commit().await?;
    Ok(answer)
}

async fn apply(tx: &mut Tx, hook: &Hook, event: &Event, payload: &Payload) -> Result<DeliveryAnswer, ApiError> {
    if let (None, Some(repository)) = (hook.subject.github_repository_id, &payload.repository) {
        hooks::set_github_repository_id(tx, hook.subject.repository, repository.id).await?;
    }
    if !hook.is_verified {
        hooks::verified(tx, hook.id).await?;
    }
    if let Event::Ping { hook: number, fault } = event {
        hooks::note(tx, hook.id, *number, fault.as_deref()).await?;
        return Ok(DeliveryAnswer::Pong);
    }
    let subjects = std::slice::from_ref(&hook.subject);
    let mut effects = Effects { tx, tenant: hook.tenant, subjects, payload };
    match event {
        Event::Push { ref_name } => effects.push(ref_name).await,
        Event::Repository(event) => effects.repository(event).await,
        _ => Ok(effects::ignored("this event means nothing here")),
    }
}

/// Committed before anything else is done: no connection is held while the body is hashed.
async fn look_up(resources: &Resources, id: &str) -> Result<Option<Hook>, ApiError> {
    let Ok(id) = id.parse() else { return Ok(None) };
    let mut tx = resources.db()?.begin(Scope::Anonymous).await?;
    let hook = hooks::look_up(&mut tx, id).await?;
    tx.commit().await?;
    Ok(hook)
}

/// The hook, if one of its secrets made the signature. An unknown hook costs the same work and gets the same answer.
fn verified(resources: &Resources, hook: Option<Hook>, headers: &Headers, body: &[u8]) -> Result<Hook, ApiError> {
    let sealed = [hook.as_ref().map(|hook| &hook.secret), hook.as_ref().and_then(|hook| hook.previous_secret.as_ref())];
    let mut secrets = [(); 2].map(|()| crypto::random::<32>().to_vec());
    for (secret, sealed) in secrets.iter_mut().zip(sealed) {
        if let (Some(sealed), Some(hook)) = (sealed, &hook) {
            match resources.master_key()?.open(&format!("hook:{}", hook.id), sealed) {
                Ok(opened) => *secret = opened,
                Err(error) => tracing::error!(hook = %hook.id, "Hook secret cannot be opened: {error}"),
            }
        }
    }
    let is_signed = headers.signature.is_some_and(|signature| signature.is_by_any(&secrets, body));
    hook.filter(|_| is_signed)
        .ok_or_else(|| ApiError::new(Code::BadSignature, "no hook of that id has a secret that made this signature"))
}

/// Whoever holds the secret of one repository must not start jobs for another one. A `ping` comes from a hook that was just
/// made, so it may have another number than the one before it.
fn check_sender(hook: &Hook, headers: &Headers, event: &Event, payload: &Payload) -> Result<(), ApiError> {
    let differ = |known: Option<i64>, sent: Option<i64>| known.zip(sent).is_some_and(|(known, sent)| known != sent);
    let sent = payload.repository.as_ref().map(|repository| repository.id);
    let known = hook.subject.github_repository_id;
    let installation = payload.installation.as_ref().map(|installation| installation.id);
    if differ(known, sent) || differ(known, headers.repository) || differ(sent, headers.repository) {
        let detail = "the delivery is about another repository than the one this hook was made for";
        return Err(ApiError::new(Code::RepositoryMismatch, detail));
    }
    let is_ping = matches!(event, Event::Ping { .. });
    if !is_ping && differ(hook.github_hook_id, headers.hook) || differ(hook.installation, installation) {
        let detail = "the delivery comes from another hook or installation than the one that is known: ping this hook, \
                      or delete the other one";
        return Err(ApiError::new(Code::RepositoryMismatch, detail));
    }
    Ok(())
}
