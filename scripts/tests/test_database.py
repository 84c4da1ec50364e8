"""scripts/check_pooler_connection.sh and the supabase scripts, over a real Postgres."""

import shutil
import subprocess
import tomllib

from support import CANARY, PROGRAMS, ROOT, ScriptTest, service


class Built(ScriptTest):
    """A tree whose built indexer is of a former state: a stand-in for cargo puts the one of this state into its place."""

    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        self.target = self.folder / "target"
        self.environment |= {"CARGO_TARGET_DIR": str(self.target), "KOTADB_INDEXER": "", "KOTADB_DEV_DIR": str(self.folder / "dev")}
        for profile in ("debug", "release"):
            (self.target / profile).mkdir(parents=True)
            former = self.target / profile / "kotadb-indexer"
            former.write_text("#!/bin/sh\nexit 0\n")
            former.chmod(0o755)
        folder = f"{self.target}/$(case \"$*\" in *--release*) echo release ;; *) echo debug ;; esac)"
        self.cargo(f'echo "$*" >>{self.folder}/builds; cp {PROGRAMS}/kotadb-indexer "{folder}/kotadb-indexer"')

    def cargo(self, does):
        self.stand_in("cargo", f"#!/bin/sh\nset -e\n{does}\n")

    def builds(self):
        return (self.folder / "builds").read_text().splitlines()

    def test_what_is_there_may_be_old_so_it_is_built(self):
        self.addCleanup(self.run_script, "supabase-reset.sh", "stop")
        made = self.run_script("supabase-reset.sh")
        self.assertEqual(made.returncode, 0, made.said)
        address = made.stderr.split("is new: ")[1].strip()
        count = "SELECT count(*) FROM supabase_migrations.schema_migrations"
        migrated = subprocess.run(["psql", "-XAtqc", count, address], capture_output=True, text=True)
        self.assertGreater(int(migrated.stdout or 0), 20, made.said + migrated.stderr)
        subprocess.run(["psql", "-Xqc", "DROP SCHEMA kotadb CASCADE; DROP SCHEMA supabase_migrations CASCADE", address], check=True, capture_output=True)
        done = self.run_script("supabase-apply-remote.sh", SUPABASE_DB_URL=address)
        self.assertEqual(done.returncode, 0, done.said)
        self.assertIn(f"{migrated.stdout.strip()} migrations", done.said)
        shutil.copy("/bin/true", self.target / "debug/kotadb-indexer")
        same = self.run_script("supabase-generate.sh", "colours")
        self.assertIn("nothing to write", same.stderr, "the tables of the old one would be missing")
        self.assertEqual([line for line in self.builds() if "--locked" in line and "-p kotadb-indexer" in line], self.builds())
        self.assertEqual(["--release" in line for line in self.builds()], [False, True, False])

    def test_what_cannot_be_built_is_said(self):
        self.cargo("exit 101")
        done = self.run_script("supabase-reset.sh")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the indexer could not be built", done.stderr)


