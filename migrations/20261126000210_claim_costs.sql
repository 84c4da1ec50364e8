-- What a claim and its end cost, and a health report that costs the same with a million queued jobs. Functions in SQL that
-- are called from others are planned anew at each call; in plpgsql their plans are kept.
SET LOCAL ROLE kotadb_owner;
-- What failed lately is looked for by its time.
CREATE INDEX jobs_failed_idx ON kotadb.jobs (finished_at) WHERE state = 'dead';

-- Adds to what a tenant used today.
CREATE OR REPLACE FUNCTION kotadb.charge(tenant uuid, since timestamptz, until timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    BEGIN
        INSERT INTO kotadb.indexer_usage AS u (day, tenant_id, seconds)
        SELECT (now() AT TIME ZONE 'UTC')::date, tenant, extract(epoch FROM until - since) WHERE until > since
        ON CONFLICT (day, tenant_id) DO UPDATE SET seconds = u.seconds + excluded.seconds;
    END
    $$;

-- Adds a step and drops what is older than the newest 200. The row of the job counts them, so two steps at once wait for
-- each other there.
CREATE OR REPLACE FUNCTION kotadb.add_job_event(job uuid, step text, details jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    BEGIN
        WITH counted AS (
            UPDATE kotadb.jobs j SET event_count = j.event_count + 1 WHERE j.id = job
            RETURNING j.tenant_id, j.event_count, j.attempt
        ), old AS (
            DELETE FROM kotadb.job_events e USING counted c WHERE e.job_id = job AND e.nth <= c.event_count - 200
        )
        INSERT INTO kotadb.job_events (job_id, nth, tenant_id, phase, attempt, detail)
        SELECT job, c.event_count, c.tenant_id, step, c.attempt, details FROM counted c;
    END
    $$;

-- Whether nothing may be taken now: all is paused, or the indexers' time of the day is used up.
CREATE OR REPLACE FUNCTION kotadb.queue_is_closed(guarded boolean) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        RETURN (
            SELECT s.paused_at IS NOT NULL OR (guarded AND s.daily_indexer_seconds IS NOT NULL AND s.daily_indexer_seconds <= (
                SELECT coalesce(sum(u.seconds), 0) FROM kotadb.indexer_usage u WHERE u.day = (now() AT TIME ZONE 'UTC')::date
            ))
            FROM kotadb.queue_settings s
        );
    END
    $$;
GRANT CREATE ON SCHEMA kotadb TO kotadb_auth;
RESET ROLE;

SET LOCAL ROLE kotadb_auth;
-- Counts of the queue over all tenants. A fault of ours is one of four classes; any other is the repository's or its host's.
-- Exact up to 10,000: of more queued jobs it is what the last ANALYZE estimates, of more failures no more are told.
CREATE OR REPLACE FUNCTION kotadb.health()
    RETURNS TABLE (queued bigint, in_progress bigint, failed_recent bigint, failed_recent_tenant bigint,
        oldest_queued_seconds bigint, paused boolean, spent_seconds bigint, spend_limit_seconds bigint, tenants_over bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN waiting.jobs <= 10000 THEN waiting.jobs ELSE greatest(waiting.jobs, (
            SELECT c.reltuples::bigint FROM pg_class c WHERE c.oid = 'kotadb.jobs_queued_key'::regclass
        )) END,
        (SELECT count(*) FROM kotadb.jobs j WHERE j.state = 'running'),
        dead.ours, dead.theirs,
        coalesce((SELECT extract(epoch FROM now() - min(j.run_at)) FROM kotadb.jobs j
            WHERE j.state = 'queued' AND j.run_at <= now()), 0)::bigint,
        s.paused_at IS NOT NULL, used.seconds::bigint, s.daily_indexer_seconds, used.over
    FROM kotadb.queue_settings s,
        (SELECT count(*) AS jobs FROM (SELECT FROM kotadb.jobs j WHERE j.state = 'queued' LIMIT 10001) AS few) AS waiting,
        (SELECT count(*) FILTER (WHERE f.error_class IN ('crash', 'storage', 'database', 'deadline')) AS ours,
            count(*) FILTER (WHERE f.error_class NOT IN ('crash', 'storage', 'database', 'deadline')) AS theirs
         FROM (SELECT j.error_class FROM kotadb.jobs j
             WHERE j.state = 'dead' AND j.finished_at > now() - interval '1 hour' LIMIT 10000) AS f) AS dead,
        (SELECT coalesce(sum(u.seconds), 0) AS seconds,
            count(*) FILTER (WHERE u.seconds >= coalesce(t.daily_indexer_seconds, x.daily_tenant_seconds)) AS over
         FROM kotadb.indexer_usage u JOIN kotadb.tenants t ON t.id = u.tenant_id, kotadb.queue_settings x
         WHERE u.day = (now() AT TIME ZONE 'UTC')::date) AS used
    $$;
RESET ROLE;

SET LOCAL ROLE kotadb_owner;
REVOKE CREATE ON SCHEMA kotadb FROM kotadb_auth;
RESET ROLE;
