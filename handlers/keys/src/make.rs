//! `POST /api/v1/keys`: a new key, which can do no more than who makes it.

use axum::extract::State;
use axum::http::StatusCode;
use kotadb_core::db::Scope;
use kotadb_core::db::keys::{self, NewKey};
use kotadb_core::http::scope::AdminKeys;
use kotadb_core::http::{ApiError, Authorized, Code, Json, Resources};
use kotadb_core::id::RepositoryId;
use kotadb_core::identity::ApiKey;
use kotadb_core::wire::{IssuedApiKey, KeyScope, NewApiKey};
use time::OffsetDateTime;
use uuid::Uuid;

/// Characters of a name.
const MOST_NAME: usize = 200;

/// Make a key
///
/// It can do no more than who makes it, and is shown this once.
#[utoipa::path(
    post,
    path = "/api/v1/keys",
    tag = "keys",
    operation_id = "create_key",
    request_body = NewApiKey,
    responses((status = 201, description = "The key.", body = IssuedApiKey, links(
        ("key" = (operation_id = "read_key", parameters(("id" = "$response.body#/id")))),
        ("rotate" = (operation_id = "rotate_key", parameters(("id" = "$response.body#/id")))),
        ("revoke" = (operation_id = "revoke_key", parameters(("id" = "$response.body#/id")))),
    ))),
    security(("bearer" = ["keys:admin"]))
)]
pub(crate) async fn make(
    State(resources): State<Resources>,
    asking: Authorized<AdminKeys>,
    Json(new): Json<NewApiKey>,
) -> Result<(StatusCode, Json<IssuedApiKey>), ApiError> {
    let key = ApiKey::generate(true);
    let new = NewKey {
        id: Uuid::now_v7(),
        name: name(new.name)?,
        sha256: key.sha256(),
        display: key.display(),
        scopes: scopes(&asking, &new.scopes)?,
        repositories: repositories(&asking, new.repositories)?,
        member: asking.member,
        expires_at: new.expires_at.map(|at| in_future(at.0)).transpose()?,
    };
    let mut tx = resources.db()?.begin(Scope::Tenant(asking.tenant)).await?;
    let row = keys::create(&mut tx, asking.tenant, &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(IssuedApiKey { info: row.into(), key: key.expose().to_owned() })))
}

fn name(text: String) -> Result<String, ApiError> {
    let is_name = (1..=MOST_NAME).contains(&text.chars().count()) && !text.contains(char::is_control);
    let wrong = || ApiError::invalid_request(format!("`name`: give 1 to {MOST_NAME} characters, none of control"));
    is_name.then_some(text).ok_or_else(wrong)
}

fn scopes(asking: &Authorized<AdminKeys>, scopes: &[KeyScope]) -> Result<Vec<String>, ApiError> {
    let mut scopes: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(ApiError::invalid_request("`scopes` is empty: a key that may do nothing is of no use"));
    }
    scopes.iter().try_for_each(|scope| require(asking, scope))?;
    Ok(scopes.into_iter().map(ToOwned::to_owned).collect())
}

/// `insufficient_scope` unless the asking one has the scope itself.
pub(crate) fn require(asking: &Authorized<AdminKeys>, scope: &str) -> Result<(), ApiError> {
    let detail = || format!("a key gives no more than it has, and this one lacks the scope `{scope}`");
    asking.has(scope).then_some(()).ok_or_else(|| ApiError::new(Code::InsufficientScope, detail()))
}

fn repositories(
    asking: &Authorized<AdminKeys>,
    named: Option<Vec<String>>,
) -> Result<Option<Vec<RepositoryId>>, ApiError> {
    let Some(named) = named else { return Ok(asking.allowed.clone()) };
    let ids = named.iter().map(|text| Ok(asking.repository(text)?.id));
    ids.collect::<Result<_, ApiError>>().map(Some)
}

fn in_future(moment: OffsetDateTime) -> Result<OffsetDateTime, ApiError> {
    let past = || ApiError::invalid_request("`expires_at` is in the past: give a later time");
    (moment > OffsetDateTime::now_utc()).then_some(moment).ok_or_else(past)
}
