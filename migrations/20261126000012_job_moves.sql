-- The moves of a job that need more than one statement. They run with the rights of whoever calls them, but for the last
-- two, which are for the SQL editor of an operator.
SET LOCAL ROLE kotadb_owner;

-- The name is now that of what operators call.
DROP FUNCTION kotadb.requeue_job(uuid, timestamptz, integer, integer, boolean, jsonb);

-- Puts a running job, which the caller has locked, back into the queue with these counts. If a sibling waits there
-- already, the job is merged into it: the earlier start, the more urgent priority, counts and errors carried over. A job
-- whose owner asked for its end is cancelled instead. `in_doubt`: what ran it may still live. Returns the state it went to.
CREATE FUNCTION kotadb.put_back_job(
    job uuid, next_run timestamptz, tries integer, crashes integer, in_doubt boolean, failure jsonb
) RETURNS text
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        old kotadb.jobs;
        sibling uuid;
    BEGIN
        UPDATE kotadb.jobs j SET attempt = tries, crash_count = crashes, rescued = j.rescued OR in_doubt,
            error_class = coalesce(failure ->> 'class', j.error_class),
            errors = CASE WHEN failure IS NULL THEN j.errors ELSE kotadb.last_errors(j.errors || failure) END
        WHERE j.id = job RETURNING * INTO STRICT old;
        IF old.cancel_requested_at IS NOT NULL THEN
            UPDATE kotadb.jobs j SET state = 'cancelled', finished_at = now(), lease_owner = NULL, lease_expires_at = NULL
            WHERE j.id = job;
            PERFORM kotadb.add_job_event(job, 'cancelled', '{}');
            RETURN 'cancelled';
        END IF;
        -- Whoever queues locks the tenant's row before the queued job; so does this, lest the two wait for each other.
        PERFORM FROM kotadb.queue_tenants q WHERE q.tenant_id = old.tenant_id FOR NO KEY UPDATE;
        LOOP
            BEGIN
                UPDATE kotadb.jobs j SET state = 'queued', run_at = next_run, lease_owner = NULL, lease_expires_at = NULL,
                    finished_at = NULL
                WHERE j.id = job;
                RETURN 'queued';
            EXCEPTION WHEN unique_violation THEN
                NULL; -- A sibling is queued: merge into it, unless it has just been claimed or cancelled.
            END;
            UPDATE kotadb.jobs s SET run_at = least(s.run_at, next_run), priority = least(s.priority, old.priority),
                rebuild = s.rebuild OR old.rebuild, attempt = greatest(s.attempt, old.attempt),
                trigger = CASE WHEN old.trigger = 'manual' THEN old.trigger ELSE s.trigger END,
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

-- A repository that killed its workers too often stands still until somebody retries.
CREATE FUNCTION kotadb.suspend_for_crashes(repository uuid) RETURNS void
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    UPDATE kotadb.repositories r SET suspended_at = now(), suspended_because = 'crashes'
    WHERE r.id = repository AND r.suspended_at IS NULL
    $$;

