-- A user of several tenants chooses one of them, and so must be told which they are.
-- needs-binary: >= 0.1.0
SET LOCAL ROLE kotadb_owner;
GRANT CREATE ON SCHEMA kotadb TO kotadb_auth;
RESET ROLE;

SET LOCAL ROLE kotadb_auth;
-- The tenants that a user whose token was verified is a member of.
CREATE FUNCTION kotadb.tenants_of_user(subject uuid) RETURNS TABLE (id uuid, name text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT t.id, t.name
    FROM kotadb.members m JOIN kotadb.tenants t ON t.id = m.tenant_id AND t.deleted_at IS NULL
    WHERE m.user_id = subject
    ORDER BY t.name
    $$;
REVOKE ALL ON FUNCTION kotadb.tenants_of_user(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.tenants_of_user(uuid) TO kotadb_api;
RESET ROLE;

SET LOCAL ROLE kotadb_owner;
REVOKE CREATE ON SCHEMA kotadb FROM kotadb_auth;
RESET ROLE;
