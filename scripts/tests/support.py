"""What the tests of the scripts share: running one with the stand-in for flyctl on PATH, and a real service behind a stand-in for
Fly's proxy."""

import contextlib
import hashlib
import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).resolve().parent / "bin"
PROGRAMS = Path(os.environ.get("KOTADB_BIN", ROOT / "target/debug")).resolve()
CANARY = "canary-4f1c9e7d2b"
# What scripts read from the environment: a test that saw a developer's own would work on a real database or a real key.
OURS = ("SUPABASE_", "DATABASE_", "KOTADB_", "FLY_", "SAAS_", "AWS_", "BUCKET_", "GITHUB_", "GH_", "XDG_", "PG")


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def digest(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def machine(identifier, app, image, state="suspended", role=None):
    metadata = {"role": role} if role else {}
    guest = {"memory_mb": 512, "cpus": 1}
    named, _, tag = image.rpartition(":")
    registry, _, repository = named.partition("/")
    return {"id": identifier, "app": app, "state": state, "region": "iad",
            "image_ref": {"registry": registry, "repository": repository, "tag": tag, "digest": digest(image)},
            "config": {"image": image, "metadata": metadata, "guest": guest}}


class ScriptTest(unittest.TestCase):
    """A test that runs scripts in a folder of its own, with a world of Fly's that nobody else sees."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="kotadb-scripts-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.state_file = self.folder / "fly.json"
        self.stand_ins = self.folder / "bin"
        shutil.copytree(STAND_INS, self.stand_ins)
        self.root = ROOT
        self.keys = self.folder / "keys"
        self.environment = {"FLYCTL_STATE": str(self.state_file), "KOTADB_KEY_FOLDER": str(self.keys)}
        self.fly = {"logged_in": True, "apps": [], "ips": {}, "secrets": {}, "machines": [], "calls": [], "leaks": [],
                    "fails": [], "canary": CANARY}

    @property
    def fly(self):
        return json.loads(self.state_file.read_text())

    @fly.setter
    def fly(self, state):
        self.state_file.write_text(json.dumps(state))

    def change(self, **changes):
        self.fly = self.fly | changes

    def stand_in(self, name, text):
        path = self.stand_ins / name
        path.write_text(text)
        path.chmod(0o755)

    def without(self, *programs):
        """A PATH that has what scripts use, but these."""
        folder = self.folder / "few"
        folder.mkdir()
        for place in ("/usr/bin", "/bin", str(self.stand_ins)):
            for program in Path(place).iterdir():
                if program.name not in programs and not (folder / program.name).exists():
                    (folder / program.name).symlink_to(program)
        return str(folder)

    def environment_of(self, path=None, **environment):
        environment = clean_environment() | self.environment | environment
        environment["PATH"] = path or f"{self.stand_ins}:{environment['PATH']}"
        return environment

    def run_script(self, name, *words, text="", path=None, cwd=None, **environment):
        done = subprocess.run([str(self.root / "scripts" / name), *words], input=text, env=self.environment_of(path, **environment), cwd=cwd or self.root,
                              capture_output=True, text=True, timeout=170, start_new_session=True)
        done.said = done.stdout + done.stderr
        return done

    def watched(self, program):
        """A stand-in that notes the arguments of all processes, and then is the program."""
        self.stand_in(program, f'#!/bin/sh\ncat /proc/[0-9]*/cmdline >>{self.folder}/arguments 2>/dev/null\nexec {shutil.which(program)} "$@"\n')

    def arguments(self):
        return (self.folder / "arguments").read_bytes()

    def assert_never_in_arguments(self, *secrets):
        seen = self.arguments()
        self.assertTrue(seen, "nothing was watched")
        for secret in secrets:
            self.assertNotIn(secret.encode(), seen)

    def calls(self, start):
        words = (" ".join(call["words"]) for call in self.fly["calls"])
        return [call for call in words if call.startswith(start)]

    def assert_secret_kept(self, *said):
        self.assertEqual(self.fly["leaks"], [], "a secret stands in the arguments of a process")
        for text in said:
            self.assertNotIn(CANARY, text)


class Checkout:
    """A repository of its own with what is in the working tree here, all of it committed."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="kotadb-checkout-")) / "kotadb"
        self.folder.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git(f"--git-dir={self.folder}/.git", f"--work-tree={ROOT}", "add", "-A", cwd=ROOT)
        self.git("-c", "user.name=t", "-c", "user.email=t@example.invalid", "commit", "-qm", "as it is")
        self.git("reset", "-q", "--hard")
        self.head = self.git("rev-parse", "HEAD")

    def git(self, *words, cwd=None):
        return subprocess.run(["git", *words], check=True, capture_output=True, text=True, cwd=cwd or self.folder).stdout.strip()

    def remove(self):
        shutil.rmtree(self.folder.parent, ignore_errors=True)


class Service:
    """`kotadb up` over a small repository: a real Postgres, API and indexer."""

    def __init__(self, programs=PROGRAMS, files=None):
        self.folder = Path(tempfile.mkdtemp(prefix="kotadb-scripts-up-"))
        self.folder.chmod(0o755)
        self.data, self.repository = self.folder / "data", self.folder / "shapes"
        subprocess.run(["git", "init", "-q", "-b", "main", str(self.repository)], check=True)
        for name, text in (files or {"shapes.py": "def area(side):\n    return side * side\n"}).items():
            self.commit(name, text)
        self.start(programs)

    def commit(self, name, text):
        git = ["git", "-C", str(self.repository), "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
        (self.repository / name).parent.mkdir(parents=True, exist_ok=True)
        (self.repository / name).write_text(text)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-qm", name], check=True)

    def start(self, programs):
        """Starts it over what an earlier one has left, if anything."""
        self.log = open(self.folder / "up.log", "w")
        words = [str(programs / "kotadb"), "up", "--port", "0", str(self.repository)]
        self.process = subprocess.Popen(words, stdout=self.log, stderr=subprocess.STDOUT, env=clean_environment() | {"KOTADB_DATA_DIR": str(self.data)})
        self.wait(lambda: "KotaDB is up" in (self.folder / "up.log").read_text(), "`kotadb up` does not come up")
        report = json.loads((self.data / "report.json").read_text())
        self.url, self.key = report["url"], report["api_key"]
        self.wait(self.indexed, "the repository was not indexed")

    def indexed(self):
        request = urllib.request.Request(self.url + "/api/v1/repositories", headers={"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request) as answer:
            return all(item["indexed_commit"] for item in json.load(answer)["items"])

    def health(self):
        with urllib.request.urlopen(self.url + "/health") as answer:
            return json.load(answer)

    def wait(self, condition, fault, seconds=90):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"{fault}:\n{(self.folder / 'up.log').read_text()[-2000:]}")
            time.sleep(0.1)

    def postmaster(self):
        return next(self.data.rglob("postmaster.pid"))

    def address(self, database="kotadb"):
        port = self.postmaster().read_text().splitlines()[3]
        (password,) = self.data.rglob("*password")
        return f"postgres://postgres:{password.read_text()}@127.0.0.1:{port}/{database}"

    def sql(self, statement):
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement, self.address()], capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(done.stderr)
        return done.stdout

    @contextlib.contextmanager
    def without_postgres(self):
        """Postgres and all its sessions stand still meanwhile."""
        pid = int(self.postmaster().read_text().splitlines()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        everyone = [pid, *map(int, children)]
        try:
            for one in everyone:
                os.kill(one, signal.SIGSTOP)
            yield
        finally:
            for one in everyone:
                # A session that was about to end may have ended.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signal.SIGCONT)

    def router(self):
        """The process that serves the API."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                name, _, rest = stat.read_text().rpartition(") ")
                if name.endswith("(kotadb-api-serv") and int(rest.split()[1]) == self.process.pid:
                    return int(stat.parent.name)
        raise AssertionError("no router runs")

    def environment(self):
        """Of its router: the settings that another one needs."""
        read = Path(f"/proc/{self.router()}/environ").read_bytes()
        return dict(pair.split("=", 1) for pair in read.decode().split("\0") if "=" in pair)

    def pause(self):
        """Stops it, and keeps what it has."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        self.log.close()

    def stop(self):
        self.pause()
        shutil.rmtree(self.folder, ignore_errors=True)


class Router:
    """One more router over the database and store of a service."""

    def __init__(self, program, environment):
        self.process = subprocess.Popen([str(program)], env=environment | {"PORT": "0", "RUST_LOG": "error"}, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise AssertionError(f"{program} does not start: {line}")
        self.url = line.removeprefix("listening on ").strip()
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(self.url + "/health/ready", timeout=5).close()
                return
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"{program} does not become ready")
            time.sleep(0.1)

    @contextlib.contextmanager
    def suspended(self):
        """It stands still meanwhile."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stdout.close()


class Wire:
    """What is between a program and a port of this machine. Once it has fallen silent, the connections that were open carry nothing any
    more, and neither end is told; new ones are carried."""

    def __init__(self, port):
        self.upstream, self.silenced, self.open = port, set(), []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                pair = (client, socket.create_connection(("127.0.0.1", self.upstream)))
                self.open.append(pair)
                for source, target in (pair, pair[::-1]):
                    threading.Thread(target=self.pump, args=(source, target, pair), daemon=True).start()

    def pump(self, source, target, pair):
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                if pair not in self.silenced:
                    target.sendall(piece)
            if pair not in self.silenced:
                target.shutdown(socket.SHUT_WR)

    def fall_silent(self):
        """How many connections that are."""
        self.silenced |= set(self.open)
        return len(self.silenced)

    def stop(self):
        self.listener.close()
        for pair in self.open:
            for end in pair:
                end.close()


class Before:
    """A stand-in before a real service that answers some paths itself, or calls of a method of JSON-RPC."""

    def __init__(self, service_url, answers):
        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                asked = self.path if self.path in answers else (f"{self.command} {self.path}", json.loads(body or "{}").get("method"))
                status, said = 200, json.dumps(answers.get(asked)).encode()
                if asked not in answers:
                    headers = {name: self.headers[name] for name in ("authorization", "content-type", "accept", "mcp-protocol-version") if name in self.headers}
                    request = urllib.request.Request(service_url + self.path, body or None, headers, method=self.command)
                    try:
                        with urllib.request.urlopen(request) as found:
                            status, said = found.status, found.read()
                    except urllib.error.HTTPError as refused:
                        status, said = refused.code, refused.read()
                self.send_response(status)
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Edge:
    """A stand-in for Fly's proxy before a real service: it knows the machines of the stand-in for flyctl, and a request goes to the
    one that it names. A machine that is not started does not answer; one that is tells the commit of its image. `changes` are made
    to each report."""

    def __init__(self, test, service_url, **changes):
        edge = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = edge.answer(self.path, self.headers.get("fly-force-instance-id"))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.test, self.service_url, self.changes = test, service_url, changes
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        test.addCleanup(self.server.server_close)
        test.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, path, identifier):
        machines = {machine["id"]: machine for machine in self.test.fly["machines"]}
        machine = machines.get(identifier)
        if machine and (machine["state"] != "started" or machine["image_ref"]["digest"] in self.test.fly.get("broken", [])):
            return 502, b"no answer from the machine"
        try:
            with urllib.request.urlopen(self.service_url + path) as answer:
                status, report = answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            status, report = error.code, json.load(error)
        if machine:
            report["commit"] = machine["image_ref"]["tag"]
        report |= self.changes
        return status, json.dumps(report).encode()


_service = None


def service():
    """The service that all tests of one run share."""
    global _service
    if _service is None:
        _service = Service()
        unittest.addModuleCleanup(stop_service)
    return _service


def stop_service():
    global _service
    running, _service = _service, None
    with contextlib.suppress(Exception):
        running.stop()
