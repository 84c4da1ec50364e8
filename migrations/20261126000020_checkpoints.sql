-- What an unfinished try of a job has in the object store already; and schedules by when they are due, those that were
-- just set first.
SET LOCAL ROLE kotadb_owner;
ALTER TABLE kotadb.jobs ADD COLUMN checkpoint jsonb, ADD COLUMN checkpointed_at timestamptz;
CREATE INDEX jobs_superseded_idx ON kotadb.jobs (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX repositories_due_idx ON kotadb.repositories (coalesce(next_run_at, '-infinity'))
    WHERE schedule IS NOT NULL AND deleted_at IS NULL;
RESET ROLE;
