-- The doors through row level security (SECURITY DEFINER, owned by kotadb_auth), and the moves of a job that need more
-- than one statement (run with the rights of the worker).
SET LOCAL ROLE kotadb_owner;
GRANT CREATE ON SCHEMA kotadb TO kotadb_auth;
RESET ROLE;
GRANT USAGE ON SCHEMA supabase_migrations TO kotadb_auth;
GRANT SELECT (version) ON supabase_migrations.schema_migrations TO kotadb_auth;

SET LOCAL ROLE kotadb_auth;

-- What a key stands for. `last_used_at` is written at most once a minute, and never waited for.
CREATE FUNCTION kotadb.authenticate(key_hash bytea)
    RETURNS TABLE (key_id uuid, tenant_id uuid, scopes text[], repository_ids uuid[], repository_names text[])
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH found AS (
        SELECT k.id, k.tenant_id, k.scopes, k.repository_ids, k.last_used_at
        FROM kotadb.api_keys k
        WHERE k.key_sha256 = key_hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
    ), stale AS (
        SELECT k.id FROM kotadb.api_keys k JOIN found f ON f.id = k.id
        WHERE k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute'
        FOR UPDATE OF k SKIP LOCKED
    ), touched AS (
        UPDATE kotadb.api_keys k SET last_used_at = now() FROM stale s WHERE k.id = s.id
    )
    SELECT f.id, f.tenant_id, f.scopes,
        coalesce(array_agg(r.id ORDER BY r.name, r.id) FILTER (WHERE r.id IS NOT NULL), '{}'),
        coalesce(array_agg(r.name::text ORDER BY r.name, r.id) FILTER (WHERE r.id IS NOT NULL), '{}')
    FROM found f
    LEFT JOIN kotadb.repositories r ON r.tenant_id = f.tenant_id AND r.deleted_at IS NULL
        AND (f.repository_ids IS NULL OR r.id = ANY (f.repository_ids))
    GROUP BY f.id, f.tenant_id, f.scopes
    $$;

-- The hook of a webhook URL, with its secrets still sealed.
CREATE FUNCTION kotadb.hook_lookup(hook uuid)
    RETURNS TABLE (tenant_id uuid, repository_id uuid, ref_patterns text[], github_repository_id bigint,
        secret bytea, previous_secret bytea)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT h.tenant_id, h.repository_id, r.ref_patterns, r.github_repository_id, h.secret,
        CASE WHEN h.previous_valid_until > now() THEN h.previous_secret END
    FROM kotadb.hooks h JOIN kotadb.repositories r ON r.id = h.repository_id AND r.deleted_at IS NULL
    WHERE h.id = hook
    $$;

