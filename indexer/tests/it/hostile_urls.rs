//! What must not be fetched is refused with the rule that it breaks, before anything is sent: by its URL, by where its name
//! leads, and by where its server leads.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use kotadb_core::db::jobs::JobState;
use kotadb_core::github::Origin;
use kotadb_core::id::{JobId, RepositoryId};
use kotadb_core::testing::hostile_urls::{LEADS_TO, REFUSED};
use kotadb_indexer::assignment::Assignment;
use kotadb_indexer::clock;
use kotadb_indexer::error::IndexError;
use kotadb_indexer::git::Git;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::held_cache::HeldCache;
use kotadb_indexer::job::{self, Workplace};
use kotadb_indexer::remote;
use kotadb_indexer::resolve::{self, Resolver};

use crate::support::service::{Service, run};
use crate::support::{Remote, Repository};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_urls_are_dead_at_once_with_their_rule() {
    let service = Service::start().await;
    let mut jobs = Vec::new();
    for (&(url, rule), i) in REFUSED.iter().zip(0..) {
        let id = service.register_url(&format!("acme/hostile-{i}"), url, &[]).await;
        service.enqueue(id).await;
        jobs.push((id, url, rule));
    }
    let origins = format!("https://github.com,{}", service.git.origin());
    let output = run(service.indexer().env("KOTADB_GIT_ALLOWED_ORIGINS", origins).arg("drain")).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (id, url, rule) in jobs {
        let job = service.job(id).await;
        let error = job.error.unwrap_or_default();
        assert!(job.state == JobState::Dead && error.contains(rule), "{url}: {:?}: {error}", job.state);
        assert!(!error.contains("secret@"), "{error}");
    }
    assert_eq!(service.gate.take_bytes(), (0, 0, 0));
}

/// Answers each question with the next of its answers, the last one for ever.
#[derive(Debug)]
struct Answers {
    asked: AtomicUsize,
    answers: Vec<Vec<IpAddr>>,
    hosts: Mutex<Vec<String>>,
}

impl Answers {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers.iter().map(|one| one.iter().map(|ip| ip.parse().unwrap()).collect()).collect();
        Arc::new(Self { asked: AtomicUsize::new(0), answers, hosts: Mutex::default() })
    }
}

impl Resolver for Answers {
    fn resolve<'a>(&'a self, host: &'a str, _port: u16) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        self.hosts.lock().unwrap().push(host.to_owned());
        Box::pin(std::future::ready(Ok(self.answers[nth].clone())))
    }
}

/// Runs one job of `url` as the runner does.
async fn run_job(service: &Service, resolver: Arc<dyn Resolver>, url: &str) -> Result<(), IndexError> {
    let (store, held, origins) = (&service.store, HeldCache::default(), ["https://github.com".to_owned()]);
    let workplace = Workplace {
        store,
        data_dir: service.data_dir(),
        memory: None,
        allowed_origins: &origins,
        held: &held,
        resolver: resolver.as_ref(),
        askpass: Path::new("/bin/false"),
    };
    let assignment = Assignment {
        job: JobId(uuid::Uuid::now_v7()),
        fence: 1,
        tenant: service.tenant,
        repository: RepositoryId(uuid::Uuid::now_v7()),
        now_ms: clock::now_ms(),
        url: url.to_owned(),
        token: None,
        ref_patterns: Vec::new(),
        full: false,
        rescued: false,
        hidden: BTreeSet::new(),
        imports: Vec::new(),
        uploaded: Vec::new(),
        most_bytes: None,
        on_disk: false,
        traceparent: None,
    };
    job::run(workplace, &assignment, &Halt::default(), &|_| {}).await.map(|_outcome| ())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_leads_into_a_private_network_is_refused() {
    let service = Service::start().await;
    for (address, rule) in LEADS_TO {
        // One bad address among good ones is enough: git would be free to take it.
        for addresses in [vec![*address], vec!["140.82.112.3", *address]] {
            let resolver = Answers::new(&[&addresses]);
            let error = run_job(&service, resolver, "https://github.com/a/b").await.unwrap_err();
            assert!(matches!(error, IndexError::AddressRefused { .. }), "{address}: {error}");
            assert!(error.to_string().contains(rule) && error.to_string().contains("github.com"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn git_connects_where_the_check_looked_and_nothing_resolves_again() {
    let service = Service::start().await;
    let resolver = Answers::new(&[&["140.82.112.3", "2606:50c0:8000::64"], &["127.0.0.1"]]);
    let origin = Origin::parse("https://github.com/a/b").unwrap();
    let pin = resolve::pin(&origin, resolver.as_ref()).await.unwrap().unwrap();
    assert_eq!(pin, "github.com:443:140.82.112.3,[2606:50c0:8000::64]");
    assert_eq!(*resolver.hosts.lock().unwrap(), ["github.com"], "the second answer is never asked for");
    // What it had answered the second time is refused, were it asked.
    assert!(resolve::pin(&origin, resolver.as_ref()).await.is_err());

    // A name that no resolver of this machine knows: git can only have the address from the pin.
    let repository = Repository::new();
    repository.write("a", "1");
    repository.commit();
    let served = Remote::of(&repository);
    service.register("acme/a", &served, &[]).await;
    let (host, port) = ("nowhere.invalid", service.git.port());
    let home = tempfile::tempdir().unwrap();
    let list = async |pin| {
        let git = Git::new(home.path().to_owned(), pin);
        remote::list(&git, &format!("http://{host}:{port}/acme/a"), home.path(), &Halt::default()).await
    };
    assert_eq!(list(Some(format!("{host}:{port}:127.0.0.1"))).await.unwrap().refs.len(), 1);
    assert!(list(None).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_are_not_followed() {
    let (service, other) = (Service::start().await, Service::start().await);
    let id = service.register_url("acme/a", &service.git.url("acme/a"), &[]).await;
    service.gate.redirect(&format!("{}/acme/a/info/refs?service=git-upload-pack", other.git.origin()));
    service.enqueue(id).await;
    service.drain().await;
    let job = service.job(id).await;
    let error = job.error.unwrap_or_default();
    assert!(job.state == JobState::Dead && error.contains("redirect, which is not followed"), "{error}");
    assert_eq!(other.gate.take_bytes(), (0, 0, 0));
}
