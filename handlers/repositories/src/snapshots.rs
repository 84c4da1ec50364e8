//! The searchable commits of a repository, and their deletion. The list is read from the index, which is the truth.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::{IntoResponse, Response};
use kotadb_core::db::{Scope, deletions};
use kotadb_core::http::scope::{ReadRepositories, WriteRepositories};
use kotadb_core::http::{
    ApiError, Authorized, Code, EntityTag, Id, IfNoneMatch, Json, OpenApiRouter, Resources, TagBuilder, routes,
};
use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::store::{Refs, Root};
use kotadb_core::wire::{IndexedCommit, List, Timestamp};

/// Routes below one repository.
pub(crate) fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(forget))
}

/// List searchable commits
///
/// The tips of refs first, then what refs have left, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/repositories/{id}/snapshots",
    tag = "repositories",
    operation_id = "list_snapshots",
    params(("id" = Uuid, Path, description = "Id of the repository.")),
    responses((status = 200, description = "All of them.", body = List<IndexedCommit>, links(
        ("delete" = (operation_id = "delete_snapshot", parameters(
            ("id" = "$request.path.id"),
            ("commit" = "$response.body#/items/0/commit"),
        ))),
    ))),
    security(("bearer" = ["repositories:read"]))
)]
async fn list(
    State(resources): State<Resources>,
    key: Authorized<ReadRepositories>,
    had: IfNoneMatch,
    Id(id): Id<RepositoryId>,
) -> Result<Response, ApiError> {
    key.require(id)?;
    let (root, _) = resources.store()?.head(key.tenant).await?;
    let tag = tag(key.tenant, id, root.version, &key.hidden);
    if had.has(&tag.to_string()) {
        return Ok(tag.not_modified());
    }
    let mut commits = indexed(&resources, key.tenant, id, &root).await?;
    commits.retain(|commit| !is_hidden(&key.hidden, id, &commit.commit));
    let total = commits.len() as u64;
    Ok(([(ETAG, tag.header())], Json(List::page(commits, None).with_total(total))).into_response())
}

/// HEAD and what is hidden decide the answer.
fn tag(tenant: TenantId, id: RepositoryId, root_version: u64, hidden: &[(RepositoryId, ObjectId)]) -> EntityTag {
    let tag = TagBuilder::new("snapshots").with(tenant.0.as_bytes()).with(id.0.as_bytes());
    let hidden = hidden.iter().filter(|(of, _)| *of == id);
    hidden.fold(tag.with(&root_version.to_be_bytes()), |tag, (_, commit)| tag.with(&commit.0)).strong()
}

/// Delete a commit
///
/// It is hidden at once and for good, and out of storage in about a day; a tip is not searchable again until its ref
/// moves. Deleting again finds nothing.
#[utoipa::path(
    delete,
    path = "/api/v1/repositories/{id}/snapshots/{commit}",
    tag = "repositories",
    operation_id = "delete_snapshot",
    params(
        ("id" = Uuid, Path, description = "Id of the repository."),
        ("commit" = String, Path, description = "40 hexadecimal digits.", pattern = "^[0-9a-f]{40}$"),
    ),
    responses(
        (status = 202, description = "It was not searchable, which also tells a mistyped commit: text of commits that \
            are not searchable any more is purged, and what a job is just indexing is hidden when it comes."),
        (status = 204, description = "It is hidden."),
    ),
    security(("bearer" = ["repositories:write"]))
)]
async fn forget(
    State(resources): State<Resources>,
    key: Authorized<WriteRepositories>,
    Path((id, commit)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let not_found = || ApiError::not_found("snapshot");
    let id: RepositoryId = id.parse().map_err(|_| ApiError::not_found("repository"))?;
    key.require(id)?;
    let commit: ObjectId =
        commit.parse().map_err(|_| ApiError::new(Code::NotFound, "a commit is given by its 40 hexadecimal digits"))?;
    if is_hidden(&key.hidden, id, &commit.to_string()) {
        return Err(not_found());
    }
    let (root, _) = resources.store()?.head(key.tenant).await?;
    let searchable = indexed(&resources, key.tenant, id, &root).await?;
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    if !searchable.iter().any(|one| one.commit == commit.to_string()) {
        deletions::hide_unseen(&mut tx, key.tenant, id, commit).await?;
        tx.commit().await?;
        return Ok(StatusCode::ACCEPTED);
    }
    let is_new = deletions::hide(&mut tx, key.tenant, id, commit).await?;
    tx.commit().await?;
    if is_new { Ok(StatusCode::NO_CONTENT) } else { Err(not_found()) }
}

fn is_hidden(hidden: &[(RepositoryId, ObjectId)], id: RepositoryId, commit: &str) -> bool {
    hidden.iter().any(|(of, hidden)| *of == id && hidden.to_string() == commit)
}

/// Commits that HEAD names, each once: tips by ref name, then the history, the newest first.
async fn indexed(
    resources: &Resources,
    tenant: TenantId,
    id: RepositoryId,
    root: &Root,
) -> Result<Vec<IndexedCommit>, ApiError> {
    let store = resources.store()?;
    let Some(entry) = root.repositories.get(&id) else { return Ok(Vec::new()) };
    let refs = match entry.refs {
        Some(key) => store.refs(tenant, key).await?,
        None => Refs::default(),
    };
    let mut order = Vec::new();
    let mut by_commit: BTreeMap<ObjectId, IndexedCommit> = BTreeMap::new();
    let mut history = refs.history;
    history.sort_by_key(|one| std::cmp::Reverse(one.left_ms));
    let tips = entry.default.iter().chain(&refs.tips).map(|tip| (tip, None));
    for (tip, left_ms) in tips.chain(history.iter().map(|one| (&one.tip, Some(one.left_ms)))) {
        let row = by_commit.entry(tip.commit).or_insert_with(|| {
            order.push(tip.commit);
            let left_at = left_ms.and_then(Timestamp::from_millis);
            IndexedCommit { commit: tip.commit.to_string(), is_tip: left_ms.is_none(), refs: Vec::new(), left_at }
        });
        if row.is_tip == left_ms.is_none() {
            row.refs.push(tip.ref_name.clone());
        }
    }
    Ok(order.iter().filter_map(|commit| by_commit.remove(commit)).collect())
}
