-- Who may ask, and how much: plans and what was used of them, users and members of tenants, keys that the API gives out.
SET LOCAL ROLE kotadb_owner;

-- What tenants may use. NULL: as much as they like. Operators add plans and change them.
CREATE TABLE kotadb.plans (
    name text NOT NULL,
    -- What a key or a member may ask for in a minute, in units (`core::http` says what a request costs).
    units_per_minute integer,
    searches_per_month bigint,
    max_repositories integer,
    max_stored_bytes bigint,
    max_keys integer,
    CONSTRAINT plans_pkey PRIMARY KEY (name),
    CONSTRAINT plans_name_check CHECK (name ~ '^[a-z0-9_-]{1,40}$'),
    CONSTRAINT plans_limits_check CHECK (units_per_minute BETWEEN 1 AND 1000000 AND searches_per_month >= 0
        AND max_repositories >= 0 AND max_stored_bytes >= 0 AND max_keys >= 0)
);
INSERT INTO kotadb.plans (name, units_per_minute, searches_per_month, max_repositories, max_stored_bytes, max_keys)
VALUES ('standard', 600, 1000000, 10000, 107374182400, 100), ('unlimited', NULL, NULL, NULL, NULL, NULL);

ALTER TABLE kotadb.tenants
    ADD COLUMN plan text NOT NULL DEFAULT 'standard',
    -- What it has in the object store, as the sweep saw it last.
    ADD COLUMN stored_bytes bigint NOT NULL DEFAULT 0,
    ADD COLUMN stored_at timestamptz,
    ADD COLUMN deleted_at timestamptz,
    -- After its deletion: when its last object was deleted.
    ADD COLUMN emptied_at timestamptz,
    ADD CONSTRAINT tenants_plan_fkey FOREIGN KEY (plan) REFERENCES kotadb.plans (name),
    ADD CONSTRAINT tenants_emptied_check CHECK (emptied_at IS NULL OR deleted_at IS NOT NULL),
    DROP CONSTRAINT tenants_name_key;
CREATE UNIQUE INDEX tenants_name_key ON kotadb.tenants (name) WHERE deleted_at IS NULL;

-- Somebody who signs in through Supabase.
CREATE TABLE kotadb.users (
    id uuid NOT NULL,
    -- Verified, by Supabase's word.
    email text,
    -- The linked account at GitHub.
    github_id bigint,
    github_login text,
    -- When Supabase was asked last.
    verified_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_pkey PRIMARY KEY (id)
);

