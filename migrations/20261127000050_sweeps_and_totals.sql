-- What health and metrics tell of indexers that may run no more: when the last sweep ended, and how many jobs ever came to
-- which end. Ends are only added, one row each, so that jobs which end at once wait for nobody; the sweep adds them up.
SET LOCAL ROLE kotadb_owner;
-- One row: the last sweep that came to its end.
CREATE TABLE kotadb.sweeps (
    name text NOT NULL,
    ended_at timestamptz NOT NULL,
    CONSTRAINT sweeps_pkey PRIMARY KEY (name),
    CONSTRAINT sweeps_name_check CHECK (name = 'indexer')
);
ALTER TABLE kotadb.sweeps ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY auth ON kotadb.sweeps TO kotadb_auth USING (true);
GRANT SELECT, INSERT, UPDATE (ended_at) ON kotadb.sweeps TO kotadb_auth;

CREATE TABLE kotadb.job_ends (
    outcome text NOT NULL,
    -- Of what failed or died; empty of the rest.
    class text NOT NULL,
    jobs bigint NOT NULL,
    CONSTRAINT job_ends_outcome_check CHECK (outcome IN ('done', 'dead', 'cancelled', 'retried'))
);
ALTER TABLE kotadb.job_ends ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY auth ON kotadb.job_ends TO kotadb_auth USING (true);
GRANT SELECT, INSERT, DELETE ON kotadb.job_ends TO kotadb_auth;
GRANT CREATE ON SCHEMA kotadb TO kotadb_auth;
RESET ROLE;

DROP FUNCTION kotadb.health();
SET LOCAL ROLE kotadb_auth;
-- Counts an end of a job, or a try that failed and is made again: that notes its error while the job is still running. What
-- is given back untouched has none.
CREATE FUNCTION kotadb.count_job_end() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        IF NEW.state <> 'running' THEN
            INSERT INTO kotadb.job_ends (outcome, class, jobs)
            VALUES (NEW.state, CASE WHEN NEW.state = 'dead' THEN coalesce(NEW.error_class, '') ELSE '' END, 1);
        ELSE
            INSERT INTO kotadb.job_ends (outcome, class, jobs) VALUES ('retried', coalesce(NEW.errors->-1->>'class', ''), 1);
        END IF;
        RETURN NULL;
    END
    $$;

-- How many jobs ever came to which end.
CREATE FUNCTION kotadb.job_totals() RETURNS TABLE (outcome text, class text, jobs bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    BEGIN
        RETURN QUERY SELECT e.outcome, e.class, sum(e.jobs)::bigint FROM kotadb.job_ends e GROUP BY e.outcome, e.class;
    END
    $$;

-- Notes that a sweep came to its end, and adds the ends of jobs up. Two at once add each row once.
CREATE FUNCTION kotadb.note_sweep() RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        INSERT INTO kotadb.sweeps AS s (name, ended_at) VALUES ('indexer', now())
        ON CONFLICT (name) DO UPDATE SET ended_at = greatest(s.ended_at, excluded.ended_at);
        WITH gone AS (DELETE FROM kotadb.job_ends e RETURNING e.outcome, e.class, e.jobs)
        INSERT INTO kotadb.job_ends (outcome, class, jobs)
        SELECT g.outcome, g.class, sum(g.jobs) FROM gone g GROUP BY g.outcome, g.class;
    END
    $$;

-- As it was, and with the end of the last sweep.
CREATE FUNCTION kotadb.health()
    RETURNS TABLE (queued bigint, in_progress bigint, failed_recent bigint, failed_recent_tenant bigint,
        oldest_queued_seconds bigint, paused boolean, spent_seconds bigint, spend_limit_seconds bigint, tenants_over bigint,
        last_sweep timestamptz)
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
        s.paused_at IS NOT NULL, used.seconds::bigint, s.daily_indexer_seconds, used.over,
        (SELECT w.ended_at FROM kotadb.sweeps w)
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
REVOKE ALL ON FUNCTION kotadb.health(), kotadb.job_totals(), kotadb.note_sweep(), kotadb.count_job_end() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.health(), kotadb.job_totals() TO kotadb_api;
GRANT EXECUTE ON FUNCTION kotadb.note_sweep() TO kotadb_worker;
GRANT EXECUTE ON FUNCTION kotadb.count_job_end() TO kotadb_owner;
RESET ROLE;

SET LOCAL ROLE kotadb_owner;
CREATE TRIGGER job_ends AFTER UPDATE OF state, errors ON kotadb.jobs
    FOR EACH ROW
    WHEN (NEW.state IN ('done', 'dead', 'cancelled') AND OLD.state IS DISTINCT FROM NEW.state
        OR NEW.state = 'running' AND OLD.errors IS DISTINCT FROM NEW.errors)
    EXECUTE FUNCTION kotadb.count_job_end();
REVOKE CREATE ON SCHEMA kotadb FROM kotadb_auth;
RESET ROLE;
