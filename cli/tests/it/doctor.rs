//! `kotadb doctor` on a folder, and where something is wrong.

use std::process::Command;

use crate::fixture::{stderr, stdout};

fn doctor(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kotadb"));
    command.arg("doctor").env_clear().env("PATH", std::env::var_os("PATH").unwrap()).envs(variables.iter().copied());
    let output = command.output().unwrap();
    (output.status.code(), format!("{}{}", stdout(&output), stderr(&output)))
}

#[test]
fn a_folder_is_well_and_what_is_not_set_is_said() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let (code, text) = doctor(&[("KOTADB_DATA_DIR", folder), ("KOTADB_MODE", "local")]);
    assert_eq!(code, Some(0), "{text}");
    for line in ["ok  settings", "--  database", "compares and swaps", "--  service", "ok  git"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let left = std::fs::read_dir(data.path().join("objects/t")).map(|found| found.count()).unwrap_or_default();
    assert_eq!(left, 0, "nothing of the probe is left");
}

#[test]
fn what_is_wrong_is_said_and_counts() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let nowhere = [
        ("KOTADB_DATA_DIR", folder),
        ("KOTADB_MODE", "local"),
        ("DATABASE_URL", "postgres://x@127.0.0.1:1/x?sslmode=disable"),
        ("KOTADB_WEBHOOK_BASE_URL", "http://127.0.0.1:1"),
    ];
    let (code, text) = doctor(&nowhere);
    assert_eq!(code, Some(1), "{text}");
    for line in ["no  database", "no  service", "cannot be reached", "ok  object store"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let (code, text) = doctor(&[("PORT", "no number"), ("KOTADB_DATA_DIR", folder)]);
    assert!(code == Some(1) && text.contains("no  settings") && text.contains("PORT"), "{text}");
}
