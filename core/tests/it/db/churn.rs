//! No job is ever lost: many workers claim, finish, fail, give back and die at random while requests keep coming in.
//! What must hold at the end: for every request, a run that started after it came to a good end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kotadb_core::db::jobs::{ErrorClass, Trigger};
use kotadb_core::db::{Db, DbError, Scope, jobs};
use kotadb_core::id::{RepositoryId, TenantId};
use kotadb_core::testing::TestDb;
use serde_json::json;
use tokio::sync::Mutex;

use super::fixture::{job, repository, tenant};

const WORKERS: u64 = 6;
const REQUESTS: u64 = 150;
const LEASE: Duration = Duration::from_millis(150);

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

/// Requests made so far of each repository, and how many of them its last good run had seen when it started.
#[derive(Default)]
struct Ledger {
    requested: BTreeMap<RepositoryId, u64>,
    served: BTreeMap<RepositoryId, u64>,
}

struct World {
    db: Db,
    tenant: TenantId,
    repositories: Vec<RepositoryId>,
    ledger: Mutex<Ledger>,
}

impl World {
    async fn request(&self, dice: &mut Dice) {
        let n_repositories = u64::try_from(self.repositories.len()).unwrap();
        let repository = self.repositories[usize::try_from(dice.below(n_repositories)).unwrap()];
        let mut tx = self.db.begin(Scope::Tenant(self.tenant)).await.unwrap();
        jobs::enqueue(&mut tx, &job(self.tenant, repository, Trigger::Push)).await.unwrap();
        tx.commit().await.unwrap();
        *self.ledger.lock().await.requested.entry(repository).or_default() += 1;
    }

    /// Works off one job, or not; `false`: there was none.
    async fn work(&self, worker: &str, dice: &mut Dice) -> bool {
        let seen = self.ledger.lock().await.requested.clone();
        let mut tx = self.db.begin(Scope::Worker).await.unwrap();
        let claimed = jobs::claim(&mut tx, worker, LEASE).await.unwrap();
        tx.commit().await.unwrap();
        let Some(claimed) = claimed else { return false };
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
            3 => jobs::release(&mut tx, &claimed).await.map(|()| false),
            _ => jobs::complete(&mut tx, &claimed, None, json!({})).await.map(|()| true),
        };
        match ended {
            Ok(good) => {
                tx.commit().await.unwrap();
                if good {
                    let served = seen.get(&claimed.repository).copied().unwrap_or_default();
                    let mut ledger = self.ledger.lock().await;
                    let best = ledger.served.entry(claimed.repository).or_default();
                    *best = served.max(*best);
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
    let world = Arc::new(World { db: test.db.clone(), tenant, repositories, ledger: Mutex::default() });
    // Backoff and the limits of tries are tested elsewhere; here they would only make the test long.
    let hurry = "UPDATE kotadb.jobs SET run_at = now(), attempt = 0, crash_count = 0 WHERE state = 'queued'";

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
    for n in 0..REQUESTS {
        world.request(&mut dice).await;
        if n % 10 == 0 {
            test.execute(hurry).await;
        }
    }
    for worker in workers {
        worker.await.unwrap();
    }
    drain(&test, &world, hurry).await;

    let ledger = world.ledger.lock().await;
    assert_eq!(ledger.served, ledger.requested);
    let left = "SELECT DISTINCT state FROM kotadb.jobs WHERE state NOT IN ('done', 'superseded')";
    assert_eq!(test.texts(left).await, [""; 0], "no job was given up or left");
    // A claim's fence is never seen again, and later claims have higher ones.
    let disorder = "SELECT id::text FROM (SELECT id, fence, lag(fence) OVER (PARTITION BY repository_id ORDER BY started_at) AS before
        FROM kotadb.jobs WHERE fence IS NOT NULL) claims WHERE fence <= before";
    assert_eq!(test.texts(disorder).await, [""; 0]);
    assert_eq!(test.idle_in_transaction().await, 0);
}

/// Works until nothing is outstanding.
async fn drain(test: &TestDb, world: &World, hurry: &str) {
    let mut dice = Dice(7);
    for _ in 0..500 {
        test.execute(hurry).await;
        if !world.work("last", &mut dice).await {
            let mut tx = world.db.begin(Scope::Worker).await.unwrap();
            if jobs::outstanding(&mut tx).await.unwrap() == (0, None) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    panic!("the queue did not run dry");
}
