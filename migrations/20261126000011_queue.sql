-- What makes claims fair and cheap: which tenants have work, what each may use, and who was told to stand still.
SET LOCAL ROLE kotadb_owner;

ALTER TABLE kotadb.tenants
    ADD COLUMN max_running_jobs integer NOT NULL DEFAULT 4,
    -- Its jobs stand still: they are queued, but not taken.
    ADD COLUMN jobs_paused_at timestamptz,
    -- Seconds of indexers a UTC day; NULL: those of the settings.
    ADD COLUMN daily_indexer_seconds bigint,
    ADD CONSTRAINT tenants_running_check CHECK (max_running_jobs BETWEEN 1 AND 1000),
    ADD CONSTRAINT tenants_daily_check CHECK (daily_indexer_seconds >= 0);

-- The one row of settings that operators change while programs run.
CREATE TABLE kotadb.queue_settings (
    id boolean NOT NULL DEFAULT true,
    paused_at timestamptz,
    -- Seconds of all indexers, and of one tenant's, a UTC day; NULL: no limit.
    daily_indexer_seconds bigint,
    daily_tenant_seconds bigint,
    CONSTRAINT queue_settings_pkey PRIMARY KEY (id),
    CONSTRAINT queue_settings_one_check CHECK (id),
    CONSTRAINT queue_settings_daily_check CHECK (daily_indexer_seconds >= 0 AND daily_tenant_seconds >= 0)
);

-- Tenants that have or had jobs. Each claim looks here first, so it costs the same with one tenant and with ten thousand.
CREATE TABLE kotadb.queue_tenants (
    tenant_id uuid NOT NULL,
    -- No job of it can be taken before; `infinity`: none waits that could be.
    next_at timestamptz NOT NULL,
    served_at timestamptz NOT NULL DEFAULT '-infinity',
    CONSTRAINT queue_tenants_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT queue_tenants_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kotadb.tenants (id)
);
CREATE INDEX queue_tenants_served_idx ON kotadb.queue_tenants (served_at) WHERE next_at < 'infinity';
ALTER TABLE kotadb.queue_tenants SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE kotadb.indexer_usage (
    day date NOT NULL,
    tenant_id uuid NOT NULL,
    seconds double precision NOT NULL,
    CONSTRAINT indexer_usage_pkey PRIMARY KEY (day, tenant_id),
    CONSTRAINT indexer_usage_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kotadb.tenants (id)
);

-- What operators did.
CREATE TABLE kotadb.audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    -- Login of the machine or of the database.
    actor text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    tenant_id uuid,
    detail jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT audit_log_pkey PRIMARY KEY (id)
);

ALTER TABLE kotadb.jobs
    -- By which queued jobs of a tenant are taken: a step of priority weighs as much as a minute of waiting, so that in the
    -- end every job is the first.
    ADD COLUMN rank_at timestamp GENERATED ALWAYS AS ((run_at AT TIME ZONE 'UTC') + priority * interval '1 minute') STORED,
    -- Up to when its use of an indexer is counted.
    ADD COLUMN charged_at timestamptz,
    DROP CONSTRAINT jobs_error_class_check,
    ADD CONSTRAINT jobs_error_class_check CHECK (
        error_class IN ('permanent', 'transient', 'rate_limited', 'crash', 'storage', 'database', 'deadline')
    );
DROP INDEX kotadb.jobs_due_idx;
CREATE INDEX jobs_rank_idx ON kotadb.jobs (tenant_id, rank_at, id) WHERE state = 'queued';
CREATE INDEX jobs_run_at_idx ON kotadb.jobs (run_at) WHERE state = 'queued';
CREATE INDEX jobs_running_idx ON kotadb.jobs (tenant_id) WHERE state = 'running';
CREATE INDEX jobs_finished_idx ON kotadb.jobs (finished_at) WHERE finished_at IS NOT NULL;

ALTER TABLE kotadb.queue_settings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.queue_tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.indexer_usage ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.audit_log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON kotadb.queue_settings TO kotadb_worker USING (true);
CREATE POLICY worker ON kotadb.queue_tenants TO kotadb_worker USING (true);
CREATE POLICY worker ON kotadb.indexer_usage TO kotadb_worker USING (true);
CREATE POLICY worker ON kotadb.audit_log TO kotadb_worker USING (true);
CREATE POLICY api ON kotadb.queue_tenants TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY api ON kotadb.indexer_usage TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY auth ON kotadb.queue_settings FOR SELECT TO kotadb_auth USING (true);
CREATE POLICY auth ON kotadb.indexer_usage FOR SELECT TO kotadb_auth USING (true);
CREATE POLICY auth ON kotadb.tenants FOR SELECT TO kotadb_auth USING (true);
GRANT SELECT, INSERT, UPDATE ON kotadb.queue_settings, kotadb.queue_tenants, kotadb.indexer_usage TO kotadb_worker;
GRANT SELECT, INSERT ON kotadb.audit_log TO kotadb_worker;
GRANT UPDATE (max_running_jobs, jobs_paused_at, daily_indexer_seconds) ON kotadb.tenants TO kotadb_worker;
-- Who queues a job says so here.
GRANT SELECT, INSERT, UPDATE ON kotadb.queue_tenants TO kotadb_api;
GRANT SELECT ON kotadb.indexer_usage TO kotadb_api;
GRANT SELECT ON kotadb.queue_settings, kotadb.indexer_usage TO kotadb_auth;
GRANT SELECT (id, daily_indexer_seconds) ON kotadb.tenants TO kotadb_auth;
GRANT SELECT, UPDATE ON SEQUENCE kotadb.job_fences TO kotadb_worker;
RESET ROLE;

