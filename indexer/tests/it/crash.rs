//! SIGKILL at every fail point, half of them with a follow-up job queued, then one `drain`: what is searchable is what an
//! undisturbed run makes, and a second repository's job went on.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;

use kotadb_core::db::jobs::JobState;
use kotadb_core::query;
use kotadb_core::search::{SearchRequest, Searcher, Visible};
use kotadb_indexer::fail_point;

use crate::support::service::{Service, run};
use crate::support::{Remote, Repository, fresh_facts};

/// Two commits' worth of files: the first is indexed before the crash, the second during it.
struct Scene {
    repository: Repository,
    remote: Remote,
    other: Repository,
    other_remote: Remote,
}

fn scene() -> Scene {
    let repository = Repository::new();
    for i in 0..40 {
        repository
            .write(&format!("src/module_{i}.rs"), format!("pub fn function_{i}() -> u32 {{ {i} }} // word{}\n", i % 7))
            .write(&format!("src/module_{i}/caller.rs"), format!("fn caller_{i}() {{ function_{i}(); }}\n"));
    }
    repository.commit();
    repository.git(&["branch", "side"]);
    let remote = Remote::of(&repository);
    let other = Repository::new();
    other.write("other.rs", "fn other() {}\n");
    other.commit();
    let other_remote = Remote::of(&other);
    Scene { repository, remote, other, other_remote }
}

impl Scene {
    fn push_more(&self) {
        for i in 30..50 {
            let text = format!("pub fn renewed_{i}() -> u64 {{ {i} }} // word{}\n", i % 5);
            self.repository.write(&format!("src/module_{i}.rs"), text);
        }
        std::fs::remove_file(self.repository.path().join("src/module_3.rs")).unwrap();
        self.repository.commit();
        self.remote.push(&self.repository, "main");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_fail_point_one_drain_repairs_it() {
    let expected = undisturbed().await;
    // Some at a time: much of each is waiting for processes to start.
    let points: Vec<_> = fail_point::NAMES.into_iter().enumerate().collect();
    for some in points.chunks(4) {
        let runs = some.iter().map(|&(i, point)| crashed_at(point, i % 2 == 0, &expected));
        futures::future::join_all(runs).await;
    }
}

/// Facts, matches and edges without any crash.
async fn undisturbed() -> (String, Vec<String>, String) {
    let scene = scene();
    let service = Service::start().await;
    let id = service.register("acme/a", &scene.remote, &["main", "side"]).await;
    service.enqueue(id).await;
    service.drain().await;
    scene.push_more();
    service.enqueue(id).await;
    service.drain().await;
    let edges = service.edges(id).await;
    assert!(edges.contains("caller_9 call src/module_9.rs#function_9"), "{edges}");
    (service.facts(id).await, matches(&service, id).await, edges)
}

async fn crashed_at(point: &str, follow_up: bool, expected: &(String, Vec<String>, String)) {
    let scene = scene();
    let service = Service::start().await;
    let id = service.register("acme/a", &scene.remote, &["main", "side"]).await;
    let other = service.register("acme/other", &scene.other_remote, &[]).await;
    service.enqueue(id).await;
    service.drain().await;
    scene.push_more();
    service.enqueue(id).await;

    let killed = run(service.indexer().arg("drain").env("KOTADB_FAIL_POINT", point)).await;
    assert_eq!(killed.status.signal(), Some(9), "{point}: {}", String::from_utf8_lossy(&killed.stderr));
    service.expire_leases().await;
    service.enqueue(other).await;
    if follow_up {
        service.enqueue(id).await;
    }
    service.drain().await;

    assert_eq!(service.facts(id).await, expected.0, "{point}");
    assert_eq!(matches(&service, id).await, expected.1, "{point}");
    assert_eq!(service.edges(id).await, expected.2, "{point}");
    assert_eq!(service.job(id).await.state, JobState::Done, "{point}");
    assert_eq!(service.facts(other).await, fresh_facts(&scene.other), "{point}");
    assert_eq!(service.scratch(), [""; 0], "{point}");
}

/// Every line that fifty queries find.
async fn matches(service: &Service, id: kotadb_core::id::RepositoryId) -> Vec<String> {
    let searcher = Searcher::new(service.store.clone(), 64 << 20);
    let mut found = Vec::new();
    for text in (0..40)
        .map(|i| format!("function_{i}"))
        .chain((0..7).map(|i| format!("word{i}")))
        .chain(["/renewed_\\d+/", "lang:rust \"pub fn\"", "path:src u64 OR u32"].map(str::to_owned))
    {
        let visible = vec![Visible { id, name: "acme/a".into(), hidden: BTreeSet::new() }];
        let request = SearchRequest::new(service.tenant, visible, query::parse(&text).unwrap());
        for file in searcher.search(&request).await.unwrap().files {
            for line in file.lines {
                found.push(format!("{text}: {}:{}:{}", String::from_utf8_lossy(&file.path), line.line, line.column));
            }
        }
    }
    found
}
