-- The tick: each minute the database itself asks whether an indexer is wanted, and if so calls `/internal/wake`. It needs
-- the extensions pg_cron and pg_net (Supabase has both); where they are absent, all but the schedule is made, and
-- `SELECT kotadb.schedule_tick()` makes that later. `SELECT kotadb.set_tick(url, secret)` says whom to call.
SET LOCAL ROLE kotadb_owner;
-- Only the owner reads it, through its own functions.
CREATE TABLE kotadb.tick_settings (
    name text NOT NULL,
    url text NOT NULL,
    secret text NOT NULL,
    CONSTRAINT tick_settings_pkey PRIMARY KEY (name),
    CONSTRAINT tick_settings_name_check CHECK (name = 'tick'),
    CONSTRAINT tick_settings_url_check CHECK (url ~ '^https?://'),
    CONSTRAINT tick_settings_secret_check CHECK (length(secret) >= 32)
);
ALTER TABLE kotadb.tick_settings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON kotadb.tick_settings TO kotadb_owner USING (true);

-- Whom the tick calls: the address of the API, and the value of its `KOTADB_TICK_SECRET`.
CREATE FUNCTION kotadb.set_tick(base_url text, tick_secret text) RETURNS void
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    INSERT INTO kotadb.tick_settings (name, url, secret) VALUES ('tick', rtrim(base_url, '/') || '/internal/wake', tick_secret)
    ON CONFLICT (name) DO UPDATE SET url = excluded.url, secret = excluded.secret
    $$;

-- HMAC-SHA-256 (RFC 2104) from what Postgres has without an extension. For keys up to 64 bytes; longer ones are hashed first.
CREATE FUNCTION kotadb.hmac_sha256(key bytea, message bytea) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        block bytea := CASE WHEN octet_length(key) > 64 THEN sha256(key) ELSE key END;
        inner_pad bytea;
        outer_pad bytea;
    BEGIN
        block := block || decode(repeat('00', 64 - octet_length(block)), 'hex');
        inner_pad := block;
        outer_pad := block;
        FOR i IN 0..63 LOOP
            inner_pad := set_byte(inner_pad, i, get_byte(block, i) # 54);
            outer_pad := set_byte(outer_pad, i, get_byte(block, i) # 92);
        END LOOP;
        RETURN sha256(outer_pad || sha256(inner_pad || message));
    END
    $$;

-- The call that is to be made now: none unless an indexer is wanted and somebody said whom to call.
CREATE FUNCTION kotadb.tick() RETURNS TABLE (url text, headers jsonb)
    LANGUAGE sql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT s.url, jsonb_build_object('content-type', 'application/json', 'x-kotadb-timestamp', f.stamp, 'x-kotadb-nonce', f.nonce,
        'x-kotadb-signature', 'sha256=' || encode(kotadb.hmac_sha256(convert_to(s.secret, 'UTF8'),
            convert_to(f.stamp || '.' || f.nonce, 'UTF8')), 'hex'))
    FROM kotadb.tick_settings s,
        LATERAL (SELECT extract(epoch FROM now())::bigint::text AS stamp, gen_random_uuid()::text AS nonce) f
    WHERE s.name = 'tick' AND kotadb.work_is_due()
    $$;

REVOKE ALL ON FUNCTION kotadb.set_tick(text, text), kotadb.hmac_sha256(bytea, bytea), kotadb.tick() FROM PUBLIC;

-- Puts the tick on the schedule of pg_cron, as whoever calls this: the owner of the database, who may use both extensions
-- and is a member of kotadb_owner. `false`, with a notice, where an extension is absent.
CREATE FUNCTION kotadb.schedule_tick() RETURNS boolean
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        missing text;
    BEGIN
        SELECT string_agg(w.extension, ' and ' ORDER BY w.extension) INTO missing
        FROM (VALUES ('pg_cron', 'cron', 'schedule'), ('pg_net', 'net', 'http_post')) AS w (extension, in_schema, routine)
        WHERE NOT EXISTS (
            SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname = w.in_schema AND p.proname = w.routine
        );
        IF missing IS NOT NULL THEN
            RAISE NOTICE 'the tick is not scheduled: % is absent; create it, then `SELECT kotadb.schedule_tick()`', missing;
            RETURN false;
        END IF;
        EXECUTE $call$ SELECT cron.schedule('kotadb-tick', '* * * * *',
            'SELECT net.http_post(url := t.url, body := ''{}''::jsonb, headers := t.headers) FROM kotadb.tick() t') $call$;
        RETURN true;
    END
    $$;
REVOKE ALL ON FUNCTION kotadb.schedule_tick() FROM PUBLIC;
RESET ROLE;

SELECT kotadb.schedule_tick();
