//! `POST /api/v1/repositories/{id}/scip?commit=`: an SCIP index of a commit, plain or packed by gzip. What it says of files that are
//! the same in a tip is laid over our rules by the job that this queues; an index of a commit that is not indexed yet waits for
//! that. The last eight of a repository are kept.
//!
//! At most 25 MiB as it is sent, and 256 MiB unpacked: it is looked through in little memory before it is kept.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use kotadb_core::db::Scope;
use kotadb_core::db::jobs::Trigger;
use kotadb_core::db::scip::{self, SentIndex};
use kotadb_core::http::scope::WriteRepositories;
use kotadb_core::http::{ApiError, Authorized, Code, Id, Json, Query, RawBody, Resources};
use kotadb_core::id::{ObjectId, ObjectIdError, RepositoryId};
use kotadb_core::scip::{MOST_UNPACKED, ScipError, survey};
use kotadb_core::store::Kind;
use kotadb_core::wire::ImportedIndex;
use serde::Deserialize;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// Kinds that an index may be sent as.
const KINDS: [&str; 3] = ["application/octet-stream", "application/gzip", "application/x-protobuf"];
/// Indexes that are looked through at once: each keeps a core busy.
static PLACES: Semaphore = Semaphore::const_new(1);

/// The bytes of an index.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only the description has it: the bytes are read as they come")]
struct ScipIndex(Vec<u8>);

/// Which commit.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScipQuery {
    /// The commit that the index was made of, 40 hexadecimal digits.
    #[param(pattern = "^[0-9a-f]{40}$")]
    commit: String,
}

/// Send an SCIP index
///
/// What a compiler says of names: callers of files that are as they were in that commit are certain from the next job on.
#[utoipa::path(
    post,
    path = "/api/v1/repositories/{id}/scip",
    tag = "repositories",
    operation_id = "send_scip_index",
    params(("id" = Uuid, Path, description = "Id of the repository."), ScipQuery),
    request_body(content = ScipIndex, content_type = "application/octet-stream",
        description = "As the compilers' front ends write it, or packed by gzip: at most 25 MiB, and 256 MiB unpacked."),
    responses(
        (status = 202, description = "It is taken, and a job is queued.", body = ImportedIndex, links(
            ("job" = (operation_id = "read_job", parameters(("id" = "$response.body#/job/id")))),
            ("cancel" = (operation_id = "cancel_job", parameters(("id" = "$response.body#/job/id")))),
        )),
        (status = 413, description = "`payload_too_large`, as it is sent or unpacked."),
        (status = 415, description = "`unsupported_media_type`: neither bytes nor gzip."),
    ),
    security(("bearer" = ["repositories:write"]))
)]
pub(crate) async fn send(
    State(resources): State<Resources>,
    key: Authorized<WriteRepositories>,
    Id(id): Id<RepositoryId>,
    Query(query): Query<ScipQuery>,
    headers: HeaderMap,
    RawBody(index): RawBody,
) -> Result<(StatusCode, Json<ImportedIndex>), ApiError> {
    key.require(id)?;
    check_kind(&headers)?;
    let commit: ObjectId =
        query.commit.parse().map_err(|error: ObjectIdError| ApiError::invalid_request(error.to_string()))?;
    if key.hidden.contains(&(id, commit)) {
        return Err(ApiError::not_found("commit"));
    }
    let documents = look_through(index.clone()).await?;
    let object = resources.store()?.put(key.tenant, Kind::Scip, Uuid::now_v7(), index).await?;
    let sent = SentIndex { tenant: key.tenant, repository: id, commit, object: object.to_string() };
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    scip::record(&mut tx, &sent).await?;
    let job = crate::enqueue(&mut tx, key.tenant, id, Trigger::Manual, false).await?;
    tx.commit().await?;
    resources.wake().await;
    Ok((StatusCode::ACCEPTED, Json(ImportedIndex { commit: query.commit, documents, job })))
}

fn check_kind(headers: &HeaderMap) -> Result<(), ApiError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let detail = "send the index as `content-type: application/octet-stream`";
    KINDS.contains(&&*essence).then_some(()).ok_or_else(|| ApiError::new(Code::UnsupportedMediaType, detail))
}

/// How many documents it has.
async fn look_through(index: axum::body::Bytes) -> Result<u64, ApiError> {
    let _place = PLACES.acquire().await.map_err(ApiError::internal)?;
    let survey =
        tokio::task::spawn_blocking(move || survey(&index, MOST_UNPACKED)).await.map_err(ApiError::internal)?;
    survey.map(|n| n as u64).map_err(|error| match error {
        ScipError::TooLarge(_) => ApiError::new(Code::PayloadTooLarge, error.to_string()),
        _ => ApiError::invalid_request(error.to_string()),
    })
}
