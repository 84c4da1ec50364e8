//! The searchable commits of a repository, and their deletion. The list is read from the index, which is the truth.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use kotadb_core::db::{Scope, deletions};
use kotadb_core::http::scope::{ReadRepositories, WriteRepositories};
use kotadb_core::http::{ApiError, Authorized, Code, Id, Json, OpenApiRouter, Resources, routes};
use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::store::Refs;
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
    Id(id): Id<RepositoryId>,
) -> Result<Json<List<IndexedCommit>>, ApiError> {
    key.require(id)?;
    let mut commits = indexed(&resources, key.tenant, id).await?;
    commits.retain(|commit| !is_hidden(&key.hidden, id, &commit.commit));
    let total = commits.len() as u64;
    Ok(Json(List::page(commits, None).with_total(total)))
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
    let searchable = indexed(&resources, key.tenant, id).await?;
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
async fn indexed(resources: &Resources, tenant: TenantId, id: RepositoryId) -> Result<Vec<IndexedCommit>, ApiError> {
    let store = resources.store()?;
    let (root, _) = store.head(tenant).await?;
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
