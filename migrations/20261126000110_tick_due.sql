-- What the tick asks is now what a claim would do: a job that no pause, limit or sibling holds back, a lease that ran out,
-- or a schedule that has fired, or was just set and is to be told when it fires first.
SET LOCAL ROLE kotadb_owner;
CREATE POLICY auth ON kotadb.queue_tenants FOR SELECT TO kotadb_auth USING (true);
GRANT SELECT ON kotadb.queue_tenants TO kotadb_auth;
GRANT SELECT (jobs_paused_at, max_running_jobs) ON kotadb.tenants TO kotadb_auth;
GRANT SELECT (tenant_id) ON kotadb.jobs TO kotadb_auth;
GRANT SELECT (schedule, next_run_at) ON kotadb.repositories TO kotadb_auth;
GRANT EXECUTE ON FUNCTION kotadb.queue_is_closed(boolean) TO kotadb_auth;
CREATE INDEX repositories_new_schedule_idx ON kotadb.repositories (id)
    WHERE schedule IS NOT NULL AND next_run_at IS NULL AND deleted_at IS NULL;
GRANT CREATE ON SCHEMA kotadb TO kotadb_auth;
RESET ROLE;

SET LOCAL ROLE kotadb_auth;
-- Whether an indexer is wanted, for one that heeds the limits: see `kotadb.claim_job`.
CREATE OR REPLACE FUNCTION kotadb.work_is_due() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (
        SELECT FROM kotadb.jobs j WHERE j.state = 'running' AND j.lease_expires_at < now()
    ) OR EXISTS (
        SELECT FROM kotadb.repositories r WHERE r.next_run_at <= now() AND r.deleted_at IS NULL
    ) OR EXISTS (
        SELECT FROM kotadb.repositories r WHERE r.schedule IS NOT NULL AND r.next_run_at IS NULL AND r.deleted_at IS NULL
    ) OR NOT kotadb.queue_is_closed(true) AND EXISTS (
        SELECT FROM kotadb.queue_tenants q JOIN kotadb.tenants t ON t.id = q.tenant_id CROSS JOIN kotadb.queue_settings s
        WHERE q.next_at < 'infinity' AND q.next_at <= now() AND t.jobs_paused_at IS NULL
            AND NOT EXISTS (
                SELECT FROM kotadb.indexer_usage u
                WHERE u.day = (now() AT TIME ZONE 'UTC')::date AND u.tenant_id = q.tenant_id
                    AND u.seconds >= coalesce(t.daily_indexer_seconds, s.daily_tenant_seconds)
            )
            AND (SELECT count(*) FROM kotadb.jobs b WHERE b.tenant_id = q.tenant_id AND b.state = 'running') < t.max_running_jobs
            AND EXISTS (
                SELECT FROM kotadb.jobs j JOIN kotadb.repositories r ON r.id = j.repository_id
                WHERE j.tenant_id = q.tenant_id AND j.state = 'queued' AND j.run_at <= now() AND r.deleted_at IS NULL
                    AND (r.suspended_at IS NULL OR j.trigger = 'manual')
                    AND NOT EXISTS (
                        SELECT FROM kotadb.jobs b WHERE b.repository_id = j.repository_id AND b.state = 'running'
                    )
            )
    )
    $$;
RESET ROLE;

SET LOCAL ROLE kotadb_owner;
REVOKE CREATE ON SCHEMA kotadb FROM kotadb_auth;
RESET ROLE;
