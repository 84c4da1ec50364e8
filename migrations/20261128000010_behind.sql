-- How far an index is behind what is known of its branch: a job keeps how many commits the pushes told of that queued or joined
-- it. They are missing until it is done, for whoever indexes asks the remote after that.
-- needs-binary: >= 0.1.0
SET LOCAL ROLE kotadb_owner;
-- NULL: the branch has moved, and nobody has told by how much.
ALTER TABLE kotadb.jobs ADD COLUMN commits_told integer DEFAULT 0;
CREATE INDEX jobs_told_idx ON kotadb.jobs (repository_id) WHERE state <> 'done' AND commits_told IS DISTINCT FROM 0;

-- Adds to what jobs, of any tenants, were told; NULL is not known, and nothing makes it known again.
CREATE FUNCTION kotadb.tell_jobs(tenants uuid[], jobs uuid[], commits integer[]) RETURNS void
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        told record;
    BEGIN
        FOR told IN SELECT u.* FROM unnest(tenants, jobs, commits) AS u (tenant, job, n) ORDER BY u.job LOOP
            PERFORM set_config('kotadb.tenant', told.tenant::text, true);
            UPDATE kotadb.jobs j SET commits_told = j.commits_told + told.n WHERE j.id = told.job;
        END LOOP;
    END
    $$;

-- The same as the one of eleven values, which stays for programs of the version before and does the work; each that queues a job tells
-- it `commits`, in the place of `tenants`. One statement, since a delivery must cost no more.
CREATE FUNCTION kotadb.accept_deliveries(
    hooks uuid[], versions bytea[], deliveries uuid[], events text[], actions text[], outcomes text[], bodies bytea[],
    jobs uuid[], job_priority smallint, delay_ms bigint, traces text[], tenants uuid[], commits integer[]
) RETURNS TABLE (nth bigint, outcome text, job_id uuid)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        FOR nth, outcome, job_id IN
            SELECT a.* FROM kotadb.accept_deliveries(hooks, versions, deliveries, events, actions, outcomes, bodies, jobs,
                job_priority, delay_ms, traces) AS a
        LOOP
            IF outcome = 'queued' AND commits[nth] IS DISTINCT FROM 0 THEN
                PERFORM kotadb.tell_jobs(tenants[nth:nth], ARRAY[job_id], commits[nth:nth]);
            END IF;
            RETURN NEXT;
        END LOOP;
    END
    $$;

-- Commits by which repositories are behind, by the jobs that have not been done since they were indexed; NULL: not known.
CREATE FUNCTION kotadb.behind(repositories uuid[]) RETURNS TABLE (repository_id uuid, commits bigint)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT r.id, CASE WHEN bool_or(j.id IS NOT NULL AND j.commits_told IS NULL) THEN NULL ELSE coalesce(sum(j.commits_told), 0) END
    FROM kotadb.repositories r
    LEFT JOIN kotadb.jobs j ON j.repository_id = r.id AND j.kind = 'index' AND j.state <> 'done'
        AND j.commits_told IS DISTINCT FROM 0 AND (j.finished_at IS NULL OR j.finished_at > r.indexed_at)
    WHERE r.id = ANY (repositories) AND r.deleted_at IS NULL
    GROUP BY r.id
    $$;
REVOKE ALL ON FUNCTION kotadb.tell_jobs(uuid[], uuid[], integer[]), kotadb.behind(uuid[]),
    kotadb.accept_deliveries(uuid[], bytea[], uuid[], text[], text[], text[], bytea[], uuid[], smallint, bigint, text[], uuid[],
    integer[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.accept_deliveries(uuid[], bytea[], uuid[], text[], text[], text[], bytea[], uuid[], smallint,
    bigint, text[], uuid[], integer[]) TO kotadb_api;
GRANT EXECUTE ON FUNCTION kotadb.tell_jobs(uuid[], uuid[], integer[]) TO kotadb_api, kotadb_worker;
GRANT EXECUTE ON FUNCTION kotadb.behind(uuid[]) TO kotadb_api;
RESET ROLE;
