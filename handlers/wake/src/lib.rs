//! `POST /internal/wake`: wakes the indexer if a job is due or a lease ran out; for the tick of the database.
//!
//! Signed: `X-KotaDB-Signature` is `sha256=` and the HMAC-SHA-256, by `KOTADB_TICK_SECRET`, of `X-KotaDB-Timestamp` (Unix
//! seconds, within five minutes of now), a `.` and `X-KotaDB-Nonce` (1 to 64 characters). The body is not read. 202:
//! `{"status": "woken"}` or `{"status": "idle"}`. Nonces are not remembered: a repeated call wakes whom any other would.

use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use kotadb_core::db::{Scope, wakes};
use kotadb_core::github::Signature;
use kotadb_core::http::{ApiError, Code, Json, OpenApiRouter, Resources, routes, within};
use kotadb_core::wire::WakeAnswer;

/// How far the caller's clock may be from ours.
const TOLERANCE: Duration = Duration::from_secs(300);
/// Longest wait for the database: pg_net gives up after 5 s.
const DEADLINE: Duration = Duration::from_secs(4);
/// Most characters of a nonce.
const MOST_NONCE: usize = 64;

/// The routes of this family.
pub fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default().routes(routes!(wake))
}

/// Wake the indexer
///
/// Called by the tick of the database, each minute. The body is not read.
#[utoipa::path(
    post,
    path = "/internal/wake",
    tag = "internal",
    operation_id = "wake_indexer",
    params(
        ("X-KotaDB-Signature" = String, Header,
            description = "`sha256=` and the HMAC-SHA-256, by `KOTADB_TICK_SECRET`, of timestamp, a `.` and nonce."),
        ("X-KotaDB-Timestamp" = u32, Header, description = "Unix seconds, within five minutes of now."),
        ("X-KotaDB-Nonce" = String, Header, description = "Any text.", min_length = 1, max_length = 64),
    ),
    responses(
        (status = 202, description = "The indexer was called, or there is nothing to do.", body = WakeAnswer),
        (status = 401, description = "`bad_signature`: it is not signed, or not now."),
        (status = 503, description = "`not_configured`, or `unavailable`."),
    )
)]
async fn wake(
    State(resources): State<Resources>,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<WakeAnswer>), ApiError> {
    verify(&resources, &headers, SystemTime::now())?;
    if resources.waker()?.is_off() {
        return Err(ApiError::not_configured(&["KOTADB_WAKE"]));
    }
    let is_due = within(DEADLINE, work_is_due(&resources)).await?;
    if is_due {
        resources.wake().await;
    }
    let answer = if is_due { WakeAnswer::Woken } else { WakeAnswer::Idle };
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

async fn work_is_due(resources: &Resources) -> Result<bool, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Anonymous).await?;
    let is_due = wakes::work_is_due(&mut tx).await?;
    tx.commit().await?;
    Ok(is_due)
}

fn verify(resources: &Resources, headers: &HeaderMap, now: SystemTime) -> Result<(), ApiError> {
    let secret = resources.config().tick_secret.as_ref();
    let secret = secret.ok_or_else(|| ApiError::not_configured(&["KOTADB_TICK_SECRET"]))?;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (stamp, nonce) = (text("x-kotadb-timestamp"), text("x-kotadb-nonce"));
    let signature: Option<Signature> = text("x-kotadb-signature").parse().ok();
    let secrets = [secret.expose().as_bytes(), secret.expose().as_bytes()].map(<[u8]>::to_vec);
    let is_signed = signature.is_some_and(|tag| tag.is_by_any(&secrets, format!("{stamp}.{nonce}").as_bytes()));
    let is_nonce = (1..=MOST_NONCE).contains(&nonce.len());
    if is_signed && is_nonce && is_near(stamp, now) {
        return Ok(());
    }
    tracing::warn!("Tick refused: signature, nonce or clock is not right");
    Err(ApiError::new(Code::BadSignature, "the call is not signed by the secret of the tick, or not now"))
}

/// Whether a Unix time is within five minutes of now.
fn is_near(stamp: &str, now: SystemTime) -> bool {
    let Ok(seconds) = stamp.parse::<u32>() else { return false };
    let stamp = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.into());
    let apart = now.duration_since(stamp).unwrap_or_else(|error| error.duration());
    apart <= TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_five_minutes_off() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (stamp, near) in [
            ("1000000", true),
            ("999700", true),
            ("1000300", true),
            ("999699", false),
            ("1000301", false),
            ("", false),
            ("-1", false),
            ("99999999999999999999", false),
        ] {
            assert_eq!(is_near(stamp, now), near, "{stamp}");
        }
    }
}
