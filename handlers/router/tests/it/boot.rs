//! The binary: what it says when it cannot start, and how it starts and stops.

use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use kotadb_core::testing::TestDb;

use crate::app::MASTER_KEY;

fn server(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kotadb-api-server"));
    command.env_clear().env("PORT", "0").env("KOTADB_BIND", "127.0.0.1").env("KOTADB_MASTER_KEY", MASTER_KEY);
    command.envs(variables.iter().copied());
    command
}

fn ended(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = server(variables).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn all_faults_of_the_configuration_are_named_at_once() {
    let (code, said) = ended(&[("PORT", "x"), ("KOTADB_LEASE_SECONDS", "0"), ("KOTADB_DATA_DIR", "/nonexistent")]);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("PORT") && said.contains("KOTADB_LEASE_SECONDS"), "{said}");
    let (code, said) = ended(&[("KOTADB_DATA_DIR", "/nonexistent")]);
    assert_eq!((code, said.contains("DATABASE_URL")), (Some(78), true), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_schema_ends_the_start() {
    let db = TestDb::empty().await;
    let (code, said) = ended(&[("DATABASE_URL", &db.pooled_url), ("KOTADB_DATA_DIR", "/nonexistent")]);
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("kotadb-indexer migrate"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_prints_its_address_and_stops_on_sigterm() {
    let db = TestDb::new().await;
    let data = tempfile::tempdir().unwrap();
    let mut child = server(&[("DATABASE_URL", &db.pooled_url), ("KOTADB_DATA_DIR", data.path().to_str().unwrap())])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}"));
    let live = reqwest::get(format!("{url}/health/live")).await.unwrap();
    assert_eq!(live.status(), 200);
    let stopped = Instant::now();
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    assert!(stopped.elapsed().as_secs() < 5);
}
