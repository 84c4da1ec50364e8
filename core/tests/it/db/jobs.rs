//! The life of a job, step by step.

use std::time::Duration;

use kotadb_core::db::jobs::{Claimed, ErrorClass, JobRow, JobState, NewJob, Spend, Trigger};
use kotadb_core::db::{DbError, Scope, deletions, hooks, jobs, repositories};
use kotadb_core::id::{JobId, RepositoryId, TenantId};
use kotadb_core::testing::TestDb;
use serde_json::json;

use super::fixture::{LEASE, claim, enqueue, expire_leases, job, repository, tenant};

struct Fixture {
    test: TestDb,
    tenant: TenantId,
    repository: RepositoryId,
}

impl Fixture {
    async fn new() -> Self {
        let test = TestDb::new().await;
        let tenant = tenant(&test, "acme").await;
        let repository = repository(&test, tenant, "a/b").await;
        Self { test, tenant, repository }
    }

    fn job(&self, trigger: Trigger) -> NewJob {
        job(self.tenant, self.repository, trigger)
    }

    async fn push(&self) -> JobId {
        enqueue(&self.test, &self.job(Trigger::Push)).await.job
    }

    async fn get(&self, job: JobId) -> JobRow {
        let mut tx = self.test.db.begin(Scope::Tenant(self.tenant)).await.unwrap();
        jobs::get(&mut tx, job).await.unwrap().unwrap()
    }

    async fn fail(&self, claimed: &Claimed, class: ErrorClass) -> JobState {
        let mut tx = self.test.db.begin(Scope::Worker).await.unwrap();
        let state = jobs::fail(&mut tx, claimed, class, "it broke").await.unwrap();
        tx.commit().await.unwrap();
        state
    }

    async fn outstanding(&self) -> (i64, Option<Duration>) {
        let mut tx = self.test.db.begin(Scope::Worker).await.unwrap();
        jobs::outstanding(&mut tx, Spend::Guarded).await.unwrap()
    }

    /// Seconds from now to the start of the queued job.
    async fn wait(&self) -> f64 {
        let sql = "SELECT extract(epoch FROM run_at - now())::text FROM kotadb.jobs WHERE state = 'queued'";
        self.test.texts(sql).await[0].parse().unwrap()
    }

