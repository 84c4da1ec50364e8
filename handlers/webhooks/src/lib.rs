//! `POST /webhooks/github/{id}`: a push becomes a job.
//!
//! In this order: size (25 MiB), headers, signature over the raw body, JSON or form, repository of the hook. A wrong
//! signature and an unknown id get the same 401. 202 for `push` (`queued`, `duplicate`, `ignored`) and for events that
//! mean nothing here, 200 for `ping`. Delivery and job are written in one transaction; what the ref points at is not
//! read from the payload, the indexer asks the remote.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::routing::post;
use kotadb_core::crypto;
use kotadb_core::db::Scope;
use kotadb_core::db::deliveries::{self, NewDelivery};
use kotadb_core::db::hooks::{self, Hook};
use kotadb_core::db::jobs::{self, JobKind, NewJob, Trigger};
use kotadb_core::github::{Payload, RefPatterns, Signature};
use kotadb_core::http::{ApiError, Code, Id, Json, RawBody, Resources, within};
use kotadb_core::telemetry::events;
use kotadb_core::wire::DeliveryAnswer;
use uuid::Uuid;

/// The routes of this family.
pub fn routes() -> Router<Resources> {
    Router::new().route("/webhooks/github/{id}", post(deliver))
}

/// A burst of pushes becomes one job: it waits this long for the next.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// GitHub gives up after 10 s; a delivery that fails earlier can be repeated.
const DEADLINE: Duration = Duration::from_secs(5);

/// What the headers of a delivery say.
#[derive(Debug)]
struct Headers {
    event: String,
    delivery: Uuid,
    /// `None`: missing or malformed.
    signature: Option<Signature>,
    content_type: String,
}

/// What a verified delivery asks for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Ping,
    Index,
    Nothing(String),
}

async fn deliver(
    State(resources): State<Resources>,
    Id(id): Id<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<(StatusCode, Json<DeliveryAnswer>), ApiError> {
    let headers = Headers::read(&headers)?;
    let answer = within(DEADLINE, accept(&resources, &id, &headers, &body)).await?;
    let status = if answer == DeliveryAnswer::Pong { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(answer)))
}

async fn accept(resources: &Resources, id: &str, headers: &Headers, body: &[u8]) -> Result<DeliveryAnswer, ApiError> {
    let hook = look_up(resources, id).await?;
    let hook = verified(resources, hook, headers, body)?;
    let payload = Payload::parse(&headers.content_type, body)?;
    check_repository(&hook, &payload)?;
    let request = requested(&hook, &headers.event, &payload)?;
    let learnt = payload.repository.as_ref().filter(|_| hook.github_repository_id.is_none());
    if request != Request::Index && learnt.is_none() {
        return Ok(answered(request));
    }
    let mut tx = resources.db()?.begin(Scope::Tenant(hook.tenant)).await?;
    if let Some(repository) = learnt {
        hooks::set_github_repository_id(&mut tx, hook.repository, repository.id).await?;
    }
    let mut answer = DeliveryAnswer::Duplicate;
    if request != Request::Index {
        answer = answered(request);
    } else if deliveries::record(&mut tx, &new_delivery(&hook, headers, body)).await? {
        let queued = jobs::enqueue(&mut tx, &new_job(&hook)).await?;
        answer = DeliveryAnswer::Queued { job: queued.job.to_string(), coalesced: queued.coalesced };
    }
    tx.commit().await?;
    Ok(answer)
}

impl Headers {
    fn read(headers: &HeaderMap) -> Result<Self, ApiError> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let event = text("x-github-event").ok_or_else(|| ApiError::invalid_request("`X-GitHub-Event` is missing"))?;
        let delivery = text("x-github-delivery").and_then(|text| Uuid::parse_str(text).ok());
        let delivery = delivery.ok_or_else(|| ApiError::invalid_request("`X-GitHub-Delivery` must be a UUID"))?;
        Ok(Self {
            event: event.to_owned(),
            delivery,
            signature: text("x-hub-signature-256").and_then(|text| text.parse().ok()),
            content_type: text(CONTENT_TYPE.as_str()).unwrap_or_default().to_owned(),
        })
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

/// Whoever holds the secret of one repository must not start jobs for another one.
fn check_repository(hook: &Hook, payload: &Payload) -> Result<(), ApiError> {
    match (hook.github_repository_id, &payload.repository) {
        (Some(known), Some(sent)) if known != sent.id => {
            tracing::warn!(hook = %hook.id, known, sent = sent.id, "{}: another repository", events::WEBHOOK_REJECTED);
            let detail = "the delivery is about another repository than the one this hook was made for";
            Err(ApiError::new(Code::RepositoryMismatch, detail))
        }
        _ => Ok(()),
    }
}

fn requested(hook: &Hook, event: &str, payload: &Payload) -> Result<Request, ApiError> {
    match event {
        "ping" => Ok(Request::Ping),
        "push" => {
            let ref_name = payload.ref_name.as_deref().ok_or_else(|| ApiError::invalid_request("`ref` is missing"))?;
            let repository = payload.repository.as_ref();
            let repository = repository.ok_or_else(|| ApiError::invalid_request("`repository` is missing"))?;
            let patterns = RefPatterns::new(&hook.ref_patterns);
            if patterns.tracks(ref_name, repository.default_branch.as_deref()) {
                return Ok(Request::Index);
            }
            Ok(Request::Nothing(format!("`{ref_name}` is not tracked")))
        }
        _ => Ok(Request::Nothing("this event means nothing here".to_owned())),
    }
}

fn answered(request: Request) -> DeliveryAnswer {
    match request {
        Request::Nothing(reason) => DeliveryAnswer::Ignored { reason },
        Request::Ping | Request::Index => DeliveryAnswer::Pong,
    }
}

fn new_delivery(hook: &Hook, headers: &Headers, body: &[u8]) -> NewDelivery {
    NewDelivery {
        hook: hook.id,
        tenant: hook.tenant,
        delivery: headers.delivery,
        event: headers.event.clone(),
        body_sha256: crypto::sha256(body),
    }
}

/// Not a full rebuild, even after a forced push: blobs are held by content, so a rewritten history changes nothing else.
fn new_job(hook: &Hook) -> NewJob {
    NewJob {
        tenant: hook.tenant,
        repository: hook.repository,
        kind: JobKind::Index,
        trigger: Trigger::Push,
        full: false,
        delay: DEBOUNCE,
    }
}
