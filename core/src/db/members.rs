//! Members of tenants and invitations, which are members without a user. Scope: the tenant's, unless stated.

use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::keys::SCOPES;
use super::tx::{Statement, column};
use super::{Db, DbError, Scope, Tx};
use crate::id::{RepositoryId, TenantId};

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything: members, plan, the tenant's end.
    Owner,
    /// Repositories, jobs and keys.
    Maintainer,
    /// Look and search.
    Reader,
}

impl Role {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Maintainer => "maintainer",
            Self::Reader => "reader",
        }
    }

    /// From what is stored.
    pub(super) fn parse(text: &str) -> Result<Self, DbError> {
        let known = [Self::Owner, Self::Maintainer, Self::Reader].into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| DbError::Statement(format!("`{text}` is no role")))
    }

    /// The scopes that it gives.
    pub fn scopes(self) -> Vec<&'static str> {
        let is_given = |scope: &&str| match self {
            Self::Owner => true,
            Self::Maintainer => *scope != "tenant:admin",
            Self::Reader => matches!(*scope, "search" | "repositories:read" | "jobs:read" | "tenant:read"),
        };
        SCOPES.into_iter().filter(is_given).collect()
    }
}

/// By what somebody is invited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invited {
    /// The verified e-mail address.
    Email(String),
    /// The linked account at GitHub.
    GithubLogin(String),
}

/// A member, or an invitation.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// Its id.
    pub id: Uuid,
    /// Who it is; `None`: an invitation.
    pub user: Option<Uuid>,
    /// What the member may do.
    pub role: Role,
    /// The repositories that the member may see; `None`: all of the tenant.
    pub repositories: Option<Vec<RepositoryId>>,
    /// The user's verified address, or the one that is invited.
    pub email: Option<String>,
    /// The user's linked account, or the one that is invited.
    pub github_login: Option<String>,
    /// Row made.
    pub created_at: OffsetDateTime,
    /// When the invitation was taken.
    pub joined_at: Option<OffsetDateTime>,
    /// When the invitation ends.
    pub expires_at: Option<OffsetDateTime>,
}

/// What a row is read from.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.user_id, m.role, m.repository_ids, coalesce(u.email, m.email) AS email,
                 coalesce(u.github_login, m.github_login) AS github_login, m.created_at, m.joined_at, m.expires_at
             FROM kotadb.members m LEFT JOIN kotadb.users u ON u.id = m.user_id ",
            $rest
        )
    };
}

