-- What GitHub knows of a repository and what its owner asks of it: installations of the App, tokens, patterns that
-- register, schedules, names it had, and why it stands still. Tables and columns only; what moves them comes later.
SET LOCAL ROLE kotadb_owner;

-- An installation of the GitHub App. It has no tenant until one is linked to it.
CREATE TABLE kotadb.installations (
    id bigint NOT NULL,
    tenant_id uuid,
    account text NOT NULL,
    account_id bigint NOT NULL,
    suspended_at timestamptz,
    deleted_at timestamptz,
    checked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT installations_pkey PRIMARY KEY (id),
    CONSTRAINT installations_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kotadb.tenants (id)
);
CREATE INDEX installations_tenant_idx ON kotadb.installations (tenant_id);

-- An OAuth token of a tenant, sealed with context `token:<id>`.
CREATE TABLE kotadb.github_tokens (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    login text NOT NULL,
    sealed bytea NOT NULL,
    revoked_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT github_tokens_pkey PRIMARY KEY (id),
    CONSTRAINT github_tokens_tenant_id_key UNIQUE (tenant_id, id),
    CONSTRAINT github_tokens_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kotadb.tenants (id)
);

-- A pattern of names (`acme/*`): what it matches is registered, now and when it comes.
CREATE TABLE kotadb.registrations (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    pattern text NOT NULL,
    installation_id bigint,
    token_id uuid,
    ref_patterns text[] NOT NULL DEFAULT '{}',
    priority smallint,
    schedule text,
    checked_at timestamptz,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT registrations_pkey PRIMARY KEY (id),
    CONSTRAINT registrations_tenant_id_key UNIQUE (tenant_id, id),
    CONSTRAINT registrations_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kotadb.tenants (id),
    CONSTRAINT registrations_installation_fkey FOREIGN KEY (installation_id) REFERENCES kotadb.installations (id),
    CONSTRAINT registrations_token_fkey FOREIGN KEY (tenant_id, token_id) REFERENCES kotadb.github_tokens (tenant_id, id),
    CONSTRAINT registrations_pattern_check CHECK (pattern <> '' AND length(pattern) <= 300),
    CONSTRAINT registrations_priority_check CHECK (priority BETWEEN 0 AND 100)
);
CREATE UNIQUE INDEX registrations_pattern_key ON kotadb.registrations (tenant_id, pattern) WHERE deleted_at IS NULL;

ALTER TABLE kotadb.repositories
    ADD COLUMN default_branch text,
    ADD COLUMN is_private boolean NOT NULL DEFAULT true,
    -- How it is fetched: at most one of the two; neither: without credentials.
    ADD COLUMN installation_id bigint,
    ADD COLUMN token_id uuid,
    ADD COLUMN registration_id uuid,
    -- Of its automatic jobs, in the place of what their trigger has.
    ADD COLUMN priority smallint,
    -- Five fields in UTC, and when it fires next.
    ADD COLUMN schedule text,
    ADD COLUMN next_run_at timestamptz,
    -- It stands still: no automatic job of it is queued or taken.
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN suspended_because text,
    -- It is gone at GitHub; a week later it is deleted here.
    ADD COLUMN upstream_gone_at timestamptz,
    -- When its tips and its hook were compared last, and the ETag of that answer.
    ADD COLUMN checked_at timestamptz,
    ADD COLUMN tip_etag text,
    ADD CONSTRAINT repositories_installation_fkey FOREIGN KEY (installation_id) REFERENCES kotadb.installations (id),
    ADD CONSTRAINT repositories_token_fkey FOREIGN KEY (tenant_id, token_id) REFERENCES kotadb.github_tokens (tenant_id, id),
    ADD CONSTRAINT repositories_registration_fkey FOREIGN KEY (tenant_id, registration_id)
        REFERENCES kotadb.registrations (tenant_id, id),
    ADD CONSTRAINT repositories_credential_check CHECK (installation_id IS NULL OR token_id IS NULL),
    ADD CONSTRAINT repositories_priority_check CHECK (priority BETWEEN 0 AND 100),
    ADD CONSTRAINT repositories_schedule_check CHECK (schedule IS NOT NULL OR next_run_at IS NULL),
    ADD CONSTRAINT repositories_suspended_check CHECK ((suspended_at IS NULL) = (suspended_because IS NULL)
        AND suspended_because IN ('owner', 'archived', 'transferred', 'installation', 'access', 'gone', 'crashes'));
