"""An SCIP index that is sent to a service: what a compiler says of names is what callers are told, until a file changes."""

import gzip
import json
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

from support import Service

# `close` of two types: nothing but a compiler can tell what `thing` is.
FILES = {
    "pool.py": "class Pool:\n    def close(self):\n        pass\n",
    "lock.py": "class Lock:\n    def close(self):\n        pass\n",
    "app.py": "def run(thing):\n    thing.close()\n",
    "other.py": "def rest(thing):\n    thing.close()\n",
}


def field(number, value):
    """A field of a protocol buffer: text, bytes or a number."""
    if isinstance(value, int):
        return bytes([number << 3, value])
    value = value.encode() if isinstance(value, str) else value
    length, head = len(value), bytes([number << 3 | 2])
    while length >= 0x80:
        head, length = head + bytes([length & 0x7F | 0x80]), length >> 7
    return head + bytes([length]) + value


def occurrence(symbol, line, start, end, defines=False):
    return field(2, field(1, bytes([line, start, end])) + field(2, symbol) + (field(3, 1) if defines else b""))


def index():
    pool, lock = ("scip p n 1 `%s`/%s#close()." % pair for pair in (("pool", "Pool"), ("lock", "Lock")))
    documents = {
        "pool.py": occurrence(pool, 1, 8, 13, True),
        "lock.py": occurrence(lock, 1, 8, 13, True),
        "app.py": occurrence(pool, 1, 10, 15),
        "other.py": occurrence(lock, 1, 10, 15),
    }
    return b"".join(field(2, field(1, path) + said) for path, said in documents.items())


class Scip(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service(files=FILES)
        cls.addClassCleanup(cls.service.stop)
        cls.repository = cls.request("/api/v1/repositories")["items"][0]["id"]

    @classmethod
    def request(cls, path, body=None, kind="application/json"):
        headers = {"Authorization": f"Bearer {cls.service.key}", "Content-Type": kind}
        with urllib.request.urlopen(urllib.request.Request(cls.service.url + path, body, headers)) as answer:
            return json.load(answer)

    def callers(self, symbol):
        """Who calls a symbol or may, and by which rule that was found; who has no more than the name in common is left out."""
        found = self.request(f"/api/v1/symbols/{urllib.parse.quote(symbol, safe='')}/callers?min_confidence=0.02")
        return {item["symbol"]["id"]: item["resolution"] for item in found["items"]}

    def head(self):
        head = ["git", "-C", str(self.service.repository), "rev-parse", "HEAD"]
        return subprocess.run(head, check=True, capture_output=True, text=True).stdout.strip()

    def send(self, sent, commit):
        taken = self.request(f"/api/v1/repositories/{self.repository}/scip?commit={commit}", sent, "application/octet-stream")
        self.wait_for_jobs()
        return taken

    def wait_for_jobs(self):
        jobs = f"/api/v1/jobs?repository={self.repository}"
        self.service.wait(lambda: all(job["state"] == "done" for job in self.request(jobs)["items"]), "a job is not done")

    def test_a_compiler_is_believed_of_files_that_are_as_they_were(self):
        both = {"app.py#run": "candidate", "other.py#rest": "candidate"}
        self.assertEqual((self.callers("Pool.close"), self.callers("Lock.close")), (both, both))
        taken = self.send(gzip.compress(index()), self.head())
        self.assertEqual(taken["documents"], 4)
        self.assertEqual(self.callers("Pool.close"), {"app.py#run": "precise"})
        self.assertEqual(self.callers("Lock.close"), {"other.py#rest": "precise"})
        self.service.commit("app.py", "# changed\n" + FILES["app.py"])
        self.request(f"/api/v1/repositories/{self.repository}/index", b"")
        self.wait_for_jobs()
        self.assertEqual(self.callers("Pool.close"), {"app.py#run": "candidate"}, "nobody knows what it says now")
        self.assertEqual(self.callers("Lock.close"), {"app.py#run": "candidate", "other.py#rest": "precise"})

    def test_what_unpacks_to_very_much_is_refused(self):
        bomb = gzip.compress(field(1, bytes(300 << 20)))
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.send(bomb, self.head())
        problem = json.load(refused.exception)
        refused.exception.close()
        self.assertEqual((refused.exception.code, problem["code"]), (413, "payload_too_large"), problem)


if __name__ == "__main__":
    unittest.main()
