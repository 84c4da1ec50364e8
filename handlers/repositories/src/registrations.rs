//! Registration by a pattern of names. What the pattern matches is registered in portions while the request lasts; the
//! reconciler does the rest, and follows what comes later.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use kotadb_core::db::registrations::{self, RegistrationRow};
use kotadb_core::db::repositories::Credential;
use kotadb_core::db::{Scope, installations};
use kotadb_core::github::client::GithubRepository;
use kotadb_core::github::{RepositoryPattern, follow};
use kotadb_core::http::registration::Settings;
use kotadb_core::http::scope::{ReadRepositories, WriteRepositories};
use kotadb_core::http::{
    ApiError, Authorized, Cursor, Id, Json, OpenApiRouter, PageQuery, Query, Resources, page_limit, routes,
};
use kotadb_core::id::TenantId;
use kotadb_core::wire::{List, NewRegistration, PlannedRepository, Registration, RegistrationAnswer};
use serde::Deserialize;
use time::OffsetDateTime;

use uuid::Uuid;

/// Repositories registered in one transaction.
const PORTION: usize = 25;
/// After this, what is left is the reconciler's.
const PATIENCE: Duration = Duration::from_secs(8);
/// Names in an answer.
const MOST_NAMES: usize = 1000;

/// Routes of patterns.
pub(crate) fn routes() -> OpenApiRouter<Resources> {
    OpenApiRouter::default().routes(routes!(list, register)).routes(routes!(forget))
}

/// The query string of a registration.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RegisterQuery {
    /// Only list what would be registered.
    #[serde(default)]
    preview: bool,
}

/// Register by a pattern of names
///
/// Registers what the pattern matches, now and when it comes. A preview only lists it.
#[utoipa::path(
    post,
    path = "/api/v1/registrations",
    tag = "repositories",
    operation_id = "register_pattern",
    params(RegisterQuery),
    request_body = NewRegistration,
    responses(
        (status = 200, description = "What would be registered.", body = RegistrationAnswer),
        (status = 201, description = "What is registered.", body = RegistrationAnswer, links(
            ("delete" = (operation_id = "delete_registration", parameters(("id" = "$response.body#/registration/id")))),
        )),
        (status = 404, description = "`not_found`: the installation is none of this tenant's."),
        (status = 503, description = "`not_configured`, or `unavailable`: GitHub does not answer."),
    ),
    security(("bearer" = ["repositories:write"]))
)]
async fn register(
    State(resources): State<Resources>,
    key: Authorized<WriteRepositories>,
    Query(query): Query<RegisterQuery>,
    Json(new): Json<NewRegistration>,
) -> Result<(StatusCode, Json<RegistrationAnswer>), ApiError> {
    key.require_all()?;
    let settings = Settings::check(&new.refs, new.priority, new.schedule.as_deref())?;
    let (pattern, credential) = chosen(&resources, key.tenant, &new).await?;
    let github = resources.github()?;
    let session = github.session_for(credential, None).await?;
    let matching = follow::matching(github, credential, session, &pattern).await?;
    if query.preview {
        let answer = planned(&resources, key.tenant, &matching).await?;
        return Ok((StatusCode::OK, Json(answer)));
    }
    resources.master_key()?;
    let registration = store(&resources, key.tenant, &pattern, credential, settings).await?;
    let mut answer = planned(&resources, key.tenant, &matching).await?;
    let (registered, left) = register_all(&resources, &registration, &matching).await?;
    resources.wake().await;
    answer.registration = Some(registration.into());
    (answer.registered, answer.left) = (registered, left);
    Ok((StatusCode::CREATED, Json(answer)))
}

/// The pattern and with what it is listed. An installation is looked for among those of the tenant.
async fn chosen(
    resources: &Resources,
    tenant: TenantId,
    new: &NewRegistration,
) -> Result<(RepositoryPattern, Credential), ApiError> {
    let pattern = new.pattern.as_deref().map(RepositoryPattern::parse).transpose()?;
    let mut tx = resources.db()?.begin(Scope::Tenant(tenant)).await?;
    let installation = match (new.installation, &pattern) {
        (Some(id), _) => {
            let found = installations::get(&mut tx, id).await?.filter(|one| one.is_active);
            Some(found.ok_or_else(|| ApiError::not_found("installation"))?)
        }
        (None, Some(pattern)) => installations::on_account(&mut tx, pattern.owner()).await?,
        (None, None) => return Err(ApiError::invalid_request("give a `pattern`, or an `installation` for all of it")),
    };
    tx.commit().await?;
    let pattern = match (pattern, &installation) {
        (Some(pattern), _) => pattern,
        (None, Some(one)) => RepositoryPattern::parse(&format!("{}/*", one.account))?,
        (None, None) => return Err(ApiError::not_found("installation")),
    };
    Ok((pattern, installation.map_or(Credential::None, |one| Credential::Installation(one.id))))
}

