//! A push that would take the tenant over the bytes of its plan: its job ends with a reason that is the tenant's own, what was
//! indexed before stays, and with another plan it is indexed.

use crate::support::service::Service;
use crate::support::{Remote, Repository};

async fn set_plan(service: &Service, plan: &str) {
    service.database.execute(&format!("UPDATE kotadb.tenants SET plan = '{plan}'")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_over_the_plan_changes_nothing_until_there_is_room() {
    let service = Service::start().await;
    service.database.execute("INSERT INTO kotadb.plans (name, max_stored_bytes) VALUES ('tiny', 20000)").await;
    set_plan(&service, "tiny").await;
    let repository = Repository::new();
    repository.write("small.rs", "fn small() {}\n");
    let first = repository.commit();
    let remote = Remote::of(&repository);
    let id = service.register("acme/a", &remote, &[]).await;
    service.enqueue(id).await;
    service.drain().await;
    assert_eq!(service.indexed_commit(id).await.as_deref(), Some(first.as_str()));
    let (facts, version) = (service.facts(id).await, service.root_version().await);

    // Nothing compresses this to less than the plan has.
    let noise: String = (0..4000u64).map(|n| format!("{:016x}\n", n.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
    repository.write("large.txt", noise);
    let second = repository.commit();
    remote.push(&repository, "main");
    service.enqueue(id).await;
    service.drain().await;
    let job = "SELECT state || ' ' || error_class || ' ' || (errors -> -1 ->> 'message') FROM kotadb.jobs ORDER BY id DESC LIMIT 1";
    let job = service.database.texts(job).await.remove(0);
    assert!(job.starts_with("dead permanent the plan of the tenant allows 20000 bytes of index, and with"), "{job}");
    assert_eq!((service.facts(id).await, service.root_version().await), (facts, version));
    assert_eq!(service.indexed_commit(id).await.as_deref(), Some(first.as_str()));

    // What makes the index no larger is taken all the same.
    repository.git(&["reset", "--quiet", "--hard", &first]);
    repository.git(&["commit", "--quiet", "--allow-empty", "-m", "empty"]);
    let third = repository.git(&["rev-parse", "HEAD"]).trim().to_owned();
    remote.push(&repository, "+main");
    service.enqueue(id).await;
    service.drain().await;
    assert_eq!(service.indexed_commit(id).await.as_deref(), Some(third.as_str()));

    set_plan(&service, "unlimited").await;
    repository.git(&["reset", "--quiet", "--hard", &second]);
    remote.push(&repository, "+main");
    service.enqueue(id).await;
    service.drain().await;
    assert_eq!(service.indexed_commit(id).await.as_deref(), Some(second.as_str()));
}
