"""The manifests of fly/ and the image say the same, and what Fly asks for."""

import re
import subprocess
import tempfile
import tomllib
import unittest
from pathlib import Path

from support import ROOT


def manifest(name):
    return tomllib.loads((ROOT / "fly" / name).read_text())


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m)", text).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


class Manifests(unittest.TestCase):
    def test_both_apis_sleep_and_wake(self):
        for name in ("api.toml", "api.staging.toml"):
            (service,) = manifest(name)["services"]
            self.assertEqual((service["auto_stop_machines"], service["auto_start_machines"], service["min_machines_running"]), ("suspend", True, 0))
            self.assertEqual([check["path"] for check in service["http_checks"]], ["/health/live"])

    def test_checks_and_signals(self):
        for name in ("api.toml", "api.staging.toml"):
            file = manifest(name)
            checks = [*file["services"][0]["http_checks"], *file["checks"].values()]
            self.assertTrue(all(seconds(check["timeout"]) <= 30 for check in checks))
            self.assertEqual([check["path"] for check in file["checks"].values()], ["/health"])
            self.assertEqual((file["kill_signal"], file["experimental"]["auto_rollback"]), ("SIGTERM", True))
            self.assertEqual(file["metrics"], {"port": 9091, "path": "/metrics"})
            self.assertLessEqual(int(file["vm"][0]["memory"].removesuffix("mb").replace("1gb", "1024")), 2048, "else it cannot be suspended")

    def test_the_indexer_ends_by_itself(self):
        (service,) = manifest("indexer.toml")["services"]
        self.assertEqual((service["auto_stop_machines"], service["auto_start_machines"]), ("off", True))
        self.assertNotIn("min_machines_running", service)
        self.assertFalse(service["ports"][0]["force_https"])

    def test_image_and_manifests_agree(self):
        image = (ROOT / "fly/Dockerfile.production").read_text()
        (settings,) = re.findall(r"^ENV (PORT=.*?)(?=^\w)", image, re.M | re.S)
        settings = dict(pair.split("=") for pair in settings.replace("\\\n", " ").split())
        production = manifest("api.toml")["env"]
        for name, value in settings.items():
            self.assertEqual(production[name], value, name)
        self.assertEqual(manifest("indexer.toml")["env"], {"KOTADB_DATA_DIR": "/app/data", "RUST_LOG": "info"})
        self.assertEqual(int(settings["PORT"]), manifest("api.toml")["services"][0]["internal_port"])

    def test_staging_differs_only_where_it_is_to(self):
        production, staging = manifest("api.toml"), manifest("api.staging.toml")
        different = {key for key in production if production[key] != staging[key]}
        self.assertEqual(different, {"app", "deploy", "env", "services", "vm"})
        self.assertLess(staging["services"][0]["concurrency"]["hard_limit"], production["services"][0]["concurrency"]["hard_limit"])

    def test_no_builder_is_sent_what_is_nobody_s(self):
        """BuildKit takes the file by its name, flyctl's other builder the one that the manifest names; paths are from the manifest's folder."""
        for path in (ROOT / "fly").glob("*.toml"):
            build = tomllib.loads(path.read_text())["build"]
            self.assertTrue((path.parent / build["dockerfile"]).exists())
            self.assertEqual(build["ignorefile"], build["dockerfile"] + ".dockerignore")
            left_out = (path.parent / build["ignorefile"]).read_text().splitlines()
            self.assertLessEqual({".git", "target", ".env*", "*.master-key", "*.bucket"}, set(left_out), path.name)

    def test_no_volumes(self):
        for path in (ROOT / "fly").glob("*.toml"):
            self.assertNotIn("mounts", tomllib.loads(path.read_text()), path.name)

    def test_every_variable_of_the_manifests_is_one_of_ours(self):
        known = set(re.findall(r"^(?:# )?(\w+)=", (ROOT / ".env.example").read_text(), re.M)) | {"RUST_BACKTRACE"}
        for path in (ROOT / "fly").glob("*.toml"):
            self.assertLessEqual(set(tomllib.loads(path.read_text()).get("env", {})), known, path.name)

    def test_alerts_ask_for_what_is_told_and_name_a_section(self):
        alerts = (ROOT / "fly/alerts.yml").read_text()
        sources = "".join((ROOT / path).read_text() for path in ("core/src/metrics.rs", "core/src/http/scrape.rs"))
        told = set(re.findall(r'registry\.register(?:_with_unit)?\(\s*"(\w+)"', sources))
        asked = set(re.findall(r"\bkotadb_(\w+?)(?:_total|_seconds_bucket|_seconds)?\b(?=[{)\[ ])", alerts))
        self.assertLessEqual(asked, told)
        sections = set(re.findall(r"^### (.+)$", (ROOT / "OPERATIONS.md").read_text(), re.M))
        named = set(re.findall(r"section: ([^}]+?) }", alerts))
        self.assertTrue(asked and named)
        self.assertLessEqual(named, sections)

    def test_the_dependency_layer_has_every_target(self):
        """Without the sources cargo still finds each target that a manifest names: the layer can be built."""
        image = (ROOT / "fly/Dockerfile.production").read_text()
        (line,) = re.findall(r"^FROM base AS manifests\nCOPY \. \.\nRUN ((?:.*\\\n)*.*)$", image, re.M)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["git", "checkout-index", "--all", f"--prefix={folder}/"], cwd=ROOT, check=True)
            subprocess.run(["sh", "-c", line], cwd=folder, check=True)
            done = subprocess.run(["cargo", "fetch", "--locked"], cwd=folder, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            texts = {path.read_text() for path in Path(folder).rglob("*.rs") if path.name != "build.rs"}
            # Crates without a word about them are refused by the workspace's lints.
            self.assertEqual(texts, {"//! Dependencies.\n", "//! Dependencies.\nfn main() { }\n"})

    def test_sections_that_scripts_name_are_there(self):
        sections = set(re.findall(r"^### (.+)$", (ROOT / "OPERATIONS.md").read_text(), re.M))
        for path in (ROOT / "scripts").glob("*.sh"):
            named = set(re.findall(r'OPERATIONS\.md, \\?"([^"\\]+)\\?"', path.read_text()))
            self.assertLessEqual(named, sections, path.name)


if __name__ == "__main__":
    unittest.main()
