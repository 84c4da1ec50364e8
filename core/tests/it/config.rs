//! The files that tell operators of the settings say what the code says.

use std::path::PathBuf;

use kotadb_core::config::{TABLE_BEGIN, TABLE_END, VARIABLES, env_example, markdown};

fn file(name: &str) -> (PathBuf, String) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

/// Compares, or with `KOTADB_UPDATE` set writes.
fn compare(name: &str, wanted: &str) {
    let (path, found) = file(name);
    if std::env::var_os("KOTADB_UPDATE").is_some() {
        std::fs::write(path, wanted).unwrap();
        return;
    }
    assert!(found == wanted, "`{name}` is not what the settings are: `make config-docs` writes it anew");
}

#[test]
fn the_readme_has_the_table_of_all_variables() {
    let (_, readme) = file("README.md");
    let (before, rest) = readme.split_once(TABLE_BEGIN).expect("the mark before the table");
    let (_, after) = rest.split_once(TABLE_END).expect("the mark behind the table");
    compare("README.md", &format!("{before}{TABLE_BEGIN}{}{TABLE_END}{after}", markdown()));
}

#[test]
fn the_example_has_all_variables_of_the_programs() {
    compare(".env.example", &env_example());
}

/// Named by the deployment guide or promised: a variable that is renamed is a variable that is lost.
#[test]
fn no_promised_name_is_missing() {
    let promised = "DATABASE_URL SUPABASE_DB_URL_STAGING SUPABASE_DB_URL_PRODUCTION SUPABASE_URL SUPABASE_ANON_KEY \
        SUPABASE_SERVICE_KEY KOTADB_WEBHOOK_BASE_URL GITHUB_CLIENT_ID GITHUB_CLIENT_SECRET GITHUB_WEBHOOK_TOKEN \
        SAAS_STAGING_API_KEY SAAS_PRODUCTION_API_KEY REDIS_URL SENTRY_DSN JWT_SECRET DISABLE_SAAS_ENV_VALIDATION PORT \
        KOTADB_DATA_DIR DATABASE_DIRECT_URL BUCKET_NAME AWS_ENDPOINT_URL_S3 AWS_REGION AWS_ACCESS_KEY_ID \
        AWS_SECRET_ACCESS_KEY KOTADB_MASTER_KEY KOTADB_MASTER_KEY_PREVIOUS GITHUB_APP_ID GITHUB_APP_PRIVATE_KEY \
        GITHUB_APP_WEBHOOK_SECRET KOTADB_WAKE KOTADB_INDEX_SCHEDULE KOTADB_CACHE_BYTES KOTADB_CACHE_DISK \
        KOTADB_GIT_ALLOWED_ORIGINS KOTADB_LEASE_SECONDS FLY_API_TOKEN FLY_API_HOSTNAME";
    for name in promised.split_whitespace() {
        assert!(VARIABLES.iter().any(|variable| variable.name == name), "{name}");
    }
}
