"""scripts/fly-secrets.sh: values reach Fly, and nobody else."""

import re

from support import CANARY, ROOT, ScriptTest

API, INDEXER = "kotadb-api-staging", "kotadb-indexer-staging"


class Secrets(ScriptTest):
    def file(self, text):
        path = self.folder / "env"
        path.write_text(text)
        return str(path)

    def test_values_of_a_file_are_set_on_both_apps(self):
        path = self.file(f"DATABASE_URL='postgres://u:{CANARY}#x@h/db'\nSUPABASE_URL=https://p.supabase.co\n"
                         "DATABASE_DIRECT_URL=postgres://d\nSENTRY_DSN=<your dsn>\nUNKNOWN=1\n")
        done = self.run_script("fly-secrets.sh", "staging", "set", "--from", path, text="yes\nyes\n")
        self.assertEqual(done.returncode, 0, done.said)
        secrets = self.fly["secrets"]
        self.assertEqual(secrets[API], {"DATABASE_URL": f"postgres://u:{CANARY}#x@h/db", "SUPABASE_URL": "https://p.supabase.co"})
        self.assertEqual(secrets[INDEXER], {"DATABASE_URL": f"postgres://u:{CANARY}#x@h/db", "DATABASE_DIRECT_URL": "postgres://d"})
        self.assertIn("SENTRY_DSN is a placeholder", done.stderr)
        self.assert_secret_kept(done.said)

    def test_the_command_is_shown_before_it_runs(self):
        path = self.file("DATABASE_URL=postgres://x\n")
        done = self.run_script("fly-secrets.sh", "staging", "set", "--from", path, text="no\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"exec flyctl secrets import --app {API}", done.stderr)
        self.assertEqual(self.calls("secrets import"), [])

    def test_the_command_is_ours_alone(self):
        path = self.file("DATABASE_URL=postgres://x\n")
        # The stand-in sees the script while it runs.
        look = f"find {self.folder} -name set-secrets.sh -exec stat -c %a {{}} + >>{self.folder}/modes"
        self.stand_in("flyctl", f'#!/bin/sh\n[ "$1" = auth ] && exit 0\n{look}\ncat >/dev/null\n')
        done = self.run_script("fly-secrets.sh", "staging", "set", "--from", path, text="yes\nyes\n", TMPDIR=str(self.folder))
        self.assertEqual(done.returncode, 0, done.said)
        self.assertEqual(set((self.folder / "modes").read_text().split()), {"600"})

    def test_nothing_to_set(self):
        done = self.run_script("fly-secrets.sh", "staging", "set", "--from", self.file("A=b\n"))
        self.assertEqual(done.returncode, 0, done.said)
        self.assertIn("nothing to set", done.stderr)

    def test_list_and_unset(self):
        self.change(secrets={API: {"JWT_SECRET": "x"}, INDEXER: {}})
        self.assertIn("JWT_SECRET", self.run_script("fly-secrets.sh", "staging", "list").stdout)
        done = self.run_script("fly-secrets.sh", "staging", "unset", "JWT_SECRET", text="\n")
        self.assertEqual(done.returncode, 1)
        done = self.run_script("fly-secrets.sh", "staging", "unset", "JWT_SECRET", text="yes\n")
        self.assertEqual((done.returncode, self.fly["secrets"][API]), (0, {}), done.said)

    def test_wrong_words(self):
        for words, code in ((["staging"], 2), (["nowhere", "list"], 1), (["staging", "steal"], 2), (["staging", "set", "--from", "/nonexistent"], 1)):
            self.assertEqual(self.run_script("fly-secrets.sh", *words).returncode, code, words)

    def test_every_secret_of_the_programs_is_known_to_it(self):
        script = (ROOT / "scripts/fly-secrets.sh").read_text()
        table = re.findall(r"^\| `(\w+)` \(secret\) \| ([^|]*) \|", (ROOT / "README.md").read_text(), re.M)
        for name, readers in table:
            on_fly = re.search(r"\b(router|indexer)\b", readers) and name not in ("AWS_SESSION_TOKEN", "FLY_API_TOKEN")
            if on_fly:
                self.assertRegex(script, rf"\b{name}\b", f"{name} is a secret that {readers} read")