async fn planned(
    resources: &Resources,
    tenant: TenantId,
    matching: &[GithubRepository],
) -> Result<RegistrationAnswer, ApiError> {
    let mut tx = resources.db()?.begin(Scope::Tenant(tenant)).await?;
    let new = follow::new_of(&mut tx, tenant, resources.github()?.web_origin(), matching, None).await?;
    tx.commit().await?;
    let action = |one: &GithubRepository| match one.archived {
        true => "archived",
        false if new.iter().any(|new| new.id == one.id) => "register",
        false => "registered",
    };
    let row = |one: &GithubRepository| PlannedRepository {
        name: one.full_name.clone(),
        is_private: one.private,
        action: action(one).to_owned(),
    };
    let (matched, left) = (matching.len() as u64, new.len() as u64);
    let repositories = matching.iter().take(MOST_NAMES).map(row).collect();
    Ok(RegistrationAnswer { registration: None, repositories, matched, registered: 0, left })
}

async fn store(
    resources: &Resources,
    tenant: TenantId,
    pattern: &RepositoryPattern,
    credential: Credential,
    settings: Settings,
) -> Result<RegistrationRow, ApiError> {
    let new = RegistrationRow {
        id: Uuid::now_v7(),
        tenant,
        pattern: pattern.as_str().to_owned(),
        credential,
        ref_patterns: settings.ref_patterns,
        priority: settings.priority,
        schedule: settings.schedule,
        checked_at: None,
        created_at: OffsetDateTime::UNIX_EPOCH,
    };
    let mut tx = resources.db()?.begin(Scope::Tenant(tenant)).await?;
    let row = registrations::register(&mut tx, &new).await?;
    tx.commit().await?;
    Ok(row)
}

/// How many were registered, and how many are left to the reconciler.
async fn register_all(
    resources: &Resources,
    registration: &RegistrationRow,
    matching: &[GithubRepository],
) -> Result<(u64, u64), ApiError> {
    let (key, web_origin) = (resources.master_key()?, resources.github()?.web_origin());
    let started = Instant::now();
    let mut tx = resources.db()?.begin(Scope::Tenant(registration.tenant)).await?;
    let new = follow::new_of(&mut tx, registration.tenant, web_origin, matching, None).await?;
    tx.commit().await?;
    let (mut registered, mut done) = (0, 0);
    for portion in new.chunks(PORTION) {
        if started.elapsed() > PATIENCE {
            return Ok((registered, (new.len() - done) as u64));
        }
        let mut tx = resources.db()?.begin(Scope::Tenant(registration.tenant)).await?;
        for repository in portion {
            registered += u64::from(follow::register(&mut tx, registration, web_origin, repository, key).await?);
        }
        tx.commit().await?;
        done += portion.len();
    }
    let mut tx = resources.db()?.begin(Scope::Tenant(registration.tenant)).await?;
    registrations::checked(&mut tx, registration.id).await?;
    tx.commit().await?;
    Ok((registered, 0))
}

/// List registered patterns
#[utoipa::path(
    get,
    path = "/api/v1/registrations",
    tag = "repositories",
    operation_id = "list_registrations",
    params(PageQuery),
    responses((status = 200, description = "A page of patterns.", body = List<Registration>, links(
        ("delete" = (operation_id = "delete_registration", parameters(("id" = "$response.body#/items/0/id")))),
    ))),
    security(("bearer" = ["repositories:read"]))
)]
async fn list(
    State(resources): State<Resources>,
    key: Authorized<ReadRepositories>,
    Query(query): Query<PageQuery>,
) -> Result<Json<List<Registration>>, ApiError> {
    key.require_all()?;
    let limit = page_limit(query.limit)?;
    let unknown = |_| ApiError::invalid_request("`cursor` is none of this list: begin without it");
    let after = query.cursor.map(|Cursor(id)| Uuid::parse_str(&id)).transpose().map_err(unknown)?;
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let rows = registrations::list(&mut tx, after, i64::from(limit)).await?;
    tx.commit().await?;
    let is_full = rows.len() >= limit as usize;
    let next = rows.last().filter(|_| is_full).map(|row| Cursor(row.id.to_string()).encode());
    Ok(Json(List::page(rows.into_iter().map(Registration::from).collect(), next)))
}

/// Delete a registered pattern
///
/// What the pattern registered stays; nothing new comes.
#[utoipa::path(
    delete,
    path = "/api/v1/registrations/{id}",
    tag = "repositories",
    operation_id = "delete_registration",
    params(("id" = Uuid, Path, description = "Id of the pattern.")),
    responses((status = 204, description = "It is gone.")),
    security(("bearer" = ["repositories:write"]))
)]
async fn forget(
    State(resources): State<Resources>,
    key: Authorized<WriteRepositories>,
    Id(id): Id<Uuid>,
) -> Result<StatusCode, ApiError> {
    key.require_all()?;
    let mut tx = resources.db()?.begin(Scope::Tenant(key.tenant)).await?;
    let was_there = registrations::delete(&mut tx, id).await?;
    tx.commit().await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found("registration")) }
}
