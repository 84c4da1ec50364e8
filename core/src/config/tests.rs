//! What is read, and what is said of what cannot be.

use super::*;

fn from(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let lookup = |name: &str| {
        let found = variables.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| (*value).to_owned()).or_else(|| (name == "HOME").then(|| "/home/ada".to_owned()))
    };
    Config::from_lookup(&lookup)
}

fn faults(variables: &[(&str, &str)]) -> Vec<String> {
    from(variables).unwrap_err().faults
}

#[test]
fn an_empty_environment_gives_the_defaults() {
    let config = from(&[]).unwrap();
    assert_eq!((config.port, config.bind), (8080, IpAddr::from([0, 0, 0, 0])));
    assert_eq!(config.data_dir, PathBuf::from("/home/ada/.local/share/kotadb"));
    assert_eq!(config.git_allowed_origins, ["https://github.com"]);
    assert_eq!(
        (config.lease, config.s3_region.as_str(), config.log.as_str()),
        (Duration::from_secs(60), "auto", "info")
    );
    assert!(config.cache_bytes > 0 && config.cache_bytes <= 2 << 30 && config.cache_disk.is_none());
    assert!(config.database_url.is_none() && config.bucket.is_none() && config.master_key.is_none());
    assert_eq!((config.mode, config.metrics_port), (Mode::Saas, Some(9091)));
    assert_eq!(from(&[("KOTADB_MODE", "local")]).unwrap().metrics_port, None);
}