CREATE INDEX repositories_next_run_idx ON kotadb.repositories (next_run_at) WHERE next_run_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX repositories_checked_idx ON kotadb.repositories (checked_at NULLS FIRST) WHERE deleted_at IS NULL;
CREATE INDEX repositories_github_idx ON kotadb.repositories (github_repository_id) WHERE deleted_at IS NULL;
CREATE INDEX repositories_installation_idx ON kotadb.repositories (installation_id) WHERE deleted_at IS NULL;

-- Names that a repository had before it was renamed: what asks for one of them is sent to the new one.
CREATE TABLE kotadb.former_names (
    tenant_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    repository_id uuid NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT former_names_pkey PRIMARY KEY (tenant_id, name, repository_id),
    CONSTRAINT former_names_repository_fkey FOREIGN KEY (tenant_id, repository_id)
        REFERENCES kotadb.repositories (tenant_id, id)
);

ALTER TABLE kotadb.hooks
    -- GitHub's number of it, where it was made through the API.
    ADD COLUMN github_hook_id bigint,
    -- A delivery of it was verified.
    ADD COLUMN verified_at timestamptz,
    -- What is wrong with it at GitHub, for its owner to read; NULL: nothing is known to be.
    ADD COLUMN fault text,
    ADD COLUMN checked_at timestamptz,
    -- Newest delivery of its log at GitHub that was looked at.
    ADD COLUMN newest_delivery bigint;

ALTER TABLE kotadb.deliveries
    ADD COLUMN action text,
    ADD COLUMN outcome text,
    ADD COLUMN job_id uuid;

-- Deliveries to the App's own hook, which belongs to no repository.
CREATE TABLE kotadb.app_deliveries (
    delivery_id uuid NOT NULL,
    tenant_id uuid,
    installation_id bigint,
    event text NOT NULL,
    action text,
    outcome text,
    body_sha256 bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT app_deliveries_pkey PRIMARY KEY (delivery_id),
    CONSTRAINT app_deliveries_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kotadb.tenants (id),
    CONSTRAINT app_deliveries_sha256_check CHECK (octet_length(body_sha256) = 32)
);
CREATE INDEX app_deliveries_received_idx ON kotadb.app_deliveries (received_at);
CREATE INDEX app_deliveries_tenant_idx ON kotadb.app_deliveries (tenant_id, received_at);

ALTER TABLE kotadb.installations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.github_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.registrations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.former_names ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.app_deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY api ON kotadb.installations TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY api ON kotadb.github_tokens TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY api ON kotadb.registrations TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY api ON kotadb.former_names TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY api ON kotadb.app_deliveries TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
GRANT SELECT ON kotadb.installations, kotadb.app_deliveries TO kotadb_api;
GRANT SELECT, INSERT, UPDATE ON kotadb.registrations TO kotadb_api;
GRANT SELECT, INSERT ON kotadb.former_names TO kotadb_api;
GRANT SELECT (id, tenant_id, login, revoked_at, created_at), INSERT, UPDATE (revoked_at) ON kotadb.github_tokens TO kotadb_api;

-- The worker clones with tokens and repairs hooks, for all tenants.
CREATE POLICY worker ON kotadb.installations TO kotadb_worker USING (true);
CREATE POLICY worker ON kotadb.github_tokens TO kotadb_worker USING (true);
CREATE POLICY worker ON kotadb.registrations TO kotadb_worker USING (true);
CREATE POLICY worker ON kotadb.former_names TO kotadb_worker USING (true);
CREATE POLICY worker ON kotadb.app_deliveries TO kotadb_worker USING (true);
CREATE POLICY worker ON kotadb.hooks TO kotadb_worker USING (true);
GRANT SELECT, INSERT, UPDATE ON kotadb.installations, kotadb.hooks TO kotadb_worker;
GRANT SELECT, UPDATE ON kotadb.github_tokens, kotadb.registrations TO kotadb_worker;
GRANT SELECT, INSERT ON kotadb.former_names, kotadb.repositories TO kotadb_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON kotadb.app_deliveries TO kotadb_worker;
GRANT UPDATE ON kotadb.deliveries TO kotadb_worker;
GRANT UPDATE (github_hook_id, verified_at, fault, checked_at), SELECT (github_hook_id, verified_at, fault, checked_at)
    ON kotadb.hooks TO kotadb_api;
GRANT UPDATE (outcome, job_id) ON kotadb.deliveries TO kotadb_api;
RESET ROLE;
