//! `/api/v1/tenants/{id}/members[/{member}]`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use kotadb_core::db::members::{self, Invited, MemberRow};
use kotadb_core::db::{DbError, Scope};
use kotadb_core::http::scope::{AdminTenant, ReadTenant};
use kotadb_core::http::{ApiError, Authorized, Code, Cursor, Id, Json, PageQuery, Query, Resources, page_limit};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::wire::{ChangedMember, Invitation, List, Member};
use uuid::Uuid;

use crate::is_own;

/// List members
///
/// Members and invitations, the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{id}/members",
    tag = "tenants",
    operation_id = "list_members",
    params(
        PageQuery,
        ("id" = Uuid, Path, description = "Id of the tenant."),
    ),
    responses(
        (status = 200, description = "A page of members.", body = List<Member>, links(
            ("member" = (operation_id = "read_member", parameters(
                ("id" = "$request.path.id"),
                ("member" = "$response.body#/items/0/id"),
            ))),
        )),
    ),
    security(("bearer" = ["tenant:read"]))
)]
pub(crate) async fn list(
    State(resources): State<Resources>,
    key: Authorized<ReadTenant>,
    Id(tenant): Id<TenantId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<List<Member>>, ApiError> {
    is_own(key.tenant, tenant)?;
    let limit = page_limit(query.limit)?;
    let unknown = |_| ApiError::invalid_request("`cursor` is of another list");
    let after = query.cursor.map(|Cursor(id)| Uuid::parse_str(&id)).transpose().map_err(unknown)?;
    let mut tx = resources.db()?.begin(Scope::Tenant(tenant)).await?;
    let rows = members::list(&mut tx, after, i64::from(limit) + 1).await?;
    tx.commit().await?;
    let (rows, next) = Cursor::page(rows, limit as usize, |row| row.id.to_string());
    let items = rows.into_iter().map(|row| shown(&key.allowed, row)).collect();
    Ok(Json(List::page(items, next)))
}

/// Invite somebody
///
/// By e-mail address or login at GitHub, for 14 days. Inviting again replaces the invitation.
#[utoipa::path(
    post,
    path = "/api/v1/tenants/{id}/members",
    tag = "tenants",
    operation_id = "invite_member",
    params(
        ("id" = Uuid, Path, description = "Id of the tenant."),
    ),
    request_body = Invitation,
    responses(
        (status = 201, description = "The invitation.", body = Member, links(
            ("member" = (operation_id = "read_member", parameters(("id" = "$request.path.id"), ("member" = "$response.body#/id")))),
            ("change" = (operation_id = "change_member", parameters(("id" = "$request.path.id"), ("member" = "$response.body#/id")))),
            ("remove" = (operation_id = "remove_member", parameters(("id" = "$request.path.id"), ("member" = "$response.body#/id")))),
        )),
        (status = 409, description = "`conflict`: this one is a member."),
    ),
    security(("bearer" = ["tenant:admin"]))
)]
pub(crate) async fn invite(
    State(resources): State<Resources>,
    key: Authorized<AdminTenant>,
    Id(tenant): Id<TenantId>,
    Json(invitation): Json<Invitation>,
) -> Result<(StatusCode, Json<Member>), ApiError> {
    is_own(key.tenant, tenant)?;
    key.require_all()?;
    let who = invited(&invitation)?;
    let repositories = invitation.repositories.as_deref().map(|named| ids(&key, named)).transpose()?;
    let mut tx = resources.db()?.begin(Scope::Tenant(tenant)).await?;
    let row = members::invite(&mut tx, tenant, &who, invitation.role.into(), repositories.as_deref()).await?;
    tx.commit().await?;
    let row = row.ok_or_else(|| ApiError::new(Code::Conflict, "this one is a member already: change that member"))?;
    Ok((StatusCode::CREATED, Json(row.into())))
}

/// Show a member
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{id}/members/{member}",
    tag = "tenants",
    operation_id = "read_member",
    params(
        ("id" = Uuid, Path, description = "Id of the tenant."),
        ("member" = Uuid, Path, description = "Id of the member or invitation."),
    ),
    responses(
        (status = 200, description = "The member or invitation.", body = Member),
    ),
    security(("bearer" = ["tenant:read"]))
)]
pub(crate) async fn show(
    State(resources): State<Resources>,
    key: Authorized<ReadTenant>,
    Path(path): Path<(String, String)>,
) -> Result<Json<Member>, ApiError> {
    let (tenant, id) = parse(key.tenant, &path)?;
    let mut tx = resources.db()?.begin(Scope::Tenant(tenant)).await?;
    let row = members::get(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(shown(&key.allowed, row.ok_or_else(no_member)?)))
}

