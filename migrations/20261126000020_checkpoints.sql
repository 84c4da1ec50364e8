-- What an unfinished try of a job has in the object store already.
SET LOCAL ROLE kotadb_owner;
ALTER TABLE kotadb.jobs ADD COLUMN checkpoint jsonb, ADD COLUMN checkpointed_at timestamptz;
CREATE INDEX jobs_superseded_idx ON kotadb.jobs (superseded_by) WHERE superseded_by IS NOT NULL;
RESET ROLE;
