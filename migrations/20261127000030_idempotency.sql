-- Requests that are not to be done twice: what a `POST` with an `Idempotency-Key` was answered, for 24 hours.
SET LOCAL ROLE kotadb_owner;
CREATE TABLE kotadb.idempotent_requests (
    tenant_id uuid NOT NULL,
    -- SHA-256 of who asks, method, path and key.
    slot bytea NOT NULL,
    -- SHA-256 of query and body: the same key for another request is a mistake.
    request_sha256 bytea NOT NULL,
    -- Which of the requests that meet here is the one that is done.
    attempt uuid NOT NULL,
    began_at timestamptz NOT NULL DEFAULT now(),
    -- NULL: it is being answered.
    status smallint,
    -- The answer, sealed: it may hold a secret that is shown once.
    answer bytea,
    CONSTRAINT idempotent_requests_pkey PRIMARY KEY (tenant_id, slot),
    CONSTRAINT idempotent_requests_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kotadb.tenants (id),
    CONSTRAINT idempotent_requests_sha256_check CHECK (octet_length(slot) = 32 AND octet_length(request_sha256) = 32),
    CONSTRAINT idempotent_requests_answer_check CHECK ((status IS NULL) = (answer IS NULL) AND status BETWEEN 200 AND 299)
);
CREATE INDEX idempotent_requests_began_idx ON kotadb.idempotent_requests (began_at);
ALTER TABLE kotadb.idempotent_requests ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY api ON kotadb.idempotent_requests TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY worker ON kotadb.idempotent_requests TO kotadb_worker USING (true);
-- The sweep forgets what is a day old; nobody forgets anything younger.
CREATE POLICY kept ON kotadb.idempotent_requests AS RESTRICTIVE FOR DELETE TO kotadb_worker
    USING (began_at < now() - interval '24 hours');
GRANT SELECT, INSERT, UPDATE, DELETE ON kotadb.idempotent_requests TO kotadb_api;
GRANT SELECT, DELETE ON kotadb.idempotent_requests TO kotadb_worker;
RESET ROLE;
