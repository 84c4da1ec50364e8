-- Roles and the schema. Roles belong to the whole cluster, so another database may have made them before or may be making
-- them now: both are fine. None can log in and none may pass row level security.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['kotadb_owner', 'kotadb_auth', 'kotadb_api', 'kotadb_worker'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        -- A login that is no superuser (Supabase's `postgres`) must be a member to give objects to these roles and to
        -- take them. From Postgres 16 on, the maker of a role holds it without SET, so the grant is needed there too.
        IF NOT EXISTS (
            SELECT FROM pg_roles me WHERE me.rolname = current_user AND me.rolsuper
        ) THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', wanted);
        END IF;
    END LOOP;
END
$$;

CREATE SCHEMA IF NOT EXISTS kotadb AUTHORIZATION kotadb_owner;

SET LOCAL ROLE kotadb_owner;
REVOKE ALL ON SCHEMA kotadb FROM PUBLIC;
GRANT USAGE ON SCHEMA kotadb TO kotadb_auth, kotadb_api, kotadb_worker;
RESET ROLE;
