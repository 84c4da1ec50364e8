-- How far the reconciler has read a log of GitHub that belongs to no repository.
SET LOCAL ROLE kotadb_owner;

CREATE TABLE kotadb.cursors (
    name text NOT NULL,
    position bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT cursors_pkey PRIMARY KEY (name)
);
ALTER TABLE kotadb.cursors ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON kotadb.cursors TO kotadb_worker USING (true);
GRANT SELECT, INSERT, UPDATE ON kotadb.cursors TO kotadb_worker;
RESET ROLE;
