-- Tables, their row level security and what each role may do. Text with a CHECK instead of enums: a pooled connection
-- must never need to look a type up. Every constraint has a name, because callers tell them apart by it.
SET LOCAL ROLE kotadb_owner;

-- The tenant that `Tx` set for this transaction; NULL (which equals nothing) outside one.
CREATE FUNCTION kotadb.current_tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT nullif(current_setting('kotadb.tenant', true), '')::uuid $$;
REVOKE ALL ON FUNCTION kotadb.current_tenant() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.current_tenant() TO kotadb_api;

CREATE TABLE kotadb.tenants (
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenants_pkey PRIMARY KEY (id),
    CONSTRAINT tenants_name_key UNIQUE (name),
    CONSTRAINT tenants_name_check CHECK (name <> '' AND length(name) <= 200)
);

CREATE TABLE kotadb.repositories (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    url text NOT NULL,
    ref_patterns text[] NOT NULL DEFAULT '{}',
    github_repository_id bigint,
    indexed_commit text,
    indexed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT repositories_pkey PRIMARY KEY (id),
    CONSTRAINT repositories_tenant_id_key UNIQUE (tenant_id, id),
    CONSTRAINT repositories_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kotadb.tenants (id),
    CONSTRAINT repositories_name_check CHECK (name <> '' AND length(name) <= 300),
    CONSTRAINT repositories_url_check CHECK (url <> '' AND length(url) <= 2000)
);
CREATE UNIQUE INDEX repositories_url_key ON kotadb.repositories (tenant_id, url) WHERE deleted_at IS NULL;
CREATE INDEX repositories_name_idx ON kotadb.repositories (tenant_id, name) WHERE deleted_at IS NULL;

CREATE TABLE kotadb.api_keys (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    key_sha256 bytea NOT NULL,
    display text NOT NULL,
    scopes text[] NOT NULL,
    -- The repositories it may see; NULL: all of the tenant.
    repository_ids uuid[],
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT api_keys_sha256_key UNIQUE (key_sha256),
    CONSTRAINT api_keys_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kotadb.tenants (id),
    CONSTRAINT api_keys_sha256_check CHECK (octet_length(key_sha256) = 32),
    CONSTRAINT api_keys_scopes_check CHECK (
        scopes <@ ARRAY['search', 'repositories:read', 'repositories:write', 'jobs:read', 'jobs:write']
    )
);
CREATE INDEX api_keys_tenant_idx ON kotadb.api_keys (tenant_id);

CREATE TABLE kotadb.hooks (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    repository_id uuid NOT NULL,
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_valid_until timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT hooks_pkey PRIMARY KEY (id),
    CONSTRAINT hooks_tenant_id_key UNIQUE (tenant_id, id),
    CONSTRAINT hooks_repository_fkey FOREIGN KEY (tenant_id, repository_id)
        REFERENCES kotadb.repositories (tenant_id, id),
    CONSTRAINT hooks_previous_check CHECK ((previous_secret IS NULL) = (previous_valid_until IS NULL))
);
CREATE INDEX hooks_repository_idx ON kotadb.hooks (repository_id);

-- GitHub gives one delivery id to every hook of an event, hence the key of both.
CREATE TABLE kotadb.deliveries (
    hook_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    event text NOT NULL,
    body_sha256 bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT deliveries_pkey PRIMARY KEY (hook_id, delivery_id),
    CONSTRAINT deliveries_hook_fkey FOREIGN KEY (tenant_id, hook_id) REFERENCES kotadb.hooks (tenant_id, id),
    CONSTRAINT deliveries_sha256_check CHECK (octet_length(body_sha256) = 32)
);
CREATE INDEX deliveries_received_idx ON kotadb.deliveries (received_at);

-- Without CACHE, so a later claim always has the higher number.
CREATE SEQUENCE kotadb.job_fences AS bigint;