    async fn run_now(&self) {
        self.test.execute("UPDATE kotadb.jobs SET run_at = now() WHERE state = 'queued'").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_to_its_end() {
    let f = Fixture::new().await;
    let id = f.push().await;
    assert_eq!(f.outstanding().await, (1, None));
    let claimed = claim(&f.test, "w1").await.unwrap();
    assert_eq!((claimed.job, claimed.tenant, claimed.repository), (id, f.tenant, f.repository));
    assert_eq!((claimed.url.as_str(), claimed.name.as_str()), ("https://github.com/a/b", "a/b"));
    assert_eq!((claimed.attempt, claimed.rescued, claimed.full), (1, false, false));
    assert!(claim(&f.test, "w2").await.is_none());
    assert_eq!(f.outstanding().await, (1, None), "a leased job is outstanding");
    let mut tx = f.test.db.begin(Scope::Worker).await.unwrap();
    assert!(!jobs::heartbeat(&mut tx, &claimed, LEASE).await.unwrap());
    tx.commit().await.unwrap();
    jobs::complete(&f.test.db, &claimed, Some("c0ffee"), &json!({ "files": 3, "why": r"it's \u0041" })).await.unwrap();
    let row = f.get(id).await;
    assert_eq!((row.state, row.trigger, row.attempt), (JobState::Done, Trigger::Push, 1));
    assert_eq!(row.summary, Some(json!({ "files": 3, "why": r"it's \u0041" })));
    assert!(row.started_at.is_some() && row.finished_at.is_some() && row.error.is_none());
    let mut tx = f.test.db.begin(Scope::Tenant(f.tenant)).await.unwrap();
    let repository = repositories::get(&mut tx, f.repository).await.unwrap().unwrap();
    assert_eq!(repository.indexed_commit.as_deref(), Some("c0ffee"));
    assert_eq!(f.outstanding().await, (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_join_the_queued_job_and_one_follows_a_run() {
    let f = Fixture::new().await;
    let sweep = enqueue(&f.test, &f.job(Trigger::Sweep)).await;
    let joined = enqueue(&f.test, &NewJob { full: true, ..f.job(Trigger::Manual) }).await;
    assert!(!sweep.coalesced && joined.coalesced && joined.job == sweep.job);
    let claimed = claim(&f.test, "w").await.unwrap();
    assert!(claimed.full);
    let (first, second) = (f.push().await, f.push().await);
    assert_eq!(first, second, "one follow-up, however many pushes");
    assert_ne!(first, claimed.job);
    assert!(claim(&f.test, "w2").await.is_none(), "never two of one repository at once");
    jobs::complete(&f.test.db, &claimed, None, &json!({})).await.unwrap();
    let follow_up = claim(&f.test, "w2").await.unwrap();
    assert!(follow_up.job == first && follow_up.fence > claimed.fence);
    assert_eq!(f.get(first).await.coalesced, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_put_off_but_not_for_ever() {
    let f = Fixture::new().await;
    let push = NewJob { delay: Duration::from_secs(25), ..f.job(Trigger::Push) };
    enqueue(&f.test, &push).await;
    assert!((5.0..=25.0).contains(&f.wait().await));
    assert!(claim(&f.test, "w").await.is_none());
    let (due, next) = f.outstanding().await;
    assert!(due == 0 && next.is_some_and(|next| next <= Duration::from_secs(25)));
    f.test.execute("UPDATE kotadb.jobs SET first_seen_at = now() - interval '29 seconds'").await;
    enqueue(&f.test, &push).await;
    assert!((0.0..=1.0).contains(&f.wait().await), "30 s after the first at the latest");
}

#[tokio::test(flavor = "multi_thread")]
async fn urgent_jobs_go_first() {
    let f = Fixture::new().await;
    for (name, trigger) in [("a/sweep", Trigger::Sweep), ("a/push", Trigger::Push), ("a/manual", Trigger::Manual)] {
        let repository = repository(&f.test, f.tenant, name).await;
        enqueue(&f.test, &job(f.tenant, repository, trigger)).await;
    }
    for name in ["a/manual", "a/push", "a/sweep"] {
        assert_eq!(claim(&f.test, "w").await.unwrap().name, name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_go_where_their_class_says() {
    let f = Fixture::new().await;
    let id = f.push().await;
    let claimed = claim(&f.test, "w").await.unwrap();
    assert_eq!(f.fail(&claimed, ErrorClass::Transient).await, JobState::Queued);
    assert!((-1.0..=15.0).contains(&f.wait().await));
    let row = f.get(id).await;
    assert_eq!((row.state, row.attempt, row.error.as_deref()), (JobState::Queued, 1, Some("it broke")));
    assert_eq!(row.error_class.as_deref(), Some("transient"));

    f.run_now().await;
    let claimed = claim(&f.test, "w").await.unwrap();
    assert_eq!((claimed.attempt, claimed.rescued), (2, false));
    assert_eq!(f.fail(&claimed, ErrorClass::RateLimited).await, JobState::Queued);
    assert!(f.wait().await > 50.0);

    f.run_now().await;
    let claimed = claim(&f.test, "w").await.unwrap();
    assert_eq!(claimed.attempt, 2, "a snooze is not counted");
    assert_eq!(f.fail(&claimed, ErrorClass::Permanent).await, JobState::Dead);
    assert_eq!(f.get(id).await.state, JobState::Dead);
    assert_ne!(f.push().await, id, "a dead job does not hold the repository up");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eighth_transient_failure_is_the_last_and_five_errors_are_kept() {
    let f = Fixture::new().await;
    let id = f.push().await;
    for attempt in 1..=8 {
        f.run_now().await;
        let claimed = claim(&f.test, "w").await.unwrap();
        assert_eq!(claimed.attempt, attempt);
        let state = f.fail(&claimed, ErrorClass::Transient).await;
        assert_eq!(state, if attempt < 8 { JobState::Queued } else { JobState::Dead });
    }
    assert_eq!(f.get(id).await.state, JobState::Dead);
    assert_eq!(f.test.texts("SELECT jsonb_array_length(errors)::text FROM kotadb.jobs").await, ["5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_request_wakes_a_job_that_waits_for_its_retry() {
    let f = Fixture::new().await;
    let id = f.push().await;
    let claimed = claim(&f.test, "w").await.unwrap();
    f.fail(&claimed, ErrorClass::RateLimited).await;
    assert_eq!(f.push().await, id);
    assert_eq!(claim(&f.test, "w").await.unwrap().attempt, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_given_back_untouched() {
    let f = Fixture::new().await;
    let id = f.push().await;
    let claimed = claim(&f.test, "w").await.unwrap();
    let mut tx = f.test.db.begin(Scope::Worker).await.unwrap();
    jobs::release(&mut tx, &claimed, false).await.unwrap();
    tx.commit().await.unwrap();
    let again = claim(&f.test, "w").await.unwrap();
    assert_eq!((again.job, again.attempt, again.rescued), (id, 1, false));
    assert!(again.fence > claimed.fence);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_lease_is_taken_over_and_its_worker_shut_out() {
    let f = Fixture::new().await;
    let id = f.push().await;
    let lost = claim(&f.test, "w1").await.unwrap();
    expire_leases(&f.test).await;
    let taken = claim(&f.test, "w2").await.unwrap();
    assert!(taken.job == id && taken.rescued && taken.fence > lost.fence);
    assert_eq!(taken.attempt, 1, "a crash is counted apart");
    for step in 0..4 {
        let mut tx = f.test.db.begin(Scope::Worker).await.unwrap();
        let refused = match step {
            0 => jobs::heartbeat(&mut tx, &lost, LEASE).await.err(),
            1 => jobs::complete(&f.test.db, &lost, Some("bad"), &json!({})).await.err(),
            2 => jobs::fail(&mut tx, &lost, ErrorClass::Transient, "x").await.err(),
            _ => jobs::release(&mut tx, &lost, false).await.err(),
        };
        assert!(matches!(refused, Some(DbError::LeaseLost)), "step {step}");
    }
    let shown = "SELECT coalesce(indexed_commit, 'none') FROM kotadb.repositories";
    assert_eq!(f.test.texts(shown).await, ["none"], "what lost its lease shows nothing");
    jobs::complete(&f.test.db, &taken, None, &json!({})).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_in_doubt_lets_the_next_worker_raise_the_fence() {
    let f = Fixture::new().await;
    f.push().await;
    for in_doubt in [false, true] {
        let claimed = claim(&f.test, "w").await.unwrap();
        assert!(!claimed.rescued);
        let mut tx = f.test.db.begin(Scope::Worker).await.unwrap();
        if in_doubt {
            jobs::doubt(&mut tx, &claimed).await.unwrap();
        }
        jobs::fail(&mut tx, &claimed, ErrorClass::Transient, "out of memory").await.unwrap();
        tx.commit().await.unwrap();
        f.run_now().await;
        let mut tx = f.test.db.begin(Scope::Worker).await.unwrap();
        assert!(matches!(jobs::doubt(&mut tx, &claimed).await, Err(DbError::LeaseLost)));
    }
    assert!(claim(&f.test, "w").await.unwrap().rescued);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rescued_job_is_merged_into_its_queued_sibling() {
    let f = Fixture::new().await;
    let old = enqueue(&f.test, &NewJob { full: true, ..f.job(Trigger::Manual) }).await.job;
    claim(&f.test, "w1").await.unwrap();
    let later = NewJob { delay: Duration::from_secs(20), ..f.job(Trigger::Sweep) };
    let sibling = enqueue(&f.test, &later).await.job;
    assert!(claim(&f.test, "w2").await.is_none());
    expire_leases(&f.test).await;
    let claimed = claim(&f.test, "w2").await.unwrap();
    assert_eq!(claimed.job, sibling, "the earlier start was taken over");
    assert!(claimed.full && claimed.rescued);
    assert_eq!(f.get(old).await.state, JobState::Superseded);
    let merged = "SELECT concat_ws(' ', priority, crash_count, coalesced) FROM kotadb.jobs WHERE state = 'running'";
    assert_eq!(f.test.texts(merged).await, ["0 1 1"]);
    let link = format!("SELECT superseded_by::text FROM kotadb.jobs WHERE id = '{old}'");
    assert_eq!(f.test.texts(&link).await, [sibling.to_string()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_and_a_release_are_merged_too() {
    let f = Fixture::new().await;
    for release in [false, true] {
        let old = f.push().await;
        let claimed = claim(&f.test, "w").await.unwrap();
        let sibling = f.push().await;
        let mut tx = f.test.db.begin(Scope::Worker).await.unwrap();
        match release {
            true => jobs::release(&mut tx, &claimed, false).await.unwrap(),
            false => {
                let state = jobs::fail(&mut tx, &claimed, ErrorClass::Transient, "x").await.unwrap();
                assert_eq!(state, JobState::Superseded);
            }
        }
        tx.commit().await.unwrap();
        assert_eq!(f.get(old).await.state, JobState::Superseded);
        let next = claim(&f.test, "w").await.unwrap();
        assert_eq!((next.job, next.rescued), (sibling, false));
        jobs::complete(&f.test.db, &next, None, &json!({})).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_crash_is_the_last_and_the_next_job_still_raises_the_fence() {
    let f = Fixture::new().await;
    let id = f.push().await;
    for _ in 0..3 {
        claim(&f.test, "w").await.unwrap();
        expire_leases(&f.test).await;
    }
    assert!(claim(&f.test, "w").await.is_none());
    let row = f.get(id).await;
    assert_eq!((row.state, row.error_class.as_deref()), (JobState::Dead, Some("crash")));
    let queued = f.push().await;
    assert!(claim(&f.test, "w").await.is_none(), "no push runs a repository that kills its workers");
    let mut tx = f.test.db.begin(Scope::Tenant(f.tenant)).await.unwrap();
    let retried = jobs::retry(&mut tx, id).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!((retried.job, retried.state, retried.moved), (queued, JobState::Superseded, true));
    assert!(claim(&f.test, "w").await.unwrap().rescued);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_death_of_a_child_suspends_the_repository_too() {
    let f = Fixture::new().await;
    f.push().await;
    for state in [JobState::Queued, JobState::Queued, JobState::Dead] {
        let claimed = claim(&f.test, "w").await.unwrap();
        assert_eq!(f.fail(&claimed, ErrorClass::Crash).await, state);
    }
    let because = "SELECT suspended_because FROM kotadb.repositories";
    assert_eq!(f.test.texts(because).await, ["crashes"]);
    f.push().await;
    assert!(claim(&f.test, "w").await.is_none());
    assert_eq!(f.outstanding().await, (0, None), "`drain` does not wait for it");
    enqueue(&f.test, &f.job(Trigger::Manual)).await;
    let claimed = claim(&f.test, "w").await.unwrap();
    assert!(claimed.rescued, "a person asked for it");
    assert_eq!(f.test.texts("SELECT count(suspended_at)::text FROM kotadb.repositories").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_given_back_while_it_publishes_raises_the_fence() {
    let f = Fixture::new().await;
    f.push().await;
    let claimed = claim(&f.test, "w").await.unwrap();
    let mut tx = f.test.db.begin(Scope::Worker).await.unwrap();
    jobs::release(&mut tx, &claimed, true).await.unwrap();
    tx.commit().await.unwrap();
    assert!(claim(&f.test, "w").await.unwrap().rescued);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_can_be_raised_above_that_of_head() {
    let f = Fixture::new().await;
    f.push().await;
    let claimed = claim(&f.test, "w").await.unwrap();
    let mut tx = f.test.db.begin(Scope::Worker).await.unwrap();
    let fence = jobs::raise_fence(&mut tx, &claimed, 5000).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(fence, 5001);
    let mut tx = f.test.db.begin(Scope::Worker).await.unwrap();
    let late = jobs::raise_fence(&mut tx, &claimed, 9000).await;
    assert!(matches!(late, Err(DbError::LeaseLost)), "the old fence opens nothing any more");
    drop(tx);
    let renewed = Claimed { fence, ..claimed };
    let mut tx = f.test.db.begin(Scope::Worker).await.unwrap();
    assert_eq!(jobs::raise_fence(&mut tx, &renewed, 7).await.unwrap(), 5002, "the sequence never goes back");
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_row_that_cannot_be_rescued_blocks_no_other() {
    let f = Fixture::new().await;
    let other = repository(&f.test, f.tenant, "a/other").await;
    for repository in [f.repository, other] {
        enqueue(&f.test, &job(f.tenant, repository, Trigger::Push)).await;
        claim(&f.test, "w").await.unwrap();
    }
    // A rule that only the first row breaks when it is moved.
    let first = f.repository;
    f.test
        .execute(&format!(
            "ALTER TABLE kotadb.jobs ADD CONSTRAINT jobs_stuck_check CHECK (repository_id <> '{first}' OR state = 'running')"
        ))
        .await;
    expire_leases(&f.test).await;
    assert_eq!(claim(&f.test, "w2").await.unwrap().repository, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_newest_first() {
    let f = Fixture::new().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(f.push().await);
        let claimed = claim(&f.test, "w").await.unwrap();
        f.fail(&claimed, ErrorClass::Permanent).await;
    }
    let mut tx = f.test.db.begin(Scope::Tenant(f.tenant)).await.unwrap();
    let ids = |rows: Vec<JobRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(jobs::list(&mut tx, None, None, 2).await.unwrap()), [made[2], made[1]]);
    assert_eq!(ids(jobs::list(&mut tx, Some(&[f.repository]), Some(made[1]), 9).await.unwrap()), [made[0]]);
}

#[tokio::test]
async fn a_job_that_ends_and_a_deletion_wait_for_each_other_in_turn() {
    let fixture = Fixture::new().await;
    fixture.push().await;
    let claimed = claim(&fixture.test, "w").await.unwrap();
    let mut deletion = fixture.test.db.begin(Scope::Tenant(fixture.tenant)).await.unwrap();
    hooks::set_github_repository_id(&mut deletion, fixture.repository, 7).await.unwrap();
    let db = fixture.test.db.clone();
    let end = tokio::spawn(async move { jobs::complete(&db, &claimed, Some("c0ffee"), &json!({})).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(repositories::delete(&mut deletion, fixture.repository).await.unwrap());
    deletion.commit().await.unwrap();
    end.await.unwrap().unwrap();
}

#[tokio::test]
async fn no_job_stays_queued_for_a_repository_that_is_being_deleted() {
    for enqueued_first in [true, false] {
        let fixture = Fixture::new().await;
        let (tenant, repository) = (fixture.tenant, fixture.repository);
        let mut enqueueing = fixture.test.db.begin(Scope::Tenant(tenant)).await.unwrap();
        let mut deletion = fixture.test.db.begin(Scope::Tenant(tenant)).await.unwrap();
        let job = fixture.job(Trigger::Push);
        if enqueued_first {
            jobs::enqueue(&mut enqueueing, &job).await.unwrap();
            let deleted = tokio::spawn(async move {
                repositories::delete(&mut deletion, repository).await.unwrap();
                deletion.commit().await.unwrap();
            });
            tokio::time::sleep(Duration::from_millis(200)).await;
            enqueueing.commit().await.unwrap();
            deleted.await.unwrap();
        } else {
            repositories::delete(&mut deletion, repository).await.unwrap();
            let refused = tokio::spawn(async move { jobs::enqueue(&mut enqueueing, &job).await.is_err() });
            tokio::time::sleep(Duration::from_millis(200)).await;
            deletion.commit().await.unwrap();
            assert!(refused.await.unwrap());
        }
        let queued = fixture.test.texts("SELECT id::text FROM kotadb.jobs WHERE state = 'queued'").await;
        assert!(queued.is_empty(), "enqueued first: {enqueued_first}");
    }
}

/// Nobody knows what text an unfinished try has left in its segments, so none of it is built on when a purge is asked for.
#[tokio::test]
async fn a_purge_ends_checkpoints() {
    let fixture = Fixture::new().await;
    fixture.push().await;
    let load = async |claimed: &Claimed| {
        let mut tx = fixture.test.db.begin(Scope::Worker).await.unwrap();
        jobs::checkpoint::load(&mut tx, claimed).await.unwrap()
    };
    let claimed = claim(&fixture.test, "a").await.unwrap();
    let mut tx = fixture.test.db.begin(Scope::Worker).await.unwrap();
    jobs::checkpoint::save(&mut tx, &claimed, &json!({ "uploaded": [1] })).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(load(&claimed).await, Some(json!({ "uploaded": [1] })));
    let mut tx = fixture.test.db.begin(Scope::Tenant(fixture.tenant)).await.unwrap();
    deletions::request_purge(&mut tx, fixture.repository).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(load(&claimed).await, None);

    let earlier = "UPDATE kotadb.repositories SET purge_requested_at = now() - interval '3 hours'";
    fixture.test.execute(earlier).await;
    let mut tx = fixture.test.db.begin(Scope::Worker).await.unwrap();
    let now_ms = deletions::now_ms(&mut tx).await.unwrap();
    deletions::purged(&mut tx, fixture.tenant, now_ms, Duration::from_secs(2 * 3600)).await.unwrap();
    let open = deletions::of_tenant(&mut tx, fixture.tenant).await.unwrap().purges;
    tx.commit().await.unwrap();
    assert!(open.is_empty());
    assert_eq!(load(&claimed).await, None, "it was made before the purge");
}
