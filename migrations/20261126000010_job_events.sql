-- What happened to a job, for its owner to read: one row for each step, the newest 200 of a job.
SET LOCAL ROLE kotadb_owner;
ALTER TABLE kotadb.jobs ADD COLUMN event_count integer NOT NULL DEFAULT 0;

CREATE TABLE kotadb.job_events (
    job_id uuid NOT NULL,
    nth integer NOT NULL,
    tenant_id uuid NOT NULL,
    phase text NOT NULL,
    attempt integer NOT NULL,
    -- Counts and reasons; never more than a page.
    detail jsonb NOT NULL DEFAULT '{}',
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT job_events_pkey PRIMARY KEY (job_id, nth),
    CONSTRAINT job_events_job_fkey FOREIGN KEY (job_id) REFERENCES kotadb.jobs (id) ON DELETE CASCADE,
    CONSTRAINT job_events_phase_check CHECK (phase IN ('claimed', 'listed', 'fetched', 'built', 'uploaded', 'published', 'done',
        'failed', 'released', 'rescued', 'cancelled', 'retried')),
    CONSTRAINT job_events_detail_check CHECK (jsonb_typeof(detail) = 'object' AND octet_length(detail::text) <= 8192)
);
ALTER TABLE kotadb.job_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY api ON kotadb.job_events TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY worker ON kotadb.job_events TO kotadb_worker USING (true);
GRANT SELECT, INSERT, DELETE ON kotadb.job_events TO kotadb_api, kotadb_worker;

-- Adds a step and drops what is older than the newest 200. The row of the job counts them, so two steps at once wait for
-- each other there.
CREATE FUNCTION kotadb.add_job_event(job uuid, step text, details jsonb) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH counted AS (
        UPDATE kotadb.jobs j SET event_count = j.event_count + 1 WHERE j.id = job
        RETURNING j.tenant_id, j.event_count, j.attempt
    ), old AS (
        DELETE FROM kotadb.job_events e USING counted c WHERE e.job_id = job AND e.nth <= c.event_count - 200
    )
    INSERT INTO kotadb.job_events (job_id, nth, tenant_id, phase, attempt, detail)
    SELECT job, c.event_count, c.tenant_id, step, c.attempt, details FROM counted c
    $$;
REVOKE ALL ON FUNCTION kotadb.add_job_event(uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.add_job_event(uuid, text, jsonb) TO kotadb_api, kotadb_worker;
RESET ROLE;
