//! The one migration runner: advisory lock, lock timeout, one transaction a file, ledger
//! `supabase_migrations.schema_migrations` in Supabase's shape. The files of `migrations/` are compiled in.
//!
//! The lock belongs to the transaction and the ledger is read again under it, so two runners at once are safe even if the
//! direct URL is a transaction pooler.

use super::DbError;
use super::direct::{Direct, identifier, literal};

/// Version, name and text of a migration.
type Migration = (&'static str, &'static str, &'static str);

macro_rules! migrations {
    ($($version:literal $name:literal),* $(,)?) => {
        &[$((
            $version,
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/", $version, "_", $name, ".sql")),
        )),*]
    };
}

/// In the order of their versions; a test compares them with the folder.
const MIGRATIONS: &[Migration] = migrations![
    "20261123000001" "roles",
    "20261123000002" "tables",
    "20261123000003" "functions",
    "20261123000004" "hidden_commits",
    "20261126000001" "github",
    "20261126000003" "webhooks",
    "20261126000004" "tick",
    "20261126000010" "job_events",
    "20261126000011" "queue",
    "20261126000012" "job_moves",
    "20261126000020" "checkpoints",
    "20261126000040" "cursors",
    "20261126000101" "purges",
    "20261126000110" "tick_due",
    "20261126000200" "accept",
    "20261126000210" "claim_costs",
    "20261126000220" "retention",
    "20261126000230" "complete_job",
    "20261127000001" "identity",
    "20261127000002" "github_accounts",
    "20261127000030" "idempotency",
    "20261127000050" "sweeps_and_totals",
    "20261127000051" "traces",
    "20261128000001" "needs_binary",
    "20261128000010" "behind",
    "20261128000020" "scip_indexes",
    "20261128000040" "tenants_of_user",
];

/// Key of the advisory lock: `kotadb` in ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(118071307068514)";

/// As the Supabase CLI makes it.
const LEDGER: &str = "CREATE SCHEMA IF NOT EXISTS supabase_migrations; \
    CREATE TABLE IF NOT EXISTS supabase_migrations.schema_migrations (version text NOT NULL PRIMARY KEY); \
    ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN IF NOT EXISTS statements text[]; \
    ALTER TABLE supabase_migrations.schema_migrations ADD COLUMN IF NOT EXISTS name text";

/// Version (timestamp) of the newest migration this program knows.
pub fn latest() -> &'static str {
    MIGRATIONS.last().map_or("", |(version, ..)| version)
}

/// Applies what is missing over the direct URL (`DATABASE_DIRECT_URL`); returns the versions applied by this call. The login
/// becomes a member of the roles that [`super::Tx`] takes. A file that fails leaves nothing of itself.
pub async fn run(direct_url: &str) -> Result<Vec<String>, DbError> {
    apply(direct_url, MIGRATIONS).await
}

/// Versions that [`run`] would apply.
pub async fn pending(direct_url: &str) -> Result<Vec<String>, DbError> {
    let mut direct = Direct::connect(direct_url).await?;
    let found = "SELECT 'ledger' WHERE to_regclass('supabase_migrations.schema_migrations') IS NOT NULL";
    let applied = match direct.texts(found).await?.is_empty() {
        true => Vec::new(),
        false => direct.texts("SELECT version FROM supabase_migrations.schema_migrations").await?,
    };
    direct.close().await;
    Ok(missing(MIGRATIONS, &applied).map(|(version, ..)| version.to_string()).collect())
}

/// Lets another login take the roles `kotadb_api` and `kotadb_worker`. The login of [`run`] can already.
pub async fn grant_login(direct_url: &str, login: &str) -> Result<(), DbError> {
    let mut direct = Direct::connect(direct_url).await?;
    direct.execute(&format!("GRANT kotadb_api, kotadb_worker TO {}", identifier(login))).await?;
    direct.close().await;
    Ok(())
}

/// The text of every migration, in order.
#[cfg(feature = "testing")]
pub(crate) fn texts() -> impl Iterator<Item = &'static str> {
    MIGRATIONS.iter().map(|(.., text)| *text)
}

async fn apply(direct_url: &str, migrations: &[Migration]) -> Result<Vec<String>, DbError> {
    let mut direct = Direct::connect(direct_url).await?;
    direct.execute(&format!("BEGIN; {LOCK}; {LEDGER}; COMMIT")).await?;
    let mut applied = Vec::new();
    for migration in migrations {
        if apply_one(&mut direct, migration).await? {
            applied.push(migration.0.to_owned());
        }
    }
    direct.close().await;
    Ok(applied)
}

/// Applies one file in its own transaction, unless the ledger has it.
async fn apply_one(direct: &mut Direct, (version, name, sql): &Migration) -> Result<bool, DbError> {
    direct.execute(&format!("BEGIN; {LOCK}; SET LOCAL lock_timeout = '5s'")).await?;
    let seen =
        format!("SELECT version FROM supabase_migrations.schema_migrations WHERE version = {}", literal(version));
    if !direct.texts(&seen).await?.is_empty() {
        direct.execute("COMMIT").await?;
        return Ok(false);
    }
    let entry = format!(
        "INSERT INTO supabase_migrations.schema_migrations (version, name, statements) VALUES ({}, {}, ARRAY[{}])",
        literal(version),
        literal(name),
        literal(sql)
    );
    direct.execute(sql).await.map_err(|error| DbError::Statement(format!("migration `{version}_{name}`: {error}")))?;
    direct.execute(&entry).await?;
    direct.execute("COMMIT").await?;
    Ok(true)
}

fn missing<'a>(known: &'a [Migration], applied: &'a [String]) -> impl Iterator<Item = &'a Migration> {
    known.iter().filter(|(version, ..)| !applied.iter().any(|have| have == version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        let listed: Vec<_> = MIGRATIONS.iter().map(|(version, name, _)| format!("{version}_{name}.sql")).collect();
        assert_eq!(listed, files);
        assert!(listed.is_sorted() && listed.iter().all(|file| file.split('_').next().unwrap().len() == 14));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_failing_file_leaves_nothing_of_itself() {
        let test = crate::testing::TestDb::empty().await;
        let files: [Migration; 3] = [
            ("20200101000001", "good", "CREATE TABLE good (id int)"),
            ("20200101000002", "bad", "CREATE TABLE bad (id int); SELECT 1 / 0"),
            ("20200101000003", "never", "CREATE TABLE never (id int)"),
        ];
        let error = apply(&test.direct_url, &files).await.unwrap_err().to_string();
        assert!(error.contains("migration `20200101000002_bad`") && error.contains("division by zero"), "{error}");
        assert_eq!(test.texts("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'").await, ["good"]);
        let ledger = "SELECT version || statements[1] FROM supabase_migrations.schema_migrations";
        assert_eq!(test.texts(ledger).await, ["20200101000001CREATE TABLE good (id int)"]);
    }
}
