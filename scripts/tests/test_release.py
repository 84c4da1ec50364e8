"""Releases can be told apart, and a change that alters the programs is deployed."""

import re
import subprocess
import unittest

from support import ROOT, ScriptTest


class ReleaseVersion(ScriptTest):
    def setUp(self):
        super().setUp()
        self.tree = self.folder / "tree"
        self.git("init", "-q", "-b", "main", str(self.tree), cwd=self.folder)

    def git(self, *words, cwd=None):
        names = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
        subprocess.run(["git", *names, *words], cwd=cwd or self.tree, check=True)

    def commit(self, version):
        (self.tree / "Cargo.toml").write_text(f'[workspace.package]\nversion = "{version}"\n\n[workspace.dependencies]\nserde = {{ version = "9.9.9" }}\n')
        self.git("add", ".")
        self.git("commit", "-qm", version, "--allow-empty")

    def ask(self):
        return self.run_script("release-version.sh", cwd=self.tree)

    def test_each_release_has_a_version_of_its_own(self):
        self.commit("0.9.0")
        self.assertEqual(self.ask().stdout, "0.9.0\n", "there was none before")
        self.git("tag", "release-9")
        self.assertEqual(self.ask().returncode, 0, "it is that release, once more")
        self.commit("0.9.0")
        done = self.ask()
        self.assertEqual(done.returncode, 1)
        self.assertIn("`release-9` is 0.9.0, and this is 0.9.0: raise `version`", done.stderr)
        self.commit("0.10.0")
        self.assertEqual(self.ask().stdout, "0.10.0\n")
        self.git("tag", "release-10")
        self.commit("0.9.1")
        self.assertIn("`release-10` is 0.10.0, and this is 0.9.1", self.ask().stderr)

    def test_a_tree_without_a_version(self):
        self.commit("x")
        (self.tree / "Cargo.toml").write_text("[package]\n")
        self.git("commit", "-qam", "none")
        self.assertIn("states no version", self.ask().stderr)


class Workflow(unittest.TestCase):
    def test_what_is_compiled_in_is_deployed_when_it_changes(self):
        """Sources by their folders, and each file that a source includes."""
        text = (ROOT / ".github/workflows/saas-api-deploy.yml").read_text()
        paths = re.findall(r'^ +- "(.+)"$', text, re.M)
        tracked = subprocess.run(["git", "ls-files", "*.rs", "*Cargo.toml", ".cargo"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
        # What is built for benches, accuracy and fuzzing is in no program that is shipped.
        needed = {path for path in tracked if not path.startswith("fuzz/")}
        for path in [path for path in needed if path.endswith(".rs") and "/src/" in path]:
            for included in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', (ROOT / path).read_text()):
                file = ((ROOT / path).parent / included).resolve()
                if file.exists():
                    needed.add(str(file.relative_to(ROOT)))
        self.assertIn("README.md", needed)
        self.assertIn(".cargo/config.toml", needed)
        patterns = [re.compile(re.escape(path).replace(r"\*\*", ".*") + "$") for path in paths]
        missing = [path for path in sorted(needed) if not any(pattern.match(path) for pattern in patterns)]
        self.assertEqual(missing, [])

    def test_tools_are_pinned(self):
        for path in (ROOT / ".github/workflows").iterdir():
            text = path.read_text()
            for install in re.findall(r"cargo install .*", text):
                self.assertRegex(install, r"--locked --version \d", path.name)
            self.assertEqual(len(re.findall("setup-flyctl@", text)), len(re.findall(r"^ +version: \d+\.\d+\.\d+$", text, re.M)), path.name)

    def test_what_a_push_does_not_prove_is_proven_weekly(self):
        text = (ROOT / ".github/workflows/proofs.yml").read_text()
        self.assertRegex(text, r'cron: "\d+ \d+ \* \* \d"')
        commands = set(re.findall(r"run: make ([a-z-]+)$", text, re.M))
        self.assertEqual(commands, {"test-rollback", "test-image", "lambda"})


if __name__ == "__main__":
    unittest.main()
