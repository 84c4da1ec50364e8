"""scripts/fly-secrets.sh: values reach Fly, and nobody else."""

import os
import pty
import re
import select
import time

from support import CANARY, ROOT, ScriptTest, machine

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

    def test_values_arrive_as_they_are(self):
        values = {"JWT_SECRET": "a b # c", "SUPABASE_ANON_KEY": "it's", "SUPABASE_SERVICE_KEY": "x#y\"z", "SENTRY_DSN": "a\"b\"", "GITHUB_CLIENT_SECRET": "say 'q' # r"}
        path = self.file("".join(f"{name}={value}\n" for name, value in values.items()))
        done = self.run_script("fly-secrets.sh", "staging", "set", "--from", path, text="yes\nyes\n")
        self.assertEqual(done.returncode, 0, done.said)
        self.assertEqual(self.fly["secrets"][API], values)

    def test_what_flyctl_cannot_take_is_said(self):
        for value in ('a"b#c', '"" and more'):
            done = self.run_script("fly-secrets.sh", "staging", "set", "--from", self.file(f"JWT_SECRET={value}\n"))
            self.assertEqual((done.returncode, self.calls("secrets import")), (1, []), done.said)
            self.assertIn("JWT_SECRET begins with", done.stderr)

    def test_a_key_of_several_lines_in_a_file(self):
        path = self.file(f"GITHUB_APP_PRIVATE_KEY='-----BEGIN KEY-----\n{CANARY}==\n-----END KEY-----'\nJWT_SECRET=next\n")
        done = self.run_script("fly-secrets.sh", "staging", "set", "--from", "env", text="yes\nyes\n", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.said)
        self.assertEqual(self.fly["secrets"][API], {"GITHUB_APP_PRIVATE_KEY": f"-----BEGIN KEY-----\\n{CANARY}==\\n-----END KEY-----", "JWT_SECRET": "next"})
        self.assert_secret_kept(done.said)
        cut = self.run_script("fly-secrets.sh", "staging", "set", "--from", self.file("GITHUB_APP_PRIVATE_KEY=-----BEGIN KEY-----\nx\n"))
        self.assertEqual(cut.returncode, 1)
        self.assertIn("ends before its `-----END`", cut.stderr)

    def test_without_a_terminal_nothing_is_skipped_silently(self):
        done = self.run_script("fly-secrets.sh", "staging", "set")
        self.assertEqual(done.returncode, 1, done.said)
        self.assertIn("there is no terminal to ask on", done.stderr)

    def on_a_terminal(self, answers):
        """Answers what is asked; exit code and all that the terminal showed."""
        child, terminal = pty.fork()
        if child == 0:
            os.chdir(self.root)
            os.execve("scripts/fly-secrets.sh", ["fly-secrets.sh", "staging", "set"], self.environment_of())
        shown, rest, end = "", dict(answers), time.monotonic() + 60
        while time.monotonic() < end:
            ready, _, _ = select.select([terminal], [], [], 1)
            try:
                shown += os.read(terminal, 4096).decode() if ready else ""
            except OSError:
                break
            asked = re.search(r"(\w+) \(empty: leave it\): $|(Type yes) to go on: $", shown)
            if asked:
                os.write(terminal, (rest.pop(asked[1] or asked[2], "") if asked[1] else "yes").encode() + b"\n")
                shown += "\n"
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        self.assertEqual(rest, {}, shown)
        return os.waitstatus_to_exitcode(status), shown

    def test_asked_on_a_terminal(self):
        key = f"-----BEGIN KEY-----\n{CANARY}==\nabc=\n-----END KEY-----"
        code, shown = self.on_a_terminal({"DATABASE_URL": f"postgres://u:{CANARY}@h/db", "GITHUB_APP_PRIVATE_KEY": key, "JWT_SECRET": "after the key"})
        self.assertEqual(code, 0, shown)
        both = {"DATABASE_URL": f"postgres://u:{CANARY}@h/db", "GITHUB_APP_PRIVATE_KEY": key.replace("\n", "\\n")}
        self.assertEqual(self.fly["secrets"], {API: both | {"JWT_SECRET": "after the key"}, INDEXER: both})
        self.assert_secret_kept(shown)

    def test_the_sweeper_starts_with_what_was_set_and_without_what_was_not(self):
        image = f"registry.fly.io/{API}:1"
        self.change(machines=[machine("ix", INDEXER, image), machine("sw", INDEXER, image, role="sweeper")])
        done = self.run_script("fly-secrets.sh", "staging", "set", "--from", self.file("DATABASE_URL=x\nREDIS_URL=y\n"), text="yes\nyes\n")
        self.assertEqual(done.returncode, 0, done.said)
        self.assertEqual([one["knows"] for one in self.fly["machines"]], [["DATABASE_URL", "REDIS_URL"]] * 2)
        self.assertIn("--skip-start", self.calls("machine update sw")[0], "else it sweeps out of its turn")
        done = self.run_script("fly-secrets.sh", "staging", "unset", "REDIS_URL", text="yes\n")
        self.assertEqual(done.returncode, 0, done.said)
        self.assertEqual([one["knows"] for one in self.fly["machines"]], [["DATABASE_URL"]] * 2)
        self.change(fails=[{"call": "machine update"}])
        done = self.run_script("fly-secrets.sh", "staging", "unset", "DATABASE_URL", text="yes\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the sweeper does not know", done.stderr)

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
        script = (ROOT / "scripts/secret-names.sh").read_text()
        table = re.findall(r"^\| `(\w+)` \(secret\) \| ([^|]*) \|", (ROOT / "README.md").read_text(), re.M)
        for name, readers in table:
            on_fly = re.search(r"\b(router|indexer)\b", readers) and name not in ("AWS_SESSION_TOKEN", "FLY_API_TOKEN")
            if on_fly:
                self.assertRegex(script, rf"\b{name}\b", f"{name} is a secret that {readers} read")
