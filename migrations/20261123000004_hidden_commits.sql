-- Commits that their owners deleted: hidden at once, and for as long as the row stays. The indexer takes them out of the
-- index, and never puts them into it again.
SET LOCAL ROLE kotadb_owner;
CREATE TABLE kotadb.hidden_commits (
    tenant_id uuid NOT NULL,
    repository_id uuid NOT NULL,
    commit_id text NOT NULL,
    hidden_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT hidden_commits_pkey PRIMARY KEY (repository_id, commit_id),
    CONSTRAINT hidden_commits_repository_fkey FOREIGN KEY (tenant_id, repository_id)
        REFERENCES kotadb.repositories (tenant_id, id),
    CONSTRAINT hidden_commits_id_check CHECK (commit_id ~ '^[0-9a-f]{40}$')
);
CREATE INDEX hidden_commits_tenant_idx ON kotadb.hidden_commits (tenant_id);
ALTER TABLE kotadb.hidden_commits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY api ON kotadb.hidden_commits TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY worker ON kotadb.hidden_commits TO kotadb_worker USING (true);
CREATE POLICY auth ON kotadb.hidden_commits FOR SELECT TO kotadb_auth USING (true);
GRANT SELECT, INSERT ON kotadb.hidden_commits TO kotadb_api;
GRANT SELECT ON kotadb.hidden_commits TO kotadb_worker;
GRANT SELECT (tenant_id, repository_id, commit_id) ON kotadb.hidden_commits TO kotadb_auth;
RESET ROLE;

-- The hidden commits of the visible repositories come with the key: `hidden_repositories` and `hidden_commits` side by
-- side. Columns are only added, so programs of the version before read what they did.
DROP FUNCTION kotadb.authenticate(bytea);
SET LOCAL ROLE kotadb_owner;
GRANT CREATE ON SCHEMA kotadb TO kotadb_auth;
RESET ROLE;
SET LOCAL ROLE kotadb_auth;
CREATE FUNCTION kotadb.authenticate(key_hash bytea)
    RETURNS TABLE (key_id uuid, tenant_id uuid, scopes text[], repository_ids uuid[], repository_names text[],
        hidden_repositories uuid[], hidden_commits text[])
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
    )
    SELECT f.id, f.tenant_id, f.scopes,
        coalesce(array_agg(r.id ORDER BY r.name, r.id) FILTER (WHERE r.id IS NOT NULL), '{}'),
        coalesce(array_agg(r.name::text ORDER BY r.name, r.id) FILTER (WHERE r.id IS NOT NULL), '{}'),
        (SELECT h.repositories FROM hidden h), (SELECT h.commits FROM hidden h)
    FROM found f
    LEFT JOIN kotadb.repositories r ON r.tenant_id = f.tenant_id AND r.deleted_at IS NULL
        AND (f.repository_ids IS NULL OR r.id = ANY (f.repository_ids))
    GROUP BY f.id, f.tenant_id, f.scopes
    $$;
REVOKE ALL ON FUNCTION kotadb.authenticate(bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.authenticate(bytea) TO kotadb_api;
RESET ROLE;
SET LOCAL ROLE kotadb_owner;
REVOKE CREATE ON SCHEMA kotadb FROM kotadb_auth;
RESET ROLE;
