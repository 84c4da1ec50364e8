//! For each table and role, what is seen and what is not. A table, role right or function that is not written down here
//! fails a test, so nobody gains access by being forgotten.

use kotadb_core::db::direct::Direct;
use kotadb_core::db::jobs::Trigger;
use kotadb_core::db::{DbError, Scope, deletions, deliveries, hooks, jobs, keys, repositories};
use kotadb_core::id::{HookId, ObjectId, TenantId};
use kotadb_core::testing::TestDb;
use uuid::Uuid;

use super::fixture::{self, delivery, enqueue, job, repository, tenant};
use super::rights::{FUNCTIONS, GRANTS, SHUT, SIGHTS, Sight};

/// What the role of the API may not do, whatever the tenant.
const FORBIDDEN: &[&str] = &[
    "SELECT key_sha256::text FROM kotadb.api_keys",
    "SELECT secret::text FROM kotadb.hooks",
    "SELECT sealed::text FROM kotadb.github_tokens",
    "SELECT secret FROM kotadb.tick_settings",
    "SELECT url FROM kotadb.tick()",
    "UPDATE kotadb.wakes SET last_wake = now()",
    "SELECT kotadb.note_sweep()::text",
    "DELETE FROM kotadb.job_ends",
    "UPDATE kotadb.installations SET suspended_at = NULL",
    "SELECT kotadb.rescue_jobs(1, 1)::text",
    "SELECT id::text FROM kotadb.claim_job('w', 1000, true, 1, 1)",
    "SELECT kotadb.requeue_dead('crash')::text",
    "UPDATE kotadb.queue_settings SET paused_at = NULL",
    "UPDATE kotadb.tenants SET max_running_jobs = 1000",
    "UPDATE kotadb.tenants SET plan = 'unlimited'",
    "UPDATE kotadb.plans SET units_per_minute = NULL",
    "UPDATE kotadb.usage_months SET searches = 0",
    "DELETE FROM kotadb.rate_limits",
    "SELECT kotadb.admit(gen_random_uuid(), gen_random_uuid(), false, 1)::text",
    "SELECT kotadb.visible_repositories(gen_random_uuid(), NULL, NULL)::text",
    "UPDATE kotadb.users SET email = 'x@y'",
    "UPDATE kotadb.indexer_usage SET seconds = 0",
    "SELECT nextval('kotadb.job_fences')::text",
    "SELECT version FROM supabase_migrations.schema_migrations",
    "SET LOCAL ROLE kotadb_auth",
    "SET LOCAL ROLE kotadb_owner",
    "DELETE FROM kotadb.jobs",
    "TRUNCATE kotadb.jobs",
];

