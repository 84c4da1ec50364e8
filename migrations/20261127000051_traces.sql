-- One trace from a request to the publish that it causes: a job keeps the context of the request that queued it first, which
-- the transaction brings along as `kotadb.traceparent`.
SET LOCAL ROLE kotadb_owner;
ALTER TABLE kotadb.jobs ADD COLUMN traceparent text DEFAULT nullif(current_setting('kotadb.traceparent', true), '');

-- The former one stays for programs of the version before.
-- Takes deliveries to hooks of repositories, of any tenants, and puts each into the place of its hook's tenant. `outcomes`:
-- `queued` for one that queues a job (under the id in `jobs`, unless one is queued), `ignored` for one that does nothing.
-- Tells of each, by its place from 1: `queued` with its job; `ignored`; `duplicate`: it was taken before; `changed`: the
-- hook is not what the caller knows; `busy`: somebody has locked the repository. The last two are not written down. Any
-- error undoes all of them, and a wait for a lock is short: then the caller takes them one by one.
CREATE FUNCTION kotadb.accept_deliveries(
    hooks uuid[], versions bytea[], deliveries uuid[], events text[], actions text[], outcomes text[], bodies bytea[],
    jobs uuid[], job_priority smallint, delay_ms bigint, traces text[]
) RETURNS TABLE (nth bigint, outcome text, job_id uuid)
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '500ms'
    AS $$
    DECLARE
        sent record;
        known record;
    BEGIN
        -- In one order everywhere, lest two batches wait for each other.
        FOR sent IN
            SELECT u.* FROM unnest(hooks, versions, deliveries, events, actions, outcomes, bodies, jobs, traces) WITH ORDINALITY
                AS u (hook, version, delivery, event, action, outcome, body, job, trace, place)
            ORDER BY u.hook, u.place
        LOOP
            nth := sent.place;
            outcome := sent.outcome;
            job_id := NULL;
            SELECT l.tenant_id, l.repository_id, l.version INTO known FROM kotadb.hook_lookup(sent.hook) l;
            IF known.version IS DISTINCT FROM sent.version THEN
                outcome := 'changed';
                RETURN NEXT;
                CONTINUE;
            END IF;
            PERFORM set_config('kotadb.tenant', known.tenant_id::text, true);
            IF EXISTS (SELECT FROM kotadb.deliveries d
                WHERE d.hook_id = sent.hook AND d.delivery_id = sent.delivery AND d.outcome IS DISTINCT FROM 'ignored')
            THEN
                outcome := 'duplicate';
                RETURN NEXT;
                CONTINUE;
            END IF;
            IF sent.outcome = 'queued' THEN
                PERFORM FROM kotadb.repositories r WHERE r.id = known.repository_id AND r.deleted_at IS NULL
                FOR SHARE SKIP LOCKED;
                IF NOT FOUND THEN
                    outcome := 'busy';
                    RETURN NEXT;
                    CONTINUE;
                END IF;
                PERFORM set_config('kotadb.traceparent', coalesce(sent.trace, ''), true);
                job_id := kotadb.enqueue_job(sent.job, known.tenant_id, known.repository_id, 'index', 'push', job_priority,
                    false, delay_ms);
            END IF;
            INSERT INTO kotadb.deliveries AS d (hook_id, delivery_id, tenant_id, event, action, outcome, job_id, body_sha256)
            VALUES (sent.hook, sent.delivery, known.tenant_id, sent.event, sent.action, sent.outcome,
                accept_deliveries.job_id, sent.body)
            ON CONFLICT (hook_id, delivery_id) DO UPDATE SET outcome = excluded.outcome, job_id = excluded.job_id
            WHERE d.outcome = 'ignored';
            IF NOT FOUND THEN
                RAISE EXCEPTION 'delivery % was taken at the same time', sent.delivery USING ERRCODE = 'serialization_failure';
            END IF;
            RETURN NEXT;
        END LOOP;
    END
    $$;
REVOKE ALL ON FUNCTION kotadb.accept_deliveries(uuid[], bytea[], uuid[], text[], text[], text[], bytea[], uuid[], smallint, bigint,
    text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.accept_deliveries(uuid[], bytea[], uuid[], text[], text[], text[], bytea[], uuid[], smallint,
    bigint, text[]) TO kotadb_api;
RESET ROLE;
