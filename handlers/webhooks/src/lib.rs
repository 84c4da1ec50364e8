//! Deliveries of GitHub: what happened there becomes a job, or a change of what is known of a repository.
//!
//! - `POST /webhooks/github/{id}`: the hook of one repository ([`hook`]).
//! - `POST /webhooks/github/app`: the hook of the GitHub App, for all its installations ([`app`]).
//!
//! In this order: size (25 MiB), headers, signature over the raw body, JSON or form, repository and hook. A wrong signature
//! and an unknown id get the same 401. 200 for `ping`; 202 for all else that verifies: `queued`, `applied`, `duplicate`,
//! `ignored`. What is done, and the delivery itself, are written in one transaction, perhaps with others ([`batches`]); what
//! a ref points at is not read from the payload, the indexer asks the remote. Without an answer of Postgres in 5 s: 503.

mod app;
mod batches;
mod delivery;
mod effects;
mod headers;
mod hook;
mod known;

use std::time::Duration;

use axum::Extension;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use kotadb_core::http::{ApiError, Id, Json, OpenApiRouter, RawBody, Resources, routes, within};
use kotadb_core::telemetry::events;
use kotadb_core::wire::DeliveryAnswer;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::batches::Batches;
use self::headers::Headers;
use self::hook::Sent;
use self::known::Known;

/// GitHub gives up after 10 s; a delivery that fails earlier can be repeated.
const DEADLINE: Duration = Duration::from_secs(5);

/// Longest wait for a place; beyond it the rest of the deadline would not be enough.
const TURN: Duration = Duration::from_secs(3);
/// Deliveries that use the database by themselves at once: twice its connections. Without such places all of a flood would look its hooks up,
/// and wait in vain for a second connection: work that is thrown away.
static PLACES: Semaphore = Semaphore::const_new(16);

/// A delivery as a form.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only the description has it: the bytes are read as they were signed")]
struct FormDelivery {
    /// The JSON.
    payload: String,
}

type Answer = Result<(StatusCode, Json<DeliveryAnswer>), ApiError>;

/// What deliveries to hooks of repositories share.
#[derive(Clone, Default)]
pub(crate) struct Intake {
    known: Known,
    batches: Batches,
}

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default()
        .routes(routes!(deliver_to_app))
        .routes(routes!(deliver_to_hook))
        .layer(Extension(Intake::default()))
}

/// Take a delivery to the hook of one repository
///
/// Sent by GitHub. A wrong signature and an unknown id get the same answer.
#[utoipa::path(
    post,
    path = "/webhooks/github/{id}",
    tag = "webhooks",
    operation_id = "deliver_to_hook",
    params(
        ("id" = Uuid, Path, description = "Id of the hook: the last part of its URL."),
        ("X-Hub-Signature-256" = String, Header, description = "`sha256=` and the HMAC-SHA-256 of the body by the secret."),
        ("X-GitHub-Event" = String, Header, description = "What happened.", example = "push", min_length = 1, max_length = 100),
        ("X-GitHub-Delivery" = Uuid, Header, description = "Id of the delivery."),
    ),
    request_body(content(
        (Object = "application/json"),
        (FormDelivery = "application/x-www-form-urlencoded"),
    ), description = "As GitHub sends it, at most 25 MiB."),
    responses(
        (status = 200, description = "A `ping`.", body = DeliveryAnswer),
        (status = 202, description = "What became of it.", body = DeliveryAnswer),
        (status = 401, description = "`bad_signature`: no such hook, or not its secret."),
        (status = 403, description = "`repository_mismatch`: it is about another repository or hook."),
        (status = 503, description = "`unavailable`, or `not_configured`: send it again."),
    )
)]
async fn deliver_to_hook(
    State(resources): State<Resources>,
    Extension(intake): Extension<Intake>,
    Id(id): Id<String>,
    request: Request,
) -> Answer {
    let said = request.headers().clone();
    let taken = async {
        let (headers, body) = read(&resources, request).await?;
        within(DEADLINE, hook::accept(&resources, &intake, &id, &Sent { headers: &headers, body: &body })).await
    };
    answer(&resources, &said, taken.await).await
}

/// Take a delivery to the hook of the GitHub App
///
/// Sent by GitHub, for all installations of the App.
#[utoipa::path(
    post,
    path = "/webhooks/github/app",
    tag = "webhooks",
    operation_id = "deliver_to_app",
    params(
        ("X-Hub-Signature-256" = String, Header, description = "`sha256=` and the HMAC-SHA-256 of the body by the secret."),
        ("X-GitHub-Event" = String, Header, description = "What happened.", example = "push", min_length = 1, max_length = 100),
        ("X-GitHub-Delivery" = Uuid, Header, description = "Id of the delivery."),
    ),
    request_body(content(
        (Object = "application/json"),
        (FormDelivery = "application/x-www-form-urlencoded"),
    ), description = "As GitHub sends it, at most 25 MiB."),
    responses(
        (status = 200, description = "A `ping`.", body = DeliveryAnswer),
        (status = 202, description = "What became of it.", body = DeliveryAnswer),
        (status = 401, description = "`bad_signature`: no such hook, or not its secret."),
        (status = 403, description = "`repository_mismatch`: it is about another repository or hook."),
        (status = 503, description = "`unavailable`, or `not_configured`: send it again."),
    )
)]
async fn deliver_to_app(State(resources): State<Resources>, request: Request) -> Answer {
    let said = request.headers().clone();
    let taken = async {
        let (headers, body) = read(&resources, request).await?;
        within(DEADLINE, in_turn(app::accept(&resources, &headers, &body))).await
    };
    answer(&resources, &said, taken.await).await
}

/// Does the work once there is a place for it.
pub(crate) async fn in_turn<T>(work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    let _place = timeout(TURN, PLACES.acquire()).await.map_err(|late| ApiError::unavailable("the database", late))?;
    work.await
}

/// Headers before the body: what nobody signed is not worth 25 MiB.
async fn read(resources: &Resources, request: Request) -> Result<(Headers, Bytes), ApiError> {
    let headers = Headers::read(request.headers())?;
    let RawBody(body) = RawBody::from_request(request, resources).await?;
    Ok((headers, body))
}

/// Logs what became of a delivery, and wakes the indexer if there is something to do.
async fn answer(resources: &Resources, said: &HeaderMap, taken: Result<DeliveryAnswer, ApiError>) -> Answer {
    let text = |name: &str| said.get(name).and_then(|value| value.to_str().ok());
    let (delivery, event) = (text("x-github-delivery"), text("x-github-event"));
    let answer = taken.inspect_err(|error| {
        let code = error.code().as_str();
        tracing::warn!(delivery, event, code, "{}: {error}", events::WEBHOOK_REJECTED);
    })?;
    let status = answer.status();
    tracing::info!(delivery, event, status, "{}: {status}", events::WEBHOOK_ACCEPTED);
    // What was applied may have queued a job beside.
    if matches!(answer, DeliveryAnswer::Queued { .. } | DeliveryAnswer::Applied { .. }) {
        resources.wake().await;
    }
    let status = if answer == DeliveryAnswer::Pong { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Json(answer)))
}
