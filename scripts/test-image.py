"""Runs every RUN line of fly/Dockerfile.production without a container engine: each stage is a folder with Debian in it (by debootstrap,
once), stages on one another are overlays, and this machine's Rust stands for that of the `rust` image. At the end it looks whether the
last stage is what the image promises, and lists the lines that were not run. Root only.

    test-image.py [--quick] [--stage NAME]     stops after a stage; --quick: the same lines, with programs that are not optimized
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = ROOT / "fly/Dockerfile.production"
WORK = ROOT / ".dev/image"
SUITE = "bookworm"
NOT_RUN = ("LABEL", "EXPOSE", "CMD")
# Of the profile `dist`, whose programs take half an hour on two cores. What they do is the same.
QUICK = {"CARGO_PROFILE_DIST_OPT_LEVEL": "0", "CARGO_PROFILE_DIST_LTO": "off", "CARGO_PROFILE_DIST_CODEGEN_UNITS": "64"}


def run(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, **more)


def instructions():
    """(line number, instruction, rest) of the Dockerfile, continued lines joined."""
    joined, begin = "", 0
    for place, line in enumerate(DOCKERFILE.read_text().splitlines(), 1):
        if not joined and (not line.strip() or line.lstrip().startswith("#")):
            continue
        begin = begin if joined else place
        if line.endswith("\\"):
            joined += line[:-1]
            continue
        word, _, rest = (joined + line).partition(" ")
        yield begin, word, rest.strip()
        joined = ""


def debian():
    """A Debian of the suite with nothing in it, made once."""
    folder = WORK / SUITE
    if not (folder / "etc/debian_version").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print("test-image: debootstrap", flush=True)
        run("debootstrap", "--variant=minbase", SUITE, folder, stdout=subprocess.DEVNULL)
        # Where packages come from is this machine's business.
        (folder / "etc/apt/sources.list").unlink(missing_ok=True)
        for name in ("sources.list", "sources.list.d", "apt.conf.d", "trusted.gpg.d"):
            source = Path("/etc/apt") / name
            if source.is_dir():
                shutil.copytree(source, folder / "etc/apt" / name, dirs_exist_ok=True)
            elif source.exists():
                shutil.copy(source, folder / "etc/apt" / name)
    return folder


class Stage:
    """A folder that stands for an image: an overlay over what it is made from."""

    def __init__(self, name, below, environment, has_rust):
        self.name, self.environment, self.has_rust = name, dict(environment), has_rust
        self.workdir = "/"
        folder = WORK / "stages" / name
        self.root, self.upper = folder / "root", folder / "upper"
        for part in (self.root, self.upper, folder / "work"):
            part.mkdir(parents=True)
        self.lower = below
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={':'.join(map(str, below))},upperdir={self.upper},workdir={folder / 'work'}", self.root)
        for name in ("proc", "dev", "sys"):
            (self.root / name).mkdir(exist_ok=True)
        run("mount", "-t", "proc", "proc", self.root / "proc")
        run("mount", "--rbind", "/dev", self.root / "dev")
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        if has_rust:
            self.lend_rust()

    def lend_rust(self):
        sysroot = subprocess.run(["rustc", "--print", "sysroot"], check=True, capture_output=True, text=True).stdout.strip()
        cargo = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
        for inside, outside in (("usr/local/rust", sysroot), ("usr/local/cargo", cargo)):
            (self.root / inside).mkdir(parents=True, exist_ok=True)
            run("mount", "--bind", outside, self.root / inside)
        # The `rust` image has certificates; here they are those that this machine trusts.
        trusted = Path("/etc/ssl/certs/ca-certificates.crt")
        if trusted.exists():
            (self.root / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
            shutil.copy(trusted, self.root / trusted.relative_to("/"))
        self.environment |= {"CARGO_HOME": "/usr/local/cargo", "PATH": f"/usr/local/rust/bin:{self.environment['PATH']}"}

    def run(self, command, user=None):
        setpriv = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if user else []
        script = f"cd {self.workdir} && {command}"
        return run("chroot", self.root, *setpriv, "/bin/sh", "-c", script, env=self.environment)

    def copy(self, sources, target):
        destination = self.root / (target if target.startswith("/") else f"{self.workdir}/{target}").lstrip("/")
        if target.endswith(("/", ".")) or len(sources) > 1:
            destination.mkdir(parents=True, exist_ok=True)
        destination.parent.mkdir(parents=True, exist_ok=True)
        for source in sources:
            words = ["cp", "-a", "-T", source, destination] if source.is_dir() else ["cp", "-a", source, destination]
            run(*words)


class Build:
    def __init__(self, arguments, profile):
        self.profile = profile
        self.arguments, self.stages, self.not_run = arguments, {}, []
        self.path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    def start(self, rest):
        image, _, name = rest.partition(" AS ")
        if image in self.stages:
            before = self.stages[image]
            stage = Stage(name, [before.upper, *before.lower], before.environment, before.has_rust)
            stage.workdir = before.workdir
        else:
            stage = Stage(name, [debian()], {"PATH": self.path, "HOME": "/root", "LANG": "C.UTF-8"} | self.profile, image.startswith("rust:"))
        self.stages[name] = self.now = stage
        print(f"test-image: stage {name} on {image}", flush=True)

    def context(self):
        """What git tracks, which is what the image is built from."""
        folder = WORK / "context"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        archive = subprocess.Popen(["git", "-C", str(ROOT), "archive", "HEAD"], stdout=subprocess.PIPE)
        run("tar", "-x", "-C", folder, stdin=archive.stdout)
        return folder

    def copy(self, rest):
        words = rest.split()
        if words[0].startswith("--from="):
            source = self.stages[words.pop(0).partition("=")[2]].root
        else:
            source = self.context()
        *sources, target = words
        self.now.copy([source / path.lstrip("/") for path in sources], target)

    def assign(self, rest):
        for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|(\S+))', rest):
            value = re.sub(r"\$\{?(\w+)\}?", lambda found: self.now.environment.get(found[1], ""), quoted or plain)
            self.now.environment[name] = value

    def argument(self, rest):
        name, _, default = rest.partition("=")
        self.now.environment[name] = self.arguments.get(name, default)

    def step(self, line, word, rest):
        if word == "FROM":
            self.start(rest)
        elif word == "RUN":
            print(f"test-image: line {line}: {rest[:100]}", flush=True)
            self.now.run(rest)
        elif word == "COPY":
            self.copy(rest)
        elif word == "ENV":
            self.assign(rest)
        elif word == "ARG":
            self.argument(rest)
        elif word == "WORKDIR":
            self.now.workdir = rest
            (self.now.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif word == "USER":
            self.user = rest
        elif word in NOT_RUN:
            self.not_run.append(f"{line}: {word}")
        else:
            sys.exit(f"test-image: line {line}: `{word}` is not known here")


def promises(build, commit):
    """What OPERATIONS.md and the manifests say of the image."""
    stage = build.now
    for program in ("kotadb", "kotadb-api-server", "kotadb-indexer"):
        stage.run(f"{program} --version | grep -F '({commit})'", user="1000")
        components(stage, program)
    stage.run("kotadb-mcp --version", user="1000")
    stage.run("sh -c true && curl --version >/dev/null && git --version >/dev/null && test -s /etc/ssl/certs/ca-certificates.crt", user="1000")
    stage.run("test -w /app/data && ! test -w /usr/local/bin", user="1000")
    stage.run("test $(readlink /usr/local/bin/kotadb-mcp) = kotadb")
    if build.user != "kotadb":
        sys.exit("test-image: the image runs as root")


# Of each program, a dependency that is in it, one of a feature among them.
INSIDE = {"kotadb": {"clap", "tree-sitter"}, "kotadb-api-server": {"axum", "sentry"}, "kotadb-indexer": {"git2", "sentry"}}


def components(stage, program):
    """What the image says is in a program."""
    bill = json.loads((stage.root / f"usr/share/kotadb/sbom/{program}.json").read_text())
    names = {component["name"] for component in bill["components"]}
    if not INSIDE[program] <= names or len(names) < 100:
        sys.exit(f"test-image: the bill of `{program}` has {len(names)} components, and not {INSIDE[program] - names}")
    print(f"test-image: the bill of {program} has {len(names)} components")


def main():
    if os.geteuid() != 0:
        sys.exit("test-image: root is needed: it mounts and changes roots")
    if not shutil.which("debootstrap"):
        sys.exit("test-image: `debootstrap` is missing: `scripts/setup.sh image` installs it")
    if os.environ.get("KOTADB_IMAGE_MOUNTS") != "own":
        # Mounts of our own, which end with us.
        os.execvpe("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv], os.environ | {"KOTADB_IMAGE_MOUNTS": "own"})
    words = sys.argv[1:]
    quick = words[:1] == ["--quick"] and words.pop(0)
    last = words[1] if words[:1] == ["--stage"] else None
    shutil.rmtree(WORK / "stages", ignore_errors=True)
    # Overlays on overlays are refused, so they lie in memory's file system or on a plain disk.
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    build = Build({"KOTADB_COMMIT": commit}, QUICK if quick else {})
    for instruction in instructions():
        if instruction[1] == "FROM" and last and last in build.stages:
            break
        build.step(*instruction)
    if not last:
        promises(build, commit)
        print("test-image: the image holds what it promises; not run: " + "; ".join(build.not_run))


main()
