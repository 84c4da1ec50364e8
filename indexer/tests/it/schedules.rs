//! Schedules of repositories: what is due gets one job, whoever sweeps and however late.

use kotadb_core::db::jobs::{JobState, Trigger};

use crate::support::service::{Service, run};
use crate::support::{Remote, Repository};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_runs_once() {
    let service = Service::start().await;
    let repository = Repository::new();
    repository.write("a.rs", "fn a() {}\n");
    let commit = repository.commit();
    let remote = Remote::of(&repository);
    let (due, later) =
        (service.register("acme/due", &remote, &[]).await, service.register("acme/later", &remote, &[]).await);
    for id in [due, later] {
        service.enqueue(id).await;
    }
    service.drain().await;
    for (id, next) in [(due, "now() - interval '3 days'"), (later, "now() + interval '1 hour'")] {
        let set =
            format!("UPDATE kotadb.repositories SET schedule = '0 4 * * *', next_run_at = {next} WHERE id = '{id}'");
        service.database.execute(&set).await;
    }
    // Two at once: each job is queued by one of them. Not sweeps, which also compare refs.
    let (mut one, mut other) = (service.indexer(), service.indexer());
    let (one, other) = tokio::join!(run(one.arg("drain")), run(other.arg("drain")));
    for output in [one, other] {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(service.indexed_commit(due).await.as_deref(), Some(commit.as_str()));
    let jobs = "SELECT repository_id || ' ' || trigger || ' ' || state FROM kotadb.jobs WHERE trigger = 'sweep'";
    let wanted = format!("{due} {} {}", Trigger::Sweep.as_str(), JobState::Done.as_str());
    assert_eq!(service.database.texts(jobs).await, [wanted]);
    let next = "SELECT (next_run_at > now() AND next_run_at <= now() + interval '1 day'
        AND extract(hour FROM next_run_at AT TIME ZONE 'UTC') = 4)::text FROM kotadb.repositories WHERE name = 'acme/due'";
    assert_eq!(service.database.texts(next).await, ["true"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_woken_queues_what_has_fired() {
    let service = Service::start().await;
    let repository = Repository::new();
    repository.write("a.rs", "fn a() {}\n");
    let commit = repository.commit();
    let remote = Remote::of(&repository);
    let id = service.register("acme/due", &remote, &[]).await;
    let fired = "UPDATE kotadb.repositories SET schedule = '0 4 * * *', next_run_at = now() - interval '1 minute'";
    service.database.execute(fired).await;
    service.drain().await;
    assert_eq!(service.indexed_commit(id).await.as_deref(), Some(commit.as_str()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_forgets_what_was_kept_long_enough() {
    let service = Service::start().await;
    let fill = format!(
        "INSERT INTO kotadb.audit_log (at, actor, action, target)
             SELECT now() - n * interval '1 day', 'a', n::text, 't' FROM generate_series(399, 401, 2) n;
         INSERT INTO kotadb.indexer_usage (day, tenant_id, seconds)
             SELECT (now() AT TIME ZONE 'UTC')::date - n, '{}', n FROM generate_series(89, 91, 2) n",
        service.tenant
    );
    service.database.execute(&fill).await;
    let output = run(service.indexer().arg("sweep")).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(service.database.texts("SELECT action FROM kotadb.audit_log").await, ["399"]);
    assert_eq!(service.database.texts("SELECT seconds::text FROM kotadb.indexer_usage").await, ["89"]);
    let noted = "SELECT (now() - ended_at < interval '1 minute')::text FROM kotadb.sweeps";
    assert_eq!(service.database.texts(noted).await, ["true"], "health tells when the last sweep ended");
}
