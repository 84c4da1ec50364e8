//! Secrets that the previous master key has sealed.

use kotadb_core::crypto::MasterKey;
use kotadb_core::db::hooks;
use kotadb_core::db::sealed::Kind;
use kotadb_core::db::{Scope, tokens};
use kotadb_core::id::HookId;
use kotadb_indexer::reseal::reseal;
use uuid::Uuid;

use crate::support::service::Service;

const FORMER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const PRESENT: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_sweep_the_previous_key_is_needed_no_more() {
    let service = Service::start().await;
    let repository = service.register_url("acme/a", "https://github.com/acme/a", &[]).await;
    let (former, both) =
        (MasterKey::from_base64(FORMER, None).unwrap(), MasterKey::from_base64(PRESENT, Some(FORMER)).unwrap());
    let (hook, token) = (HookId(Uuid::now_v7()), Uuid::now_v7());
    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    let secret = |kind: Kind, id: Uuid| former.seal(&kind.context(id), b"a secret");
    hooks::create(&mut tx, service.tenant, repository, hook, &secret(Kind::Hook, hook.0)).await.unwrap();
    tokens::create(&mut tx, service.tenant, token, "octo", &secret(Kind::Token, token)).await.unwrap();
    tx.commit().await.unwrap();
    let lost = Uuid::now_v7();
    let mut tx = service.database.db.begin(Scope::Tenant(service.tenant)).await.unwrap();
    tokens::create(&mut tx, service.tenant, lost, "octo", b"of no key that is known").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(reseal(&service.database.db, &both).await.unwrap(), 2);
    assert_eq!(reseal(&service.database.db, &both).await.unwrap(), 0);
    let present = MasterKey::from_base64(PRESENT, None).unwrap();
    let mut tx = service.database.db.begin(Scope::Worker).await.unwrap();
    let sealed = tokens::sealed(&mut tx, service.tenant, token).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(present.open(&Kind::Token.context(token), &sealed).unwrap(), b"a secret");
    let mut tx = service.database.db.begin(Scope::Anonymous).await.unwrap();
    let sealed = hooks::look_up(&mut tx, hook).await.unwrap().unwrap().secret;
    tx.commit().await.unwrap();
    assert_eq!(present.open(&Kind::Hook.context(hook.0), &sealed).unwrap(), b"a secret");
}
