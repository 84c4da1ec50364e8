"""scripts/fly-setup.sh and scripts/status.sh over the stand-in for flyctl and a real Postgres."""

from support import ROOT, Edge, ScriptTest, machine, service

API, INDEXER = "kotadb-api-staging", "kotadb-indexer-staging"
IMAGE = f"registry.fly.io/{API}:" + "a" * 40


class Setup(ScriptTest):
    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)

    def set_up(self, *words, **environment):
        self.addCleanup((ROOT / "kotadb-staging.master-key").unlink, missing_ok=True)
        return self.run_script("fly-setup.sh", "staging", *words, **environment)

    def test_a_dry_run_makes_nothing(self):
        done = self.set_up("--dry-run")
        self.assertEqual(done.returncode, 0, done.said)
        made = [call for call in self.fly["calls"] if call["words"][1] not in ("whoami", "list")]
        self.assertEqual(made, [])
        for what in (API, f"{INDEXER}.flycast", "the bucket", "KOTADB_MASTER_KEY"):
            self.assertIn(what, done.stdout)

    def test_it_makes_what_is_missing_once(self):
        done = self.set_up()
        self.assertEqual(done.returncode, 0, done.said)
        fly = self.fly
        self.assertEqual(fly["apps"], [API, INDEXER])
        self.assertEqual(fly["ips"], {INDEXER: ["private_v6"]})
        for name in ("BUCKET_NAME", "AWS_SECRET_ACCESS_KEY", "KOTADB_MASTER_KEY"):
            self.assertEqual(fly["secrets"][API][name], fly["secrets"][INDEXER][name])
        self.assertIn("next: scripts/fly-secrets.sh staging set", done.stdout)
        self.assert_secret_kept(done.said)
        again = self.set_up()
        self.assertNotIn("made", again.stdout)
        self.assertEqual(self.fly["secrets"], fly["secrets"])

    def test_the_sweeper_comes_after_the_first_deployment(self):
        self.change(apps=[API, INDEXER], machines=[machine("ix", INDEXER, IMAGE)])
        done = self.set_up()
        self.assertEqual(done.returncode, 0, done.said)
        (run,) = self.calls("machine run")
        self.assertIn(f"machine run {IMAGE} --app {INDEXER} --name sweeper --region iad --schedule hourly", run)
        self.set_up()
        self.assertEqual(len(self.calls("machine run")), 1)

    def test_a_public_indexer_and_half_a_master_key_are_said(self):
        self.change(apps=[API, INDEXER], ips={INDEXER: ["private_v6", "v6"]}, secrets={API: {"KOTADB_MASTER_KEY": "x"}})
        said = self.set_up("--dry-run").stdout
        self.assertIn("has a public address", said)
        self.assertIn("KOTADB_MASTER_KEY on one of the two apps", said)

    def test_an_answer_without_the_bucket_s_key_is_said(self):
        flyctl = (self.stand_ins / "flyctl").read_text().replace("AWS_SECRET_ACCESS_KEY: {", "nothing {")
        self.stand_in("flyctl", flyctl)
        done = self.set_up()
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no AWS_SECRET_ACCESS_KEY", done.stderr)

    def test_what_cannot_be_made_is_said(self):
        self.change(fails=[{"call": "apps create"}])
        done = self.set_up()
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"cannot make {API}", done.stderr)


class Status(ScriptTest):
    def setUp(self):
        super().setUp()
        secrets = {name: "x" for name in ("DATABASE_URL", "KOTADB_MASTER_KEY", "BUCKET_NAME", "KOTADB_TICK_SECRET")}
        indexer = machine("ix", INDEXER, IMAGE)
        indexer["config"]["guest"] = {"memory_mb": 2048, "cpus": 2}
        self.change(apps=[API, INDEXER], secrets={API: secrets, INDEXER: secrets},
                    machines=[machine("api1", API, IMAGE, state="started"), indexer, machine("sw", INDEXER, IMAGE, role="sweeper")])
        self.environment["KOTADB_DEPLOY_URL"] = Edge(self, service().url).url

    def test_what_is_as_stated_is_well(self):
        done = self.run_script("status.sh", "staging")
        differences = [line for line in done.stdout.splitlines() if "DIFFERS" in line and "swept" not in line]
        self.assertEqual(differences, [], done.said)
        self.assertIn("all machines run", done.stdout)

    def test_differences_are_named(self):
        state = self.fly
        state["machines"][0]["config"]["guest"]["memory_mb"] = 256
        state["machines"][1]["config"]["image"] = IMAGE[:-1] + "b"
        state["machines"] = state["machines"][:2]
        del state["secrets"][API]["KOTADB_TICK_SECRET"]
        state["certs"] = [{"Hostname": "api.example.com", "ClientStatus": "Awaiting configuration"}]
        self.fly = state
        done = self.run_script("status.sh", "staging")
        self.assertEqual(done.returncode, 1)
        for what in ("512 MB", "2 images", "no sweeper", "the tick has no secret", "api.example.com: Awaiting"):
            self.assertIn(what, done.stdout)