-- Counts of the job queue over all tenants. A permanent failure is the repository's own; any other is ours.
CREATE FUNCTION kotadb.health()
    RETURNS TABLE (queued bigint, in_progress bigint, failed_recent bigint, failed_recent_tenant bigint,
        oldest_queued_seconds bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT count(*) FILTER (WHERE j.state = 'queued'),
        count(*) FILTER (WHERE j.state = 'running'),
        count(*) FILTER (WHERE j.state = 'dead' AND j.error_class <> 'permanent'),
        count(*) FILTER (WHERE j.state = 'dead' AND j.error_class = 'permanent'),
        coalesce(extract(epoch FROM now() - min(j.run_at) FILTER (WHERE j.state = 'queued' AND j.run_at <= now())), 0)::bigint
    FROM kotadb.jobs j
    WHERE j.state IN ('queued', 'running') OR (j.state = 'dead' AND j.finished_at > now() - interval '1 hour')
    $$;

-- The newest version in the ledger of migrations.
CREATE FUNCTION kotadb.schema_version() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT max(version) FROM supabase_migrations.schema_migrations $$;

REVOKE ALL ON FUNCTION kotadb.authenticate(bytea), kotadb.hook_lookup(uuid), kotadb.health(), kotadb.schema_version() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.authenticate(bytea), kotadb.hook_lookup(uuid), kotadb.health(), kotadb.schema_version() TO kotadb_api;
RESET ROLE;

SET LOCAL ROLE kotadb_owner;
REVOKE CREATE ON SCHEMA kotadb FROM kotadb_auth;

-- Appends an error and keeps the last five.
CREATE FUNCTION kotadb.last_errors(errors jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT coalesce(jsonb_agg(kept.error ORDER BY kept.place), '[]')
    FROM (
        SELECT all_of.error, all_of.place FROM jsonb_array_elements(errors) WITH ORDINALITY AS all_of (error, place)
        ORDER BY all_of.place DESC LIMIT 5
    ) AS kept
    $$;

-- Puts a running job, which the caller has locked, back into the queue with these counts. If a sibling waits there
-- already, the job is merged into it: the earlier start, the more urgent priority, counts and errors carried over. A job
-- whose owner asked for its end is cancelled instead. Returns the state it went to.
CREATE FUNCTION kotadb.requeue_job(
    job uuid, next_run timestamptz, tries integer, crashes integer, lease_expired boolean, failure jsonb
) RETURNS text
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        old kotadb.jobs;
        sibling uuid;
    BEGIN
        UPDATE kotadb.jobs j SET attempt = tries, crash_count = crashes, rescued = j.rescued OR lease_expired,
            error_class = coalesce(failure ->> 'class', j.error_class),
            errors = CASE WHEN failure IS NULL THEN j.errors ELSE kotadb.last_errors(j.errors || failure) END
        WHERE j.id = job RETURNING * INTO STRICT old;
        IF old.cancel_requested_at IS NOT NULL THEN
            UPDATE kotadb.jobs j SET state = 'cancelled', finished_at = now(), lease_owner = NULL, lease_expires_at = NULL
            WHERE j.id = job;
            RETURN 'cancelled';
        END IF;
        LOOP
            BEGIN
                UPDATE kotadb.jobs j SET state = 'queued', run_at = next_run, lease_owner = NULL, lease_expires_at = NULL
                WHERE j.id = job;
                RETURN 'queued';
            EXCEPTION WHEN unique_violation THEN
                NULL; -- A sibling is queued: merge into it, unless it has just been claimed or cancelled.
            END;
            UPDATE kotadb.jobs s SET run_at = least(s.run_at, next_run), priority = least(s.priority, old.priority),
                rebuild = s.rebuild OR old.rebuild, attempt = greatest(s.attempt, old.attempt),
                crash_count = s.crash_count + old.crash_count, rescued = s.rescued OR old.rescued,
                coalesced = s.coalesced + old.coalesced + 1,
                first_seen_at = least(s.first_seen_at, old.first_seen_at),
                error_class = coalesce(s.error_class, old.error_class),
                errors = kotadb.last_errors(old.errors || s.errors)
            WHERE s.repository_id = old.repository_id AND s.kind = old.kind AND s.state = 'queued'
            RETURNING s.id INTO sibling;
            IF FOUND THEN
                UPDATE kotadb.jobs j SET state = 'superseded', superseded_by = sibling, finished_at = now(),
                    lease_owner = NULL, lease_expires_at = NULL
                WHERE j.id = job;
                RETURN 'superseded';
            END IF;
        END LOOP;
    END
    $$;

-- Takes jobs back whose lease expired, each by itself: one that cannot be moved now never blocks the others.
CREATE FUNCTION kotadb.rescue_jobs(most integer, most_crashes integer) RETURNS integer
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '500ms'
    AS $$
    DECLARE
        expired record;
        failure jsonb;
        moved integer := 0;
    BEGIN
        FOR expired IN
            SELECT j.id, j.attempt, j.crash_count, j.lease_owner FROM kotadb.jobs j
            WHERE j.state = 'running' AND j.lease_expires_at < now()
            ORDER BY j.lease_expires_at LIMIT most FOR UPDATE SKIP LOCKED
        LOOP
            failure := jsonb_build_object('class', 'crash', 'at', now(),
                'message', format('the lease of worker `%s` expired', expired.lease_owner));
            BEGIN
                IF expired.crash_count + 1 >= most_crashes THEN
                    UPDATE kotadb.jobs j SET state = 'dead', finished_at = now(), lease_owner = NULL, lease_expires_at = NULL,
                        crash_count = j.crash_count + 1, rescued = true, error_class = 'crash',
                        errors = kotadb.last_errors(j.errors || failure)
                    WHERE j.id = expired.id;
                ELSE
                    PERFORM kotadb.requeue_job(expired.id, now(), greatest(expired.attempt - 1, 0),
                        expired.crash_count + 1, true, failure);
                END IF;
                moved := moved + 1;
            EXCEPTION WHEN OTHERS THEN
                RAISE WARNING 'job % could not be rescued: %', expired.id, SQLERRM;
            END;
        END LOOP;
        RETURN moved;
    END
    $$;

REVOKE ALL ON FUNCTION kotadb.last_errors(jsonb), kotadb.rescue_jobs(integer, integer),
    kotadb.requeue_job(uuid, timestamptz, integer, integer, boolean, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.last_errors(jsonb), kotadb.rescue_jobs(integer, integer),
    kotadb.requeue_job(uuid, timestamptz, integer, integer, boolean, jsonb) TO kotadb_worker;
RESET ROLE;
