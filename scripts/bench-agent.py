#!/usr/bin/env python3
"""Twenty questions about one repository, answered by the tools of `kotadb mcp` and by `rg` and `sed`: which answers are right, and
how many bytes an agent reads for each. The repository is made from the sources of a package that scripts/mcp/questions.json names.

  bench-agent.py KOTADB [NUMBER…]     some questions only; OUT=FILE keeps the rows as JSON
  bench-agent.py --sources            only says where the repository is

Exit 0 only if all of ours are right, all together need at most half of the bytes, and none more than 1.2 times."""

import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MOST_ALL, MOST_ONE = 0.5, 1.2


def sources(package, version):
    """The unpacked sources of a PyPI package, as one commit."""
    cache = ROOT / ".dev/agent"
    folder = cache / f"{package}-{version}"
    if not (folder / ".git").is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            command = ["python3", "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", package, "--dest", scratch]
            subprocess.run([*command, f"{package}=={version}"], check=True)
            with tarfile.open(next(Path(scratch).glob("*.tar.gz"))) as archive:
                archive.extractall(cache, filter="data")
        identity = ["-c", "user.name=bench", "-c", "user.email=bench@kotadb.example"]
        for command in (["init", "--quiet"], ["add", "--all", "--force"], [*identity, "commit", "--quiet", "-m", "sources"]):
            subprocess.run(["git", "-C", str(folder), *command], check=True)
    return folder


class Client:
    def __init__(self, program, repo):
        command = [program, "mcp", "--repo", str(repo), "--toolset", "all"]
        self.server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.last = 0
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
        self.ask("initialize", hello)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.server.stdin.write(json.dumps(message) + "\n")
        self.server.stdin.flush()

    def ask(self, method, params):
        self.last += 1
        self.send({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params})
        while True:
            message = json.loads(self.server.stdout.readline())
            if message.get("id") == self.last:
                return message["result"]

    def call(self, tool, arguments):
        while True:
            result = self.ask("tools/call", {"name": tool, "arguments": arguments})
            text = result["content"][0]["text"]
            if not (result.get("isError") and "still being made" in text):
                structured = json.dumps(result.get("structuredContent", {}), ensure_ascii=False, separators=(",", ":"))
                return text, len(structured.encode())

    def close(self):
        self.server.stdin.close()
        self.server.wait()


def transcript(commands, folder):
    """What the commands print: that is what an agent reads."""
    printed = ""
    for command in commands:
        ran = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, errors="replace", check=False)
        printed += ran.stdout
    return printed


def lacking(answer, text):
    return [pattern for pattern in answer if not re.search(pattern, text)]


def main(program, only):
    asked = json.loads((ROOT / "scripts/mcp/questions.json").read_text())
    folder = sources(asked["package"], asked["version"])
    if program == "--sources":
        print(folder)
        return
    client = Client(program, folder)
    rows, wrong = [], 0
    for number, question in enumerate(asked["questions"], 1):
        if only and number not in only:
            continue
        answers = [client.call(tool, arguments) for tool, arguments in question["calls"]]
        text = "\n".join(text for text, _ in answers)
        ours, structured = len(text.encode()), sum(size for _, size in answers)
        printed = transcript(question["transcript"], folder)
        theirs = len(printed.encode())
        for who, found in (("ours", text), ("rg and sed", printed)):
            missing = lacking(question["answer"], found)
            if missing:
                wrong += 1
                print(f"WRONG {number} ({who}): {missing} is not in\n{found[:3000]}")
        ratio = ours / max(theirs, 1)
        over = " OVER" if ratio > MOST_ONE else ""
        print(f"{number:3} {ours:7} {structured:7} {theirs:7} {ratio:5.2f}{over}  {question['question']}", flush=True)
        rows.append({"question": question["question"], "text": ours, "structured": structured, "transcript": theirs, "ratio": ratio})
    client.close()
    ours, structured, theirs = (sum(row[name] for row in rows) for name in ("text", "structured", "transcript"))
    over = sum(row["ratio"] > MOST_ONE for row in rows)
    print(f"all {ours:7} {structured:7} {theirs:7} {ours / theirs:5.2f}  (text, structured content, rg and sed, text by rg and sed)")
    if os.environ.get("OUT"):
        Path(os.environ["OUT"]).write_text(json.dumps(rows, indent=1))
    if wrong or over or (not only and ours > MOST_ALL * theirs):
        sys.exit(f"bench-agent: {wrong} answers lack something, {over} need more than {MOST_ONE} times the bytes")


if len(sys.argv) < 2:
    sys.exit(__doc__)
main(sys.argv[1], {int(number) for number in sys.argv[2:]})