/// One row of each table for each of two tenants, made as the program makes them.
async fn two_tenants(test: &TestDb) -> (TenantId, TenantId) {
    let (acme, zeta) = (tenant(test, "acme").await, tenant(test, "zeta").await);
    for (n, tenant) in [(1, acme), (2, zeta)] {
        let repository = repository(test, tenant, "a/b").await;
        let queued = enqueue(test, &job(tenant, repository, Trigger::Push)).await.job;
        test.execute(&format!("SELECT kotadb.add_job_event('{queued}', 'retried', '{{}}')")).await;
        let hook = HookId(Uuid::now_v7());
        let mut tx = test.db.begin(Scope::Tenant(tenant)).await.unwrap();
        hooks::create(&mut tx, tenant, repository, hook, b"sealed").await.unwrap();
        assert!(deletions::hide(&mut tx, tenant, repository, ObjectId([n; 20])).await.unwrap());
        assert!(!deletions::hide(&mut tx, tenant, repository, ObjectId([n; 20])).await.unwrap());
        keys::create(&mut tx, tenant, &fixture::key(n)).await.unwrap();
        assert!(deliveries::record(&mut tx, tenant, hook, &delivery(Uuid::now_v7())).await.unwrap());
        tx.commit().await.unwrap();
        let github = format!(
            "INSERT INTO kotadb.installations (id, tenant_id, account, account_id) VALUES ({n}, '{tenant}', 'a', {n});
            INSERT INTO kotadb.github_tokens (id, tenant_id, login, sealed) VALUES (gen_random_uuid(), '{tenant}', 'a', 'x');
            INSERT INTO kotadb.registrations (id, tenant_id, pattern) VALUES (gen_random_uuid(), '{tenant}', 'a/*');
            INSERT INTO kotadb.users (id) VALUES ('{repository}');
            INSERT INTO kotadb.members (id, tenant_id, user_id, role, joined_at)
                VALUES (gen_random_uuid(), '{tenant}', '{repository}', 'reader', now());
            INSERT INTO kotadb.github_access (tenant_id, user_id, github_repository_ids) VALUES ('{tenant}', '{repository}', '{{}}');
            INSERT INTO kotadb.usage_months (tenant_id, month, requests, searches) VALUES ('{tenant}', '2026-01-01', 1, 1);
            INSERT INTO kotadb.rate_limits (subject_id, full_again_at) VALUES ('{tenant}', now());
            INSERT INTO kotadb.audit_log (actor, action, target, tenant_id) VALUES ('a', 'b', 'c', '{tenant}');
            INSERT INTO kotadb.indexer_usage (day, tenant_id, seconds) VALUES (now()::date, '{tenant}', 1);
            INSERT INTO kotadb.idempotent_requests (tenant_id, slot, request_sha256, attempt)
                VALUES ('{tenant}', sha256('s'), sha256('r'), gen_random_uuid());
            INSERT INTO kotadb.former_names (tenant_id, name, repository_id) VALUES ('{tenant}', 'a/z', '{repository}');
            INSERT INTO kotadb.scip_indexes (tenant_id, repository_id, commit_id, object)
                VALUES ('{tenant}', '{repository}', repeat('0', 40), 'x');
            INSERT INTO kotadb.cursors (name, position) VALUES ('{tenant}', 1);
            INSERT INTO kotadb.app_deliveries (delivery_id, tenant_id, event, body_sha256)
                VALUES (gen_random_uuid(), '{tenant}', 'push', sha256('x'))"
        );
        test.execute(&github).await;
    }
    (acme, zeta)
}

/// Asks as a role that the login of programs takes, through pgbouncer.
async fn as_role(url: &str, role: &str, tenant: &str, sql: &str) -> Result<Vec<String>, DbError> {
    let mut session = Direct::connect(url).await.unwrap();
    let opening = format!("BEGIN; SET LOCAL ROLE {role}; SET LOCAL kotadb.tenant = '{tenant}'");
    let answer = session.texts(&format!("{opening}; {sql}; COMMIT")).await;
    session.close().await;
    answer
}

