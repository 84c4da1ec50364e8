//! What of the environment is given to the process of one job, which is started with no other: where the object store is,
//! and nothing that leads to the database or opens what is sealed.

use std::ffi::OsString;

/// Names of variables.
const NAMES: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "BUCKET_NAME",
    "HOME",
    "KOTADB_DATA_DIR",
    "KOTADB_FAIL_POINT",
    "KOTADB_GIT_ALLOWED_ORIGINS",
    "KOTADB_JOB_MEMORY_BYTES",
    "KOTADB_SCRATCH_MEMORY",
    "KOTADB_SCRATCH_MEMORY_BYTES",
    "PATH",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "XDG_DATA_HOME",
];

/// The variables of them that are set here.
pub fn job_environment() -> Vec<(&'static str, OsString)> {
    NAMES.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_to_the_database_or_opens_what_is_sealed() {
        assert!(NAMES.is_sorted());
        let secret =
            |name: &&&str| ["DATABASE", "MASTER", "GITHUB", "SUPABASE", "FLY"].iter().any(|part| name.contains(part));
        assert_eq!(NAMES.iter().find(secret), None);
    }
}
