-- Many deliveries in one statement and one commit. What most deliveries come to is a row and at most a job; who receives
-- them checks signature and sender against what `hook_lookup` told, perhaps some time ago, and says so by its version.
SET LOCAL ROLE kotadb_owner;
GRANT CREATE ON SCHEMA kotadb TO kotadb_auth;
RESET ROLE;

-- A column is only added, so programs of the version before read what they did.
DROP FUNCTION kotadb.hook_lookup(uuid);
SET LOCAL ROLE kotadb_auth;
-- The hook of a webhook URL, with its secrets still sealed. `version` is a hash of all the rest: it changes when anything
-- does, also when the time of the previous secret is over.
CREATE FUNCTION kotadb.hook_lookup(hook uuid)
    RETURNS TABLE (tenant_id uuid, repository_id uuid, ref_patterns text[], github_repository_id bigint,
        secret bytea, previous_secret bytea, github_hook_id bigint, is_verified boolean, default_branch text,
        installation_id bigint, suspended_because text, version bytea)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    BEGIN
        RETURN QUERY SELECT f.*, sha256(convert_to(f::text, 'UTF8'))
        FROM (
            SELECT h.tenant_id, h.repository_id, r.ref_patterns, r.github_repository_id, h.secret,
                CASE WHEN h.previous_valid_until > now() THEN h.previous_secret END, h.github_hook_id,
                h.verified_at IS NOT NULL, r.default_branch, r.installation_id, r.suspended_because
            FROM kotadb.hooks h JOIN kotadb.repositories r ON r.id = h.repository_id AND r.deleted_at IS NULL
            WHERE h.id = hook
        ) AS f;
    END
    $$;
REVOKE ALL ON FUNCTION kotadb.hook_lookup(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.hook_lookup(uuid) TO kotadb_api;
RESET ROLE;

SET LOCAL ROLE kotadb_owner;
REVOKE CREATE ON SCHEMA kotadb FROM kotadb_auth;

-- Asked by every statement under row level security. As plpgsql its plan is kept, which one in SQL makes anew each time.
CREATE OR REPLACE FUNCTION kotadb.current_tenant() RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ BEGIN RETURN nullif(current_setting('kotadb.tenant', true), '')::uuid; END $$;

-- Queues a job under this id, or joins the one that is queued for the same repository and kind; which one it is then, NULL
-- where there is no such repository. A burst is put off, but never past 30 s after its first; what waits for a retry starts
-- afresh. The share lock makes this and a deletion of the repository wait for each other: else the job could be queued
-- after the deletion looked for it, and stay there for ever.
CREATE FUNCTION kotadb.enqueue_job(
    job uuid, tenant uuid, repository uuid, of_kind text, asked_by text, usual_priority smallint, is_full boolean, delay_ms bigint
) RETURNS uuid
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    DECLARE
        queued uuid;
    BEGIN
        INSERT INTO kotadb.jobs AS j (id, tenant_id, repository_id, kind, trigger, priority, rebuild, run_at)
        SELECT job, r.tenant_id, r.id, of_kind, asked_by,
            CASE asked_by WHEN 'manual' THEN usual_priority ELSE coalesce(r.priority, usual_priority) END, is_full,
            now() + delay_ms * interval '1 millisecond'
        FROM kotadb.repositories r
        WHERE r.tenant_id = tenant AND r.id = repository AND r.deleted_at IS NULL
        FOR SHARE
        ON CONFLICT (repository_id, kind) WHERE state = 'queued' DO UPDATE SET
            run_at = least(excluded.run_at, j.first_seen_at + interval '30 seconds'),
            priority = least(j.priority, excluded.priority),
            trigger = CASE excluded.trigger WHEN 'manual' THEN excluded.trigger ELSE j.trigger END,
            rebuild = j.rebuild OR excluded.rebuild,
            attempt = 0,
            coalesced = j.coalesced + 1
        RETURNING id INTO queued;
        RETURN queued;
    END
    $$;

-- Takes deliveries to hooks of repositories, of any tenants, and puts each into the place of its hook's tenant. `outcomes`:
-- `queued` for one that queues a job (under the id in `jobs`, unless one is queued), `ignored` for one that does nothing.
-- Tells of each, by its place from 1: `queued` with its job; `ignored`; `duplicate`: it was taken before; `changed`: the
-- hook is not what the caller knows; `busy`: somebody has locked the repository. The last two are not written down. Any
-- error undoes all of them, and a wait for a lock is short: then the caller takes them one by one.
CREATE FUNCTION kotadb.accept_deliveries(
    hooks uuid[], versions bytea[], deliveries uuid[], events text[], actions text[], outcomes text[], bodies bytea[],
    jobs uuid[], job_priority smallint, delay_ms bigint
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
            SELECT u.* FROM unnest(hooks, versions, deliveries, events, actions, outcomes, bodies, jobs) WITH ORDINALITY
                AS u (hook, version, delivery, event, action, outcome, body, job, place)
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
REVOKE ALL ON FUNCTION kotadb.enqueue_job(uuid, uuid, uuid, text, text, smallint, boolean, bigint),
    kotadb.accept_deliveries(uuid[], bytea[], uuid[], text[], text[], text[], bytea[], uuid[], smallint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.enqueue_job(uuid, uuid, uuid, text, text, smallint, boolean, bigint) TO kotadb_api, kotadb_worker;
GRANT EXECUTE ON FUNCTION kotadb.accept_deliveries(uuid[], bytea[], uuid[], text[], text[], text[], bytea[], uuid[], smallint,
    bigint) TO kotadb_api;
RESET ROLE;
