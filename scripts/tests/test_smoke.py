"""scripts/saas_smoke.sh against a real service, well and unwell."""

import json
import os
import re
import subprocess
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from support import PROGRAMS, ROOT, Before, Router, ScriptTest, Service, Wire


# What is promised of a machine that stood still.
SUSPENDED_SECONDS = 60


class Smoke(ScriptTest):
    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.stop)

    def smoke(self, *words, url=None, **environment):
        return self.run_script("saas_smoke.sh", "-u", url or self.service.url, *words, **environment)

    def test_1_a_service_that_is_well(self):
        done = self.smoke("-k", self.service.key)
        self.assertEqual(done.returncode, 0, done.said)
        for what in ("health: healthy", "repositories: 1", "search: shapes.py:1", "all well"):
            self.assertIn(what, done.stdout)

    def test_1_the_key_may_come_by_the_environment(self):
        done = self.smoke(KOTADB_SAAS_API_KEY=self.service.key)
        self.assertIn("repositories: 1", done.stdout, done.said)

    def test_1_without_a_key_health_alone(self):
        done = self.smoke()
        self.assertEqual(done.returncode, 0, done.said)
        self.assertNotIn("repositories", done.stdout)

    def test_1_a_refused_key(self):
        done = self.smoke("-k", "kdb_live_" + "0" * 40)
        self.assertEqual(done.returncode, 1)
        self.assertIn("answered 401: ", done.stderr)

    def test_1_nobody_there(self):
        done = self.smoke(url="http://127.0.0.1:9")
        self.assertEqual(done.returncode, 1)
        self.assertIn("GET /health: ", done.stderr)

    def test_1_mcp_needs_a_key(self):
        self.assertIn("--mcp needs a key", self.smoke("--mcp").stderr)

    def test_1_mcp_that_answers_emptily(self):
        tools = {"tools": [{"name": "search_code"}, {"name": "list_repositories"}]}
        well = {"content": [{"type": "text", "text": "shapes"}], "structuredContent": {"items": [{"path": "shapes.py"}]}}
        nothing = {"content": [{"type": "text", "text": "nothing found"}], "structuredContent": {"items": []}}
        listed, search = "/mcp/tools/list_repositories", "/mcp/tools/search_code"
        greets, calls = (("POST /mcp", "initialize"), ("POST /mcp", "tools/call"))
        for answers, fault in [
            ({"/mcp/tools": {"tools": []}}, "/mcp/tools does not list search_code"),
            ({"/mcp/tools": tools, listed: {"content": []}}, "the tool list_repositories answers emptily"),
            ({"/mcp/tools": tools, listed: well, search: well | {"content": [{"type": "text", "text": ""}]}}, "the tool search_code answers emptily"),
            ({"/mcp/tools": tools, listed: well, search: well | {"isError": True}}, "the tool search_code fails: shapes"),
            ({"/mcp/tools": tools, listed: well, search: nothing}, "the tool search_code finds nothing in local/shapes, which is indexed"),
            ({greets: {"error": {"message": "no"}}}, "/mcp does not greet: no"),
            ({calls: {"error": {"message": "no such tool"}}}, "/mcp calls no tool: no such tool"),
            ({calls: {"result": well | {"isError": True}}}, "the tool search_code fails: shapes"),
            ({calls: {"result": nothing}}, "the tool search_code finds nothing in local/shapes"),
            ({"/mcp/tools": tools, listed: well, search: well}, None),
        ]:
            before = Before(self.service.url, answers)
            done = self.smoke("-k", self.service.key, "--mcp", url=before.url)
            before.stop()
            self.assertEqual(done.returncode, 1 if fault else 0, done.said)
            self.assertIn(fault or "all well", done.said)
            self.assertEqual(len(done.stderr.splitlines()), 1 if fault else 0, "one line says what is wrong")

    def test_1_where_nothing_is_indexed_nothing_need_be_found(self):
        nothing = {"content": [{"type": "text", "text": ""}], "structuredContent": {"items": []}}
        before = Before(self.service.url, {"/api/v1/repositories?limit=5": {"items": [], "total": 0}, "/mcp/tools/search_code": nothing})
        self.addCleanup(before.stop)
        done = self.smoke("-k", self.service.key, "--mcp", url=before.url)
        self.assertEqual((done.returncode, "search_code answers\n" in done.stdout), (0, True), done.said)

    def test_1_what_alerts_do_not_see_while_the_api_sleeps(self):
        report = self.service.health()
        queue = report["saas"]["job_queue"]
        late = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 7900))
        soon = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(time.time() - 7000))
        for changed, fault in [
            ({"last_sweep": late}, f"no sweep has ended since {late}: see OPERATIONS.md"),
            ({"last_sweep": soon, "saas": report["saas"] | {"job_queue": queue | {"oldest_queued_seconds": 601}}}, "a job that is due has waited for 601 s"),
            ({"last_sweep": soon, "saas": report["saas"] | {"job_queue": queue | {"oldest_queued_seconds": 600}}}, None),
            ({"last_sweep": None}, None),
        ]:
            before = Before(self.service.url, {"/health": report | changed})
            done = self.smoke(url=before.url)
            before.stop()
            self.assertEqual((done.returncode, fault or "all well"), (1 if fault else 0, fault if fault and fault in done.stderr else "all well"), done.said)

    def test_1_the_same_limits_as_the_alerts(self):
        limits = re.findall(r"^sweep_late_seconds=(\d+) job_late_seconds=(\d+)$", (ROOT / "scripts/common.sh").read_text(), re.M)
        alerts = (ROOT / "fly/alerts.yml").read_text()
        asked = [re.findall(rf"alert: {name}\n *expr: .* > (\d+)$", alerts, re.M)[0] for name in ("SweepLate", "JobsWait")]
        self.assertEqual([tuple(asked)], limits)

    def test_1_no_key_in_arguments(self):
        """What stands in the arguments of any process, seen when the script asks: the key never does."""
        self.watched("curl")
        done = self.smoke("--mcp", KOTADB_SAAS_API_KEY=self.service.key)
        self.assertEqual(done.returncode, 0, done.said)
        self.assert_never_in_arguments(self.service.key)
        # So that the watch itself is known to see it.
        self.smoke("-k", self.service.key)
        self.assertIn(self.service.key.encode(), self.arguments())

    def test_1_make_keeps_the_key_from_the_shell(self):
        self.watched("curl")
        done = subprocess.run(["make", "--no-print-directory", "smoke", f"URL={self.service.url}"], cwd=ROOT, capture_output=True, text=True,
                              env=os.environ | self.environment | {"KOTADB_SAAS_API_KEY": self.service.key, "PATH": f"{self.stand_ins}:{os.environ['PATH']}"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assert_never_in_arguments(self.service.key)
        given = subprocess.run(["make", "-n", "smoke", "KEY=x$(touch y)", f"URL={self.service.url}"], cwd=ROOT, capture_output=True, text=True)
        self.assertNotIn("touch", given.stdout)

    def test_1_the_tools_for_agents(self):
        done = self.smoke("-k", self.service.key, "--mcp")
        self.assertEqual(done.returncode, 0, done.said)
        for what in ("mcp: 15 tools", "mcp: search_code answers and finds", "all well"):
            self.assertIn(what, done.stdout)

    def test_1_a_key_that_is_changed(self):
        self.watched("curl")
        settings = {"KOTADB_SAAS_URL": self.service.url, "KOTADB_SAAS_API_KEY": self.service.key}
        done = self.run_script("rotate-smoke-key.sh", **settings)
        self.assertEqual(done.returncode, 0, done.said)
        successor = done.stdout.strip()
        self.assertNotEqual(successor, self.service.key)
        self.assert_never_in_arguments(successor, self.service.key)
        for key in (successor, self.service.key):
            self.assertEqual(self.smoke(KOTADB_SAAS_API_KEY=key).returncode, 0, "both are valid for a day")
        refused = self.run_script("rotate-smoke-key.sh", **settings | {"KOTADB_SAAS_API_KEY": "kdb_live_x"})
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))

    def gh(self, *, refuses=()):
        """A stand-in that keeps each secret that it is given, but refuses some of the calls."""
        self.stand_in("gh", f"""#!/bin/sh
tr '\\0' ' ' </proc/$PPID/cmdline >>{self.folder}/arguments
echo "$@" >>{self.folder}/arguments
n=$(cat {self.folder}/count 2>/dev/null || echo 0)
echo $((n + 1)) >{self.folder}/count
case " {' '.join(map(str, refuses))} " in *" $n "*) exit 1 ;; esac
cat >{self.folder}/secret
""")
        for name in ("count", "secret"):
            (self.folder / name).unlink(missing_ok=True)

    def rotate(self, key):
        self.stand_in("sleep", "#!/bin/sh\n")
        return self.run_script("rotate-smoke-key.sh", "--github", "staging", KOTADB_SAAS_URL=self.service.url, KOTADB_SAAS_API_KEY=key,
                               GITHUB_REPOSITORY="acme/kotadb", GH_TOKEN="t")

    def test_1_a_changed_key_is_kept_at_github(self):
        key = self.another_key()
        self.gh(refuses=[0])
        refused = self.rotate(key)
        self.assertEqual((refused.returncode, (self.folder / "secret").exists()), (1, False))
        self.assertIn("the key stays", refused.stderr)
        self.gh(refuses=[1, 2])
        done = self.rotate(key)
        self.assertEqual(done.returncode, 0, done.said)
        successor = (self.folder / "secret").read_text()
        self.assertNotIn(successor, ("", key))
        self.assertEqual(self.smoke("--mcp", KOTADB_SAAS_API_KEY=successor).returncode, 0)
        arguments = (self.folder / "arguments").read_text()
        self.assertIn("secret set SAAS_STAGING_API_KEY --env staging --repo acme/kotadb", arguments)
        for value in (key, successor):
            self.assertNotIn(value, arguments + done.said)

    def test_1_a_key_that_cannot_be_changed_stays_at_github(self):
        self.gh()
        done = self.rotate("kdb_live_" + "0" * 40)
        self.assertEqual(done.returncode, 1)
        self.assertEqual((self.folder / "secret").read_text(), "kdb_live_" + "0" * 40, "nothing empty takes its place")

    def another_key(self):
        """With the scopes that OPERATIONS.md asks for."""
        new = {"name": "another", "scopes": ["search", "repositories:read", "keys:admin"]}
        asked = {"Authorization": f"Bearer {self.service.key}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.service.url + "/api/v1/keys", json.dumps(new).encode(), asked)) as answer:
            return json.load(answer)["key"]

    def test_2_jobs_that_failed(self):
        insert = ("INSERT INTO kotadb.jobs (id, tenant_id, repository_id, kind, trigger, priority, state, error_class, errors, finished_at) "
                  "SELECT gen_random_uuid(), tenant_id, repository_id, kind, trigger, priority, 'dead', '{}', '[\"test\"]', now() FROM kotadb.jobs LIMIT 1")
        self.service.sql(insert.format("permanent"))
        self.assertEqual(self.smoke_until("1 the tenants").returncode, 0, "a tenant's own failure is only shown")
        self.service.sql(insert.format("crash"))
        done = self.smoke_until("1 ours")
        self.assertEqual(done.returncode, 1)
        self.assertIn("1 jobs failed within the hour for reasons that are ours", done.stderr)
        self.service.sql("DELETE FROM kotadb.jobs WHERE errors = '[\"test\"]'")

    def smoke_until(self, words):
        """Counts are kept for some seconds."""
        for _ in range(20):
            done = self.smoke()
            if words in done.said:
                return done
            time.sleep(1)
        self.fail(f"never said {words!r}: {done.said}")

    def test_3_postgres_is_down(self):
        with self.service.without_postgres():
            done = self.smoke("-k", self.service.key)
            self.assertEqual(done.returncode, 1, done.said)
            self.smoke_until("Postgres is not well")

    def test_4_a_machine_that_was_suspended(self):
        """As Fly does it: later the router goes on, with connections to Postgres that lead nowhere, of which nobody has told it. The
        first request is answered. Of a machine that was suspended its own clock has not gone on, as in the short stop."""
        for seconds in (SUSPENDED_SECONDS, 2):
            environment = self.service.environment()
            port = int(self.service.postmaster().read_text().splitlines()[3])
            wire = Wire(port)
            self.addCleanup(wire.stop)
            address = environment["DATABASE_URL"].replace(f":{port}/", f":{wire.port}/")
            router = Router(PROGRAMS / "kotadb-api-server", environment | {"DATABASE_URL": address})
            self.addCleanup(router.stop)
            request = urllib.request.Request(f"{router.url}/api/v1/search/code?query=area", headers={"Authorization": f"Bearer {self.service.key}"})

            def ask(_=None):
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return answer.status, b"shapes.py" in answer.read()

            # Many at once, so that there are several connections.
            with ThreadPoolExecutor(8) as clients:
                self.assertEqual(set(clients.map(ask, range(32))), {(200, True)})
            with router.suspended():
                self.assertGreater(wire.fall_silent(), 1, "connections that lead nowhere")
                time.sleep(seconds)
            begin = time.monotonic()
            self.assertEqual(ask(), (200, True), f"stood still for {seconds} s")
            self.assertLess(time.monotonic() - begin, 5, "seconds to the first answer")
            self.assertEqual(self.smoke("-k", self.service.key, url=router.url).returncode, 0)
