//! Who asks, as one statement finds it: the key or member, what it may see, and whether it may ask now.

use std::time::Duration;

use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::deletions::commit;
use super::members::Role;
use super::once::Call;
use super::tx::column;
use super::{Db, DbError, Scope};
use crate::id::{ObjectId, RepositoryId, TenantId};

/// What a valid key or token stands for.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The tenant.
    pub tenant: TenantId,
    /// Which key; `None`: a member who asks with a token of Supabase.
    pub key: Option<Uuid>,
    /// Which member: who asks, or who made the key. `None`: the key of an operator.
    pub member: Option<Uuid>,
    /// The user that the member is.
    pub user: Option<Uuid>,
    /// The member's role.
    pub role: Option<Role>,
    /// What may be done; of a key no more than its member may do.
    pub scopes: Vec<String>,
    /// The repositories that key and member are limited to; `None`: they are not.
    pub allowed: Option<Vec<RepositoryId>>,
    /// Whether the tenant may have repositories that are not to be seen.
    pub is_narrowed: bool,
    /// How long ago GitHub was asked what the user sees there, where that decides something.
    pub access_age: Option<Duration>,
    /// Repositories to be seen, not deleted: (id, `owner/name`).
    pub repositories: Vec<(RepositoryId, String)>,
    /// Names that repositories of the tenant had before they were renamed, the newest first.
    pub former_names: Vec<(RepositoryId, String)>,
    /// Commits of them that their owners deleted.
    pub hidden: Vec<(RepositoryId, ObjectId)>,
}

impl Principal {
    /// What is counted by who asks: the key, or the member who asks without one.
    pub fn subject(&self) -> Uuid {
        self.key.or(self.member).unwrap_or_default()
    }

    /// Whether it has a scope.
    pub fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| known == scope)
    }

    /// For statements that list: the repositories to be seen, or `None` for all of the tenant.
    pub fn only(&self) -> Option<Vec<RepositoryId>> {
        self.is_narrowed.then(|| self.repositories.iter().map(|(id, _)| *id).collect())
    }
}

/// What a request costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Units of the rate.
    pub units: i32,
    /// Whether it counts as a search of the month.
    pub is_search: bool,
}

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such key.
    Unknown,
    /// The key was revoked, or its tenant or member is gone.
    Revoked,
    /// The key's time is over.
    Expired,
    /// Too much was asked for lately.
    RateLimited {
        /// When the same may be asked again.
        retry_after: Duration,
    },
    /// The searches of the month are used up.
    QuotaExceeded {
        /// When the month ends.
        retry_after: Duration,
    },
    /// The user is in no tenant, or not in the wanted one.
    NoMember,
    /// The user is in several tenants and named none.
    Several,
}

/// How the bucket of a key or member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Units of a minute.
    pub limit: u32,
    /// Units that are left.
    pub left: u32,
    /// When all are there again.
    pub reset: Duration,
}

/// The answer to somebody who asks.
#[derive(Clone, Debug)]
pub struct Admission {
    /// Who it is, or why not.
    pub verdict: Result<Principal, Refusal>,
    /// The rate, unless there is no limit or nobody known.
    pub rate: Option<Rate>,
}

/// By the hash of a key.
pub async fn of_key(db: &Db, key_sha256: &[u8; 32], cost: Cost) -> Result<Admission, DbError> {
    let call = Call::new("*", "kotadb.authenticate_key").bytes(key_sha256);
    ask(db, call, cost).await
}

/// By the subject of a verified token of Supabase; `tenant`: the one that was named.
pub async fn of_user(db: &Db, user: Uuid, tenant: Option<TenantId>, cost: Cost) -> Result<Admission, DbError> {
    let call = Call::new("*", "kotadb.authenticate_user").text(&user.to_string());
    let tenant = tenant.map(|tenant| tenant.to_string());
    let call = call.optional_text(tenant.as_deref());
    ask(db, call, cost).await
}

async fn ask(db: &Db, call: Call, cost: Cost) -> Result<Admission, DbError> {
    let rows = db.once(Scope::Anonymous, &call.boolean(cost.is_search).number(cost.units)).await?;
    let row = rows.first().ok_or_else(|| DbError::Statement("nobody was authenticated or refused".to_owned()))?;
    let rate = rate(row)?;
    Ok(Admission { verdict: verdict(row)?, rate })
}

