//! Patterns of names: what they match is registered, now and when it comes.

use sqlx::postgres::PgRow;
use time::OffsetDateTime;
use uuid::Uuid;

use super::repositories::Credential;
use super::tx::{Statement, column};
use super::{DbError, Tx};
use crate::id::TenantId;

/// A pattern as its owner sees it.
#[derive(Clone, Debug)]
pub struct RegistrationRow {
    /// Its id.
    pub id: Uuid,
    /// Its owner.
    pub tenant: TenantId,
    /// `acme/*`.
    pub pattern: String,
    /// With what the names are listed and the repositories fetched.
    pub credential: Credential,
    /// Ref patterns of what it registers.
    pub ref_patterns: Vec<String>,
    /// Priority of what it registers.
    pub priority: Option<i16>,
    /// Schedule of what it registers.
    pub schedule: Option<String>,
    /// When its names were listed last.
    pub checked_at: Option<OffsetDateTime>,
    /// Row made.
    pub created_at: OffsetDateTime,
}

macro_rules! columns {
    () => {
        "id, tenant_id, pattern, installation_id, token_id, ref_patterns, priority, schedule, checked_at, created_at"
    };
}

/// Registers a pattern for the tenant in scope. The same pattern again changes what it asks for and returns the same row.
pub async fn register(tx: &mut Tx, new: &RegistrationRow) -> Result<RegistrationRow, DbError> {
    let (installation, token) = new.credential.columns();
    let upsert = Statement::new(concat!(
        "INSERT INTO kotadb.registrations (id, tenant_id, pattern, installation_id, token_id, ref_patterns, priority, schedule)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (tenant_id, pattern) WHERE deleted_at IS NULL DO UPDATE SET
             installation_id = excluded.installation_id, token_id = excluded.token_id,
             ref_patterns = excluded.ref_patterns, priority = excluded.priority, schedule = excluded.schedule
         RETURNING ",
        columns!()
    ))
    .bind(new.id)
    .bind(new.tenant.0)
    .bind(new.pattern.clone())
    .bind(installation)
    .bind(token)
    .bind(new.ref_patterns.clone())
    .bind(new.priority)
    .bind(new.schedule.clone());
    let row = tx.row(upsert).await?;
    read(&row.ok_or_else(|| DbError::Statement(format!("pattern `{}` was not registered", new.pattern)))?)
}

/// Patterns of the tenant in scope, oldest first.
pub async fn list(tx: &mut Tx, after: Option<Uuid>, limit: i64) -> Result<Vec<RegistrationRow>, DbError> {
    let select = Statement::new(concat!(
        "SELECT ",
        columns!(),
        " FROM kotadb.registrations WHERE deleted_at IS NULL AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2"
    ));
    tx.rows(select.bind(after).bind(limit)).await?.iter().map(read).collect()
}

/// Ends a pattern of the tenant in scope; what it registered stays. `false`: no such row.
pub async fn delete(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let update = "UPDATE kotadb.registrations SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL";
    Ok(tx.run(Statement::new(update).bind(id)).await? == 1)
}

/// Patterns that were not listed since `before`, those that wait longest first, but for `skip`. Scope: worker.
pub async fn due(
    tx: &mut Tx,
    before: OffsetDateTime,
    skip: &[Uuid],
    most: i64,
) -> Result<Vec<RegistrationRow>, DbError> {
    let select = Statement::new(concat!(
        "SELECT ",
        columns!(),
        " FROM kotadb.registrations
          WHERE deleted_at IS NULL AND (checked_at IS NULL OR checked_at < $1) AND id <> ALL ($2)
          ORDER BY checked_at NULLS FIRST, id LIMIT $3"
    ));
    tx.rows(select.bind(before).bind(skip.to_vec()).bind(most)).await?.iter().map(read).collect()
}

/// The names of a pattern were listed, all of them. Scope: tenant or worker.
pub async fn checked(tx: &mut Tx, id: Uuid) -> Result<(), DbError> {
    let update = "UPDATE kotadb.registrations SET checked_at = now() WHERE id = $1";
    tx.run(Statement::new(update).bind(id)).await.map(|_| ())
}

fn read(row: &PgRow) -> Result<RegistrationRow, DbError> {
    Ok(RegistrationRow {
        id: column(row, "id")?,
        tenant: TenantId(column(row, "tenant_id")?),
        pattern: column(row, "pattern")?,
        credential: Credential::read(row)?,
        ref_patterns: column(row, "ref_patterns")?,
        priority: column(row, "priority")?,
        schedule: column(row, "schedule")?,
        checked_at: column(row, "checked_at")?,
        created_at: column(row, "created_at")?,
    })
}
