//! The one migration runner: advisory lock, lock timeout, one transaction a file, ledger
//! `supabase_migrations.schema_migrations` in Supabase's shape. The files of `migrations/` are compiled in.
#![allow(unused_variables, reason = "contract stub")]

use super::DbError;

/// Version (timestamp) of the newest migration this program knows.
pub fn latest() -> &'static str {
    unimplemented!()
}
/// Applies what is missing over the direct URL (`DATABASE_DIRECT_URL`); returns the versions applied.
pub async fn run(direct_url: &str) -> Result<Vec<String>, DbError> {
    unimplemented!()
}
/// Versions that [`run`] would apply.
pub async fn pending(direct_url: &str) -> Result<Vec<String>, DbError> {
    unimplemented!()
}
