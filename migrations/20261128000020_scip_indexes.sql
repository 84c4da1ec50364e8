-- SCIP indexes that were sent for repositories. The bytes lie in the object store; a row says that they are wanted.
-- needs-binary: >= 0.1.0
SET LOCAL ROLE kotadb_owner;
CREATE TABLE kotadb.scip_indexes (
    tenant_id uuid NOT NULL,
    repository_id uuid NOT NULL,
    commit_id text NOT NULL,
    -- Name of the object.
    object text NOT NULL,
    -- When a graph was made with it.
    applied_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT scip_indexes_pkey PRIMARY KEY (repository_id, commit_id),
    CONSTRAINT scip_indexes_repository_fkey FOREIGN KEY (tenant_id, repository_id)
        REFERENCES kotadb.repositories (tenant_id, id),
    CONSTRAINT scip_indexes_id_check CHECK (commit_id ~ '^[0-9a-f]{40}$')
);
CREATE INDEX scip_indexes_tenant_idx ON kotadb.scip_indexes (tenant_id);
ALTER TABLE kotadb.scip_indexes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY api ON kotadb.scip_indexes TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY worker ON kotadb.scip_indexes TO kotadb_worker USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON kotadb.scip_indexes TO kotadb_api;
GRANT SELECT, UPDATE (applied_at), DELETE ON kotadb.scip_indexes TO kotadb_worker;
RESET ROLE;