#[test]
fn values_are_read() {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let config = from(&[
        ("DATABASE_URL", "postgres://u:p@localhost:6543/db"),
        ("PORT", "0"),
        ("KOTADB_BIND", "::1"),
        ("KOTADB_DATA_DIR", "/data"),
        ("BUCKET_NAME", "bucket"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:5000/"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("KOTADB_MASTER_KEY", key),
        ("KOTADB_MASTER_KEY_PREVIOUS", key),
        ("KOTADB_WEBHOOK_BASE_URL", "https://kotadb.example/"),
        ("KOTADB_GIT_ALLOWED_ORIGINS", "https://GitHub.com, http://127.0.0.1:9418/"),
        ("KOTADB_GITHUB_API_URL", "https://github.example/api/v3/"),
        ("GITHUB_APP_ID", "7"),
        ("GITHUB_APP_PRIVATE_KEY", "-----BEGIN RSA PRIVATE KEY-----\\nAAAA\\n-----END RSA PRIVATE KEY-----"),
        ("GITHUB_WEBHOOK_TOKEN", "ghp_x"),
        ("GITHUB_CLIENT_ID", "Iv1.x"),
        ("GITHUB_CLIENT_SECRET", "y"),
        ("KOTADB_METRICS_PORT", "0"),
        ("SUPABASE_URL", "https://abc.supabase.co/"),
        ("KOTADB_CACHE_BYTES", "1048576"),
        ("KOTADB_CACHE_DISK", "/cache"),
        ("KOTADB_CACHE_DISK_BYTES", "2097152"),
        ("KOTADB_LEASE_SECONDS", "2"),
        ("KOTADB_JOB_MEMORY_BYTES", "4096"),
        ("KOTADB_SCRATCH_MEMORY", "/memory"),
        ("KOTADB_SCRATCH_MEMORY_BYTES", "2048"),
        ("KOTADB_INDEX_SCHEDULE", "30 4 * * mon"),
        ("RUST_LOG", "debug"),
    ]);
    let config = config.unwrap();
    assert_eq!((&config.database_direct_url, &config.database_listen_url), (&config.database_url, &None));
    let session = Some(Secret::new("postgres://u:p@localhost:5432/db"));
    let direct = from(&[("DATABASE_DIRECT_URL", "postgres://u:p@localhost:5432/db")]).unwrap();
    assert_eq!((&direct.database_direct_url, &direct.database_listen_url), (&session, &session));
    assert_eq!((config.port, config.bind.to_string().as_str()), (0, "::1"));
    assert_eq!(config.s3_endpoint.as_deref(), Some("http://127.0.0.1:5000"));
    assert_eq!(config.s3_credentials, Some(("id".to_owned(), Secret::new("secret"))));
    assert_eq!(config.webhook_base_url.as_deref(), Some("https://kotadb.example"));
    assert_eq!(config.git_allowed_origins, ["https://github.com", "http://127.0.0.1:9418"]);
    assert_eq!(config.github_api_url, "https://github.example/api/v3");
    let (id, key) = config.github_app.unwrap();
    assert_eq!((id, key.expose().lines().count()), (7, 3), "escaped line ends are line ends");
    assert_eq!(config.github_webhook_token, Some(Secret::new("ghp_x")));
    assert_eq!(config.github_client, Some(("Iv1.x".to_owned(), Secret::new("y"))));
    assert_eq!((config.metrics_port, config.supabase_url.as_deref()), (Some(0), Some("https://abc.supabase.co")));
    assert_eq!((config.cache_bytes, config.lease), (1 << 20, Duration::from_secs(2)));
    assert_eq!((config.job_memory_bytes, config.index_schedule.to_string()), (Some(4096), "30 4 * * mon".to_owned()));
    assert_eq!((config.cache_disk, config.cache_disk_bytes), (Some(PathBuf::from("/cache")), 2 << 20));
    assert_eq!((config.scratch_memory, config.scratch_memory_bytes), (Some(PathBuf::from("/memory")), 2048));
}

#[test]
fn scratch_in_memory_is_a_part_of_what_a_job_may_use() {
    let scratch = |variables: &[(&str, &str)]| {
        let config = from(variables).unwrap();
        (config.scratch_memory, config.scratch_memory_bytes)
    };
    let shared = Some(PathBuf::from("/dev/shm"));
    assert_eq!(scratch(&[("KOTADB_JOB_MEMORY_BYTES", "4096")]), (shared, 1024));
    assert_eq!(scratch(&[("KOTADB_SCRATCH_MEMORY", "none")]).0, None);
    let more = [("KOTADB_JOB_MEMORY_BYTES", "4096"), ("KOTADB_SCRATCH_MEMORY_BYTES", "2049")];
    assert!(faults(&more)[0].contains("at most half of `KOTADB_JOB_MEMORY_BYTES`"));
}

#[test]
fn all_faults_are_named_at_once() {
    let faults = faults(&[
        ("DATABASE_URL", "mysql://x"),
        ("PORT", "http"),
        ("KOTADB_BIND", "localhost"),
        ("AWS_ENDPOINT_URL_S3", "ftp://x"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("KOTADB_MASTER_KEY", "short"),
        ("KOTADB_GIT_ALLOWED_ORIGINS", "github.com"),
        ("KOTADB_GITHUB_API_URL", "api.github.com"),
        ("GITHUB_APP_ID", "my-app"),
        ("GITHUB_APP_PRIVATE_KEY", "short"),
        ("KOTADB_CACHE_BYTES", "lots"),
        ("KOTADB_CACHE_DISK_BYTES", "many"),
        ("KOTADB_LEASE_SECONDS", "0"),
        ("KOTADB_JOB_MEMORY_BYTES", "all"),
        ("KOTADB_SCRATCH_MEMORY", "memory"),
        ("KOTADB_SCRATCH_MEMORY_BYTES", "some"),
        ("KOTADB_INDEX_SCHEDULE", "hourly"),
        ("KOTADB_WAKE", "loudly"),
        ("KOTADB_TICK_SECRET", "short"),
        ("JWT_SECRET", "short"),
        ("GITHUB_CLIENT_SECRET", "short"),
        ("SUPABASE_URL", "abc"),
        ("KOTADB_METRICS_PORT", "all"),
        ("KOTADB_MODE", "cloud"),
        ("DISABLE_SAAS_ENV_VALIDATION", "maybe"),
    ]);
    let named = [
        "DATABASE_URL",
        "PORT",
        "KOTADB_BIND",
        "AWS_ENDPOINT_URL_S3",
        "AWS_SECRET_ACCESS_KEY",
        "KOTADB_MASTER_KEY",
        "KOTADB_GIT_ALLOWED_ORIGINS",
        "KOTADB_GITHUB_API_URL",
        "GITHUB_APP_ID",
        "GITHUB_APP_PRIVATE_KEY",
        "KOTADB_CACHE_BYTES",
        "KOTADB_CACHE_DISK_BYTES",
        "KOTADB_LEASE_SECONDS",
        "KOTADB_JOB_MEMORY_BYTES",
        "KOTADB_SCRATCH_MEMORY",
        "KOTADB_SCRATCH_MEMORY_BYTES",
        "KOTADB_INDEX_SCHEDULE",
        "KOTADB_WAKE",
        "KOTADB_TICK_SECRET",
        "JWT_SECRET",
        "GITHUB_CLIENT_ID",
        "SUPABASE_URL",
        "KOTADB_METRICS_PORT",
        "KOTADB_MODE",
        "DISABLE_SAAS_ENV_VALIDATION",
    ];
    assert_eq!(faults.len(), named.len(), "{faults:#?}");
    for name in named {
        assert!(faults.iter().any(|fault| fault.starts_with(&format!("`{name}` "))), "{name}: {faults:#?}");
    }
    assert!(!faults.join("\n").contains("short"), "secrets are not repeated");
}

#[test]
fn blank_counts_as_absent() {
    let config = from(&[("DATABASE_URL", " "), ("PORT", ""), ("KOTADB_GIT_ALLOWED_ORIGINS", "")]).unwrap();
    assert_eq!((config.database_url, config.port), (None, 8080));
}

#[test]
fn a_place_for_data_is_needed() {
    assert_eq!(from(&[("XDG_DATA_HOME", "/xdg")]).unwrap().data_dir, PathBuf::from("/xdg/kotadb"));
    assert!(faults(&[("HOME", "")])[0].starts_with("`KOTADB_DATA_DIR`"));
    assert!(from(&[("HOME", ""), ("KOTADB_DATA_DIR", "data")]).unwrap().data_dir.is_relative());
}

#[test]
fn temporary_credentials_are_left_to_the_machine() {
    let mut variables = vec![("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    assert!(from(&variables).unwrap().s3_credentials.is_some());
    variables.push(("AWS_SESSION_TOKEN", "token"));
    assert!(from(&variables).unwrap().s3_credentials.is_none());
    // A Lambda's own are always such, and it may not set others under these names: the bucket's come by its own.
    variables.extend([("AWS_REGION", "us-east-1"), ("BUCKET_REGION", "auto"), ("BUCKET_ACCESS_KEY_ID", "bucket's")]);
    assert!(faults(&variables)[0].starts_with("`BUCKET_SECRET_ACCESS_KEY`"));
    variables.push(("BUCKET_SECRET_ACCESS_KEY", "secret"));
    let config = from(&variables).unwrap();
    assert_eq!((config.s3_region.as_str(), config.s3_credentials.unwrap().0.as_str()), ("auto", "bucket's"));
}

#[test]
fn a_previous_master_key_needs_a_current_one() {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert!(faults(&[("KOTADB_MASTER_KEY_PREVIOUS", key)])[0].starts_with("`KOTADB_MASTER_KEY`"));
}

#[test]
fn debug_prints_no_secret() {
    let config = from(&[
        ("DATABASE_URL", "postgres://u:hunter2@localhost/db"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("GITHUB_APP_ID", "7"),
        ("GITHUB_APP_PRIVATE_KEY", "-----BEGIN hunter2"),
        ("GITHUB_WEBHOOK_TOKEN", "hunter2"),
        ("KOTADB_MASTER_KEY", "hunter2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("GITHUB_APP_WEBHOOK_SECRET", "hunter2"),
        ("GITHUB_APP_WEBHOOK_SECRET_PREVIOUS", "hunter2"),
        ("KOTADB_TICK_SECRET", "hunter2hunter2hunter2hunter2hunter2"),
        ("KOTADB_WAKE", "machines"),
        ("FLY_API_TOKEN", "hunter2"),
        ("GITHUB_CLIENT_ID", "Iv1.x"),
        ("GITHUB_CLIENT_SECRET", "hunter2"),
        ("JWT_SECRET", "hunter2hunter2hunter2hunter2hunter2"),
        ("SENTRY_DSN", "https://hunter2@sentry.example/1"),
    ]);
    let shown = format!("{:?}", config.unwrap());
    assert!(shown.contains("github_app: Some((7, Secret(…)))"), "{shown}");
    assert!(shown.contains("master_key: Some(Secret(…))") && !shown.contains("hunter2"), "{shown}");
}

fn missing(program: Program, variables: &[(&str, &str)]) -> Vec<String> {
    let lookup = |name: &str| {
        let found = variables.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| (*value).to_owned()).or_else(|| (name == "HOME").then(|| "/home/ada".to_owned()))
    };
    let faults = Config::read(Some(program), &lookup).err().map(|error| error.faults).unwrap_or_default();
    let name = |fault: &String| Some(fault.strip_prefix('`')?.split_once("` is missing")?.0.to_owned());
    faults.iter().filter_map(name).collect()
}

#[test]
fn each_program_says_all_that_it_lacks() {
    let of_router = [
        "DATABASE_URL",
        "SUPABASE_URL",
        "SUPABASE_ANON_KEY",
        "SUPABASE_SERVICE_KEY",
        "BUCKET_NAME",
        "KOTADB_MASTER_KEY",
        "KOTADB_WEBHOOK_BASE_URL",
    ];
    assert_eq!(missing(Program::Router, &[]), of_router);
    assert_eq!(missing(Program::Router, &[("BUCKET_NAME", "b"), ("SUPABASE_ANON_KEY", "k")]).len(), 5);
    assert_eq!(missing(Program::Indexer, &[]), ["DATABASE_URL", "BUCKET_NAME", "KOTADB_MASTER_KEY"]);
    assert_eq!(missing(Program::Lambda, &[]), ["DATABASE_URL", "BUCKET_NAME"]);
    for program in [Program::Router, Program::Indexer, Program::Lambda] {
        assert_eq!(missing(program, &[("KOTADB_MODE", "local")]), ["DATABASE_URL"]);
        let local = [("KOTADB_MODE", "local"), ("DATABASE_URL", "postgres://u@h/d")];
        assert_eq!(missing(program, &local), [""; 0]);
    }
}

#[test]
fn missing_and_wrong_are_told_together_with_a_way_out() {
    let lookup = |name: &str| (name == "PORT").then(|| "http".to_owned());
    let faults = Config::read(Some(Program::Router), &lookup).unwrap_err().faults;
    assert!(faults.iter().any(|fault| fault.starts_with("`PORT` is `http`")), "{faults:#?}");
    assert!(
        faults.iter().any(|fault| fault.starts_with("`KOTADB_DATA_DIR` is missing, and `HOME` too")),
        "{faults:#?}"
    );
    assert!(faults.last().unwrap().contains("set `KOTADB_MODE` to `local`"), "{faults:#?}");
}

#[test]
fn without_validation_faults_are_warnings_and_what_is_wrong_is_absent() {
    let variables = [
        ("DISABLE_SAAS_ENV_VALIDATION", "1"),
        ("HOME", "/home/ada"),
        ("PORT", "http"),
        ("DATABASE_URL", "mysql://u:hunter2@h/d"),
        ("KOTADB_MASTER_KEY", "hunter2"),
    ];
    let lookup = |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
    let config = Config::read(Some(Program::Router), &lookup).unwrap();
    assert_eq!((config.port, config.database_url, config.master_key), (8080, None, None));
    let said = config.warnings.join("\n");
    for name in ["DISABLE_SAAS_ENV_VALIDATION", "PORT", "DATABASE_URL", "KOTADB_MASTER_KEY", "SUPABASE_URL"] {
        assert!(said.contains(&format!("`{name}`")), "{name}: {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn settings_that_do_not_what_they_promise_warn() {
    let of = |name: &str, value: &str| from(&[(name, value)]).unwrap().warnings;
    assert!(from(&[]).unwrap().warnings.is_empty());
    assert!(of("REDIS_URL", "redis://x")[0].contains("nothing here uses Redis"));
    assert!(of("JWT_SECRET", &"s".repeat(32))[0].contains("HS256"));
    assert_eq!(of("SENTRY_DSN", "https://k@sentry.example/1").is_empty(), cfg!(feature = "sentry"));
}
