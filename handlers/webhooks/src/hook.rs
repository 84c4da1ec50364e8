//! The hook of one repository: its secret says who sends, and binds the sender to that repository.
//!
//! Most deliveries come to a row and at most a job. By what is known of their hooks these are taken in batches; whatever
//! else it is, or if the hook is no longer as it is known, the hook is looked up, and the delivery has its own transaction.

use std::sync::Arc;

use kotadb_core::db::deliveries::{self, Acceptance, PlainDelivery};
use kotadb_core::db::hooks::{self, Hook};
use kotadb_core::db::{Scope, Tx};
use kotadb_core::github::{Event, Payload};
use kotadb_core::http::{ApiError, Code, Resources};
use kotadb_core::id::{HookId, JobId};
use kotadb_core::trace;
use kotadb_core::wire::DeliveryAnswer;
use uuid::Uuid;

use crate::effects::{self, Effects};
use crate::headers::Headers;
use crate::known::{OpenHook, signed};
use crate::{Intake, delivery, in_turn};

/// A delivery whose signature is not checked yet.
pub struct Sent<'a> {
    /// What its headers say.
    pub headers: &'a Headers,
    /// Its raw body.
    pub body: &'a [u8],
}

/// Takes a delivery to the hook of that id.
pub async fn accept(
    resources: &Resources,
    intake: &Intake,
    id: &str,
    sent: &Sent<'_>,
) -> Result<DeliveryAnswer, ApiError> {
    let id: Option<HookId> = id.parse().ok();
    let known = signed(id.and_then(|id| intake.known.find(id)), sent.headers.signature, sent.body);
    if let Some(hook) = &known {
        // What is known refuses nobody.
        if let Ok((event, payload)) = sent.read(&hook.hook)
            && let Some(answer) = in_batch(resources, intake, &hook.hook, sent, (&event, &payload)).await?
        {
            return Ok(answer);
        }
    }
    let found = in_turn(look_up(resources, id)).await?;
    let hook = signed(found, sent.headers.signature, sent.body)
        .ok_or_else(|| ApiError::new(Code::BadSignature, "no hook of that id has a secret that made this signature"))?;
    intake.known.note(&hook);
    let (event, payload) = sent.read(&hook.hook)?;
    let is_news = known.is_none_or(|known| known.hook.version != hook.hook.version);
    if is_news && let Some(answer) = in_batch(resources, intake, &hook.hook, sent, (&event, &payload)).await? {
        return Ok(answer);
    }
    in_turn(alone(resources, &hook.hook, sent, (&event, &payload))).await
}

/// In a transaction with others; `None`: it needs its own.
async fn in_batch(
    resources: &Resources,
    intake: &Intake,
    hook: &Hook,
    sent: &Sent<'_>,
    (event, payload): (&Event, &Payload),
) -> Result<Option<DeliveryAnswer>, ApiError> {
    let Some(answer) = plain_answer(hook, event, payload) else { return Ok(None) };
    let row = delivery::row(sent.headers, payload, sent.body, &answer);
    let commits = match event {
        Event::Push { ref_name } => effects::commits_of_push(&hook.subject, payload, ref_name),
        _ => Some(0),
    };
    let (tenant, traceparent) = (hook.tenant, trace::current());
    let plain = PlainDelivery { hook: hook.id, version: hook.version.clone(), row, commits, tenant, traceparent };
    Ok(match intake.batches.accept(resources.db()?, plain).await? {
        Acceptance::Queued { job, coalesced } => Some(queued(job, coalesced)),
        Acceptance::Ignored => Some(answer),
        Acceptance::Duplicate => Some(DeliveryAnswer::Duplicate),
        Acceptance::Refused => None,
    })
}

/// What is answered to a delivery that comes to no more than a job; `None`: it changes something else. The first deliveries
/// of a hook do: they tell that it works, and for which repository.
fn plain_answer(hook: &Hook, event: &Event, payload: &Payload) -> Option<DeliveryAnswer> {
    if !hook.is_verified || hook.subject.github_repository_id.is_none() && payload.repository.is_some() {
        return None;
    }
    match event {
        Event::Push { ref_name } => {
            let subjects = std::slice::from_ref(&hook.subject);
            let moved = effects::moved_by_push(subjects, payload, ref_name);
            // The job's id, unless one is queued.
            Some(moved.map_or_else(|ignored| ignored, |_| queued(JobId(Uuid::now_v7()), false)))
        }
        Event::Ping { .. } | Event::Repository(_) => None,
        _ => Some(effects::ignored("this event means nothing here")),
    }
}

fn queued(job: JobId, coalesced: bool) -> DeliveryAnswer {
    DeliveryAnswer::Queued { job: job.to_string(), coalesced }
}

/// In a transaction of its own.
async fn alone(
    resources: &Resources,
    hook: &Hook,
    sent: &Sent<'_>,
    (event, payload): (&Event, &Payload),
) -> Result<DeliveryAnswer, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(hook.tenant)).await?;
    let answer = apply(&mut tx, hook, event, payload).await?;
    let row = delivery::row(sent.headers, payload, sent.body, &answer);
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
async fn look_up(resources: &Resources, id: Option<HookId>) -> Result<Option<Arc<OpenHook>>, ApiError> {
    let Some(id) = id else { return Ok(None) };
    let mut tx = resources.db()?.begin(Scope::Anonymous).await?;
    let hook = hooks::look_up(&mut tx, id).await?;
    tx.commit().await?;
    hook.map(|hook| OpenHook::open(resources, hook).map(Arc::new)).transpose()
}

impl Sent<'_> {
    /// What the body says, once it is signed. Whoever holds the secret of one repository must not start jobs for another
    /// one. A `ping` comes from a hook that was just made, so it may have another number than the one before it.
    fn read(&self, hook: &Hook) -> Result<(Event, Payload), ApiError> {
        let headers = self.headers;
        let (event, payload) = Event::read(&headers.event, &headers.content_type, self.body)?;
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
        Ok((event, payload))
    }
}
