-- The oldest program that still works on this schema, which every migration from here on states in a line of its own.
-- needs-binary: >= 0.1.0
GRANT SELECT (statements) ON supabase_migrations.schema_migrations TO kotadb_auth;
SET LOCAL ROLE kotadb_owner;
GRANT CREATE ON SCHEMA kotadb TO kotadb_auth;
RESET ROLE;

SET LOCAL ROLE kotadb_auth;
-- The newest version in the ledger of migrations, and the releases that migrations need: a program looks whether it is one of
-- them. The line stands in the text that the ledger keeps of each.
CREATE FUNCTION kotadb.schema() RETURNS TABLE (version text, needs_binary text[])
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT max(m.version), array_agg(DISTINCT substring(m.statements[1] FROM '-- needs-binary: >= ([0-9.]+)'))
        FILTER (WHERE m.statements[1] LIKE '%-- needs-binary: >= %')
    FROM supabase_migrations.schema_migrations m
    $$;
REVOKE ALL ON FUNCTION kotadb.schema() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.schema() TO kotadb_api;
RESET ROLE;
SET LOCAL ROLE kotadb_owner;
REVOKE CREATE ON SCHEMA kotadb FROM kotadb_auth;
RESET ROLE;
