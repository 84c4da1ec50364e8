-- What deliveries need: a hook with the state of its repository, the doors through which the App's own deliveries come (an
-- installation is found before any tenant is), names that repositories had, and the row by which many handlers make one
-- wake-up. All doors are SECURITY DEFINER functions of kotadb_auth, which reads and writes what they do and no more.
SET LOCAL ROLE kotadb_owner;
-- One row: when the indexer was woken last.
CREATE TABLE kotadb.wakes (
    name text NOT NULL,
    last_wake timestamptz NOT NULL,
    CONSTRAINT wakes_pkey PRIMARY KEY (name),
    CONSTRAINT wakes_name_check CHECK (name = 'indexer')
);
INSERT INTO kotadb.wakes (name, last_wake) VALUES ('indexer', '-infinity');
ALTER TABLE kotadb.wakes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY auth ON kotadb.wakes TO kotadb_auth USING (true);
GRANT SELECT, UPDATE (last_wake) ON kotadb.wakes TO kotadb_auth;

CREATE POLICY auth ON kotadb.installations TO kotadb_auth USING (true);
GRANT SELECT (id, tenant_id, suspended_at, deleted_at), INSERT (id, account, account_id),
    UPDATE (account, suspended_at, deleted_at, checked_at) ON kotadb.installations TO kotadb_auth;
CREATE POLICY auth ON kotadb.app_deliveries TO kotadb_auth USING (true);
GRANT SELECT (delivery_id, outcome), INSERT, UPDATE (outcome) ON kotadb.app_deliveries TO kotadb_auth;
CREATE POLICY auth ON kotadb.github_tokens TO kotadb_auth USING (true);
GRANT SELECT (id, login, revoked_at), UPDATE (sealed, revoked_at) ON kotadb.github_tokens TO kotadb_auth;
CREATE POLICY auth ON kotadb.former_names FOR SELECT TO kotadb_auth USING (true);
GRANT SELECT (tenant_id, name, repository_id, since) ON kotadb.former_names TO kotadb_auth;
CREATE POLICY auth_update ON kotadb.repositories FOR UPDATE TO kotadb_auth USING (true);
GRANT SELECT (default_branch, installation_id, token_id, suspended_at, suspended_because),
    UPDATE (suspended_at, suspended_because) ON kotadb.repositories TO kotadb_auth;
GRANT SELECT (trigger, lease_expires_at) ON kotadb.jobs TO kotadb_auth;
GRANT EXECUTE ON FUNCTION kotadb.current_tenant() TO kotadb_auth;
GRANT CREATE ON SCHEMA kotadb TO kotadb_auth;
RESET ROLE;

-- Columns are only added to the two below, so programs of the version before read what they did.
DROP FUNCTION kotadb.hook_lookup(uuid);
DROP FUNCTION kotadb.authenticate(bytea);
SET LOCAL ROLE kotadb_auth;

-- The hook of a webhook URL, with its secrets still sealed.
CREATE FUNCTION kotadb.hook_lookup(hook uuid)
    RETURNS TABLE (tenant_id uuid, repository_id uuid, ref_patterns text[], github_repository_id bigint,
        secret bytea, previous_secret bytea, github_hook_id bigint, is_verified boolean, default_branch text,
        installation_id bigint, suspended_because text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT h.tenant_id, h.repository_id, r.ref_patterns, r.github_repository_id, h.secret,
        CASE WHEN h.previous_valid_until > now() THEN h.previous_secret END, h.github_hook_id,
        h.verified_at IS NOT NULL, r.default_branch, r.installation_id, r.suspended_because
    FROM kotadb.hooks h JOIN kotadb.repositories r ON r.id = h.repository_id AND r.deleted_at IS NULL
    WHERE h.id = hook
    $$;

-- What a key stands for. `last_used_at` is written at most once a minute, and never waited for. The names that the visible
-- repositories had come along: `former_repositories` and `former_names` side by side, the newest first.
CREATE FUNCTION kotadb.authenticate(key_hash bytea)
    RETURNS TABLE (key_id uuid, tenant_id uuid, scopes text[], repository_ids uuid[], repository_names text[],
        hidden_repositories uuid[], hidden_commits text[], former_repositories uuid[], former_names text[])
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
    ), hidden AS (
        SELECT coalesce(array_agg(h.repository_id ORDER BY h.repository_id, h.commit_id), '{}') AS repositories,
            coalesce(array_agg(h.commit_id ORDER BY h.repository_id, h.commit_id), '{}') AS commits
        FROM kotadb.hidden_commits h JOIN found f ON f.tenant_id = h.tenant_id
        WHERE f.repository_ids IS NULL OR h.repository_id = ANY (f.repository_ids)
    ), former AS (
        SELECT coalesce(array_agg(n.repository_id ORDER BY n.since DESC, n.name), '{}') AS repositories,
            coalesce(array_agg(n.name::text ORDER BY n.since DESC, n.name), '{}') AS names
        FROM kotadb.former_names n JOIN found f ON f.tenant_id = n.tenant_id
    )
    SELECT f.id, f.tenant_id, f.scopes,
        coalesce(array_agg(r.id ORDER BY r.name, r.id) FILTER (WHERE r.id IS NOT NULL), '{}'),
        coalesce(array_agg(r.name::text ORDER BY r.name, r.id) FILTER (WHERE r.id IS NOT NULL), '{}'),
        (SELECT h.repositories FROM hidden h), (SELECT h.commits FROM hidden h),
        (SELECT n.repositories FROM former n), (SELECT n.names FROM former n)
    FROM found f
    LEFT JOIN kotadb.repositories r ON r.tenant_id = f.tenant_id AND r.deleted_at IS NULL
        AND (f.repository_ids IS NULL OR r.id = ANY (f.repository_ids))
    GROUP BY f.id, f.tenant_id, f.scopes
    $$;

