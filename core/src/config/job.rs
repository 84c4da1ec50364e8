//! What of the environment is given to the process of one job, which is started with no other: where the object store is,
//! and nothing that leads to the database or opens what is sealed.

use std::ffi::OsString;

use super::source;
use super::table::VARIABLES;

/// What the system, and the libraries that reach the store, read by themselves.
const OF_THE_SYSTEM: &[&str] = &[
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "PATH",
    "RUST_BACKTRACE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
];

/// Those of them that are set here.
pub fn job_environment() -> Vec<(&'static str, OsString)> {
    names().filter_map(|name| Some((name, source::variable(name)?))).collect()
}

fn names() -> impl Iterator<Item = &'static str> {
    let ours = VARIABLES.iter().filter(|variable| variable.is_for_jobs).map(|variable| variable.name);
    ours.chain(OF_THE_SYSTEM.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_to_the_database_or_opens_what_is_sealed() {
        let secret =
            |name: &&str| ["DATABASE", "MASTER", "GITHUB", "SUPABASE", "FLY"].iter().any(|part| name.contains(part));
        assert_eq!(names().find(secret), None);
        let of_store = |name: &str| name.starts_with("AWS_");
        let secrets = VARIABLES.iter().filter(|variable| variable.is_for_jobs && variable.is_secret);
        assert!(secrets.clone().count() > 0 && secrets.clone().all(|variable| of_store(variable.name)));
    }
}
