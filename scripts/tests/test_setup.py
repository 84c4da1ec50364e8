"""scripts/fly-setup.sh over the stand-in for flyctl and a real Postgres."""

import os
import subprocess
import unittest.mock

from support import PROGRAMS, ScriptTest, digest, machine, service

API, INDEXER = "kotadb-api-staging", "kotadb-indexer-staging"
IMAGE = f"registry.fly.io/{API}:" + "a" * 40


class Setup(ScriptTest):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)

    def set_up(self, *words, **environment):
        return self.run_script("fly-setup.sh", "staging", *words, **environment)

    def test_a_dry_run_makes_nothing(self):
        done = self.set_up("--dry-run")
        self.assertEqual(done.returncode, 0, done.said)
        made = [call for call in self.fly["calls"] if call["words"][1] not in ("whoami", "list")]
        self.assertEqual(made, [])
        for what in (API, f"{INDEXER}.flycast", "the bucket", "KOTADB_MASTER_KEY"):
            self.assertIn(what, done.stdout)

    def test_it_makes_what_is_missing_once(self):
        done = self.set_up()
        self.assertEqual(done.returncode, 0, done.said)
        fly = self.fly
        self.assertEqual(fly["apps"], [API, INDEXER])
        self.assertEqual(fly["ips"], {INDEXER: ["private_v6"]})
        for name in ("BUCKET_NAME", "AWS_SECRET_ACCESS_KEY", "KOTADB_MASTER_KEY"):
            self.assertEqual(fly["secrets"][API][name], fly["secrets"][INDEXER][name])
        self.assertIn("next: scripts/fly-secrets.sh staging set", done.stdout)
        self.assert_secret_kept(done.said)
        (key,) = self.keys.iterdir()
        self.assertEqual((key.name, key.stat().st_mode & 0o777), ("kotadb-staging.master-key", 0o600))
        self.assertEqual(key.read_text().strip(), fly["secrets"][API]["KOTADB_MASTER_KEY"])
        again = self.set_up()
        self.assertNotIn("made", again.stdout)
        self.assertEqual(self.fly["secrets"], fly["secrets"])

    def test_the_sweeper_comes_after_the_first_deployment(self):
        self.change(apps=[API, INDEXER], machines=[machine("ix", INDEXER, IMAGE)])
        done = self.set_up()
        self.assertEqual(done.returncode, 0, done.said)
        (run,) = self.calls("machine run")
        self.assertIn(f"machine run {IMAGE}@{digest(IMAGE)} --app {INDEXER} --name sweeper --region iad --schedule hourly", run)
        self.set_up()
        self.assertEqual(len(self.calls("machine run")), 1)

    def test_a_public_indexer_and_half_a_master_key_are_said(self):
        self.change(apps=[API, INDEXER], ips={INDEXER: ["private_v6", "v6"]}, secrets={API: {"KOTADB_MASTER_KEY": "x"}})
        said = self.set_up("--dry-run").stdout
        self.assertIn("has a public address", said)
        self.assertIn("KOTADB_MASTER_KEY on one of the two apps", said)

    def test_an_answer_without_the_bucket_s_key_is_said(self):
        flyctl = (self.stand_ins / "flyctl").read_text().replace("AWS_SECRET_ACCESS_KEY: {", "nothing {")
        self.stand_in("flyctl", flyctl)
        done = self.set_up()
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no AWS_SECRET_ACCESS_KEY", done.stderr)

    def test_what_cannot_be_listed_is_not_made_anew(self):
        self.change(apps=[API, INDEXER], secrets={app: {"KOTADB_MASTER_KEY": "old", "BUCKET_NAME": "old"} for app in (API, INDEXER)})
        before = self.fly["secrets"]
        for call in ("secrets list", "ips list", "machine list"):
            self.change(fails=[{"call": call, "times": 9}])
            done = self.set_up()
            self.assertEqual(done.returncode, 1, done.said)
            self.assertIn("cannot list the", done.stderr)
            self.assertEqual((self.fly["secrets"], self.calls("storage"), self.calls("ips allocate")), (before, [], []))

    def test_an_answer_of_another_form_is_no_list(self):
        self.change(apps=[API, INDEXER], secrets={app: {"KOTADB_MASTER_KEY": "old", "BUCKET_NAME": "old"} for app in (API, INDEXER)})
        flyctl = (self.stand_ins / "flyctl").read_text()
        for form in ('{"secrets": []}', '[{"key": "KOTADB_MASTER_KEY"}]'):
            self.stand_in("flyctl", flyctl.replace("    def secrets_list(self):", f"    def secrets_list(self):\n        print('{form}')\n        return"))
            done = self.set_up()
            self.assertEqual((done.returncode, self.calls("secrets import")), (1, []), done.said)
            self.assertIn(f"cannot list the secrets of `{API}`", done.stderr)

    def test_a_bucket_s_key_is_kept_until_both_apps_have_it(self):
        self.change(fails=[{"call": f"secrets import --app {INDEXER}"}])
        done = self.set_up()
        self.assertEqual(done.returncode, 1, done.said)
        kept = self.keys / "kotadb-staging.bucket"
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        again = self.set_up()
        self.assertEqual(again.returncode, 0, again.said)
        self.assertEqual(len(self.calls("storage create")), 1)
        secrets = self.fly["secrets"]
        self.assertEqual(secrets[API]["AWS_SECRET_ACCESS_KEY"], secrets[INDEXER]["AWS_SECRET_ACCESS_KEY"])
        self.assertFalse(kept.exists())

    def test_a_secret_that_an_app_does_not_start_without_is_missed(self):
        self.change(apps=[API, INDEXER], secrets={app: {"KOTADB_MASTER_KEY": "x", "BUCKET_NAME": "x", "DATABASE_URL": "x"} for app in (API, INDEXER)})
        said = self.set_up().stdout
        for what in (f"AWS_SECRET_ACCESS_KEY of {INDEXER}", f"SUPABASE_ANON_KEY of {API}"):
            self.assertIn(f"missing  {what}: `scripts/fly-secrets.sh staging set`", said)
        self.assertIn(f"there    DATABASE_URL of {INDEXER}", said)
        self.change(secrets={})
        for words in (["--dry-run"], []):
            self.assertNotIn("missing  AWS", self.set_up(*words).stdout, "what it makes itself is not missing")

    def test_half_a_bucket_is_said(self):
        self.change(apps=[API, INDEXER], secrets={API: {"BUCKET_NAME": "x"}})
        done = self.set_up()
        self.assertIn("the bucket on one of the two apps", done.stdout)
        self.assertEqual(self.calls("storage create"), [])

    def test_a_name_that_is_taken(self):
        self.change(fails=[{"call": "storage create --name kotadb-staging", "says": "name is taken"}])
        done = self.set_up()
        self.assertEqual(done.returncode, 1)
        self.assertIn("choose one in KOTADB_BUCKET", done.stderr)
        done = self.set_up(KOTADB_BUCKET="ours")
        self.assertEqual((done.returncode, self.fly["secrets"][INDEXER]["BUCKET_NAME"]), (0, "ours"), done.said)

    def test_a_new_bucket_reaches_the_sweeper_too(self):
        self.change(apps=[API, INDEXER], secrets={app: {"KOTADB_MASTER_KEY": "x", "BUCKET_NAME": "lost"} for app in (API, INDEXER)},
                    machines=[machine("ix", INDEXER, IMAGE), machine("sw", INDEXER, IMAGE, role="sweeper")])
        done = self.set_up("--new-bucket", KOTADB_BUCKET="new")
        self.assertEqual(done.returncode, 0, done.said)
        self.assertEqual({app: self.fly["secrets"][app]["BUCKET_NAME"] for app in (API, INDEXER)}, {API: "new", INDEXER: "new"})
        for one in self.fly["machines"]:
            self.assertIn("AWS_SECRET_ACCESS_KEY", one["knows"], one["id"])

    def test_what_a_developer_has_exported_is_not_used(self):
        with unittest.mock.patch.dict(os.environ, SUPABASE_DB_URL_STAGING="postgres://u@127.0.0.1:1/real", KOTADB_KEY_FOLDER="/nonexistent"):
            done = self.set_up()
        self.assertEqual(done.returncode, 0, done.said)
        self.assertIn("SUPABASE_DB_URL_STAGING is not set", done.stdout)

    def test_what_cannot_be_made_is_said(self):
        self.change(fails=[{"call": "apps create"}])
        done = self.set_up()
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"cannot make {API}", done.stderr)