-- The tenant of an installation of the App, if one is linked to it.
CREATE FUNCTION kotadb.installation_tenant(installation bigint) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT i.tenant_id FROM kotadb.installations i WHERE i.id = installation AND i.deleted_at IS NULL $$;

-- Writes down what happened to an installation; says whether it may be used now. What is deleted stays so, whatever comes
-- later: deliveries may change places.
CREATE FUNCTION kotadb.note_installation(installation bigint, account text, account_id bigint, what text) RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    INSERT INTO kotadb.installations AS i (id, account, account_id) VALUES (installation, account, account_id)
        ON CONFLICT (id) DO NOTHING;
    UPDATE kotadb.installations i SET account = note_installation.account, checked_at = NULL,
        suspended_at = CASE what WHEN 'suspend' THEN coalesce(i.suspended_at, now()) WHEN 'unsuspend' THEN NULL
            ELSE i.suspended_at END,
        deleted_at = CASE what WHEN 'deleted' THEN coalesce(i.deleted_at, now()) ELSE i.deleted_at END
    WHERE i.id = installation
    RETURNING i.deleted_at IS NULL AND i.suspended_at IS NULL
    $$;

-- Records a delivery to the App's hook for the tenant in scope, if there is one; `false`: seen before. One that was ignored
-- may be tried again, because what it is measured by may have changed.
CREATE FUNCTION kotadb.record_app_delivery(
    delivery uuid, installation bigint, event text, action text, outcome text, body_sha256 bytea
) RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH recorded AS (
        INSERT INTO kotadb.app_deliveries AS d (delivery_id, tenant_id, installation_id, event, action, outcome, body_sha256)
        VALUES (delivery, kotadb.current_tenant(), installation, event, action, outcome, body_sha256)
        ON CONFLICT (delivery_id) DO UPDATE SET outcome = excluded.outcome WHERE d.outcome = 'ignored'
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM recorded)
    $$;

-- Somebody took the App's permission to act for them back: their tokens are worthless and are forgotten; what was fetched
-- with them stands still.
CREATE FUNCTION kotadb.revoke_tokens(of_login text) RETURNS bigint
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH revoked AS (
        UPDATE kotadb.github_tokens t SET revoked_at = now(), sealed = ''
        WHERE lower(t.login) = lower(of_login) AND t.revoked_at IS NULL
        RETURNING t.id
    ), stopped AS (
        UPDATE kotadb.repositories r SET suspended_at = now(), suspended_because = 'access' FROM revoked v
        WHERE r.token_id = v.id AND r.deleted_at IS NULL AND r.suspended_at IS NULL
    )
    SELECT count(*) FROM revoked
    $$;

-- Whether the caller is the one to wake the indexer: at most one is in two seconds.
CREATE FUNCTION kotadb.claim_wake() RETURNS boolean
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    WITH claimed AS (
        UPDATE kotadb.wakes w SET last_wake = now()
        WHERE w.name = 'indexer' AND w.last_wake < now() - interval '2 seconds'
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM claimed)
    $$;

-- Whether an indexer is wanted: a job is due that may be taken, or the lease of one ran out.
CREATE FUNCTION kotadb.work_is_due() RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT EXISTS (
        SELECT FROM kotadb.jobs j JOIN kotadb.repositories r ON r.id = j.repository_id
        WHERE j.state = 'queued' AND j.run_at <= now() AND r.deleted_at IS NULL
            AND (r.suspended_at IS NULL OR j.trigger = 'manual')
    ) OR EXISTS (
        SELECT FROM kotadb.jobs j WHERE j.state = 'running' AND j.lease_expires_at < now()
    )
    $$;

REVOKE ALL ON FUNCTION kotadb.hook_lookup(uuid), kotadb.authenticate(bytea), kotadb.installation_tenant(bigint),
    kotadb.note_installation(bigint, text, bigint, text), kotadb.revoke_tokens(text),
    kotadb.record_app_delivery(uuid, bigint, text, text, text, bytea), kotadb.claim_wake(), kotadb.work_is_due() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.hook_lookup(uuid), kotadb.authenticate(bytea), kotadb.installation_tenant(bigint),
    kotadb.note_installation(bigint, text, bigint, text), kotadb.revoke_tokens(text),
    kotadb.record_app_delivery(uuid, bigint, text, text, text, bytea), kotadb.claim_wake(), kotadb.work_is_due() TO kotadb_api;
GRANT EXECUTE ON FUNCTION kotadb.work_is_due() TO kotadb_owner;
RESET ROLE;

SET LOCAL ROLE kotadb_owner;
REVOKE CREATE ON SCHEMA kotadb FROM kotadb_auth;
RESET ROLE;
