//! How Postgres executes a claim, by its own `auto_explain`, on a table that is large enough to be worth an index.

use std::process::Command;

use kotadb_core::testing::TestDb;

/// 200 tenants, 20,000 queued jobs; statistics as autovacuum would have them.
const FILL: &str = "SET session_replication_role = replica;
    INSERT INTO kotadb.tenants (id, name) SELECT md5('t' || n)::uuid, 't' || n FROM generate_series(1, 200) n;
    INSERT INTO kotadb.repositories (id, tenant_id, name, url)
        SELECT md5('r' || n)::uuid, md5('t' || n % 200 + 1)::uuid, 'r' || n, 'https://github.com/a/' || n
        FROM generate_series(1, 20000) n;
    INSERT INTO kotadb.jobs (id, tenant_id, repository_id, kind, trigger, priority)
        SELECT md5('j' || n)::uuid, md5('t' || n % 200 + 1)::uuid, md5('r' || n)::uuid, 'index', 'push', n % 4 * 10
        FROM generate_series(1, 20000) n;
    INSERT INTO kotadb.queue_tenants (tenant_id, next_at) SELECT id, '-infinity' FROM kotadb.tenants;
    RESET session_replication_role; ANALYZE kotadb.jobs, kotadb.repositories, kotadb.tenants, kotadb.queue_tenants";

/// Claims in one session, the plan of each statement inside told as a notice. Ten: the plans of functions become generic.
fn plans(url: &str) -> String {
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", url]);
    command.args(["-c", "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0"]);
    command.args(["-c", "SET auto_explain.log_nested_statements = on; SET client_min_messages = log"]);
    for _ in 0..10 {
        command.args([
            "-c",
            "SET ROLE kotadb_worker",
            "-c",
            "SELECT id FROM kotadb.claim_job('w', 60000, true, 20, 3)",
        ]);
    }
    let output = command.output().expect("psql comes with Postgres");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_reads_by_indices_alone() {
    let test = TestDb::new().await;
    test.execute(FILL).await;
    let plans = plans(&test.direct_url);
    for index in ["jobs_rank_idx on jobs j", "queue_tenants_served_idx on queue_tenants q"] {
        assert!(plans.matches(index).count() >= 10, "`{index}` is not used: {plans}");
    }
    for table in ["jobs", "repositories"] {
        assert!(!plans.contains(&format!("Seq Scan on {table} ")), "`{table}` is scanned: {plans}");
    }
    assert_eq!(
        test.texts("SELECT count(DISTINCT tenant_id)::text FROM kotadb.jobs WHERE state = 'running'").await,
        ["10"]
    );
}
