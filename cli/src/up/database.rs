//! The private Postgres of `up`: started, migrated, with a tenant and the key that is shown to the user.

use anyhow::Context;
use kotadb_core::db::cluster::{Cluster, ClusterOptions};
use kotadb_core::db::keys::{NewKey, SCOPES};
use kotadb_core::db::principal::{self, Cost};
use kotadb_core::db::{Db, DbOptions, Scope, keys, repositories, tenants};
use kotadb_core::id::TenantId;
use kotadb_core::identity::ApiKey;
use uuid::Uuid;

use super::state::State;

/// Database and login of the programs.
const DATABASE: &str = "kotadb";
const LOGIN: &str = "kotadb_login";
/// The tenant that owns what `up` serves.
const TENANT: &str = "local";
/// Router and indexer together stay far below this.
const MAX_CONNECTIONS: u32 = 40;

/// A running private Postgres, ready for the programs.
#[derive(Debug)]
pub struct Database {
    cluster: Cluster,
    db: Db,
    url: String,
    tenant: TenantId,
}

impl Database {
    /// Starts Postgres below the data folder, applies migrations, and makes the tenant and its key at the first run.
    pub async fn start(state: &State) -> anyhow::Result<Self> {
        let data_dir = state.folder().join("postgres");
        let options = ClusterOptions { data_dir, durable: true, max_connections: MAX_CONNECTIONS };
        let cluster = Cluster::start(options).await?;
        let url = cluster.provision(DATABASE, LOGIN).await.context("cannot prepare the database")?;
        let db = Db::new(&DbOptions { url: url.clone(), max_connections: 2, acquire_timeout: super::START_TIMEOUT })?;
        let tenant = ensure_key(&db, state).await.context("cannot make the API key")?;
        Ok(Self { cluster, db, url, tenant })
    }

    /// What the programs connect to: a login that is neither superuser nor owner.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Moves what is registered under another origin of the git server to the present one.
    pub async fn move_origin(&self, from: &str, to: &str) -> anyhow::Result<()> {
        let mut tx = self.db.begin(Scope::Tenant(self.tenant)).await?;
        repositories::move_origin(&mut tx, from, to).await?;
        Ok(tx.commit().await?)
    }

    /// Stops Postgres in order.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.db.close().await;
        Ok(self.cluster.stop().await?)
    }
}

async fn ensure_key(db: &Db, state: &State) -> anyhow::Result<TenantId> {
    let key = ApiKey::parse(&state.secrets.api_key).context("the API key in `secrets.json` is damaged")?;
    let mut tx = db.begin(Scope::Worker).await?;
    let tenant = tenants::ensure(&mut tx, TENANT).await?;
    tenants::set_plan(&mut tx, tenant, "unlimited").await?;
    tx.commit().await?;
    let cost = Cost { units: 0, is_search: false };
    if principal::of_key(db, &key.sha256(), cost).await?.verdict.is_err() {
        let mut tx = db.begin(Scope::Tenant(tenant)).await?;
        let new = NewKey {
            id: Uuid::now_v7(),
            name: "kotadb up".to_owned(),
            sha256: key.sha256(),
            display: key.display(),
            scopes: SCOPES.map(ToOwned::to_owned).to_vec(),
            ..NewKey::default()
        };
        keys::create(&mut tx, tenant, &new).await?;
        tx.commit().await?;
    }
    Ok(tenant)
}
