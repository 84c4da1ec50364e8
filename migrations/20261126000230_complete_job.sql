-- The good end of a job as one call: in plpgsql the plans are kept.
SET LOCAL ROLE kotadb_owner;

-- Closes a running job of that fence as done, with its event, and copies the commit to the repository for display (NULL:
-- there is none); false: the lease is lost, and nothing changes. The repository's row is locked first, as in its deletion:
-- the other way round, the two would wait for each other. Job and event count change in one statement: a row that is
-- changed twice in a transaction has its foreign keys checked again, too.
CREATE FUNCTION kotadb.complete_job(job uuid, held_fence bigint, repository uuid, commit_id text, result jsonb)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    DECLARE
        closed kotadb.jobs;
    BEGIN
        IF commit_id IS NOT NULL THEN
            PERFORM FROM kotadb.repositories r WHERE r.id = repository FOR NO KEY UPDATE;
        END IF;
        UPDATE kotadb.jobs j SET state = 'done', finished_at = now(), summary = result, error_class = NULL,
            lease_owner = NULL, lease_expires_at = NULL, event_count = j.event_count + 1
        WHERE j.id = job AND j.fence = held_fence AND j.state = 'running' RETURNING j.* INTO closed;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
        IF commit_id IS NOT NULL THEN
            UPDATE kotadb.repositories r SET indexed_commit = commit_id, indexed_at = now() WHERE r.id = repository;
        END IF;
        IF closed.event_count > 200 THEN
            DELETE FROM kotadb.job_events e WHERE e.job_id = job AND e.nth <= closed.event_count - 200;
        END IF;
        INSERT INTO kotadb.job_events (job_id, nth, tenant_id, phase, attempt, detail)
        VALUES (closed.id, closed.event_count, closed.tenant_id, 'done', closed.attempt, '{}');
        RETURN true;
    END
    $$;
REVOKE ALL ON FUNCTION kotadb.complete_job(uuid, bigint, uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.complete_job(uuid, bigint, uuid, text, jsonb) TO kotadb_worker;
RESET ROLE;