CREATE TABLE kotadb.jobs (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    repository_id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'queued',
    trigger text NOT NULL,
    priority smallint NOT NULL,
    rebuild boolean NOT NULL DEFAULT false,
    attempt integer NOT NULL DEFAULT 0,
    crash_count integer NOT NULL DEFAULT 0,
    -- A lease of this work expired: its worker may still live, so the next one raises the fence first.
    rescued boolean NOT NULL DEFAULT false,
    coalesced integer NOT NULL DEFAULT 0,
    fence bigint,
    lease_owner text,
    lease_expires_at timestamptz,
    cancel_requested_at timestamptz,
    superseded_by uuid,
    error_class text,
    errors jsonb NOT NULL DEFAULT '[]',
    summary jsonb,
    run_at timestamptz NOT NULL DEFAULT now(),
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    CONSTRAINT jobs_pkey PRIMARY KEY (id),
    CONSTRAINT jobs_repository_fkey FOREIGN KEY (tenant_id, repository_id)
        REFERENCES kotadb.repositories (tenant_id, id),
    CONSTRAINT jobs_kind_check CHECK (kind IN ('index')),
    CONSTRAINT jobs_state_check CHECK (state IN ('queued', 'running', 'done', 'dead', 'cancelled', 'superseded')),
    CONSTRAINT jobs_trigger_check CHECK (trigger IN ('manual', 'push', 'register', 'sweep')),
    CONSTRAINT jobs_error_class_check CHECK (error_class IN ('permanent', 'transient', 'rate_limited', 'crash')),
    CONSTRAINT jobs_lease_check CHECK ((state = 'running') = (lease_expires_at IS NOT NULL)),
    CONSTRAINT jobs_finished_check CHECK ((state IN ('queued', 'running')) = (finished_at IS NULL))
);
CREATE UNIQUE INDEX jobs_queued_key ON kotadb.jobs (repository_id, kind) WHERE state = 'queued';
CREATE UNIQUE INDEX jobs_running_key ON kotadb.jobs (repository_id, kind) WHERE state = 'running';
CREATE INDEX jobs_due_idx ON kotadb.jobs (priority, run_at, id) WHERE state = 'queued';
CREATE INDEX jobs_lease_idx ON kotadb.jobs (lease_expires_at) WHERE state = 'running';
CREATE INDEX jobs_dead_idx ON kotadb.jobs (repository_id, finished_at) WHERE state = 'dead';
CREATE INDEX jobs_tenant_idx ON kotadb.jobs (tenant_id, id);
ALTER TABLE kotadb.jobs SET (autovacuum_vacuum_scale_factor = 0.01);

ALTER TABLE kotadb.tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.repositories ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.hooks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.jobs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- The sub-select makes the planner ask once for the tenant, not once a row.
CREATE POLICY api ON kotadb.tenants TO kotadb_api USING (id = (SELECT kotadb.current_tenant()));
CREATE POLICY api ON kotadb.repositories TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY api ON kotadb.api_keys TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY api ON kotadb.hooks TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY api ON kotadb.deliveries TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY api ON kotadb.jobs TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
GRANT SELECT ON kotadb.tenants TO kotadb_api;
GRANT SELECT, INSERT, UPDATE ON kotadb.repositories, kotadb.jobs TO kotadb_api;
GRANT SELECT, INSERT ON kotadb.deliveries TO kotadb_api;
-- Neither key hashes nor sealed secrets can be read back by the role that serves requests.
GRANT SELECT (id, tenant_id, name, display, scopes, repository_ids, created_at, expires_at, revoked_at, last_used_at),
    INSERT, UPDATE (name, expires_at, revoked_at) ON kotadb.api_keys TO kotadb_api;
GRANT SELECT (id, tenant_id, repository_id, previous_valid_until, created_at), INSERT,
    UPDATE (secret, previous_secret, previous_valid_until), DELETE ON kotadb.hooks TO kotadb_api;

CREATE POLICY worker ON kotadb.tenants TO kotadb_worker USING (true);
CREATE POLICY worker ON kotadb.repositories TO kotadb_worker USING (true);
CREATE POLICY worker ON kotadb.deliveries TO kotadb_worker USING (true);
CREATE POLICY worker ON kotadb.jobs TO kotadb_worker USING (true);
GRANT SELECT, INSERT ON kotadb.tenants TO kotadb_worker;
GRANT SELECT, UPDATE ON kotadb.repositories TO kotadb_worker;
GRANT SELECT, DELETE ON kotadb.deliveries TO kotadb_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON kotadb.jobs TO kotadb_worker;
GRANT USAGE ON SEQUENCE kotadb.job_fences TO kotadb_worker;

-- The owner of the SECURITY DEFINER functions reads what they read, and no more.
CREATE POLICY auth ON kotadb.repositories FOR SELECT TO kotadb_auth USING (true);
CREATE POLICY auth ON kotadb.hooks FOR SELECT TO kotadb_auth USING (true);
CREATE POLICY auth ON kotadb.jobs FOR SELECT TO kotadb_auth USING (true);
CREATE POLICY auth ON kotadb.api_keys TO kotadb_auth USING (true);
GRANT SELECT (id, tenant_id, name, ref_patterns, github_repository_id, deleted_at) ON kotadb.repositories TO kotadb_auth;
GRANT SELECT ON kotadb.hooks TO kotadb_auth;
GRANT SELECT (repository_id, state, error_class, run_at, finished_at) ON kotadb.jobs TO kotadb_auth;
GRANT SELECT (id, tenant_id, key_sha256, scopes, repository_ids, expires_at, revoked_at, last_used_at),
    UPDATE (last_used_at) ON kotadb.api_keys TO kotadb_auth;
RESET ROLE;
