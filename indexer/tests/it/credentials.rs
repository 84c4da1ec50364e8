//! Tokens: the right one is sent, it stands nowhere where another could read it, and a wrong one is the owner's to replace.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use kotadb_core::crypto::{MasterKey, Secret};
use kotadb_core::db::jobs::JobState;
use kotadb_core::db::repositories::Credential;
use kotadb_core::db::{Scope, tokens};
use kotadb_core::id::RepositoryId;
use kotadb_indexer::credentials::{Credentials, Installations, Stored};
use kotadb_indexer::error::IndexError;
use uuid::Uuid;

use crate::support::service::{Service, run};
use crate::support::{Remote, Repository, fresh_facts};

const TOKEN: &str = "gho_Zq3kotadbTestToken7Yw";
const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

struct Private {
    service: Service,
    repository: Repository,
    remote: Remote,
    id: RepositoryId,
}

impl Private {
    /// A repository that is read with [`TOKEN`] alone.
    async fn start() -> Self {
        let service = Service::start().await;
        let repository = Repository::new();
        repository.write("a.rs", "fn a() {}\n").write("b.rs", "fn b() {}\n").write("c.rs", "fn c() {}\n");
        repository.commit();
        let remote = Remote::of(&repository);
        let id = service.register("acme/private", &remote, &[]).await;
        service.gate.require("x-access-token", TOKEN);
        service.enqueue(id).await;
        Self { service, repository, remote, id }
    }

    /// Stores a token for the repository.
    async fn store(&self, token: &str) -> Uuid {
        let id = Uuid::now_v7();
        let sealed = MasterKey::from_base64(KEY, None).unwrap().seal(&tokens::context(id), token.as_bytes());
        let mut tx = self.service.database.db.begin(Scope::Tenant(self.service.tenant)).await.unwrap();
        tokens::create(&mut tx, self.service.tenant, id, "ada", &sealed).await.unwrap();
        tx.commit().await.unwrap();
        let update = format!("UPDATE kotadb.repositories SET token_id = '{id}' WHERE id = '{}'", self.id);
        self.service.database.execute(&update).await;
        id
    }

    async fn drain(&self) {
        let output = run(self.service.indexer().env("KOTADB_MASTER_KEY", KEY).arg("drain")).await;
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !log.contains(TOKEN), "{log}");
    }

    async fn assert_dead(&self, reason: &str) {
        let job = self.service.job(self.id).await;
        let error = job.error.unwrap_or_default();
        assert!(job.state == JobState::Dead && error.contains(reason), "{:?}: {error}", job.state);
        assert!(!error.contains("gho_"), "{error}");
    }
}

/// What a look at this machine found.
#[derive(Debug, Default)]
struct Sight {
    /// Processes of git that were there to be looked at.
    helpers: usize,
    /// Files below the data folder that were there to be looked at.
    files: usize,
    /// Where the token stands.
    leaks: Vec<PathBuf>,
}

impl Sight {
    fn look(&mut self, data: &Path) {
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            for part in ["cmdline", "environ"] {
                let path = process.path().join(part);
                let text = std::fs::read(&path).unwrap_or_default();
                self.helpers += usize::from(part == "cmdline" && holds(&text, "remote-http"));
                self.note(&text, path);
            }
        }
        self.look_below(data);
    }

    fn look_below(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.look_below(&entry.path()),
                Ok(kind) if kind.is_file() => {
                    self.files += 1;
                    self.note(&std::fs::read(entry.path()).unwrap_or_default(), entry.path());
                }
                _ => {}
            }
        }
    }

    fn note(&mut self, text: &[u8], path: PathBuf) {
        if holds(text, TOKEN) {
            self.leaks.push(path);
        }
    }
}

