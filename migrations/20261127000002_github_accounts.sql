-- Accounts at GitHub that members have linked: their tokens, and what those see. `github_tokens` also has the tokens of
-- users now; a link replaces the one before.
SET LOCAL ROLE kotadb_owner;
ALTER TABLE kotadb.github_tokens
    -- Whose it is; NULL: a token of the tenant.
    ADD COLUMN user_id uuid,
    ADD COLUMN github_id bigint,
    -- When it ends, and with what another is had then; sealed with context `refresh:<id>`.
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN sealed_refresh bytea,
    ADD CONSTRAINT github_tokens_user_fkey FOREIGN KEY (user_id) REFERENCES kotadb.users (id);
CREATE UNIQUE INDEX github_tokens_user_key ON kotadb.github_tokens (tenant_id, user_id)
    WHERE user_id IS NOT NULL AND revoked_at IS NULL;
ALTER TABLE kotadb.github_access
    -- When GitHub was asked last, with or without an answer.
    ADD COLUMN tried_at timestamptz;
GRANT SELECT (user_id, github_id, expires_at), UPDATE (sealed, sealed_refresh, expires_at) ON kotadb.github_tokens TO kotadb_api;
GRANT SELECT (tenant_id, user_id, sealed, sealed_refresh, expires_at) ON kotadb.github_tokens TO kotadb_auth;
GRANT INSERT (tenant_id), UPDATE (tenant_id) ON kotadb.installations TO kotadb_auth;
GRANT CREATE ON SCHEMA kotadb TO kotadb_auth;
RESET ROLE;

SET LOCAL ROLE kotadb_auth;
-- The token of a user in the tenant in scope, sealed.
CREATE FUNCTION kotadb.github_token(of_user uuid)
    RETURNS TABLE (id uuid, sealed bytea, sealed_refresh bytea, is_over boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    BEGIN
        RETURN QUERY SELECT t.id, t.sealed, t.sealed_refresh, coalesce(t.expires_at < now() + interval '5 minutes', false)
        FROM kotadb.github_tokens t
        WHERE t.tenant_id = kotadb.current_tenant() AND t.user_id = of_user AND t.revoked_at IS NULL;
    END
    $$;

-- Gives an installation to the tenant in scope, for one of its members whose own account sees it; `false`: it is another's.
CREATE FUNCTION kotadb.link_installation(installation bigint, of_account text, of_account_id bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    BEGIN
        INSERT INTO kotadb.installations AS i (id, tenant_id, account, account_id)
        VALUES (installation, kotadb.current_tenant(), of_account, of_account_id)
        ON CONFLICT (id) DO UPDATE SET tenant_id = kotadb.current_tenant(), account = of_account, deleted_at = NULL
            WHERE i.tenant_id IS NULL OR i.tenant_id = kotadb.current_tenant();
        RETURN FOUND;
    END
    $$;
REVOKE ALL ON FUNCTION kotadb.github_token(uuid), kotadb.link_installation(bigint, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.github_token(uuid), kotadb.link_installation(bigint, text, bigint) TO kotadb_api;
RESET ROLE;

SET LOCAL ROLE kotadb_owner;
REVOKE CREATE ON SCHEMA kotadb FROM kotadb_auth;
RESET ROLE;