-- A user in a tenant; without `user_id` an invitation, taken by whoever signs in with that verified e-mail address or that
-- linked GitHub account.
CREATE TABLE kotadb.members (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    user_id uuid,
    role text NOT NULL,
    -- The repositories that the member may see; NULL: all of the tenant.
    repository_ids uuid[],
    email text,
    github_login text,
    created_at timestamptz NOT NULL DEFAULT now(),
    joined_at timestamptz,
    expires_at timestamptz,
    CONSTRAINT members_pkey PRIMARY KEY (id),
    CONSTRAINT members_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kotadb.tenants (id),
    CONSTRAINT members_user_fkey FOREIGN KEY (user_id) REFERENCES kotadb.users (id),
    CONSTRAINT members_role_check CHECK (role IN ('owner', 'maintainer', 'reader')),
    CONSTRAINT members_joined_check CHECK ((user_id IS NULL) = (joined_at IS NULL)),
    CONSTRAINT members_invited_check CHECK (user_id IS NOT NULL OR num_nonnulls(email, github_login) = 1),
    CONSTRAINT members_email_check CHECK (length(email) <= 320),
    CONSTRAINT members_login_check CHECK (length(github_login) <= 100)
);
CREATE UNIQUE INDEX members_user_key ON kotadb.members (tenant_id, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX members_email_key ON kotadb.members (tenant_id, lower(email)) WHERE user_id IS NULL;
CREATE UNIQUE INDEX members_login_key ON kotadb.members (tenant_id, lower(github_login)) WHERE user_id IS NULL;
CREATE INDEX members_of_user_idx ON kotadb.members (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX members_of_email_idx ON kotadb.members (lower(email)) WHERE user_id IS NULL;
CREATE INDEX members_of_login_idx ON kotadb.members (lower(github_login)) WHERE user_id IS NULL;

-- GitHub's numbers of the repositories that a member's own account sees through the tenant's installations.
CREATE TABLE kotadb.github_access (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    github_repository_ids bigint[] NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT github_access_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT github_access_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kotadb.tenants (id),
    CONSTRAINT github_access_user_fkey FOREIGN KEY (user_id) REFERENCES kotadb.users (id)
);

ALTER TABLE kotadb.api_keys
    -- Who made it: it can never do more than that member, and ends with the membership. No foreign key: the row of a member
    -- who left is gone.
    ADD COLUMN member_id uuid,
    ADD COLUMN successor_id uuid,
    DROP CONSTRAINT api_keys_scopes_check,
    ADD CONSTRAINT api_keys_scopes_check CHECK (scopes <@ ARRAY['search', 'repositories:read', 'repositories:write', 'jobs:read',
        'jobs:write', 'keys:admin', 'tenant:read', 'tenant:admin']),
    ADD CONSTRAINT api_keys_name_check CHECK (name <> '' AND length(name) <= 200);
CREATE INDEX api_keys_member_idx ON kotadb.api_keys (member_id) WHERE member_id IS NOT NULL;

-- What a tenant used in a calendar month (UTC). Of the unlogged table below a crash loses the content, which harms nobody.
CREATE TABLE kotadb.usage_months (
    tenant_id uuid NOT NULL,
    month date NOT NULL,
    requests bigint NOT NULL,
    searches bigint NOT NULL,
    CONSTRAINT usage_months_pkey PRIMARY KEY (tenant_id, month),
    CONSTRAINT usage_months_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES kotadb.tenants (id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- One row for each key or member that asks: when its bucket will be full again (the "theoretical arrival time" of GCRA).
CREATE UNLOGGED TABLE kotadb.rate_limits (
    subject_id uuid NOT NULL,
    full_again_at timestamptz NOT NULL,
    CONSTRAINT rate_limits_pkey PRIMARY KEY (subject_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

ALTER TABLE kotadb.plans ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.members ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.github_access ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.usage_months ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE kotadb.rate_limits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

CREATE POLICY api ON kotadb.plans FOR SELECT TO kotadb_api
    USING (name = (SELECT t.plan FROM kotadb.tenants t WHERE t.id = kotadb.current_tenant()));
CREATE POLICY api ON kotadb.users FOR SELECT TO kotadb_api USING (
    EXISTS (SELECT FROM kotadb.members m WHERE m.user_id = users.id AND m.tenant_id = (SELECT kotadb.current_tenant())));
CREATE POLICY api ON kotadb.members TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY api ON kotadb.github_access TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
CREATE POLICY api ON kotadb.usage_months FOR SELECT TO kotadb_api USING (tenant_id = (SELECT kotadb.current_tenant()));
GRANT SELECT ON kotadb.plans, kotadb.users, kotadb.usage_months TO kotadb_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON kotadb.members TO kotadb_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON kotadb.github_access TO kotadb_api;
GRANT UPDATE (name, deleted_at) ON kotadb.tenants TO kotadb_api;
GRANT SELECT (member_id, successor_id), UPDATE (successor_id) ON kotadb.api_keys TO kotadb_api;

CREATE POLICY worker ON kotadb.plans TO kotadb_worker USING (true);
GRANT SELECT, INSERT, UPDATE ON kotadb.plans TO kotadb_worker;
GRANT UPDATE (plan, stored_bytes, stored_at, emptied_at) ON kotadb.tenants TO kotadb_worker;

CREATE POLICY auth ON kotadb.plans FOR SELECT TO kotadb_auth USING (true);
CREATE POLICY auth ON kotadb.users TO kotadb_auth USING (true);
CREATE POLICY auth ON kotadb.members TO kotadb_auth USING (true);
CREATE POLICY auth ON kotadb.github_access FOR SELECT TO kotadb_auth USING (true);
CREATE POLICY auth ON kotadb.usage_months TO kotadb_auth USING (true);
CREATE POLICY auth ON kotadb.rate_limits TO kotadb_auth USING (true);
GRANT SELECT ON kotadb.plans TO kotadb_auth;
GRANT SELECT, INSERT, UPDATE ON kotadb.users, kotadb.usage_months TO kotadb_auth;
GRANT SELECT, UPDATE (user_id, joined_at, expires_at) ON kotadb.members TO kotadb_auth;
GRANT SELECT ON kotadb.github_access TO kotadb_auth;
GRANT SELECT, INSERT, UPDATE, DELETE ON kotadb.rate_limits TO kotadb_auth;
GRANT SELECT (plan, deleted_at, name) ON kotadb.tenants TO kotadb_auth;
GRANT SELECT (is_private) ON kotadb.repositories TO kotadb_auth;
GRANT SELECT (member_id) ON kotadb.api_keys TO kotadb_auth;

-- No tenant gets more repositories than its plan allows, nor any while it stores more than that; whoever registers them.
-- What is registered stays current. The lock makes those who register at the
-- same time count one after the other.
CREATE FUNCTION kotadb.count_repositories() RETURNS trigger
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        one record;
    BEGIN
        FOR one IN
            SELECT t.id, p.max_repositories AS most, t.stored_bytes >= p.max_stored_bytes AS is_full
            FROM kotadb.tenants t JOIN kotadb.plans p ON p.name = t.plan
            WHERE t.id IN (SELECT a.tenant_id FROM added a) AND num_nonnulls(p.max_repositories, p.max_stored_bytes) > 0
            ORDER BY t.id
        LOOP
            IF one.is_full THEN
                RAISE EXCEPTION 'the plan of the tenant allows no more bytes'
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'repositories_bytes_quota_check';
            END IF;
            PERFORM pg_advisory_xact_lock(hashtextextended('kotadb.repositories ' || one.id, 0));
            IF (SELECT count(*) FROM kotadb.repositories r WHERE r.tenant_id = one.id AND r.deleted_at IS NULL) > one.most THEN
                RAISE EXCEPTION 'the plan of the tenant allows % repositories', one.most
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'repositories_quota_check';
            END IF;
        END LOOP;
        RETURN NULL;
    END
    $$;
REVOKE ALL ON FUNCTION kotadb.count_repositories() FROM PUBLIC;
CREATE TRIGGER repositories_quota AFTER INSERT ON kotadb.repositories
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION kotadb.count_repositories();

-- A tenant that had an owner who has joined and sees everything keeps one. The lock makes those who take owners away at the
-- same time look one after the other.
CREATE FUNCTION kotadb.keep_owner() RETURNS trigger
    LANGUAGE plpgsql VOLATILE
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        one uuid;
    BEGIN
        FOR one IN
            SELECT DISTINCT b.tenant_id FROM before b
            WHERE b.role = 'owner' AND b.user_id IS NOT NULL AND b.repository_ids IS NULL
        LOOP
            PERFORM pg_advisory_xact_lock(hashtextextended('kotadb.members ' || one, 0));
            IF NOT EXISTS (SELECT FROM kotadb.members m WHERE m.tenant_id = one AND m.role = 'owner'
                    AND m.user_id IS NOT NULL AND m.repository_ids IS NULL)
                AND EXISTS (SELECT FROM kotadb.tenants t WHERE t.id = one AND t.deleted_at IS NULL)
            THEN
                RAISE EXCEPTION 'the last owner of a tenant cannot go'
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'members_owner_check';
            END IF;
        END LOOP;
        RETURN NULL;
    END
    $$;
REVOKE ALL ON FUNCTION kotadb.keep_owner() FROM PUBLIC;
CREATE TRIGGER members_owner_changed AFTER UPDATE ON kotadb.members
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION kotadb.keep_owner();
CREATE TRIGGER members_owner_gone AFTER DELETE ON kotadb.members
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION kotadb.keep_owner();

GRANT CREATE ON SCHEMA kotadb TO kotadb_auth;
RESET ROLE;

SET LOCAL ROLE kotadb_auth;

-- Lets a request of a key or member in, or not: by the rate (GCRA: a bucket of a minute's units that fills evenly) and by the
-- searches of the month. Counts it. `outcome` is NULL for one that is let in. What is lost in a crash of the server is a
-- second's worth of counting, so no commit waits for the disk.
CREATE FUNCTION kotadb.admit(
    subject uuid, tenant uuid, is_search boolean, cost integer,
    OUT outcome text, OUT units_limit integer, OUT units_left integer, OUT reset_ms bigint, OUT retry_ms bigint
)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    DECLARE
        of_plan record;
        asked_at timestamptz := clock_timestamp();
        unit interval;
        units integer;
        full_at timestamptz;
        this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    BEGIN
        IF cost = 0 THEN
            RETURN; -- Of what is asked once more.
        END IF;
        PERFORM set_config('synchronous_commit', 'off', true);
        SELECT p.units_per_minute, p.searches_per_month INTO of_plan
        FROM kotadb.tenants t JOIN kotadb.plans p ON p.name = t.plan WHERE t.id = tenant;
        units_limit := of_plan.units_per_minute;
        IF units_limit IS NOT NULL THEN
            unit := interval '1 minute' / units_limit;
            units := least(cost, units_limit);
            INSERT INTO kotadb.rate_limits AS r (subject_id, full_again_at) VALUES (subject, asked_at + units * unit)
            ON CONFLICT (subject_id) DO UPDATE SET full_again_at = greatest(r.full_again_at, asked_at) + units * unit
                WHERE greatest(r.full_again_at, asked_at) + units * unit <= asked_at + interval '1 minute'
            RETURNING full_again_at INTO full_at;
            IF NOT FOUND THEN
                outcome := 'rate_limited';
                SELECT r.full_again_at INTO full_at FROM kotadb.rate_limits r WHERE r.subject_id = subject;
                retry_ms := ceil(extract(epoch FROM full_at + units * unit - interval '1 minute' - asked_at) * 1000);
            END IF;
            units_left := greatest(floor(extract(epoch FROM asked_at + interval '1 minute' - full_at)
                / extract(epoch FROM unit)), 0);
            reset_ms := greatest(ceil(extract(epoch FROM full_at - asked_at) * 1000), 0);
        END IF;
        IF outcome IS NULL AND is_search AND of_plan.searches_per_month = 0 THEN
            outcome := 'quota_exceeded';
        ELSIF outcome IS NULL THEN
            INSERT INTO kotadb.usage_months AS u (tenant_id, month, requests, searches)
            VALUES (tenant, this_month::date, 1, is_search::integer)
            ON CONFLICT (tenant_id, month) DO UPDATE
                SET requests = u.requests + 1, searches = u.searches + is_search::integer
                WHERE NOT is_search OR of_plan.searches_per_month IS NULL OR u.searches < of_plan.searches_per_month;
            IF NOT FOUND THEN
                outcome := 'quota_exceeded';
            END IF;
        END IF;
        IF outcome = 'quota_exceeded' THEN
            retry_ms := ceil(extract(epoch FROM this_month + interval '1 month' - (now() AT TIME ZONE 'UTC')) * 1000);
        END IF;
    END
    $$;

-- The repositories of a tenant that somebody may see, whom `allowed` limits and, where it is a user, what his own account
-- sees at GitHub: a private repository of an installation is hidden unless that was confirmed within the hour. `narrowed`:
-- there are others. The rest is as `authenticate` has it.
CREATE FUNCTION kotadb.visible_repositories(tenant uuid, allowed uuid[], of_user uuid)
    RETURNS TABLE (repository_ids uuid[], repository_names text[], hidden_repositories uuid[], hidden_commits text[],
        former_repositories uuid[], former_names text[], narrowed boolean, access_age_ms bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    DECLARE
        seen bigint[];
        checked timestamptz;
        is_checked boolean;
    BEGIN
        IF of_user IS NOT NULL THEN
            SELECT a.github_repository_ids, a.checked_at INTO seen, checked FROM kotadb.github_access a
            WHERE a.tenant_id = tenant AND a.user_id = of_user;
            is_checked := EXISTS (SELECT FROM kotadb.repositories r
                WHERE r.tenant_id = tenant AND r.deleted_at IS NULL AND r.installation_id IS NOT NULL AND r.is_private);
            IF is_checked THEN
                access_age_ms := coalesce((extract(epoch FROM now() - checked) * 1000)::bigint, 4611686018427387904);
            END IF;
            IF checked IS NULL OR checked < now() - interval '1 hour' THEN
                seen := '{}';
            END IF;
        END IF;
        narrowed := allowed IS NOT NULL OR coalesce(is_checked, false);
        SELECT coalesce(array_agg(r.id ORDER BY r.name, r.id), '{}'), coalesce(array_agg(r.name::text ORDER BY r.name, r.id), '{}')
        INTO repository_ids, repository_names
        FROM kotadb.repositories r
        WHERE r.tenant_id = tenant AND r.deleted_at IS NULL AND (allowed IS NULL OR r.id = ANY (allowed))
            AND (of_user IS NULL OR r.installation_id IS NULL OR NOT r.is_private OR r.github_repository_id = ANY (seen));
        SELECT coalesce(array_agg(h.repository_id ORDER BY h.repository_id, h.commit_id), '{}'),
            coalesce(array_agg(h.commit_id ORDER BY h.repository_id, h.commit_id), '{}')
        INTO hidden_repositories, hidden_commits
        FROM kotadb.hidden_commits h WHERE h.tenant_id = tenant AND (allowed IS NULL OR h.repository_id = ANY (allowed));
        SELECT coalesce(array_agg(n.repository_id ORDER BY n.since DESC, n.name), '{}'),
            coalesce(array_agg(n.name::text ORDER BY n.since DESC, n.name), '{}')
        INTO former_repositories, former_names
        FROM kotadb.former_names n WHERE n.tenant_id = tenant AND (allowed IS NULL OR n.repository_id = ANY (allowed));
        RETURN NEXT;
    END
    $$;

-- What is in both lists; NULL stands for all.
CREATE FUNCTION kotadb.both(one uuid[], other uuid[]) RETURNS uuid[]
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$
    SELECT CASE WHEN one IS NULL THEN other WHEN other IS NULL THEN one
        ELSE ARRAY (SELECT unnest(one) INTERSECT SELECT unnest(other)) END
    $$;

-- What a key stands for, and whether it may ask now. `outcome`: `ok`; `unknown`, `revoked` (also where its tenant or the
-- member who made it is gone), `expired`, `rate_limited`, `quota_exceeded`. `last_used_at` is written at most once a minute,
-- and never waited for.
CREATE FUNCTION kotadb.authenticate_key(key_hash bytea, is_search boolean, cost integer)
    RETURNS TABLE (outcome text, key_id uuid, member_id uuid, user_id uuid, role text, tenant_id uuid, scopes text[],
        allowed uuid[], repository_ids uuid[], repository_names text[], hidden_repositories uuid[], hidden_commits text[],
        former_repositories uuid[], former_names text[], narrowed boolean, access_age_ms bigint,
        units_limit integer, units_left integer, reset_ms bigint, retry_ms bigint)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    DECLARE
        k record;
    BEGIN
        SELECT a.id, a.tenant_id, a.scopes, a.repository_ids, a.expires_at, a.last_used_at, a.member_id, m.user_id, m.role,
            m.repository_ids AS of_member,
            a.revoked_at IS NOT NULL OR t.deleted_at IS NOT NULL OR (a.member_id IS NOT NULL AND m.user_id IS NULL) AS is_over
        INTO k
        FROM kotadb.api_keys a JOIN kotadb.tenants t ON t.id = a.tenant_id
            LEFT JOIN kotadb.members m ON m.id = a.member_id AND m.tenant_id = a.tenant_id
        WHERE a.key_sha256 = key_hash;
        outcome := CASE WHEN k.id IS NULL THEN 'unknown' WHEN k.is_over THEN 'revoked'
            WHEN k.expires_at <= now() THEN 'expired' END;
        IF outcome IS NULL THEN
            SELECT a.outcome, a.units_limit, a.units_left, a.reset_ms, a.retry_ms
            INTO outcome, units_limit, units_left, reset_ms, retry_ms
            FROM kotadb.admit(k.id, k.tenant_id, is_search, cost) a;
            IF k.last_used_at IS NULL OR k.last_used_at < now() - interval '1 minute' THEN
                UPDATE kotadb.api_keys a SET last_used_at = now()
                WHERE a.id IN (SELECT u.id FROM kotadb.api_keys u WHERE u.id = k.id FOR UPDATE SKIP LOCKED);
            END IF;
        END IF;
        IF outcome IS NULL THEN
            outcome := 'ok';
            key_id := k.id;
            member_id := k.member_id;
            user_id := k.user_id;
            role := k.role;
            tenant_id := k.tenant_id;
            scopes := k.scopes;
            allowed := kotadb.both(k.repository_ids, k.of_member);
            SELECT v.repository_ids, v.repository_names, v.hidden_repositories, v.hidden_commits, v.former_repositories,
                v.former_names, v.narrowed, v.access_age_ms
            INTO repository_ids, repository_names, hidden_repositories, hidden_commits, former_repositories,
                former_names, narrowed, access_age_ms
            FROM kotadb.visible_repositories(k.tenant_id, allowed, k.user_id) v;
        END IF;
        RETURN NEXT;
    END
    $$;

-- The same for a user whose token was verified, in one of his tenants: the wanted one, or the only one. `outcome` is also
-- `no_member`, or `several` where none was wanted.
CREATE FUNCTION kotadb.authenticate_user(subject uuid, wanted uuid, is_search boolean, cost integer)
    RETURNS TABLE (outcome text, key_id uuid, member_id uuid, user_id uuid, role text, tenant_id uuid, scopes text[],
        allowed uuid[], repository_ids uuid[], repository_names text[], hidden_repositories uuid[], hidden_commits text[],
        former_repositories uuid[], former_names text[], narrowed boolean, access_age_ms bigint,
        units_limit integer, units_left integer, reset_ms bigint, retry_ms bigint)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    DECLARE
        m record;
        others bigint;
    BEGIN
        SELECT f.id, f.tenant_id, f.role, f.repository_ids, f.n INTO m FROM (
            SELECT u.id, u.tenant_id, u.role, u.repository_ids, count(*) OVER () AS n
            FROM kotadb.members u JOIN kotadb.tenants t ON t.id = u.tenant_id AND t.deleted_at IS NULL
            WHERE u.user_id = subject AND (wanted IS NULL OR u.tenant_id = wanted)
        ) AS f LIMIT 1;
        outcome := CASE WHEN m.id IS NULL THEN 'no_member' WHEN m.n > 1 THEN 'several' END;
        IF outcome IS NULL THEN
            SELECT a.outcome, a.units_limit, a.units_left, a.reset_ms, a.retry_ms
            INTO outcome, units_limit, units_left, reset_ms, retry_ms
            FROM kotadb.admit(m.id, m.tenant_id, is_search, cost) a;
        END IF;
        IF outcome IS NULL THEN
            outcome := 'ok';
            member_id := m.id;
            user_id := subject;
            role := m.role;
            tenant_id := m.tenant_id;
            allowed := m.repository_ids;
            SELECT v.repository_ids, v.repository_names, v.hidden_repositories, v.hidden_commits, v.former_repositories,
                v.former_names, v.narrowed, v.access_age_ms
            INTO repository_ids, repository_names, hidden_repositories, hidden_commits, former_repositories,
                former_names, narrowed, access_age_ms
            FROM kotadb.visible_repositories(m.tenant_id, allowed, subject) v;
        END IF;
        RETURN NEXT;
    END
    $$;

-- Whether Supabase is to be asked who a user is: it was not within the last minute. Says yes to one of those who ask at once.
CREATE FUNCTION kotadb.claim_verification(subject uuid) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        INSERT INTO kotadb.users AS u (id, verified_at) VALUES (subject, now())
        ON CONFLICT (id) DO UPDATE SET verified_at = now()
            WHERE u.verified_at IS NULL OR u.verified_at < now() - interval '1 minute';
        RETURN FOUND;
    END
    $$;

-- Notes what is certain of a user (NULL: nothing is known, which takes nothing away) and takes the invitations that are meant
-- for it, one a tenant; how many.
CREATE FUNCTION kotadb.note_user(subject uuid, of_email text, of_github bigint, of_login text) RETURNS integer
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    #variable_conflict use_column
    DECLARE
        taken integer;
    BEGIN
        INSERT INTO kotadb.users AS u (id, email, github_id, github_login, verified_at)
        VALUES (subject, of_email, of_github, of_login, now())
        ON CONFLICT (id) DO UPDATE SET email = coalesce(excluded.email, u.email),
            github_id = coalesce(excluded.github_id, u.github_id),
            github_login = coalesce(excluded.github_login, u.github_login);
        WITH meant AS (
            SELECT DISTINCT ON (m.tenant_id) m.id
            FROM kotadb.members m JOIN kotadb.tenants t ON t.id = m.tenant_id AND t.deleted_at IS NULL
            WHERE m.user_id IS NULL AND (m.expires_at IS NULL OR m.expires_at > now())
                AND (lower(m.email) = lower(of_email) OR lower(m.github_login) = lower(of_login))
                AND NOT EXISTS (SELECT FROM kotadb.members o WHERE o.tenant_id = m.tenant_id AND o.user_id = subject)
            ORDER BY m.tenant_id, m.created_at, m.id
        )
        UPDATE kotadb.members m SET user_id = subject, joined_at = now(), expires_at = NULL FROM meant
        WHERE m.id = meant.id AND m.user_id IS NULL;
        GET DIAGNOSTICS taken = ROW_COUNT;
        RETURN taken;
    END
    $$;

-- Forgets buckets that are full; how many.
CREATE FUNCTION kotadb.forget_rate_limits() RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    DECLARE
        forgotten bigint;
    BEGIN
        DELETE FROM kotadb.rate_limits r WHERE r.full_again_at < now() - interval '1 hour';
        GET DIAGNOSTICS forgotten = ROW_COUNT;
        RETURN forgotten;
    END
    $$;

REVOKE ALL ON FUNCTION kotadb.admit(uuid, uuid, boolean, integer), kotadb.visible_repositories(uuid, uuid[], uuid),
    kotadb.both(uuid[], uuid[]), kotadb.authenticate_key(bytea, boolean, integer),
    kotadb.authenticate_user(uuid, uuid, boolean, integer), kotadb.claim_verification(uuid),
    kotadb.note_user(uuid, text, bigint, text), kotadb.forget_rate_limits() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kotadb.authenticate_key(bytea, boolean, integer),
    kotadb.authenticate_user(uuid, uuid, boolean, integer), kotadb.claim_verification(uuid),
    kotadb.note_user(uuid, text, bigint, text) TO kotadb_api;
GRANT EXECUTE ON FUNCTION kotadb.forget_rate_limits() TO kotadb_worker;
RESET ROLE;

SET LOCAL ROLE kotadb_owner;
REVOKE CREATE ON SCHEMA kotadb FROM kotadb_auth;
RESET ROLE;