class Database(ScriptTest):
    """Over a real Postgres with doubles of pg_cron and pg_net, the signatures as in `core/tests/it/db/tick.rs`."""

    DOUBLES = """
        CREATE SCHEMA cron; CREATE TABLE cron.job (jobname text PRIMARY KEY, schedule text, command text);
        CREATE FUNCTION cron.schedule(job_name text, schedule text, command text) RETURNS bigint LANGUAGE sql AS $$
            INSERT INTO cron.job VALUES (job_name, schedule, command) ON CONFLICT DO NOTHING; SELECT 1::bigint $$;
        CREATE SCHEMA net;
        CREATE FUNCTION net.http_post(url text, body jsonb DEFAULT '{}'::jsonb, params jsonb DEFAULT '{}'::jsonb,
            headers jsonb DEFAULT '{}'::jsonb, timeout_milliseconds integer DEFAULT 5000) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint';"""

    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        service().sql("DROP DATABASE IF EXISTS setup")
        service().sql("CREATE DATABASE setup")
        self.change(apps=[API, INDEXER], secrets={app: {"KOTADB_MASTER_KEY": "x", "BUCKET_NAME": "x"} for app in (API, INDEXER)})

    def sql(self, statement):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, service().address("setup")], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def set_up(self):
        return self.run_script("fly-setup.sh", "staging", SUPABASE_DB_URL_STAGING=service().address("setup"), KOTADB_INDEXER=str(PROGRAMS / "kotadb-indexer"))

    def assert_both_halves_fit(self):
        self.assertEqual(self.sql("SELECT url || ' ' || secret FROM kotadb.tick_settings"),
                         f"https://{API}.fly.dev/internal/wake {self.fly['secrets'][API]['KOTADB_TICK_SECRET']}")

    def test_the_tick_is_set_once(self):
        self.sql(self.DOUBLES)
        done = self.set_up()
        self.assertEqual(done.returncode, 0, done.said)
        self.assertIn("made     the tick", done.stdout)
        self.assert_both_halves_fit()
        self.assertEqual(self.sql("SELECT jobname FROM cron.job"), "kotadb-tick")
        secret = self.fly["secrets"][API]["KOTADB_TICK_SECRET"]
        again = self.set_up()
        self.assertIn("there    the tick", again.stdout, again.said)
        self.assertEqual(self.fly["secrets"][API]["KOTADB_TICK_SECRET"], secret)
        self.assertNotIn(secret, done.said + again.said)

    def test_a_half_that_failed_is_made_good(self):
        self.sql(self.DOUBLES)
        self.set_up()
        self.sql("DELETE FROM kotadb.tick_settings")
        self.change(fails=[{"call": f"secrets import --app {API}"}])
        failed = self.set_up()
        self.assertEqual(failed.returncode, 1, failed.said)
        self.assertIn(f"cannot set secrets of `{API}`", failed.stderr)
        done = self.set_up()
        self.assertEqual(done.returncode, 0, done.said)
        self.assert_both_halves_fit()

    def test_without_the_extensions_no_secret_is_made(self):
        done = self.set_up()
        self.assertEqual(done.returncode, 0, done.said)
        self.assertIn("pg_cron or pg_net is absent", done.stdout)
        self.assertEqual(self.calls("secrets import"), [])
        self.sql(self.DOUBLES)
        self.assertIn("made     the tick", self.set_up().stdout)
        self.assertEqual(self.sql("SELECT jobname FROM cron.job"), "kotadb-tick")

    def test_a_password_with_odd_characters_is_not_shown(self):
        done = self.run_script("fly-setup.sh", "staging", SUPABASE_DB_URL_STAGING="postgres://u:p\u2100secret@[h/db")
        self.assertEqual(done.returncode, 1)
        self.assertNotIn("secret@", done.said)
        self.assertIn("characters that no address may have", done.stderr)