-- Takes jobs back whose lease expired, each by itself: one that cannot be moved now never blocks the others.
CREATE OR REPLACE FUNCTION kotadb.rescue_jobs(most integer, most_crashes integer) RETURNS integer
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
            SELECT j.id, j.attempt, j.crash_count, j.lease_owner, j.repository_id FROM kotadb.jobs j
            WHERE j.state = 'running' AND j.lease_expires_at < now()
            ORDER BY j.lease_expires_at LIMIT most FOR UPDATE SKIP LOCKED
        LOOP
            failure := jsonb_build_object('class', 'crash', 'at', now(),
                'message', format('the lease of worker `%s` expired', expired.lease_owner));
            BEGIN
                PERFORM kotadb.add_job_event(expired.id, 'rescued', jsonb_build_object('crashes', expired.crash_count + 1));
                IF expired.crash_count + 1 >= most_crashes THEN
                    UPDATE kotadb.jobs j SET state = 'dead', finished_at = now(), lease_owner = NULL, lease_expires_at = NULL,
                        crash_count = j.crash_count + 1, rescued = true, error_class = 'crash',
                        errors = kotadb.last_errors(j.errors || failure)
                    WHERE j.id = expired.id;
                    PERFORM kotadb.suspend_for_crashes(expired.repository_id);
                ELSE
                    PERFORM kotadb.put_back_job(expired.id, now(), greatest(expired.attempt - 1, 0),
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

-- Whether nothing may be taken now: all is paused, or the indexers' time of the day is used up.
CREATE FUNCTION kotadb.queue_is_closed(guarded boolean) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT s.paused_at IS NOT NULL OR (guarded AND s.daily_indexer_seconds IS NOT NULL AND s.daily_indexer_seconds <= (
        SELECT coalesce(sum(u.seconds), 0) FROM kotadb.indexer_usage u WHERE u.day = (now() AT TIME ZONE 'UTC')::date
    ))
    FROM kotadb.queue_settings s
    $$;

-- Rescues, then leases the best job of the tenant that is served least: of those with no running job the one served
-- longest ago; if there is none, of those below their cap the one with the fewest. The best job is the first by rank.
-- A tenant where nothing can be taken now is put aside until something can. Callers commit even if nothing was taken.
CREATE FUNCTION kotadb.claim_job(worker text, lease_ms bigint, guarded boolean, most_rescues integer, most_crashes integer)
    RETURNS TABLE (id uuid, fence bigint, tenant_id uuid, repository_id uuid, url text, name text, ref_patterns text[],
        installation_id bigint, token_id uuid, rebuild boolean, attempt integer, rescued boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    DECLARE
        today date := (now() AT TIME ZONE 'UTC')::date;
        daily bigint := (SELECT s.daily_tenant_seconds FROM kotadb.queue_settings s);
        visited uuid[] := '{}';
        holds_locks boolean;
        waited boolean := false;
        candidate uuid;
        best uuid;
        taken kotadb.jobs;
    BEGIN
        holds_locks := kotadb.rescue_jobs(most_rescues, most_crashes) > 0;
        IF kotadb.queue_is_closed(guarded) THEN
            RETURN;
        END IF;
        WHILE cardinality(visited) < 100 LOOP
            SELECT q.tenant_id INTO candidate
            FROM kotadb.queue_tenants q JOIN kotadb.tenants t ON t.id = q.tenant_id
            WHERE q.next_at < 'infinity' AND q.next_at <= now() AND t.jobs_paused_at IS NULL AND q.tenant_id <> ALL (visited)
                AND NOT EXISTS (SELECT FROM kotadb.jobs r WHERE r.tenant_id = q.tenant_id AND r.state = 'running')
                AND NOT (guarded AND EXISTS (SELECT FROM kotadb.indexer_usage u WHERE u.day = today
                    AND u.tenant_id = q.tenant_id AND u.seconds >= coalesce(t.daily_indexer_seconds, daily)))
            ORDER BY q.served_at LIMIT 1 FOR NO KEY UPDATE OF q SKIP LOCKED;
            IF NOT FOUND THEN
                SELECT q.tenant_id INTO candidate
                FROM (SELECT r.tenant_id, count(*) AS jobs FROM kotadb.jobs r WHERE r.state = 'running' GROUP BY r.tenant_id) busy
                JOIN kotadb.queue_tenants q ON q.tenant_id = busy.tenant_id
                JOIN kotadb.tenants t ON t.id = q.tenant_id
                WHERE q.next_at <= now() AND t.jobs_paused_at IS NULL AND busy.jobs < t.max_running_jobs
                    AND q.tenant_id <> ALL (visited)
                    AND NOT (guarded AND EXISTS (SELECT FROM kotadb.indexer_usage u WHERE u.day = today
                        AND u.tenant_id = q.tenant_id AND u.seconds >= coalesce(t.daily_indexer_seconds, daily)))
                ORDER BY busy.jobs, q.served_at LIMIT 1 FOR NO KEY UPDATE OF q SKIP LOCKED;
            END IF;
            IF NOT FOUND THEN
                -- Perhaps other claims hold what there is. One that holds nothing itself may wait for them, once.
                EXIT WHEN waited OR holds_locks;
                waited := true;
                PERFORM FROM kotadb.queue_tenants q JOIN kotadb.tenants t ON t.id = q.tenant_id
                WHERE q.next_at < 'infinity' AND q.next_at <= now() AND t.jobs_paused_at IS NULL
                    AND (SELECT count(*) FROM kotadb.jobs r WHERE r.tenant_id = q.tenant_id AND r.state = 'running')
                        < t.max_running_jobs
                    AND NOT (guarded AND EXISTS (SELECT FROM kotadb.indexer_usage u WHERE u.day = today
                        AND u.tenant_id = q.tenant_id AND u.seconds >= coalesce(t.daily_indexer_seconds, daily)))
                ORDER BY q.served_at LIMIT 1 FOR NO KEY UPDATE OF q;
                EXIT WHEN NOT FOUND;
                CONTINUE;
            END IF;
            visited := visited || candidate;
            holds_locks := true;
            -- What was just asked is older than the lock: count again.
            CONTINUE WHEN (SELECT count(*) FROM kotadb.jobs r WHERE r.tenant_id = candidate AND r.state = 'running')
                >= (SELECT t.max_running_jobs FROM kotadb.tenants t WHERE t.id = candidate);
            SELECT j.id INTO best
            FROM kotadb.jobs j JOIN kotadb.repositories r ON r.id = j.repository_id
            WHERE j.tenant_id = candidate AND j.state = 'queued' AND j.run_at <= now() AND r.deleted_at IS NULL
                AND (r.suspended_at IS NULL OR j.trigger = 'manual')
                AND NOT EXISTS (SELECT FROM kotadb.jobs b WHERE b.repository_id = j.repository_id AND b.state = 'running')
            ORDER BY j.rank_at, j.id LIMIT 1 FOR NO KEY UPDATE OF j SKIP LOCKED;
            IF NOT FOUND THEN
                PERFORM FROM kotadb.queue_tenants q WHERE q.tenant_id = candidate FOR UPDATE SKIP LOCKED;
                CONTINUE WHEN NOT FOUND;
                UPDATE kotadb.queue_tenants q SET next_at = coalesce((
                    SELECT min(j.run_at) FROM kotadb.jobs j JOIN kotadb.repositories r ON r.id = j.repository_id
                    WHERE j.tenant_id = candidate AND j.state = 'queued' AND r.deleted_at IS NULL
                        AND (r.suspended_at IS NULL OR j.trigger = 'manual')
                        AND NOT EXISTS (SELECT FROM kotadb.jobs b WHERE b.repository_id = j.repository_id AND b.state = 'running')
                ), 'infinity')
                WHERE q.tenant_id = candidate;
                CONTINUE;
            END IF;
            UPDATE kotadb.queue_tenants q SET served_at = clock_timestamp() WHERE q.tenant_id = candidate;
            -- A job of a repository whose last crash was final is in doubt too: that last worker may still live.
            UPDATE kotadb.jobs j SET state = 'running', attempt = j.attempt + 1, fence = nextval('kotadb.job_fences'),
                lease_owner = worker, lease_expires_at = now() + lease_ms * interval '1 millisecond', started_at = now(),
                charged_at = now(), event_count = j.event_count + 1,
                rescued = j.rescued OR EXISTS (
                    SELECT FROM kotadb.jobs dead
                    WHERE dead.repository_id = j.repository_id AND dead.state = 'dead' AND dead.error_class = 'crash'
                        AND dead.finished_at > now() - interval '1 day'
                )
            WHERE j.id = best RETURNING j.* INTO STRICT taken;
            INSERT INTO kotadb.job_events (job_id, nth, tenant_id, phase, attempt, detail)
            VALUES (taken.id, taken.event_count, taken.tenant_id, 'claimed', taken.attempt,
                jsonb_build_object('rescued', taken.rescued));
            RETURN QUERY SELECT taken.id, taken.fence, taken.tenant_id, taken.repository_id, r.url, r.name::text,
                r.ref_patterns, r.installation_id, r.token_id, taken.rebuild, taken.attempt, taken.rescued
            FROM kotadb.repositories r WHERE r.id = taken.repository_id;
            RETURN;
        END LOOP;
    END
    $$;

-- Cancels a queued job at once and asks a running one to end. The state it is in then; none: no such job.
CREATE FUNCTION kotadb.cancel_job(job uuid) RETURNS TABLE (state text, moved boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    DECLARE
        now_in text;
    BEGIN
        UPDATE kotadb.jobs j SET cancel_requested_at = coalesce(j.cancel_requested_at, now()),
            state = CASE j.state WHEN 'queued' THEN 'cancelled' ELSE j.state END,
            finished_at = CASE j.state WHEN 'queued' THEN now() END
        WHERE j.id = job AND j.state IN ('queued', 'running') RETURNING j.state INTO now_in;
        IF now_in = 'cancelled' THEN
            PERFORM kotadb.add_job_event(job, 'cancelled', '{}');
        END IF;
        RETURN QUERY SELECT j.state, now_in IS NOT NULL FROM kotadb.jobs j WHERE j.id = job;
    END
    $$;

-- Queues a dead or cancelled job again, as if it were new, and ends a suspension for crashes; merges it into a sibling that
-- is queued. Which job waits now and in which state the asked one is; none: no such job.
CREATE FUNCTION kotadb.retry_job(job uuid) RETURNS TABLE (id uuid, state text, moved boolean)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    DECLARE
        went_to text;
    BEGIN
        PERFORM FROM kotadb.repositories r JOIN kotadb.jobs j ON j.repository_id = r.id
        WHERE j.id = job AND r.deleted_at IS NULL FOR NO KEY UPDATE OF r;
        IF FOUND THEN
            PERFORM FROM kotadb.jobs j WHERE j.id = job AND j.state IN ('dead', 'cancelled') FOR NO KEY UPDATE;
            IF FOUND THEN
                UPDATE kotadb.jobs j SET cancel_requested_at = NULL, first_seen_at = now(), trigger = 'manual', priority = 0
                WHERE j.id = job;
                went_to := kotadb.put_back_job(job, now(), 0, 0, false, NULL);
                PERFORM kotadb.add_job_event(job, 'retried', '{}');
                UPDATE kotadb.repositories r SET suspended_at = NULL, suspended_because = NULL
                FROM kotadb.jobs j WHERE j.id = job AND r.id = j.repository_id AND r.suspended_because = 'crashes';
            END IF;
        END IF;
        RETURN QUERY SELECT coalesce(j.superseded_by, j.id), j.state, went_to IS NOT NULL FROM kotadb.jobs j WHERE j.id = job;
    END
    $$;

-- Retries all dead jobs, of one class or tenant where given; how many.
CREATE FUNCTION kotadb.retry_dead_jobs(of_class text, of_tenant uuid) RETURNS integer
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        dead uuid;
        moved integer := 0;
    BEGIN
        FOR dead IN
            SELECT j.id FROM kotadb.jobs j JOIN kotadb.repositories r ON r.id = j.repository_id
            WHERE j.state = 'dead' AND r.deleted_at IS NULL AND (of_class IS NULL OR j.error_class = of_class)
                AND (of_tenant IS NULL OR j.tenant_id = of_tenant)
            ORDER BY j.finished_at
        LOOP
            moved := moved + (SELECT count(*) FROM kotadb.retry_job(dead) r WHERE r.moved);
        END LOOP;
        RETURN moved;
    END
    $$;

REVOKE ALL ON FUNCTION kotadb.put_back_job(uuid, timestamptz, integer, integer, boolean, jsonb),
    kotadb.suspend_for_crashes(uuid), kotadb.queue_is_closed(boolean),
    kotadb.claim_job(text, bigint, boolean, integer, integer), kotadb.cancel_job(uuid), kotadb.retry_job(uuid),
    kotadb.retry_dead_jobs(text, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.put_back_job(uuid, timestamptz, integer, integer, boolean, jsonb),
    kotadb.suspend_for_crashes(uuid), kotadb.queue_is_closed(boolean),
    kotadb.claim_job(text, bigint, boolean, integer, integer), kotadb.cancel_job(uuid), kotadb.retry_job(uuid),
    kotadb.retry_dead_jobs(text, uuid) TO kotadb_worker;
-- For the owner of a job.
GRANT EXECUTE ON FUNCTION kotadb.put_back_job(uuid, timestamptz, integer, integer, boolean, jsonb),
    kotadb.last_errors(jsonb), kotadb.cancel_job(uuid), kotadb.retry_job(uuid) TO kotadb_api;
GRANT CREATE ON SCHEMA kotadb TO kotadb_worker, kotadb_auth;
RESET ROLE;

-- For the SQL editor: whoever is a member of `kotadb_worker`, as the login of the migrations is, may call them.
SET LOCAL ROLE kotadb_worker;
CREATE FUNCTION kotadb.requeue_job(job uuid) RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        retried record;
    BEGIN
        SELECT * INTO retried FROM kotadb.retry_job(job);
        IF NOT FOUND THEN
            RETURN 'there is no such job';
        ELSIF NOT retried.moved THEN
            RETURN format('not queued again: it is `%s`, or its repository was deleted', retried.state);
        END IF;
        INSERT INTO kotadb.audit_log (actor, action, target, tenant_id)
        SELECT session_user, 'jobs.retry', job::text, j.tenant_id FROM kotadb.jobs j WHERE j.id = job;
        RETURN format('job `%s` is queued', retried.id);
    END
    $$;
CREATE FUNCTION kotadb.requeue_dead(class text) RETURNS integer
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        moved integer := kotadb.retry_dead_jobs(class, NULL);
    BEGIN
        INSERT INTO kotadb.audit_log (actor, action, target, detail)
        VALUES (session_user, 'jobs.retry', coalesce('class ' || class, 'all'), jsonb_build_object('jobs', moved));
        RETURN moved;
    END
    $$;
REVOKE ALL ON FUNCTION kotadb.requeue_job(uuid), kotadb.requeue_dead(text) FROM PUBLIC;
RESET ROLE;

-- Counts of the queue over all tenants. A fault of ours is one of four classes; any other is the repository's or its host's.
DROP FUNCTION kotadb.health();
SET LOCAL ROLE kotadb_auth;
CREATE FUNCTION kotadb.health()
    RETURNS TABLE (queued bigint, in_progress bigint, failed_recent bigint, failed_recent_tenant bigint,
        oldest_queued_seconds bigint, paused boolean, spent_seconds bigint, spend_limit_seconds bigint, tenants_over bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT (SELECT count(*) FROM kotadb.jobs j WHERE j.state = 'queued'),
        (SELECT count(*) FROM kotadb.jobs j WHERE j.state = 'running'),
        dead.ours, dead.theirs,
        coalesce((SELECT extract(epoch FROM now() - min(j.run_at)) FROM kotadb.jobs j
            WHERE j.state = 'queued' AND j.run_at <= now()), 0)::bigint,
        s.paused_at IS NOT NULL, used.seconds::bigint, s.daily_indexer_seconds, used.over
    FROM kotadb.queue_settings s,
        (SELECT count(*) FILTER (WHERE j.error_class IN ('crash', 'storage', 'database', 'deadline')) AS ours,
            count(*) FILTER (WHERE j.error_class NOT IN ('crash', 'storage', 'database', 'deadline')) AS theirs
         FROM kotadb.jobs j WHERE j.state = 'dead' AND j.finished_at > now() - interval '1 hour') AS dead,
        (SELECT coalesce(sum(u.seconds), 0) AS seconds,
            count(*) FILTER (WHERE u.seconds >= coalesce(t.daily_indexer_seconds, x.daily_tenant_seconds)) AS over
         FROM kotadb.indexer_usage u JOIN kotadb.tenants t ON t.id = u.tenant_id, kotadb.queue_settings x
         WHERE u.day = (now() AT TIME ZONE 'UTC')::date) AS used
    $$;
REVOKE ALL ON FUNCTION kotadb.health() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.health() TO kotadb_api;
RESET ROLE;
SET LOCAL ROLE kotadb_owner;
REVOKE CREATE ON SCHEMA kotadb FROM kotadb_worker, kotadb_auth;
RESET ROLE;
