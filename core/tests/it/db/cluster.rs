//! The private Postgres of `kotadb up`: found again, taken over, refused with a reason.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kotadb_core::db::cluster::{Cluster, ClusterOptions};
use kotadb_core::db::{Db, DbError, DbOptions, Scope, tenants};

/// Set for the child of [`a_killed_owner_takes_its_server_with_it`].
const OWNER: &str = "KOTADB_TEST_CLUSTER_OWNER";

fn folder(mode: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    folder
}

fn options(folder: &Path) -> ClusterOptions {
    ClusterOptions { data_dir: folder.join("postgres"), durable: false, max_connections: 20 }
}

fn durable(folder: &Path) -> ClusterOptions {
    ClusterOptions { durable: true, ..options(folder) }
}

async fn wait_for_end(process: u32) {
    let began = Instant::now();
    while is_alive(process) {
        assert!(began.elapsed() < Duration::from_secs(20), "process {process} did not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn names(url: String, add: Option<&str>) -> Vec<String> {
    let db = Db::new(&DbOptions { url, max_connections: 1, acquire_timeout: Duration::from_secs(10) }).unwrap();
    let mut tx = db.begin(Scope::Worker).await.unwrap();
    if let Some(name) = add {
        tenants::ensure(&mut tx, name).await.unwrap();
    }
    let names = tenants::list(&mut tx).await.unwrap().into_iter().map(|(_, name)| name).collect();
    tx.commit().await.unwrap();
    db.close().await;
    names
}

fn is_alive(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // A zombie that nobody reaps is as dead as can be.
    !status.is_empty() && !status.contains(") Z ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_finds_its_data() {
    let folder = folder(0o755);
    let cluster = Cluster::start(durable(folder.path())).await.unwrap();
    let url = cluster.provision("kotadb", "kotadb_login").await.unwrap();
    assert_eq!(names(url.clone(), Some("acme")).await, ["acme"]);

    let busy = Cluster::start(durable(folder.path())).await.unwrap_err();
    assert!(busy.to_string().contains("in use by another process"), "{busy}");
    let wrong = url.replace("kotadb_login:", "kotadb_login:x");
    let db = Db::new(&DbOptions { url: wrong, max_connections: 1, acquire_timeout: Duration::from_secs(5) }).unwrap();
    assert!(matches!(db.ping().await, Err(DbError::Unreachable(_))), "logins need the password");

    let process = cluster.process_id();
    cluster.stop().await.unwrap();
    assert!(!is_alive(process));
    let cluster = Cluster::start(durable(folder.path())).await.unwrap();
    let url = cluster.provision("kotadb", "kotadb_login").await.unwrap();
    assert_eq!(names(url, None).await, ["acme"]);
    let process = cluster.process_id();
    drop(cluster);
    assert!(!is_alive(process), "dropping stops it too");
}

/// A stand-in for a killed owner: the lock of the folder is free, but a server of it runs.
#[tokio::test(flavor = "multi_thread")]
async fn an_orphan_and_a_left_over_pid_file_are_no_hindrance() {
    let folder = folder(0o755);
    let cluster = Cluster::start(options(folder.path())).await.unwrap();
    let first = cluster.process_id();
    std::fs::remove_file(folder.path().join("postgres.lock")).unwrap();
    let second = Cluster::start(options(folder.path())).await.unwrap();
    assert!(!is_alive(first) && is_alive(second.process_id()));
    drop(cluster);
    assert!(is_alive(second.process_id()), "the first owner has nothing left to stop");

    Command::new("kill").args(["-s", "KILL", &second.process_id().to_string()]).status().unwrap();
    wait_for_end(second.process_id()).await;
    drop(second);
    assert!(folder.path().join("postgres/postmaster.pid").exists());
    let third = Cluster::start(options(folder.path())).await.unwrap();
    third.provision("kotadb", "kotadb_login").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_owner_takes_its_server_with_it() {
    if let Ok(folder) = std::env::var(OWNER) {
        let cluster = Cluster::start(options(Path::new(&folder))).await.unwrap();
        // Past the test harness, which holds back what a test prints.
        std::fs::write(Path::new("/dev/stderr"), format!("server {}\n", cluster.process_id())).unwrap();
        return tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let folder = folder(0o755);
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "db::cluster::a_killed_owner_takes_its_server_with_it", "--nocapture"])
        .env(OWNER, folder.path())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(owner.stderr.take().unwrap()).lines().map_while(Result::ok);
    let server = lines.filter_map(|line| line.strip_prefix("server ")?.parse().ok()).next().unwrap();
    assert!(is_alive(server));
    owner.kill().unwrap();
    owner.wait().unwrap();
    wait_for_end(server).await;
    Cluster::start(options(folder.path())).await.unwrap();
}

/// Killed at a moment when initdb has written some of its files, but not all.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_killed_in_its_first_start_leaves_no_half_cluster() {
    let folder = folder(0o755);
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "db::cluster::a_killed_owner_takes_its_server_with_it"])
        .env(OWNER, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !has_version(folder.path()) {
        assert!(began.elapsed() < Duration::from_secs(20), "initdb wrote nothing");
        std::thread::sleep(Duration::from_millis(1));
    }
    owner.kill().unwrap();
    owner.wait().unwrap();
    let cluster = Cluster::start(options(folder.path())).await.unwrap();
    cluster.provision("kotadb", "kotadb_login").await.unwrap();
}

fn has_version(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries.into_iter().any(|entry| entry.path().join("PG_VERSION").exists())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_another_version_is_refused() {
    let folder = folder(0o755);
    std::fs::create_dir(folder.path().join("postgres")).unwrap();
    std::fs::write(folder.path().join("postgres/PG_VERSION"), "9\n").unwrap();
    let error = Cluster::start(options(folder.path())).await.unwrap_err().to_string();
    assert!(error.contains("made by Postgres 9") && error.contains("choose another folder"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_postgres_cannot_enter_is_named() {
    let as_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let folder = folder(0o700);
    let started = Cluster::start(options(folder.path())).await;
    match as_root {
        // The folder itself may be entered by root alone.
        true => {
            let error = started.unwrap_err().to_string();
            let name = format!("cannot enter `{}`", folder.path().display());
            assert!(error.contains(&name) && error.contains("chmod o+x"), "{error}");
        }
        false => drop(started.unwrap()),
    }
}