/// Invites by a column, unless a member has that already.
macro_rules! invite {
    ($column:literal) => {
        concat!(
            "INSERT INTO kotadb.members AS m (id, tenant_id, role, repository_ids, ",
            $column,
            ", expires_at)
             SELECT $1, $2, $3, $4, $5, now() + interval '14 days'
             WHERE NOT EXISTS (
                 SELECT FROM kotadb.members k JOIN kotadb.users u ON u.id = k.user_id
                 WHERE k.tenant_id = $2 AND lower(u.",
            $column,
            ") = lower($5))
             ON CONFLICT (tenant_id, lower(",
            $column,
            ")) WHERE user_id IS NULL DO UPDATE SET role = excluded.role, repository_ids = excluded.repository_ids,
                 expires_at = excluded.expires_at
             RETURNING m.id, m.user_id, m.role, m.repository_ids, m.email, m.github_login, m.created_at, m.joined_at, m.expires_at"
        )
    };
}

/// Invites somebody for 14 days; who is invited already by the same address or login is invited anew, with this role.
/// `None`: that one is a member.
pub async fn invite(
    tx: &mut Tx,
    tenant: TenantId,
    who: &Invited,
    role: Role,
    repositories: Option<&[RepositoryId]>,
) -> Result<Option<MemberRow>, DbError> {
    let ids = repositories.map(|ids| ids.iter().map(|id| id.0).collect::<Vec<_>>());
    let (insert, named) = match who {
        Invited::Email(email) => (invite!("email"), email),
        Invited::GithubLogin(login) => (invite!("github_login"), login),
    };
    let insert = Statement::new(insert).bind(Uuid::now_v7()).bind(tenant.0).bind(role.as_str()).bind(ids);
    tx.row(insert.bind(named.clone())).await?.as_ref().map(read).transpose()
}

/// One member or invitation.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<MemberRow>, DbError> {
    tx.row(Statement::new(select!("WHERE m.id = $1")).bind(id)).await?.as_ref().map(read).transpose()
}

/// Members and invitations after `after`, the oldest first.
pub async fn list(tx: &mut Tx, after: Option<Uuid>, limit: i64) -> Result<Vec<MemberRow>, DbError> {
    let select = Statement::new(select!("WHERE ($1::uuid IS NULL OR m.id > $1) ORDER BY m.id LIMIT $2"));
    tx.rows(select.bind(after).bind(limit)).await?.iter().map(read).collect()
}

/// The rule that keeps one owner who may see and change everything.
pub const LAST_OWNER: &str = "members_owner_check";

/// Gives another role, or other repositories (`Some(None)`: all); `None`: no such member. [`DbError::Constraint`]
/// [`LAST_OWNER`]: nobody would be left who may see and change everything.
pub async fn change(
    tx: &mut Tx,
    id: Uuid,
    role: Option<Role>,
    repositories: Option<Option<Vec<RepositoryId>>>,
) -> Result<Option<MemberRow>, DbError> {
    let update = Statement::new(
        "UPDATE kotadb.members m SET role = coalesce($2, role),
             repository_ids = CASE WHEN $3 THEN $4 ELSE repository_ids END
         WHERE id = $1
         RETURNING m.id, m.user_id, m.role, m.repository_ids, m.created_at, m.joined_at, m.expires_at,
             coalesce((SELECT u.email FROM kotadb.users u WHERE u.id = m.user_id), m.email) AS email,
             coalesce((SELECT u.github_login FROM kotadb.users u WHERE u.id = m.user_id), m.github_login) AS github_login",
    );
    let is_given = repositories.is_some();
    let ids = repositories.flatten().map(|ids| ids.into_iter().map(|id| id.0).collect::<Vec<_>>());
    let update = update.bind(id).bind(role.map(Role::as_str)).bind(is_given).bind(ids);
    tx.row(update).await?.as_ref().map(read).transpose()
}

/// Takes a member or an invitation away; `false`: no such one. The keys that the member made open nothing from then on.
/// [`LAST_OWNER`] as for [`change`].
pub async fn remove(tx: &mut Tx, tenant: TenantId, id: Uuid) -> Result<bool, DbError> {
    let remove = Statement::new(
        "WITH removed AS (
             DELETE FROM kotadb.members WHERE id = $1 AND tenant_id = $2 RETURNING id, tenant_id, user_id
         ), keys AS (
             UPDATE kotadb.api_keys k SET revoked_at = now() FROM removed r
             WHERE k.tenant_id = r.tenant_id AND k.member_id = r.id AND k.revoked_at IS NULL
         ), access AS (
             DELETE FROM kotadb.github_access a USING removed r WHERE a.tenant_id = r.tenant_id AND a.user_id = r.user_id
         )
         SELECT FROM removed",
    );
    Ok(tx.row(remove.bind(id).bind(tenant.0)).await?.is_some())
}

/// What is certain of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// A verified e-mail address.
    pub email: Option<String>,
    /// A linked account at GitHub: number and login.
    pub github: Option<(i64, String)>,
}

/// Whether it is time to ask Supabase who a user is. Any scope.
pub async fn claim_verification(db: &Db, user: Uuid) -> Result<bool, DbError> {
    let mut tx = db.begin(Scope::Anonymous).await?;
    let claim = Statement::new("SELECT kotadb.claim_verification($1) AS claimed").bind(user);
    let claimed = tx.row(claim).await?.map_or(Ok(false), |row| column(&row, "claimed"))?;
    tx.commit().await?;
    Ok(claimed)
}

/// The tenants that a user is a member of, by name: (id, name). Any scope.
pub async fn tenants_of(db: &Db, user: Uuid) -> Result<Vec<(TenantId, String)>, DbError> {
    let mut tx = db.begin(Scope::Anonymous).await?;
    let rows = tx.rows(Statement::new("SELECT id, name FROM kotadb.tenants_of_user($1)").bind(user)).await?;
    tx.commit().await?;
    rows.iter().map(|row| Ok((TenantId(column(row, "id")?), column(row, "name")?))).collect()
}

/// Notes what is certain of a user, who takes the invitations that are meant; how many. Any scope.
pub async fn note_user(tx: &mut Tx, user: Uuid, identity: &Identity) -> Result<i32, DbError> {
    let (id, login) = identity.github.clone().unzip();
    let note = Statement::new("SELECT kotadb.note_user($1, $2, $3, $4) AS taken");
    let note = note.bind(user).bind(identity.email.clone()).bind(id).bind(login);
    tx.row(note).await?.map_or(Ok(0), |row| column(&row, "taken"))
}

fn read(row: &PgRow) -> Result<MemberRow, DbError> {
    let repositories: Option<Vec<Uuid>> = column(row, "repository_ids")?;
    Ok(MemberRow {
        id: column(row, "id")?,
        user: column(row, "user_id")?,
        role: Role::parse(&column::<String>(row, "role")?)?,
        repositories: repositories.map(|ids| ids.into_iter().map(RepositoryId).collect()),
        email: column(row, "email")?,
        github_login: column(row, "github_login")?,
        created_at: column(row, "created_at")?,
        joined_at: column(row, "joined_at")?,
        expires_at: column(row, "expires_at")?,
    })
}
