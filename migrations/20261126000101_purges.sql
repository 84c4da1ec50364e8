-- When the owner of a repository last deleted a commit of it: until the indexer has looked after that for certain, it
-- purges what is dead of the repository, whether or not the commit is still searchable when it comes by.
SET LOCAL ROLE kotadb_owner;
ALTER TABLE kotadb.repositories ADD COLUMN purge_requested_at timestamptz;
CREATE INDEX repositories_purge_idx ON kotadb.repositories (tenant_id) WHERE purge_requested_at IS NOT NULL;
RESET ROLE;
