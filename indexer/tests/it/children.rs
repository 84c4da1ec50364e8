//! Each job in a process of its own: what kills that process kills no worker, and what is left of it is of use.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use kotadb_core::db::Scope;
use kotadb_core::db::jobs::{self, JobState, Phase};
use kotadb_core::id::RepositoryId;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::service::{Service, run};
use crate::support::{Remote, Repository, fresh_facts};

fn repository() -> Repository {
    let repository = Repository::new();
    repository.write("src/a.rs", "fn a() {}\n").write("README.md", "# read me\n");
    repository.commit();
    repository
}

/// The steps of the newest job of a repository.
async fn phases(service: &Service, id: RepositoryId) -> Vec<Phase> {
    let job = service.job(id).await.id;
    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    let events = jobs::events(&mut tx, job).await.unwrap();
    tx.commit().await.unwrap();
    events.into_iter().map(|event| event.phase).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_tells_its_steps() {
    let (service, repository) = (Service::start().await, repository());
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    service.enqueue(id).await;
    service.drain().await;
    let steps =
        [Phase::Claimed, Phase::Listed, Phase::Fetched, Phase::Built, Phase::Uploaded, Phase::Published, Phase::Done];
    assert_eq!(phases(&service, id).await, steps);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_without_memory_for_its_threads_ends() {
    let (service, repository) = (Service::start().await, repository());
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    for mebibytes in [3_u64, 5, 7] {
        service.enqueue_run(id, true).await;
        service.database.execute("UPDATE kotadb.jobs SET run_at = now() WHERE state = 'queued'").await;
        let (since, bytes) = (Instant::now(), (mebibytes << 20).to_string());
        let mut drain = service.indexer();
        drain.arg("drain").env("KOTADB_JOB_MEMORY_BYTES", bytes).env("KOTADB_SCRATCH_MEMORY", "none");
        let output = tokio::time::timeout(Duration::from_secs(60), run(&mut drain)).await;
        let output = output.unwrap_or_else(|_| panic!("{mebibytes} MiB: it hangs"));
        assert!(output.status.success(), "{mebibytes} MiB: {}", String::from_utf8_lossy(&output.stderr));
        let job = service.job(id).await;
        let error = job.error.unwrap_or_default();
        assert_eq!(job.state, JobState::Queued, "{mebibytes} MiB, {:?}: {error}", since.elapsed());
        assert_eq!(job.error_class.as_deref(), Some("transient"), "{mebibytes} MiB: {error}");
        assert!(error.contains("more memory"), "{mebibytes} MiB: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_is_followed_by_another_at_once() {
    let (service, repository) = (Service::start().await, repository());
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    for point in ["child:fetch.fetched", "child:upload.snapshot", "child:publish.after_swap"] {
        repository.write("src/a.rs", format!("fn at() {{ \"{point}\" }}\n"));
        repository.commit();
        remote.push(&repository, "main");
        service.enqueue(id).await;
        let output = run(service.indexer().arg("drain").env("KOTADB_FAIL_POINT", point)).await;
        assert!(output.status.success(), "{point}: {}", String::from_utf8_lossy(&output.stderr));
        let job = service.job(id).await;
        assert_eq!((job.state, job.attempt), (JobState::Done, 1), "{point}: {:?}", job.error);
        assert!(phases(&service, id).await.contains(&Phase::Failed), "{point}");
        assert_eq!(service.facts(id).await, fresh_facts(&repository), "{point}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_that_kills_each_process_is_given_up_and_others_go_on() {
    let (service, repository) = (Service::start().await, repository());
    let remote = Remote::of(&repository);
    let id = service.register("acme/poison", &remote, &[]).await;
    service.enqueue(id).await;
    let output = run(service.indexer().arg("drain").env("KOTADB_FAIL_POINT", "children:build.listed")).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let job = service.job(id).await;
    assert_eq!((job.state, job.error_class.as_deref()), (JobState::Dead, Some("crash")), "{:?}", job.error);
    assert!(job.error.unwrap().contains("died by SIGKILL"));
    let other = service.register("acme/other", &remote, &[]).await;
    service.enqueue(other).await;
    service.drain().await;
    assert_eq!(service.job(other).await.state, JobState::Done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_ends_with_its_worker() {
    let service = Service::start().await;
    // A remote that accepts and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", silent.local_addr().unwrap());
    let id = service.register_url("acme/slow", &format!("{origin}/acme/slow"), &[]).await;
    service.enqueue(id).await;
    let mut worker = service.indexer().arg("drain").env("KOTADB_GIT_ALLOWED_ORIGINS", &origin).spawn().unwrap();
    let child = eventually(|| children_of(worker.id()).into_iter().next()).await;
    kill(Pid::from_raw(i32::try_from(worker.id()).unwrap()), Signal::SIGKILL).unwrap();
    worker.wait().unwrap();
    eventually(|| (!is_alive(child)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_process_has_started_ends_with_it() {
    let service = Service::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", silent.local_addr().unwrap());
    for of_worker in [false, true] {
        let name = format!("acme/slow{of_worker}");
        let id = service.register_url(&name, &format!("{origin}/{name}"), &[]).await;
        service.enqueue(id).await;
        let mut worker = service.indexer().arg("drain").env("KOTADB_GIT_ALLOWED_ORIGINS", &origin).spawn().unwrap();
        let child = eventually(|| children_of(worker.id()).into_iter().next()).await;
        let git = eventually(|| at_work_for(id).into_iter().next()).await;
        let killed = if of_worker { worker.id() } else { child };
        kill(Pid::from_raw(i32::try_from(killed).unwrap()), Signal::SIGKILL).unwrap();
        let since = Instant::now();
        eventually(|| (!is_alive(git)).then_some(())).await;
        // Left alone, it gives a silent remote up after a minute.
        assert!(since.elapsed() < Duration::from_secs(20), "{:?}", since.elapsed());
        worker.kill().unwrap();
        worker.wait().unwrap();
        let end = "UPDATE kotadb.jobs SET state = 'cancelled', finished_at = now(), lease_owner = NULL, lease_expires_at = NULL";
        service.database.execute(end).await;
    }
}

/// Processes in the scratch folder of a repository, in memory or on the disk.
fn at_work_for(repository: RepositoryId) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let in_scratch = processes.filter(|process| {
        let folder = std::fs::read_link(process.path().join("cwd")).unwrap_or_default();
        folder.to_string_lossy().contains(&format!("/{repository}."))
    });
    in_scratch.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Waits until something is there.
pub async fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "it never came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Processes whose parent is this one.
pub fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| parent_of(*id) == Some(parent)).collect()
}

fn parent_of(id: u32) -> Option<u32> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

fn is_alive(id: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}
