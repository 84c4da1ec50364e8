"""What is packed for AWS Lambda: the C library that a program asks for, and the settings that the template gives."""

import re
import subprocess
import unittest

from support import PROGRAMS, ROOT

# What Lambda reads and the template leaves alone: their defaults are right there, or nothing in a Lambda has them.
LEFT = {
    "KOTADB_MODE", "DISABLE_SAAS_ENV_VALIDATION", "KOTADB_GITHUB_API_URL", "KOTADB_GIT_ALLOWED_ORIGINS", "FLY_API_HOSTNAME",
    "KOTADB_WAKE_URL", "KOTADB_WAKE_MACHINE", "KOTADB_WAKE_COMMAND", "KOTADB_CACHE_BYTES", "KOTADB_CACHE_DISK", "KOTADB_CACHE_DISK_BYTES",
    # Its archives are built without the feature.
    "SENTRY_DSN", "REDIS_URL",
}
# Lambda sets them itself, and refuses a function that would.
RESERVED = {"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}


def readers():
    """By the table of README.md: the name of a variable, whether it is a secret, and who reads it."""
    rows = re.findall(r"^\| `(\w+)`( \(secret\))? \| ([^|]*) \|", (ROOT / "README.md").read_text(), re.M)
    return {name: (bool(secret), readers) for name, secret, readers in rows}


class Template(unittest.TestCase):
    def setUp(self):
        text = (ROOT / "lambda/template.yaml").read_text()
        (self.variables,) = re.findall(r"^      Variables:\n((?:        .+\n)+)", text, re.M)
        self.given = dict(re.findall(r"^        (\w+): (.+)$", self.variables, re.M))
        self.parameters = set(re.findall(r"^  (\w+):\n    Type: String", text, re.M))
        (told,) = re.findall(r"ARN of the secret: ((?:.+\n)+?)  \w", text)
        self.told = set(re.findall(r"\w+", told))

    def test_every_setting_that_it_reads_is_given_or_left_for_a_reason(self):
        read = {name for name, (_, readers) in readers().items() if "Lambda" in readers}
        self.assertGreater(len(read), 30)
        self.assertEqual(read - set(self.given) - LEFT - RESERVED, set())
        self.assertEqual(set(self.given) - read, set(), "given, but nothing reads it")
        self.assertEqual((LEFT | RESERVED) & set(self.given), set())

    def test_secrets_and_nothing_else_come_from_the_secret(self):
        secrets = {name for name in self.given if readers()[name][0]}
        resolved = {name for name, value in self.given.items() if f":SecretString:{name}" + "}}" in value}
        self.assertLessEqual(secrets, resolved)
        self.assertEqual(resolved - secrets, {"BUCKET_ACCESS_KEY_ID"}, "half of a pair")
        self.assertEqual(resolved, self.told, "the keys that the secret must have")

    def test_every_parameter_is_used_and_every_reference_is_one(self):
        self.assertEqual({value.removeprefix("!Ref ") for value in self.given.values() if value.startswith("!Ref")}, self.parameters - {"SecretArn"})


class Glibc(unittest.TestCase):
    def ask(self, *words):
        return subprocess.run(["python3", str(ROOT / "scripts/glibc-version.py"), *map(str, words)], capture_output=True, text=True)

    def test_the_newest_version_is_what_binutils_reads(self):
        program = PROGRAMS / "kotadb-api-server"
        needs = subprocess.run(["readelf", "--wide", "--version-info", str(program)], check=True, capture_output=True, text=True).stdout
        versions = [tuple(map(int, found)) for found in re.findall(r"Name: GLIBC_(\d+)\.(\d+)", needs)]
        self.assertGreater(len(versions), 5)
        newest = max(versions)
        done = self.ask(program)
        self.assertEqual(done.stdout.strip(), f"{newest[0]}.{newest[1]}")
        self.assertEqual(self.ask(program, f"{newest[0]}.{newest[1]}").returncode, 0)
        refused = self.ask(program, f"{newest[0]}.{newest[1] - 1}")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("asks for", refused.stderr)

    def test_what_is_no_program_is_refused(self):
        self.assertIn("no 64-bit", self.ask(ROOT / "README.md").stderr)


if __name__ == "__main__":
    unittest.main()