class Pooler(ScriptTest):
    def check(self, address):
        path = self.folder / "env"
        path.write_text(f"# a comment\nDATABASE_URL={address}\n$(touch {self.folder}/ran)\n")
        done = self.run_script("check_pooler_connection.sh", str(path), PGCONNECT_TIMEOUT="3")
        self.assertFalse((self.folder / "ran").exists(), "the file was run")
        arguments = self.folder / "arguments"
        if arguments.exists():
            self.assertNotIn(CANARY.encode(), arguments.read_bytes())
        self.assertNotIn(CANARY, done.said)
        return done

    def psql_says(self, message):
        self.stand_in("psql", f'#!/bin/sh\ncat /proc/[0-9]*/cmdline >{self.folder}/arguments 2>/dev/null\necho "{message}" >&2\nexit 2\n')

    def test_a_database_that_answers(self):
        done = self.check(service().address("postgres"))
        self.assertEqual(done.returncode, 0, done.said)
        self.assertIn("connected as postgres", done.stderr)

    def test_the_three_ways_are_told_apart(self):
        self.psql_says("no")
        for address, says in (
            (f"postgres://postgres.p:{CANARY}@aws-0-eu-west-1.pooler.supabase.com:6543/postgres", "is a transaction pooler"),
            (f"postgresql://postgres.p:{CANARY}@aws-0-eu-west-1.pooler.supabase.com:5432/postgres", "is the session pooler"),
            (f"postgres://postgres:{CANARY}@db.abcdef.supabase.co:5432/postgres", "is the database itself"),
        ):
            done = self.check(address)
            self.assertEqual(done.returncode, 1)
            self.assertIn(says, done.stderr)

    def test_without_ipv6_the_session_pooler_is_named(self):
        self.psql_says("connection to server at db.abcdef.supabase.co failed: Network is unreachable")
        done = self.check(f"postgres://postgres:{CANARY}@db.abcdef.supabase.co:5432/postgres")
        self.assertIn("postgres://postgres.abcdef:PASSWORD@aws-0-REGION.pooler.supabase.com:5432/postgres", done.stderr)

    def test_refusals_are_explained(self):
        for message, says in (("FATAL: password authentication failed", "%40"), ("Tenant or user not found", "postgres.PROJECT"), ("timeout expired", "paused")):
            self.psql_says(message)
            self.assertIn(says, self.check(f"postgres://u:{CANARY}@h.pooler.supabase.com:6543/postgres").stderr)

    def test_a_relative_file_is_the_caller_s(self):
        (self.folder / "mine").write_text(f"DATABASE_URL={service().address('postgres')}\n")
        done = self.run_script("check_pooler_connection.sh", "mine", cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.said)

    def test_odd_characters_are_no_way_to_see_the_password(self):
        done = self.check(f"postgres://u:p\u2100{CANARY}@h/db")
        self.assertEqual(done.returncode, 1)
        self.assertIn("characters that no address may have", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_bad_files(self):
        self.assertIn("no DATABASE_URL", self.check("").stderr)
        self.assertIn("cannot be used", self.check("mysql://x").stderr)
        self.assertIn("there is no file", self.run_script("check_pooler_connection.sh", "/nonexistent").stderr)


class Apply(ScriptTest):
    def apply(self, address, *words):
        return self.run_script("supabase-apply-remote.sh", *words, SUPABASE_DB_URL=address, SUPABASE_DB_URL_STAGING=address,
                               KOTADB_INDEXER=str(PROGRAMS / "kotadb-indexer"))

    def test_migrations_are_applied_twice_as_once(self):
        address = service().address()
        first, second = self.apply(address), self.apply(address, "staging")
        self.assertEqual((first.returncode, second.returncode), (0, 0), first.said + second.said)
        self.assertRegex(second.said, r"schema version \d{14}, \d+ migrations")
        self.assertNotIn(address.split("@")[0], first.said + second.said)

    def test_no_password_in_arguments(self):
        self.watched("psql")
        address = service().address()
        self.assertEqual(self.apply(address).returncode, 0)
        self.assert_never_in_arguments(address.split("@")[0].rsplit(":", 1)[1])

    def test_a_transaction_pooler_is_refused(self):
        done = self.apply(f"postgres://postgres.p:{CANARY}@aws-0-x.pooler.supabase.com:6543/postgres")
        self.assertEqual(done.returncode, 1)
        self.assertIn("use port 5432", done.stderr)
        self.assertNotIn(CANARY, done.said)

    def test_without_ipv6_the_session_pooler_is_named(self):
        self.stand_in("psql", '#!/bin/sh\necho "Network is unreachable" >&2\nexit 2\n')
        done = self.apply(f"postgres://postgres:{CANARY}@db.abcdef.supabase.co:5432/postgres")
        self.assertIn("postgres.abcdef:PASSWORD@aws-0-REGION.pooler", done.stderr)

    def test_an_address_in_arguments_is_refused(self):
        done = self.run_script("supabase-apply-remote.sh", f"postgres://u:{CANARY}@h/db")
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not belong into arguments", done.stderr)
        self.assertNotIn(CANARY, done.said)

    def test_nothing_is_set(self):
        done = self.apply("")
        self.assertIn("SUPABASE_DB_URL is not set", done.stderr)


class Generate(ScriptTest):
    def test_a_change_by_hand_becomes_a_migration(self):
        self.folder.chmod(0o755)
        migrations = self.folder / "migrations"
        migrations.mkdir()
        environment = {"KOTADB_DEV_DIR": str(self.folder / "dev"), "KOTADB_INDEXER": str(PROGRAMS / "kotadb-indexer"), "KOTADB_MIGRATIONS": str(migrations)}
        self.assertIn("there is no development database", self.run_script("supabase-generate.sh", "colours", **environment).stderr)
        made = self.run_script("supabase-reset.sh", **environment)
        self.addCleanup(self.run_script, "supabase-reset.sh", "stop", **environment)
        self.assertEqual(made.returncode, 0, made.said)
        same = self.run_script("supabase-generate.sh", "colours", **environment)
        self.assertEqual(same.returncode, 1)
        self.assertIn("nothing to write", same.stderr)
        address = made.stderr.split("is new: ")[1].strip()
        statements = ("CREATE TABLE kotadb.colours (name text PRIMARY KEY); "
                      "CREATE FUNCTION kotadb.one() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$; DROP FUNCTION kotadb.tick()")
        subprocess.run(["psql", "-Xq", "-c", statements, address], check=True, capture_output=True)
        done = self.run_script("supabase-generate.sh", "colours", **environment)
        self.assertEqual(done.returncode, 0, done.said)
        (file,) = migrations.iterdir()
        self.assertRegex(file.name, r"^\d{14}_colours\.sql$")
        text = file.read_text()
        self.assertIn("CREATE TABLE kotadb.colours", text)
        self.assertIn("RETURN 1; END", text)
        self.assertIn("-- CREATE FUNCTION kotadb.tick()", text)
        version = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
        self.assertIn(f"\n-- needs-binary: >= {version}\n", text)

    def test_a_bad_name(self):
        self.assertEqual(self.run_script("supabase-generate.sh", "Bad Name").returncode, 2)