SET LOCAL ROLE kotadb_worker;
INSERT INTO kotadb.queue_settings (id) VALUES (true);
INSERT INTO kotadb.queue_tenants (tenant_id, next_at)
SELECT DISTINCT j.tenant_id, '-infinity'::timestamptz FROM kotadb.jobs j WHERE j.state IN ('queued', 'running');
RESET ROLE;

SET LOCAL ROLE kotadb_owner;

-- Says that a job of a tenant can be taken from `due` on. Whoever says so keeps a share lock on the tenant's row: they do
-- not wait for each other nor for a claim, only for a claim that found nothing and is about to put the tenant aside, which
-- in its turn leaves alone a tenant that somebody is just queueing for. It writes, and wakes listeners after so many
-- milliseconds, only if the tenant was put aside.
CREATE FUNCTION kotadb.note_work(tenant uuid, due timestamptz) RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        known timestamptz;
    BEGIN
        SELECT q.next_at INTO known FROM kotadb.queue_tenants q WHERE q.tenant_id = tenant FOR KEY SHARE;
        IF known <= due THEN
            RETURN;
        END IF;
        INSERT INTO kotadb.queue_tenants AS q (tenant_id, next_at) VALUES (tenant, due)
        ON CONFLICT (tenant_id) DO UPDATE SET next_at = least(q.next_at, excluded.next_at);
        PERFORM pg_notify('kotadb_jobs', greatest(ceil(extract(epoch FROM due - now()) * 1000), 0)::bigint::text);
    END
    $$;

-- Adds to what a tenant used today.
CREATE FUNCTION kotadb.charge(tenant uuid, since timestamptz, until timestamptz) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    INSERT INTO kotadb.indexer_usage AS u (day, tenant_id, seconds)
    SELECT (now() AT TIME ZONE 'UTC')::date, tenant, extract(epoch FROM until - since) WHERE until > since
    ON CONFLICT (day, tenant_id) DO UPDATE SET seconds = u.seconds + excluded.seconds
    $$;

-- Triggers, so that no way of moving a job can forget it: a job that is queued is noted; so is the one that waited for the
-- end of another of its repository; and what ran is counted.
CREATE FUNCTION kotadb.job_moves() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        known timestamptz;
    BEGIN
        IF NEW.state = 'queued' THEN
            PERFORM kotadb.note_work(NEW.tenant_id, NEW.run_at);
        END IF;
        IF TG_OP = 'INSERT' OR OLD.state <> 'running' OR NEW.state = 'running' THEN
            RETURN NEW;
        END IF;
        -- The tenant's row, then what it used: in this order everywhere, lest two wait for each other.
        SELECT q.next_at INTO known FROM kotadb.queue_tenants q WHERE q.tenant_id = NEW.tenant_id FOR NO KEY UPDATE;
        PERFORM kotadb.charge(OLD.tenant_id, OLD.charged_at, least(now(), OLD.lease_expires_at));
        NEW.charged_at := NULL;
        IF known > now() AND EXISTS (
            SELECT FROM kotadb.jobs j WHERE j.repository_id = NEW.repository_id AND j.kind = NEW.kind AND j.state = 'queued'
        ) THEN
            PERFORM kotadb.note_work(NEW.tenant_id, now());
        END IF;
        RETURN NEW;
    END
    $$;
CREATE TRIGGER job_moves BEFORE INSERT OR UPDATE OF state, run_at ON kotadb.jobs
    FOR EACH ROW EXECUTE FUNCTION kotadb.job_moves();

-- A repository that no longer stands still may have jobs that were passed over.
CREATE FUNCTION kotadb.repository_resumes() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        PERFORM kotadb.note_work(NEW.tenant_id, now());
        RETURN NEW;
    END
    $$;
CREATE TRIGGER repository_resumes AFTER UPDATE OF suspended_at ON kotadb.repositories
    FOR EACH ROW WHEN (OLD.suspended_at IS NOT NULL AND NEW.suspended_at IS NULL)
    EXECUTE FUNCTION kotadb.repository_resumes();

REVOKE ALL ON FUNCTION kotadb.note_work(uuid, timestamptz), kotadb.charge(uuid, timestamptz, timestamptz),
    kotadb.job_moves(), kotadb.repository_resumes() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.note_work(uuid, timestamptz) TO kotadb_api, kotadb_worker;
GRANT EXECUTE ON FUNCTION kotadb.charge(uuid, timestamptz, timestamptz) TO kotadb_worker;
RESET ROLE;
