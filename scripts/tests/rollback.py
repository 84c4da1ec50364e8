"""Forward by one release and back again: an earlier release's programs (KOTADB_OLD_BIN) and this tree's over one database and one
store. Not found by the suite, since the earlier programs have to be built: `scripts/rollback.sh` does that and runs it."""

import json
import os
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from support import PROGRAMS, Router, ScriptTest, Service

OLD = Path(os.environ["KOTADB_OLD_BIN"]).resolve()
# Requests go on for so long on either side of what happens to the schema.
SECONDS = 5


class Load:
    """Asks routers without a pause; counts the answers by status."""

    def __init__(self, key, urls):
        self.key, self.answers, self.is_over = key, {}, threading.Event()
        self.threads = [threading.Thread(target=self.ask, args=(url,)) for url in urls for _ in range(2)]
        for thread in self.threads:
            thread.start()

    def ask(self, url):
        while not self.is_over.is_set():
            for method, path, body in [("GET", "/api/v1/repositories", None), ("POST", "/api/v1/search/code", b'{"query": "area"}'), ("GET", "/api/v1/jobs", None)]:
                headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
                request = urllib.request.Request(url + path, body, headers, method=method)
                try:
                    with urllib.request.urlopen(request, timeout=30) as answer:
                        answer.read()
                        said = answer.status
                except urllib.error.HTTPError as refused:
                    said = refused.code
                except OSError as error:
                    said = str(error)
                self.answers[said] = self.answers.get(said, 0) + 1
            # Well below what the rate of a plan allows.
            time.sleep(0.05)

    def end(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join()
        return self.answers


class Rollback(ScriptTest):
    def smoke(self, url, key, *words):
        done = self.run_script("saas_smoke.sh", "-u", url, *words, KOTADB_SAAS_API_KEY=key)
        self.assertEqual(done.returncode, 0, done.said)

    def answers(self, url, key):
        try:
            urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"}), timeout=30).close()
        except urllib.error.HTTPError as refused:
            self.assertEqual(refused.code, 404, url)
            return False
        return True

    def found(self, url, key, query):
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(url + "/api/v1/search/code", json.dumps({"query": query}).encode(), headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return [item["path"] for item in json.load(answer)["items"]]

    def test_forward_and_back(self):
        service = Service(OLD)
        self.addCleanup(service.stop)
        environment = service.environment()
        # What the release before has, it still has afterwards: the tools for agents came later than others.
        tools = ["--mcp"] if self.answers(service.url + "/mcp/tools", service.key) else []
        self.smoke(service.url, service.key, *tools)

        # The schema goes forward under the old program, then both serve.
        load = Load(service.key, [service.url])
        self.addCleanup(load.end)
        time.sleep(SECONDS)
        owner = environment | {"DATABASE_DIRECT_URL": service.address()}
        done = subprocess.run([str(PROGRAMS / "kotadb-indexer"), "migrate"], env=owner, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        time.sleep(SECONDS)
        new = Router(PROGRAMS / "kotadb-api-server", environment)
        self.addCleanup(new.stop)
        both = Load(service.key, [new.url])
        self.addCleanup(both.end)
        time.sleep(SECONDS)
        said = [load.end(), both.end()]
        for answers in said:
            self.assertEqual(set(answers), {200}, said)
            self.assertGreater(answers[200], 50)
        self.smoke(new.url, service.key, "--mcp")
        new.stop()
        print(f"rollback: {done.stdout.split()} under load: {said[0][200]} answers of the old program, {said[1][200]} of the new, all of them 200")

        # This tree's programs index and publish; then back.
        service.pause()
        service.commit("later.py", "def perimeter(side):\n    return 4 * side\n")
        service.start(PROGRAMS)
        service.wait(lambda: "KotaDB is up" in (service.folder / "up.log").read_text(), "`kotadb up` does not come up again")
        report = json.loads((service.data / "report.json").read_text())
        service.wait(lambda: self.found(report["url"], report["api_key"], "perimeter") == ["later.py"], "the commit is not found")
        old = Router(OLD / "kotadb-api-server", service.environment())
        self.addCleanup(old.stop)
        self.smoke(old.url, report["api_key"], *tools)
        self.assertEqual(self.found(old.url, report["api_key"], "perimeter"), ["later.py"])
        self.assertEqual(self.found(old.url, report["api_key"], "area"), ["shapes.py"])
        print("rollback: the old program serves the new schema and index")


if __name__ == "__main__":
    unittest.main()
