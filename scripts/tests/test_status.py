"""scripts/status.sh over the stand-in for flyctl, a real service and its Postgres."""

import re

from support import CANARY, ROOT, Edge, ScriptTest, machine, service

API, INDEXER = "kotadb-api-staging", "kotadb-indexer-staging"
IMAGE = f"registry.fly.io/{API}:" + "a" * 40
# What Postgres has where pg_cron is, as far as it is asked.
CRON = """CREATE SCHEMA cron; CREATE TABLE cron.job (jobname text, schedule text, command text, active boolean);
    INSERT INTO cron.job VALUES ('kotadb-tick', '* * * * *', 'SELECT 1', true)"""


def list_of(name):
    """A list of scripts/secret-names.sh."""
    (words,) = re.findall(rf"^{name}=\(([^)]*)\)", (ROOT / "scripts/secret-names.sh").read_text(), re.M)
    return words.split()


class Status(ScriptTest):
    def setUp(self):
        super().setUp()
        indexer, sweeper = machine("ix", INDEXER, IMAGE), machine("sw", INDEXER, IMAGE, role="sweeper")
        indexer["config"]["guest"] = {"memory_mb": 2048, "cpus": 2}
        sweeper["config"] |= {"guest": {"memory_mb": 2048, "cpus": 1}, "schedule": "hourly"}
        secrets = {API: list_of("needed") + list_of("api_needed"), INDEXER: list_of("needed")}
        self.change(apps=[API, INDEXER], machines=[machine("api1", API, IMAGE, state="started"), indexer, sweeper],
                    secrets={app: {name: "x" for name in names} for app, names in secrets.items()})
        edge = Edge(self, service().url)
        self.environment |= {"KOTADB_DEPLOY_URL": edge.url, "SUPABASE_DB_URL_STAGING": service().address()}
        self.addCleanup(self.sql, "DROP SCHEMA IF EXISTS cron CASCADE; TRUNCATE kotadb.sweeps, kotadb.tick_settings")
        self.sql(CRON)
        self.sql(f"SELECT kotadb.set_tick('{edge.url}', '{'s' * 32}')")
        self.swept("now() - interval '1 minute'")
        self.until_health_shows("now() - interval '1 hour'")

    def sql(self, statement):
        return service().sql(statement)

    def swept(self, when):
        self.sql(f"INSERT INTO kotadb.sweeps VALUES ('indexer', {when}) ON CONFLICT (name) DO UPDATE SET ended_at = excluded.ended_at")

    def status(self, **environment):
        return self.run_script("status.sh", "staging", **environment)

    def assert_differs(self, *sentences, done=None):
        done = done or self.status()
        self.assertEqual(done.returncode, 1, done.said)
        differences = [line for line in done.stdout.splitlines() if "DIFFERS" in line]
        for sentence in sentences:
            self.assertTrue(any(sentence in line for line in differences), f"{sentence}: {done.said}")
        self.assertEqual(len(differences), len(sentences), done.said)

    def until_health_shows(self, earliest, latest="now()"):
        """A sweep that ended between them: health keeps its counts for some seconds."""
        shown = lambda: service().health()["last_sweep"] or "-infinity"
        between = lambda: self.sql(f"SELECT '{shown()}'::timestamptz BETWEEN {earliest} AND {latest}").strip() == "t"
        service().wait(between, "health shows another sweep", seconds=30)

    def test_what_is_as_stated_is_well(self):
        done = self.status()
        self.assertEqual(done.returncode, 0, done.said)
        newest = max(path.name for path in (ROOT / "migrations").iterdir())[:14]
        for sentence in ("all machines run", f"ok       schema {newest}", "each minute it calls", "last swept at", "has KOTADB_MASTER_KEY"):
            self.assertIn(sentence, done.stdout)

    def test_a_late_sweep_and_another_schema(self):
        late = "now() - interval '2 hours 11 minutes'"
        self.swept(late)
        self.until_health_shows("'-infinity'", late)
        self.assert_differs("more than two hours ago")
        self.swept("now()")
        self.until_health_shows("now() - interval '1 hour'")
        for version, sentence in (("20260101000000", "run `make migrate ENV=staging`"), ("20990101000000", "this is an older tree"), (None, "schema unknown")):
            self.environment["KOTADB_DEPLOY_URL"] = Edge(self, service().url, schema_version=version).url
            self.sql(f"SELECT kotadb.set_tick('{self.environment['KOTADB_DEPLOY_URL']}', '{'s' * 32}')")
            self.assert_differs(sentence)

    def test_machines_that_differ(self):
        state = self.fly
        api, indexer, sweeper = state["machines"]
        api["config"]["guest"]["memory_mb"] = 256
        indexer |= {"image_ref": machine("", INDEXER, IMAGE[:-1] + "b")["image_ref"]}
        sweeper["config"]["guest"]["memory_mb"], sweeper["region"] = 512, "fra"
        self.fly = state
        self.assert_differs("iad, 512 MB, 1 CPUs", "2 images", "sw suspended in fra, 512 MB")
        sweeper["region"] = "iad"
        sweeper["config"] = machine("", INDEXER, IMAGE, role="sweeper")["config"] | {"guest": {"memory_mb": 2048, "cpus": 1}}
        indexer["image_ref"], api["config"]["guest"]["memory_mb"] = sweeper["image_ref"], 512
        self.fly = state
        self.assert_differs("2048 MB, 1 CPUs, hourly")

    def test_machines_that_are_missing(self):
        machines = self.fly["machines"]
        self.change(machines=machines[:2])
        self.assert_differs("no sweeper")
        self.change(machines=[*machines, machines[2]])
        self.assert_differs("2 sweepers")
        self.change(machines=machines[1:])
        self.assert_differs("0 machines, and 1 there should be")

    def test_production_has_two_machines(self):
        state = self.fly
        for one in state["machines"]:
            one["app"] = one["app"].removesuffix("-staging")
        state["machines"][0]["config"]["guest"] = {"memory_mb": 1024, "cpus": 2}
        state["secrets"] = {app.removesuffix("-staging"): names for app, names in state["secrets"].items()}
        self.fly = state
        self.assert_differs("1 machines, and 2 there should be", done=self.run_script("status.sh", "production"))

    def test_the_tick(self):
        self.sql("UPDATE cron.job SET active = false")
        self.assert_differs("not on the schedule")
        self.sql("UPDATE cron.job SET active = true")
        self.sql(f"SELECT kotadb.set_tick('https://former.example', '{'s' * 32}')")
        self.assert_differs("calls https://former.example/internal/wake, not")
        self.sql("TRUNCATE kotadb.tick_settings")
        self.assert_differs("calls nobody")
        self.sql("DROP SCHEMA cron CASCADE")
        self.assert_differs("pg_cron is absent")
        away = f"postgres://postgres:{CANARY}@127.0.0.1:9/postgres"
        done = self.status(SUPABASE_DB_URL_STAGING=away)
        self.assert_differs("cannot reach the database", done=done)
        self.assert_secret_kept(done.said)
        done = self.status(SUPABASE_DB_URL_STAGING="")
        self.assertEqual(done.returncode, 0, done.said)
        self.assertIn("unknown  SUPABASE_DB_URL_STAGING is not set", done.stdout)

    def test_secrets_and_certificates(self):
        state = self.fly
        del state["secrets"][API]["KOTADB_TICK_SECRET"], state["secrets"][API]["SUPABASE_URL"], state["secrets"][INDEXER]["BUCKET_NAME"]
        state["certs"] = [{"Hostname": "api.example.com", "ClientStatus": "Awaiting configuration"}]
        self.fly = state
        self.assert_differs("the tick has no secret", f"{API} lacks SUPABASE_URL", f"{INDEXER} lacks BUCKET_NAME", "api.example.com: Awaiting")

    def test_what_cannot_be_listed_is_said_and_the_rest_is_looked_at(self):
        self.change(fails=[{"call": "secrets list", "says": "no such app"}, {"call": "certs list", "says": "not now"}, {"call": "machine list", "says": "no"}])
        done = self.status()
        self.assert_differs(f"cannot list the machines of {API}: Error: no", f"cannot list the secrets of {API}: Error: no such app",
                            f"cannot list the certificates of {API}: Error: not now", done=done)
        self.assertIn(f"{INDEXER} has DATABASE_URL", done.stdout)

    def test_a_service_that_does_not_answer(self):
        self.environment["KOTADB_DEPLOY_URL"] = "http://127.0.0.1:9"
        self.sql(f"SELECT kotadb.set_tick('http://127.0.0.1:9', '{'s' * 32}')")
        self.assert_differs("http://127.0.0.1:9/health: ")

    def test_what_is_needed_is_set_by_the_script(self):
        self.assertLessEqual(set(list_of("needed")), set(list_of("shared")))
        self.assertLessEqual(set(list_of("api_needed")), set(list_of("shared") + list_of("api_only")))
