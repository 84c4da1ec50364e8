//! No job is ever lost: many workers claim, finish, fail, give back and die at random while requests keep coming in.
//! What must hold at the end: for every request, a run that started after it came to a good end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kotadb_core::db::jobs::{Claimed, ErrorClass, Spend, Trigger};
use kotadb_core::db::{Db, DbError, Scope, jobs};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::testing::TestDb;
use serde_json::json;

use super::fixture::{job, repository, tenant};

const WORKERS: u64 = 6;
const REQUESTS: u64 = 150;
const LEASE: Duration = Duration::from_millis(150);

/// Named to fire before the trigger that notes `run_at`. Backoff and the limits of tries and crashes are tested elsewhere; here they would give jobs up and make the test long.
const PATIENT: &str = "CREATE FUNCTION public.patient() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.attempt := 0; NEW.crash_count := 0; NEW.run_at := least(NEW.run_at, now()); RETURN NEW; END $$;
    CREATE TRIGGER a_patient BEFORE UPDATE ON kotadb.jobs FOR EACH ROW EXECUTE FUNCTION public.patient()";

/// xorshift64: enough to choose, and the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Each request leaves a row in the transaction that enqueues, and each claim notes how many of them it has seen.
/// Repositories are called `a/` and their number.
const REQUESTED: &str = "CREATE TABLE public.requests (repository bigint NOT NULL);
    CREATE TABLE public.seen (fence bigint PRIMARY KEY, requests bigint NOT NULL);
    GRANT SELECT, INSERT ON public.requests, public.seen TO kotadb_api, kotadb_worker;
    CREATE FUNCTION public.note_seen() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.seen SELECT NEW.fence, count(*) FROM public.requests q, kotadb.repositories r
        WHERE r.id = NEW.repository_id AND r.name = 'a/' || q.repository; RETURN NULL; END $$;
    CREATE TRIGGER note_seen AFTER UPDATE ON kotadb.jobs FOR EACH ROW
        WHEN (NEW.state = 'running' AND OLD.state = 'queued') EXECUTE FUNCTION public.note_seen()";

struct World {
    db: Db,
    tenant: TenantId,
    repositories: Vec<RepositoryId>,
    /// Of each repository, the most requests that a good run had seen when it started.
    served: Mutex<BTreeMap<RepositoryId, i64>>,
}

impl World {
    fn number(&self, repository: RepositoryId) -> i64 {
        let found = self.repositories.iter().position(|other| *other == repository);
        i64::try_from(found.unwrap()).unwrap()
    }

    async fn request(&self, dice: &mut Dice) {
        let n_repositories = u64::try_from(self.repositories.len()).unwrap();
        let repository = self.repositories[usize::try_from(dice.below(n_repositories)).unwrap()];
        let mut tx = self.db.begin(Scope::Tenant(self.tenant)).await.unwrap();
        let note = "INSERT INTO public.requests VALUES ($1) RETURNING 1::bigint";
        tx.probe(note, self.number(repository)).await.unwrap();
        jobs::enqueue(&mut tx, &job(self.tenant, repository, Trigger::Push)).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Takes one job; also how many requests of its repository were made before.
    async fn claim(&self, worker: &str) -> Option<(Claimed, i64)> {
        let claimed = jobs::claim(&self.db, worker, LEASE, Spend::Guarded).await.unwrap()?;
        let mut tx = self.db.begin(Scope::Worker).await.unwrap();
        let seen = tx.probe("SELECT requests FROM public.seen WHERE fence = $1", claimed.fence).await.unwrap();
        tx.commit().await.unwrap();
        Some((claimed, seen.unwrap()))
    }

    /// Works off one job, or not; `false`: there was none.
    async fn work(&self, worker: &str, dice: &mut Dice) -> bool {
        let Some((claimed, seen)) = self.claim(worker).await else { return false };
        let fate = dice.below(10);
        if fate == 0 {
            return true; // It dies: the lease will run out.
        }
        if fate == 1 {
            tokio::time::sleep(LEASE * 2).await; // It hangs, and may find its lease lost.
        }
        let mut tx = self.db.begin(Scope::Worker).await.unwrap();
        let ended = match fate {
            2 => jobs::fail(&mut tx, &claimed, ErrorClass::Transient, "x").await.map(|_| false),
            3 => jobs::release(&mut tx, &claimed, false).await.map(|()| false),
            _ => jobs::complete(&self.db, &claimed, None, &json!({})).await.map(|()| true),
        };
        match ended {
            Ok(good) => {
                tx.commit().await.unwrap();
                if good {
                    let mut served = self.served.lock().unwrap();
                    let most = served.entry(claimed.repository).or_default();
                    *most = seen.max(*most);
                }
            }
            Err(DbError::LeaseLost) => (),
            Err(error) => panic!("{worker}: {error}"),
        }
        true
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_request_is_followed_by_a_good_run() {
    let test = TestDb::new().await;
    let tenant = tenant(&test, "acme").await;
    let mut repositories = Vec::new();
    for n in 0..4 {
        repositories.push(repository(&test, tenant, &format!("a/{n}")).await);
    }
    let world = Arc::new(World { db: test.db.clone(), tenant, repositories, served: Mutex::default() });
    test.execute(PATIENT).await;
    test.execute(REQUESTED).await;

    let workers = (1..=WORKERS).map(|n| {
        let world = Arc::clone(&world);
        tokio::spawn(async move {
            let mut dice = Dice(n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            for _ in 0..REQUESTS / 2 {
                if !world.work(&format!("w{n}"), &mut dice).await {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        })
    });
    let workers: Vec<_> = workers.collect();
    let mut dice = Dice(42);
    for _ in 0..REQUESTS {
        world.request(&mut dice).await;
    }
    for worker in workers {
        worker.await.unwrap();
    }
    drain(&world).await;

    let requested =
        test.texts("SELECT repository || ' ' || count(*) FROM public.requests GROUP BY repository ORDER BY 1").await;
    let served = world.served.lock().unwrap().clone();
    let served: Vec<_> = world.repositories.iter().map(|id| format!("{} {}", world.number(*id), served[id])).collect();
    assert_eq!(served, requested);
    let left = "SELECT DISTINCT state FROM kotadb.jobs WHERE state NOT IN ('done', 'superseded')";
    assert_eq!(test.texts(left).await, [""; 0], "no job was given up or left");
    // A claim's fence is never seen again, and later claims have higher ones.
    let disorder = "SELECT id::text FROM (SELECT id, fence, lag(fence) OVER (PARTITION BY repository_id ORDER BY started_at) AS before
        FROM kotadb.jobs WHERE fence IS NOT NULL) claims WHERE fence <= before";
    assert_eq!(test.texts(disorder).await, [""; 0]);
    assert_eq!(test.idle_in_transaction().await, 0);
}

/// Works until nothing is outstanding.
async fn drain(world: &World) {
    let mut dice = Dice(7);
    for _ in 0..500 {
        if !world.work("last", &mut dice).await {
            let mut tx = world.db.begin(Scope::Worker).await.unwrap();
            if jobs::outstanding(&mut tx, Spend::Guarded).await.unwrap() == (0, None) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    panic!("the queue did not run dry");
}
