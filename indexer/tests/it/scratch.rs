//! The scratch of a job is in memory where it fits, within what the job may use; else on the disk, and no job fails for that.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use kotadb_core::db::Scope;
use kotadb_core::db::jobs::{self, JobState, Phase};
use kotadb_core::id::RepositoryId;
use kotadb_core::telemetry::events;
use serde_json::Value;

use crate::children::{children_of, eventually};
use crate::support::service::{Service, run};
use crate::support::{Remote, Repository, fresh_facts};

/// A repository of about so many bytes that no compression makes fewer.
fn repository(bytes: usize) -> Repository {
    let repository = Repository::new();
    for nth in 0..bytes / 16_384 {
        let mut state = nth as u64 + 1;
        let words = (0..1024).map(|_| {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            format!("{state:016x}")
        });
        repository.write(&format!("src/noise_{nth}.rs"), words.collect::<String>());
    }
    repository.write("src/a.rs", "fn a() {}\n");
    repository.commit();
    repository
}

/// The steps of the newest job of a repository, with what they say.
async fn steps(service: &Service, id: RepositoryId) -> Vec<(Phase, Value)> {
    let job = service.job(id).await.id;
    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    let events = jobs::events(&mut tx, job).await.unwrap();
    tx.commit().await.unwrap();
    events.into_iter().map(|event| (event.phase, event.detail)).collect()
}

/// What all steps of a kind say of something.
fn said(steps: &[(Phase, Value)], phase: Phase, name: &str) -> Vec<u64> {
    steps.iter().filter(|(step, _)| *step == phase).map(|(_, detail)| detail[name].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fits_is_never_on_the_disk() {
    let (service, repository) = (Service::start().await, repository(100_000));
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    service.enqueue(id).await;
    // The last process of the job dies with its scratch as it was.
    let point = "children:upload.segment";
    let output = run(service.indexer().arg("drain").env("KOTADB_FAIL_POINT", point)).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let left = service.scratch();
    assert_eq!(left.iter().filter(|name| name.starts_with(&id.to_string())).count(), 2, "folder and lock: {left:?}");
    assert!(left.iter().all(|name| !service.data_dir().join("scratch").join(name).exists()), "{left:?}");

    service.enqueue(id).await;
    service.drain().await;
    assert_eq!(service.scratch(), [""; 0], "what the dead left in memory is gone, too");
    let steps = steps(&service, id).await;
    assert!(said(&steps, Phase::Fetched, "bytes")[0] > 10_000, "{steps:?}");
    assert_eq!(said(&steps, Phase::Fetched, "bytes_on_disk"), [0]);
    assert_eq!(said(&steps, Phase::Uploaded, "bytes_on_disk"), [0]);
    assert_eq!(service.facts(id).await, fresh_facts(&repository));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_outgrows_memory_goes_on_on_disk() {
    let (service, repository) = (Service::start().await, repository(400_000));
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    service.enqueue(id).await;
    let output = run(service.indexer().arg("drain").env("KOTADB_SCRATCH_MEMORY_BYTES", "100000")).await;
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && log.contains(events::SCRATCH_MOVED), "{log}");
    let job = service.job(id).await;
    assert_eq!((job.state, job.attempt), (JobState::Done, 1), "{:?}", job.error);
    let steps = steps(&service, id).await;
    assert!(steps.iter().all(|(phase, _)| *phase != Phase::Failed), "{steps:?}");
    let fetched = *said(&steps, Phase::Fetched, "bytes_on_disk").last().unwrap();
    let written = said(&steps, Phase::Uploaded, "bytes_on_disk");
    assert!(fetched > 100_000 && written.len() == 1 && written[0] > fetched, "{steps:?}");
    assert_eq!(service.scratch(), [""; 0]);
    assert_eq!(service.facts(id).await, fresh_facts(&repository));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_memory_it_is_on_the_disk_and_the_log_says_why() {
    let (service, repository) = (Service::start().await, repository(20_000));
    let remote = Remote::of(&repository);
    for (folder, why) in [("/proc", "no file system in memory"), ("/nowhere", "cannot be used"), ("none", "")] {
        let id = service.register(&format!("acme{folder}"), &remote, &[]).await;
        service.enqueue(id).await;
        let output = run(service.indexer().arg("drain").env("KOTADB_SCRATCH_MEMORY", folder)).await;
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{log}");
        assert_eq!(log.contains(events::SCRATCH_ON_DISK), !why.is_empty(), "{folder}: {log}");
        assert!(log.contains(why), "{folder}: {log}");
        let steps = steps(&service, id).await;
        assert_eq!(said(&steps, Phase::Fetched, "bytes"), said(&steps, Phase::Fetched, "bytes_on_disk"), "{folder}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scratch_in_memory_is_taken_from_what_a_job_may_use() {
    let service = Service::start().await;
    // A remote that accepts and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", silent.local_addr().unwrap());
    let id = service.register_url("acme/slow", &format!("{origin}/acme/slow"), &[]).await;
    service.enqueue(id).await;
    for (folder, expected) in [(service.memory.path().to_str().unwrap(), 700 << 20), ("none", 1000 << 20)] {
        let mut command = service.indexer();
        command.env("KOTADB_GIT_ALLOWED_ORIGINS", &origin).env("KOTADB_SCRATCH_MEMORY", folder);
        command.env("KOTADB_JOB_MEMORY_BYTES", (1000 << 20).to_string());
        command.env("KOTADB_SCRATCH_MEMORY_BYTES", (300 << 20).to_string());
        let mut worker = command.arg("drain").spawn().unwrap();
        let child = eventually(|| children_of(worker.id()).into_iter().next()).await;
        let since = Instant::now();
        eventually(|| (data_limit(child) == Some(expected) || since.elapsed() > Duration::from_secs(30)).then_some(()))
            .await;
        assert_eq!(data_limit(child), Some(expected), "{folder}");
        worker.kill().unwrap();
        worker.wait().unwrap();
        service.expire_leases().await;
    }
}

/// The most bytes that a process may write to.
fn data_limit(process: u32) -> Option<u64> {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max data size"))?;
    line.split_whitespace().next()?.parse().ok()
}