fn rate(row: &PgRow) -> Result<Option<Rate>, DbError> {
    let Some(limit) = column::<Option<i32>>(row, "units_limit")? else { return Ok(None) };
    let left: Option<i32> = column(row, "units_left")?;
    let number = |n: i32| u32::try_from(n).unwrap_or_default();
    Ok(Some(Rate { limit: number(limit), left: number(left.unwrap_or_default()), reset: millis(row, "reset_ms")? }))
}

fn verdict(row: &PgRow) -> Result<Result<Principal, Refusal>, DbError> {
    let outcome: String = column(row, "outcome")?;
    Ok(Err(match outcome.as_str() {
        "ok" => return read(row).map(Ok),
        "unknown" => Refusal::Unknown,
        "revoked" => Refusal::Revoked,
        "expired" => Refusal::Expired,
        "rate_limited" => Refusal::RateLimited { retry_after: millis(row, "retry_ms")? },
        "quota_exceeded" => Refusal::QuotaExceeded { retry_after: millis(row, "retry_ms")? },
        "no_member" => Refusal::NoMember,
        "several" => Refusal::Several,
        other => return Err(DbError::Statement(format!("`{other}` is no outcome of an authentication"))),
    }))
}

fn read(row: &PgRow) -> Result<Principal, DbError> {
    let role: Option<String> = column(row, "role")?;
    let role = role.map(|role| Role::parse(&role)).transpose()?;
    let of_key: Option<Vec<String>> = column(row, "scopes")?;
    let hidden = pairs::<String>(row, "hidden_repositories", "hidden_commits")?;
    let hidden = hidden.into_iter().map(|(id, text)| Ok((id, commit(&text)?)));
    Ok(Principal {
        tenant: TenantId(column(row, "tenant_id")?),
        key: column(row, "key_id")?,
        member: column(row, "member_id")?,
        user: column(row, "user_id")?,
        role,
        scopes: scopes(of_key, role),
        allowed: column::<Option<Vec<Uuid>>>(row, "allowed")?.map(|ids| ids.into_iter().map(RepositoryId).collect()),
        is_narrowed: column(row, "narrowed")?,
        access_age: column::<Option<i64>>(row, "access_age_ms")?.map(duration),
        repositories: pairs(row, "repository_ids", "repository_names")?,
        former_names: pairs(row, "former_repositories", "former_names")?,
        hidden: hidden.collect::<Result<_, DbError>>()?,
    })
}

/// Those of the key that its member has; those of the member where there is no key.
fn scopes(of_key: Option<Vec<String>>, role: Option<Role>) -> Vec<String> {
    let of_role = role.map(Role::scopes);
    match (of_key, of_role) {
        (Some(scopes), None) => scopes,
        (Some(scopes), Some(most)) => scopes.into_iter().filter(|scope| most.contains(&scope.as_str())).collect(),
        (None, most) => most.unwrap_or_default().iter().map(|&scope| scope.to_owned()).collect(),
    }
}

/// Two columns side by side.
fn pairs<T>(row: &PgRow, ids: &str, others: &str) -> Result<Vec<(RepositoryId, T)>, DbError>
where
    Vec<T>: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let ids: Vec<Uuid> = column(row, ids)?;
    Ok(ids.into_iter().map(RepositoryId).zip(column::<Vec<T>>(row, others)?).collect())
}

fn millis(row: &PgRow, name: &str) -> Result<Duration, DbError> {
    Ok(duration(column::<Option<i64>>(row, name)?.unwrap_or_default()))
}

fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_no_more_than_its_member() {
        let key = || Some(vec!["search".to_owned(), "tenant:admin".to_owned()]);
        assert_eq!(scopes(key(), None), ["search", "tenant:admin"]);
        assert_eq!(scopes(key(), Some(Role::Reader)), ["search"]);
        assert_eq!(scopes(key(), Some(Role::Owner)), ["search", "tenant:admin"]);
        assert_eq!(scopes(None, Some(Role::Reader)), Role::Reader.scopes());
        assert!(scopes(None, None).is_empty());
    }
}
