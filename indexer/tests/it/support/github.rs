//! A deployment beside a GitHub of its own: the router listens on loopback for deliveries, and the reconciler runs in
//! this process.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kotadb_core::config::Config;
use kotadb_core::crypto::MasterKey;
use kotadb_core::db::repositories::{self, Credential, NewRepository};
use kotadb_core::db::{Scope, tenants};
use kotadb_core::github::client::Client;
use kotadb_core::http::Resources;
use kotadb_core::id::{ObjectId, RepositoryId, TenantId};
use kotadb_core::store::{Kind, Store, StoreOptions, Tip};
use kotadb_core::testing::TestDb;
use kotadb_core::testing::fake_github::{FakeGithub, OPERATOR_TOKEN};
use kotadb_indexer::admin;
use kotadb_indexer::credentials::Stored;
use kotadb_indexer::halt::Halt;
use kotadb_indexer::held_cache::HeldCache;
use kotadb_indexer::job::Indexer;
use kotadb_indexer::publish::{Publication, publish};
use kotadb_indexer::reconcile::{Reconciled, Reconciler};
use kotadb_indexer::resolve;
use kotadb_indexer::tips::Tips;
use kotadb_indexer::upload;
use tempfile::TempDir;
use uuid::Uuid;

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

pub struct Deployment {
    pub github: FakeGithub,
    pub database: TestDb,
    pub tenant: TenantId,
    pub client: Client,
    pub indexer: Indexer,
    pub base: String,
    pub most: usize,
    _data: TempDir,
}

impl Deployment {
    pub async fn start() -> Self {
        Self::with(&["https://github.com"]).await
    }

    pub async fn with(origins: &[&str]) -> Self {
        let github = FakeGithub::start().await;
        let database = TestDb::new().await;
        let mut tx = database.db.begin(Scope::Worker).await.unwrap();
        let tenant = tenants::ensure(&mut tx, "acme").await.unwrap();
        tx.commit().await.unwrap();
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreOptions::Memory).unwrap();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let config = config(&github, &database, &base);
        let client = Client::new(&config).unwrap();
        let router = kotadb_router::build(Resources::new(config).with_store(store.clone()));
        tokio::spawn(kotadb_core::http::serve(listener, router, std::future::pending()));
        let indexer = Indexer {
            db: database.db.clone(),
            store,
            data_dir: data.path().to_owned(),
            allowed_origins: origins.iter().map(ToString::to_string).collect(),
            direct_url: None,
            resolver: Arc::new(resolve::System),
            credentials: Arc::new(Stored { db: database.db.clone(), master_key: None, installations: None }),
            askpass: PathBuf::from("/bin/false"),
            lease: Duration::from_secs(60),
            held: HeldCache::default(),
            program: None,
        };
        Self { github, database, tenant, client, indexer, base, most: 1000, _data: data }
    }

    pub async fn reconcile(&self) -> Reconciled {
        let key = MasterKey::from_base64(MASTER_KEY, None).unwrap();
        let reconciler = Reconciler {
            indexer: &self.indexer,
            github: &self.client,
            master_key: Some(&key),
            webhook_base_url: Some(&self.base),
            most: self.most,
        };
        let done = reconciler.run(&Halt::default()).await.unwrap();
        self.github.settle().await;
        done
    }

    /// A row as a registration leaves it that could not reach GitHub; no job.
    pub async fn register(&self, name: &str, patterns: &[&str], credential: Credential) -> RepositoryId {
        let new = NewRepository {
            name: name.to_owned(),
            url: format!("https://github.com/{name}"),
            ref_patterns: patterns.iter().map(ToString::to_string).collect(),
            credential,
            ..NewRepository::default()
        };
        let mut tx = self.database.db.begin(Scope::Tenant(self.tenant)).await.unwrap();
        let (row, _) = repositories::register_new(&mut tx, self.tenant, &new).await.unwrap();
        tx.commit().await.unwrap();
        row.id
    }

    /// Installs the App on an account and links it to the tenant.
    pub async fn install(&self, account: &str, names: Option<&[&str]>) -> i64 {
        let id = self.github.install(account, names).await;
        let linked = admin::link_installation(&self.database.db, &self.client, id, "acme").await.unwrap();
        assert_eq!(linked, account);
        id
    }

    /// Makes HEAD hold these refs, the first as default.
    pub async fn hold(&self, repository: RepositoryId, refs: &[(&str, &str)]) {
        let (store, tenant) = (&self.indexer.store, self.tenant);
        let (root, _) = store.head(tenant).await.unwrap();
        let before = Tips::read(store, tenant, &root, repository).await.unwrap();
        let object = Bytes::from(Uuid::now_v7().to_string());
        let key = store.put(tenant, Kind::Snapshot, Uuid::now_v7(), object).await.unwrap();
        let tip = |(name, commit): &(&str, &str)| {
            let commit: ObjectId = commit.parse().unwrap();
            ((*name).to_owned(), Tip { ref_name: (*name).to_owned(), commit, snapshot: key, base: None, graph: None })
        };
        let mut after = Tips {
            default: refs.first().map(|(name, _)| (*name).to_owned()),
            by_name: refs.iter().map(tip).collect(),
            segments: BTreeMap::from([(key, vec![])]),
            ..Tips::default()
        };
        let others = after.others();
        if !others.tips.is_empty() {
            after.refs = Some(upload::refs(store, tenant, &others).await.unwrap().0);
        }
        let fence = root.version + 1;
        let publication = Publication {
            tenant,
            repository,
            fence,
            before,
            after,
            new_segments: vec![],
            docs: BTreeMap::new(),
            most_bytes: None,
            now_ms: 1,
        };
        publish(store, &publication, &Halt::default()).await.unwrap();
    }

    /// Closes the jobs that are queued; their repositories and triggers.
    pub async fn take_jobs(&self) -> Vec<String> {
        let sql =
            "SELECT r.name || ' ' || j.trigger FROM kotadb.jobs j JOIN kotadb.repositories r ON r.id = j.repository_id
            WHERE j.state = 'queued' ORDER BY 1";
        let jobs = self.database.texts(sql).await;
        self.database
            .execute("UPDATE kotadb.jobs SET state = 'done', finished_at = now() WHERE state = 'queued'")
            .await;
        jobs
    }

    pub async fn text(&self, sql: &str) -> String {
        self.database.texts(sql).await.join(",")
    }
}

fn config(github: &FakeGithub, database: &TestDb, base: &str) -> Config {
    let mut all: HashMap<&str, String> = github.variables().into_iter().collect();
    all.insert("DATABASE_URL", database.pooled_url.clone());
    all.insert("KOTADB_DATA_DIR", "/nonexistent".to_owned());
    all.insert("KOTADB_MASTER_KEY", MASTER_KEY.to_owned());
    all.insert("KOTADB_WEBHOOK_BASE_URL", base.to_owned());
    all.insert("GITHUB_WEBHOOK_TOKEN", OPERATOR_TOKEN.to_owned());
    Config::from_lookup(&|name| all.get(name).cloned()).unwrap()
}
