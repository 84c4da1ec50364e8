"""REST, the command and the tools for agents, asked the same about the same commit, say the same."""

import json
import os
import subprocess
import unittest
import urllib.parse
import urllib.request

from support import PROGRAMS, Service

FILES = {
    "pool.py": "class Pool:\n    def acquire(self):\n        return open_one()\n\n\nclass Lock:\n    def acquire(self):\n        return 2\n\n\ndef open_one():\n    return 1\n",
    "app.py": "from pool import Pool\n\n\ndef run():\n    pool = Pool()\n    return pool.acquire()\n",
    "tests/test_app.py": "from app import run\n\n\ndef test_run():\n    assert run() == 1\n",
}
# What is said of how an answer came about, which differs.
APART = {"index", "stats", "freshness", "next_cursor", "total", "total_is_exact", "truncated", "repository", "ref", "commit"}


def facts(value):
    """A value without what differs, nor fields that are null or empty: a tool leaves those out."""
    if isinstance(value, dict):
        kept = {name: facts(field) for name, field in value.items() if name not in APART}
        return {name: field for name, field in kept.items() if field not in (None, [], {})}
    return [facts(item) for item in value] if isinstance(value, list) else value


class Parity(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.service = Service(files=FILES)
        cls.addClassCleanup(cls.service.stop)
        subprocess.run([str(PROGRAMS / "kotadb"), "index", "--quiet", str(cls.service.repository)], check=True)
        command = [str(PROGRAMS / "kotadb"), "mcp", "--repo", str(cls.service.repository), "--toolset", "all"]
        cls.agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.addClassCleanup(cls.leave)
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        cls.say("initialize", hello)

    @classmethod
    def leave(cls):
        cls.agent.stdin.close()
        cls.agent.wait(30)
        cls.agent.stdout.close()

    @classmethod
    def say(cls, method, params):
        cls.agent.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n")
        cls.agent.stdin.flush()
        return json.loads(cls.agent.stdout.readline())["result"]

    def request(self, path, body=None):
        headers = {"Authorization": f"Bearer {self.service.key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.service.url + path, data, headers)) as answer:
            return json.load(answer)

    def command(self, *words):
        environment = os.environ | {"NO_COLOR": "1"}
        command = [str(PROGRAMS / "kotadb"), *words, "--json", "--repo", str(self.service.repository)]
        printed = subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout
        return [json.loads(line) for line in printed.splitlines()]

    def tools(self, name, arguments):
        """What a tool answers over the service and on this machine."""
        served = self.request(f"/mcp/tools/{name}", arguments)
        local = self.say("tools/call", {"name": name, "arguments": arguments})
        for result in (served, local):
            self.assertFalse(result.get("isError"), result)
        return served["structuredContent"], local["structuredContent"]

    def same(self, rest, command, tools, *names):
        for name in names:
            expected = facts(rest.get(name)) or None
            self.assertTrue(name != "items" or expected, rest)
            for said in (command, *tools):
                self.assertEqual(facts(said.get(name)) or None, expected, name)

    def test_lines(self):
        rest = self.request("/api/v1/search/code", {"query": "acquire"})
        command = {"items": [line for line in self.command("search", "acquire") if not line.get("summary")]}
        self.same(rest, command, self.tools("search_code", {"query": "acquire"}), "items")

    def test_symbols(self):
        rest = self.request("/api/v1/search/symbols?name=acquire")
        command = {"items": self.command("symbols", "acquire")}
        self.same(rest, command, self.tools("search_symbols", {"name": "acquire"}), "items")

    def test_callers_and_candidates(self):
        for symbol in ("Pool.acquire", "acquire", "run", "test_run"):
            rest = self.request(f"/api/v1/symbols/{urllib.parse.quote(symbol, safe='')}/callers")
            (command,) = self.command("callers", symbol)
            self.same(rest, command, self.tools("find_callers", {"symbol": symbol}), "symbol", "summary", "candidates")
            self.assertEqual(facts(command["items"]), facts(rest["items"]))
            for said in self.tools("find_callers", {"symbol": symbol}):
                self.assertEqual((facts(said["items"]), said["notes"]), (facts(rest["items"]), rest["notes"]))

    def test_definition_impact_and_callees(self):
        rest = self.request("/api/v1/symbols/acquire/definition")
        (command,) = self.command("def", "acquire")
        self.same(rest, command, self.tools("find_definition", {"symbol": "acquire"}), "items")
        rest = self.request("/api/v1/symbols/open_one/impact")
        (command,) = self.command("impact", "open_one")
        self.same(rest, command, self.tools("analyze_impact", {"changed": ["open_one"]}), "items", "tests", "risk", "changed")
        rest = self.request("/api/v1/symbols/run/callees")
        (command,) = self.command("callees", "run")
        self.same(rest, command, self.tools("find_callees", {"symbol": "run"}), "items")


if __name__ == "__main__":
    unittest.main()
