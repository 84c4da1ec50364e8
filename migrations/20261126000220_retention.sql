-- The sweep forgets what operators did 400 days ago and what indexers worked 90 days ago; nobody forgets anything younger.
SET LOCAL ROLE kotadb_owner;
CREATE INDEX audit_log_at_idx ON kotadb.audit_log (at);
GRANT DELETE ON kotadb.audit_log, kotadb.indexer_usage TO kotadb_worker;
CREATE POLICY kept ON kotadb.audit_log AS RESTRICTIVE FOR DELETE TO kotadb_worker USING (at < now() - interval '400 days');
CREATE POLICY kept ON kotadb.indexer_usage AS RESTRICTIVE FOR DELETE TO kotadb_worker
    USING (day < (now() AT TIME ZONE 'UTC')::date - 90);
RESET ROLE;