/// `None`: permission denied.
async fn count(url: &str, role: &str, tenant: &str, from: &str) -> Option<i64> {
    match as_role(url, role, tenant, &format!("SELECT count(*)::text FROM {from}")).await {
        Ok(counts) => Some(counts[0].parse().unwrap()),
        Err(DbError::Statement(message)) if message.contains("permission denied") => None,
        Err(error) => panic!("{role} {from}: {error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_sees_what_it_may() {
    let test = TestDb::new().await;
    let (acme, zeta) = two_tenants(&test).await;
    let (acme, zeta) = (acme.to_string(), zeta.to_string());
    for Sight { table, tenant, api, anonymous, worker, auth } in SIGHTS {
        let from = format!("kotadb.{table}");
        for (role, of, seen) in [
            ("kotadb_api", acme.as_str(), api),
            ("kotadb_api", zeta.as_str(), api),
            ("kotadb_api", "", anonymous),
            ("kotadb_worker", "", worker),
            ("kotadb_worker", acme.as_str(), worker),
            ("kotadb_login", acme.as_str(), &None),
        ] {
            assert_eq!(count(&test.pooled_url, role, of, &from).await, *seen, "{role} of `{of}` on {table}");
        }
        assert_eq!(count(&test.direct_url, "kotadb_auth", "", &from).await, *auth, "kotadb_auth on {table}");
        // The owner is under its own policies too, of which there are none.
        assert_eq!(count(&test.direct_url, "kotadb_owner", &acme, &from).await, Some(0), "kotadb_owner on {table}");
        let others = format!("kotadb.{table} WHERE {tenant}::text <> '{acme}'");
        assert_eq!(count(&test.pooled_url, "kotadb_api", &acme, &others).await, api.map(|_| 0), "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_tenant_is_seen_by_functions_alone() {
    let test = TestDb::new().await;
    let (acme, _) = two_tenants(&test).await;
    test.execute("SELECT kotadb.set_tick('https://kotadb.example', repeat('s', 32))").await;
    test.execute("UPDATE kotadb.jobs SET state = 'cancelled', finished_at = now(); SELECT kotadb.note_sweep()").await;
    for (table, seer, rows) in SHUT {
        let from = format!("kotadb.{table}");
        for role in ["kotadb_api", "kotadb_worker", "kotadb_login"] {
            assert_eq!(count(&test.pooled_url, role, &acme.to_string(), &from).await, None, "{role} on {table}");
        }
        for role in ["kotadb_auth", "kotadb_owner"] {
            let seen = count(&test.direct_url, role, "", &from).await;
            assert_eq!(seen.unwrap_or(0), if role == *seer { *rows } else { 0 }, "{role} on {table}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_is_guarded_and_listed() {
    let test = TestDb::new().await;
    let relations = "SELECT relname::text FROM pg_class WHERE relnamespace = 'kotadb'::regnamespace
        AND relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1";
    let shut = SHUT.iter().map(|(table, ..)| *table);
    let mut listed: Vec<_> = SIGHTS.iter().map(|sight| sight.table).chain(shut).collect();
    listed.sort_unstable();
    assert_eq!(test.texts(relations).await, listed);
    let unguarded =
        "SELECT relname::text FROM pg_class c WHERE relnamespace = 'kotadb'::regnamespace AND relkind IN ('r', 'p')
        AND NOT (relrowsecurity AND relforcerowsecurity AND relowner = 'kotadb_owner'::regrole
            AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid))";
    assert_eq!(test.texts(unguarded).await, [""; 0]);
    let of_everybody = "SELECT polname || ' on ' || polrelid::regclass FROM pg_policy WHERE 0 = ANY (polroles)";
    assert_eq!(test.texts(of_everybody).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_those_written_down() {
    let test = TestDb::new().await;
    let grants =
        "SELECT grantee || ' ' || privilege_type || ' ' || table_name FROM information_schema.role_table_grants
        WHERE table_schema = 'kotadb' AND grantee <> 'kotadb_owner' ORDER BY 1";
    assert_eq!(test.texts(grants).await, GRANTS);
    let functions = "SELECT concat_ws(' ', p.proname, CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END,
            p.proowner::regrole::text, string_agg(a.grantee::regrole::text, ' ' ORDER BY a.grantee::regrole::text))
        FROM pg_proc p LEFT JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a ON a.grantee <> p.proowner
        WHERE p.pronamespace = 'kotadb'::regnamespace GROUP BY p.oid ORDER BY 1";
    assert_eq!(test.texts(functions).await, FUNCTIONS);
    let loose = "SELECT proname::text FROM pg_proc WHERE pronamespace = 'kotadb'::regnamespace
        AND NOT coalesce(proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)";
    assert_eq!(test.texts(loose).await, [""; 0]);
    let strong = "SELECT rolname::text FROM pg_roles WHERE rolname IN ('kotadb_owner', 'kotadb_auth', 'kotadb_api', 'kotadb_worker',
        'kotadb_login') AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolcanlogin <> (rolname = 'kotadb_login'))";
    assert_eq!(test.texts(strong).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_cannot_touch_another() {
    let test = TestDb::new().await;
    let (acme, zeta) = two_tenants(&test).await;
    let (mine, theirs) = (acme.to_string(), zeta.to_string());
    let id = "SELECT id::text FROM kotadb.repositories WHERE tenant_id =";
    let repository = test.texts(&format!("{id} '{theirs}'")).await.remove(0);
    for sql in [
        format!(
            "INSERT INTO kotadb.repositories (id, tenant_id, name, url) VALUES (gen_random_uuid(), '{theirs}', 'x/y', 'u')"
        ),
        format!(
            "INSERT INTO kotadb.api_keys (id, tenant_id, name, key_sha256, display, scopes)
            VALUES (gen_random_uuid(), '{theirs}', 'x', sha256('x'), 'x', '{{search}}')"
        ),
        format!(
            "INSERT INTO kotadb.hooks (id, tenant_id, repository_id, secret) VALUES (gen_random_uuid(), '{mine}', '{repository}', 'x')"
        ),
        format!(
            "INSERT INTO kotadb.jobs (id, tenant_id, repository_id, kind, trigger, priority)
            VALUES (gen_random_uuid(), '{mine}', '{repository}', 'index', 'push', 0)"
        ),
        format!("UPDATE kotadb.repositories SET tenant_id = '{theirs}'"),
        format!(
            "INSERT INTO kotadb.members (id, tenant_id, role, email) VALUES (gen_random_uuid(), '{theirs}', 'owner', 'x@y')"
        ),
    ]
    .into_iter()
    .chain(FORBIDDEN.iter().map(|&sql| sql.to_owned()))
    {
        assert!(as_role(&test.pooled_url, "kotadb_api", &mine, &sql).await.is_err(), "{sql}");
    }
    let mut tx = test.db.begin(Scope::Tenant(acme)).await.unwrap();
    let foreign = kotadb_core::id::RepositoryId(repository.parse().unwrap());
    assert!(repositories::get(&mut tx, foreign).await.unwrap().is_none());
    assert!(!repositories::delete(&mut tx, foreign).await.unwrap());
    assert!(jobs::list(&mut tx, Some(&[foreign]), None, 10).await.unwrap().is_empty());
    let refused = jobs::enqueue(&mut tx, &job(zeta, foreign, Trigger::Push)).await;
    assert!(matches!(refused, Err(DbError::Constraint { constraint }) if constraint == "jobs_repository_fkey"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_cannot_read_keys() {
    let test = TestDb::new().await;
    two_tenants(&test).await;
    for sql in [
        "SELECT * FROM kotadb.authenticate(sha256('x'))",
        "SELECT * FROM kotadb.authenticate_key(sha256('x'), false, 1)",
        "SELECT * FROM kotadb.authenticate_user(gen_random_uuid(), NULL, false, 1)",
        "SELECT * FROM kotadb.tenants_of_user(gen_random_uuid())",
        "SELECT * FROM kotadb.hook_lookup(gen_random_uuid())",
        "SELECT * FROM kotadb.api_keys",
        "DELETE FROM kotadb.hooks",
        "DELETE FROM kotadb.repositories",
    ] {
        assert!(as_role(&test.pooled_url, "kotadb_worker", "", sql).await.is_err(), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn constraints_are_named_after_their_table() {
    let test = TestDb::new().await;
    let odd = "SELECT conname::text FROM pg_constraint WHERE connamespace = 'kotadb'::regnamespace
        AND contype IN ('p', 'u', 'c', 'f') AND conname !~ ('^' || conrelid::regclass::text || '_[a-z0-9_]+_(key|check|fkey)$')
        AND conname <> conrelid::regclass::text || '_pkey'";
    let named = odd.replace("conrelid::regclass::text", "(SELECT relname::text FROM pg_class WHERE oid = conrelid)");
    assert_eq!(test.texts(&named).await, [""; 0]);
}