/// Change a member
#[utoipa::path(
    patch,
    path = "/api/v1/tenants/{id}/members/{member}",
    tag = "tenants",
    operation_id = "change_member",
    params(
        ("id" = Uuid, Path, description = "Id of the tenant."),
        ("member" = Uuid, Path, description = "Id of the member or invitation."),
    ),
    request_body = ChangedMember,
    responses(
        (status = 200, description = "The member or invitation.", body = Member),
        (status = 409, description = "`last_owner`: nobody would be left who may see and change everything."),
    ),
    security(("bearer" = ["tenant:admin"]))
)]
pub(crate) async fn change(
    State(resources): State<Resources>,
    key: Authorized<AdminTenant>,
    Path(path): Path<(String, String)>,
    Json(changed): Json<ChangedMember>,
) -> Result<Json<Member>, ApiError> {
    let (tenant, id) = parse(key.tenant, &path)?;
    key.require_all()?;
    let named = changed.repositories.map(|named| named.map(|named| ids(&key, &named)).transpose()).transpose()?;
    let mut tx = resources.db()?.begin(Scope::Tenant(tenant)).await?;
    let row = members::change(&mut tx, id, changed.role.map(Into::into), named).await.map_err(refused)?;
    tx.commit().await?;
    Ok(Json(row.ok_or_else(no_member)?.into()))
}

/// Remove a member
///
/// The keys that the member made open nothing from the next request on.
#[utoipa::path(
    delete,
    path = "/api/v1/tenants/{id}/members/{member}",
    tag = "tenants",
    operation_id = "remove_member",
    params(
        ("id" = Uuid, Path, description = "Id of the tenant."),
        ("member" = Uuid, Path, description = "Id of the member or invitation."),
    ),
    responses(
        (status = 204, description = "Nothing of it is left."),
        (status = 409, description = "`last_owner`: nobody would be left who may see and change everything."),
    ),
    security(("bearer" = ["tenant:admin"]))
)]
pub(crate) async fn remove(
    State(resources): State<Resources>,
    key: Authorized<AdminTenant>,
    Path(path): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (tenant, id) = parse(key.tenant, &path)?;
    key.require_all()?;
    let mut tx = resources.db()?.begin(Scope::Tenant(tenant)).await?;
    let was_there = members::remove(&mut tx, tenant, id).await.map_err(refused)?;
    tx.commit().await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(no_member()) }
}

fn refused(error: DbError) -> ApiError {
    match error {
        DbError::Constraint { constraint } if constraint == members::LAST_OWNER => {
            let detail = "this is the last owner who may see and change everything: make another one first";
            ApiError::new(Code::LastOwner, detail)
        }
        error => error.into(),
    }
}

/// Whom `invitation` means; an address is not checked beyond its `@`, since taking the invitation checks it.
fn invited(invitation: &Invitation) -> Result<Invited, ApiError> {
    let tidy = |text: &str| !text.contains(|c: char| c.is_whitespace() || c.is_control());
    match (&invitation.email, &invitation.github_login) {
        (Some(email), None) if email.len() <= 320 && tidy(email) && email.split('@').all(|part| !part.is_empty()) => {
            match email.contains('@') {
                true => Ok(Invited::Email(email.clone())),
                false => Err(ApiError::invalid_request("`email` has no `@`: give an e-mail address")),
            }
        }
        (None, Some(login)) if !login.is_empty() && login.len() <= 100 && tidy(login) => {
            Ok(Invited::GithubLogin(login.clone()))
        }
        (Some(_), None) => Err(ApiError::invalid_request("`email` is no e-mail address")),
        (None, Some(_)) => Err(ApiError::invalid_request("`github_login` is no login of GitHub")),
        _ => Err(ApiError::invalid_request("give one of `email` and `github_login`")),
    }
}

fn ids(key: &Authorized<AdminTenant>, named: &[String]) -> Result<Vec<RepositoryId>, ApiError> {
    named.iter().map(|text| Ok(key.repository(text)?.id)).collect()
}

/// Whoever is limited learns of no repository that others see.
fn shown(allowed: &Option<Vec<RepositoryId>>, mut row: MemberRow) -> Member {
    if let (Some(allowed), Some(repositories)) = (allowed, &mut row.repositories) {
        repositories.retain(|id| allowed.contains(id));
    }
    row.into()
}

fn parse(own: TenantId, (tenant, member): &(String, String)) -> Result<(TenantId, Uuid), ApiError> {
    let tenant: TenantId = tenant.parse().map_err(|_| ApiError::not_found("tenant"))?;
    is_own(own, tenant)?;
    Ok((tenant, Uuid::parse_str(member).map_err(|_| no_member())?))
}

fn no_member() -> ApiError {
    ApiError::not_found("member")
}