fn holds(text: &[u8], part: &str) -> bool {
    text.windows(part.len()).any(|window| window == part.as_bytes())
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_is_sent_and_stands_nowhere_else() {
    let private = Private::start().await;
    private.store(TOKEN).await;
    let sight = Arc::new(Mutex::new(Sight::default()));
    let folders = [private.service.data_dir().to_owned(), private.service.memory.path().to_owned()];
    let spied = Arc::clone(&sight);
    private.service.gate.spy(move || folders.iter().for_each(|folder| spied.lock().unwrap().look(folder)));
    private.drain().await;
    let job = private.service.job(private.id).await;
    assert_eq!(job.state, JobState::Done, "{:?}", job.error);
    // Another push, so that blobs by id need the token, too.
    private.repository.write("a.rs", "fn changed() {}\n");
    private.repository.commit();
    private.remote.push(&private.repository, "main");
    private.service.enqueue(private.id).await;
    private.drain().await;
    assert_eq!(private.service.facts(private.id).await, fresh_facts(&private.repository));

    let offered = private.service.gate.offered();
    assert!(offered.len() >= 3 && offered.iter().all(|it| *it == format!("x-access-token:{TOKEN}")), "{offered:?}");
    let sight = sight.lock().unwrap();
    assert!(sight.helpers >= 5 && sight.files >= 5, "there was something to see: {sight:?}");
    assert_eq!(sight.leaks, Vec::<PathBuf>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token_or_none_says_what_to_do() {
    let private = Private::start().await;
    private.drain().await;
    private.assert_dead("the remote asks for credentials").await;

    let token = private.store("gho_wrong").await;
    private.service.enqueue(private.id).await;
    private.drain().await;
    private.assert_dead("the remote refused the token of this repository: sign in to GitHub again").await;
    assert_eq!(private.service.gate.offered().last().unwrap(), "x-access-token:gho_wrong");

    let mut tx = private.service.database.db.begin(Scope::Tenant(private.service.tenant)).await.unwrap();
    assert!(tokens::revoke(&mut tx, token).await.unwrap());
    assert!(!tokens::revoke(&mut tx, token).await.unwrap());
    tx.commit().await.unwrap();
    let offered = private.service.gate.offered().len();
    private.service.enqueue(private.id).await;
    private.drain().await;
    private.assert_dead("was revoked").await;

    private.store(TOKEN).await;
    private.service.enqueue(private.id).await;
    private.service.drain().await;
    private.assert_dead("set `KOTADB_MASTER_KEY`").await;
    assert_eq!(private.service.gate.offered().len(), offered, "nothing was sent without a token");

    private
        .service
        .database
        .execute("INSERT INTO kotadb.installations (id, account, account_id) VALUES (7, 'a', 7)")
        .await;
    let update =
        format!("UPDATE kotadb.repositories SET token_id = NULL, installation_id = 7 WHERE id = '{}'", private.id);
    private.service.database.execute(&update).await;
    private.service.enqueue(private.id).await;
    private.drain().await;
    private.assert_dead("set `GITHUB_APP_ID`").await;
}

/// An App that has a token for whichever installation it is asked.
#[derive(Debug, Default)]
struct AnyInstallation(Mutex<Vec<i64>>);

impl Installations for AnyInstallation {
    fn token(&self, installation: i64) -> BoxFuture<'_, Result<Secret, IndexError>> {
        self.0.lock().unwrap().push(installation);
        Box::pin(async { Ok(Secret::new(TOKEN)) })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_of_another_tenants_installation_is_minted() {
    let private = Private::start().await;
    let db = &private.service.database;
    let app = Arc::new(AnyInstallation::default());
    let installations: Option<Arc<dyn Installations>> = Some(app.clone());
    let stored = Stored { db: db.db.clone(), master_key: None, installations };
    let mine = private.service.tenant;
    db.execute(&format!(
        "INSERT INTO kotadb.tenants (id, name) VALUES (gen_random_uuid(), 'other');
         INSERT INTO kotadb.installations (id, tenant_id, account, account_id)
         VALUES (7, (SELECT id FROM kotadb.tenants WHERE name = 'other'), 'a', 7), (8, NULL, 'b', 8), (9, '{mine}', 'c', 9)"
    ))
    .await;
    for (installation, is_mine) in [(7, false), (8, false), (9, true), (10, false)] {
        let minted = stored.token(mine, Credential::Installation(installation)).await;
        assert_eq!(minted.is_ok(), is_mine, "{installation}: {minted:?}");
    }
    assert_eq!(*app.0.lock().unwrap(), [9], "the App is not even asked");
}
