//! The migration runner against empty databases.

use kotadb_core::db::migrate;
use kotadb_core::testing::TestDb;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_has_nothing_to_do() {
    let test = TestDb::empty().await;
    let pending = migrate::pending(&test.direct_url).await.unwrap();
    assert_eq!(pending.last().map(String::as_str), Some(migrate::latest()));
    assert_eq!(migrate::run(&test.direct_url).await.unwrap(), pending);
    assert!(migrate::run(&test.direct_url).await.unwrap().is_empty());
    assert!(migrate::pending(&test.direct_url).await.unwrap().is_empty());
    let ledger = test.texts("SELECT version FROM supabase_migrations.schema_migrations ORDER BY version").await;
    assert_eq!(ledger, pending);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runners_at_once_both_succeed() {
    let test = TestDb::empty().await;
    let (one, other) = tokio::join!(migrate::run(&test.direct_url), migrate::run(&test.direct_url));
    let mut applied = [one.unwrap(), other.unwrap()].concat();
    applied.sort();
    let ledger = test.texts("SELECT version FROM supabase_migrations.schema_migrations ORDER BY version").await;
    assert_eq!(applied, ledger);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_of_the_supabase_cli_is_taken_up() {
    let test = TestDb::empty().await;
    test.execute(
        "CREATE SCHEMA supabase_migrations;
         CREATE TABLE supabase_migrations.schema_migrations (version text NOT NULL PRIMARY KEY, statements text[], name text);
         INSERT INTO supabase_migrations.schema_migrations (version, name) VALUES ('20200101000000', 'of somebody else')",
    )
    .await;
    assert_eq!(migrate::run(&test.direct_url).await.unwrap().last().map(String::as_str), Some(migrate::latest()));
}

/// Supabase's `postgres` is no superuser: it may make roles and owns the database.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_no_superuser_can_migrate() {
    let test = TestDb::empty().await;
    let login = format!("migrator_{}", std::process::id());
    test.execute(&format!("CREATE ROLE {login} LOGIN CREATEROLE BYPASSRLS")).await;
    // What it would have had from Postgres 16 on, had it made the roles itself rather than found those of other tests.
    test.execute(&format!("GRANT kotadb_owner, kotadb_auth, kotadb_api, kotadb_worker TO {login} WITH ADMIN OPTION"))
        .await;
    let database = test.texts("SELECT current_database()::text").await.remove(0);
    test.execute(&format!("ALTER DATABASE {database} OWNER TO {login}")).await;
    let url = test.direct_url.replace("postgres@", &format!("{login}@"));
    assert!(!migrate::run(&url).await.unwrap().is_empty());
    let owners = "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'kotadb'";
    assert_eq!(test.texts(owners).await, ["kotadb_owner"]);
    // It may take the roles itself, as `postgres` does behind Supavisor, and let another login do so.
    let db = kotadb_core::db::Db::new(&kotadb_core::db::DbOptions {
        url: url.clone(),
        max_connections: 1,
        acquire_timeout: std::time::Duration::from_secs(10),
    })
    .unwrap();
    assert_eq!(db.schema_version().await.unwrap().as_deref(), Some(migrate::latest()));
    migrate::grant_login(&url, "kotadb_login").await.unwrap();
    db.close().await;
    test.execute(&format!("REASSIGN OWNED BY {login} TO postgres; DROP OWNED BY {login}; DROP ROLE {login}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_later_migration_needs_is_asked_of_the_program() {
    let test = TestDb::new().await;
    let schema = test.db.schema().await.unwrap();
    assert_eq!((schema.version.as_deref(), schema.fits()), (Some(migrate::latest()), Ok(None)));
    assert_eq!(schema.needs_binary, ["0.1.0"]);
    let later = |version: &str, needs: &str| {
        format!(
            "INSERT INTO supabase_migrations.schema_migrations (version, name, statements) VALUES ('{version}', 'later', ARRAY[E'-- Later.\\n-- needs-binary: >= {needs}\\nSELECT 1'])"
        )
    };
    test.execute(&later("29990101000000", "0.1.0")).await;
    let warning = test.db.schema().await.unwrap().fits().unwrap().unwrap();
    assert!(warning.contains("29990101000000"), "{warning}");
    test.execute(&later("29990102000000", "7.0.0")).await;
    let refusal = test.db.schema().await.unwrap().fits().unwrap_err();
    assert!(refusal.contains("deploy 7.0.0"), "{refusal}");
}
