"""`kotadb mcp` as a bridge to a service: the tools of that service, its errors, and a key that no argument holds."""

import json
import os
import subprocess
import unittest
import urllib.request
from pathlib import Path

from support import PROGRAMS, service


class Agent:
    """A client that speaks over pipes with `kotadb mcp`, which bridges to an address where there is one."""

    def __init__(self, url, key, *words):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KOTADB_")}
        environment |= ({"KOTADB_MCP_URL": url} if url else {}) | ({"KOTADB_API_KEY": key} if key else {})
        command = [str(PROGRAMS / "kotadb"), "mcp", *words]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.last = 0

    def say(self, method, params):
        self.last += 1
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["id"] == self.last, answer
        return answer

    def greet(self):
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        return self.say("initialize", hello)

    def leave(self):
        """Its exit code; may be asked again."""
        self.process.stdin.close()
        code = self.process.wait(30)
        self.process.stdout.close()
        return code


class Bridge(unittest.TestCase):
    def agent(self, url=None, key=None, *words):
        agent = Agent(url or service().url + "/mcp", key, *words)
        self.addCleanup(agent.leave)
        return agent

    def request(self, path, body=None):
        headers = {"Authorization": f"Bearer {service().key}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(service().url + path, data, headers)) as answer:
            return json.load(answer)

    def test_the_tools_are_those_of_the_service(self):
        agent = self.agent(key=service().key)
        self.assertEqual(agent.greet()["result"]["serverInfo"]["name"], "kotadb")
        self.assertEqual(agent.say("tools/list", {})["result"]["tools"], self.request("/mcp/tools")["tools"])
        for tool, arguments in (("search_code", {"query": "area"}), ("find_definition", {"symbol": "area"}), ("read_file", {"path": "shapes.py"})):
            bridged = agent.say("tools/call", {"name": tool, "arguments": arguments})["result"]
            served = self.request(f"/mcp/tools/{tool}", arguments)
            self.assertIn("shapes.py", json.dumps(bridged["structuredContent"]), tool)
            self.assertEqual((bridged["content"], bridged["structuredContent"]), (served["content"], served["structuredContent"]), tool)
        few = self.agent(None, service().key, "--toolset", "core")
        few.greet()
        self.assertEqual(few.say("tools/list", {})["result"]["tools"], self.request("/mcp/tools?toolset=core")["tools"])

    def test_errors_are_those_of_the_service(self):
        agent = self.agent(key=service().key)
        agent.greet()
        empty = agent.say("tools/call", {"name": "search_code", "arguments": {"query": ""}})["result"]
        self.assertTrue(empty["isError"] and "give 1 to 1024" in empty["content"][0]["text"], empty)
        self.assertEqual(agent.say("tools/call", {"name": "no_such", "arguments": {}})["error"]["code"], -32602)
        self.assertEqual(agent.say("no/such", {})["error"]["code"], -32601)

    def test_whoever_is_not_let_in_is_told_so(self):
        for key in (None, "kdb_live_0000000000000000"):
            refused = self.agent(key=key).greet()["error"]
            self.assertEqual(refused["code"], -32000, refused)
            self.assertIn("401", refused["message"])

    def test_a_service_that_is_away_is_told_to_the_client(self):
        agent = self.agent("http://127.0.0.1:1/mcp", service().key)
        self.assertEqual(agent.greet()["error"]["code"], -32000)
        self.assertEqual(agent.say("tools/list", {})["error"]["code"], -32000, "it goes on")
        self.assertEqual(agent.leave(), 0)

    def test_no_argument_holds_the_key(self):
        agent = self.agent(key=service().key)
        agent.greet()
        arguments = Path(f"/proc/{agent.process.pid}/cmdline").read_bytes()
        self.assertNotIn(service().key.encode(), arguments)
        refused = subprocess.run([str(PROGRAMS / "kotadb"), "mcp", "--key", "x"], capture_output=True, text=True, check=False)
        self.assertEqual(refused.returncode, 2, refused.stderr)

    def test_a_key_alone_bridges_nothing(self):
        agent = Agent(None, service().key, "--repo", str(service().repository))
        self.addCleanup(agent.leave)
        self.assertEqual(agent.greet()["result"]["serverInfo"]["name"], "kotadb")


if __name__ == "__main__":
    unittest.main()
