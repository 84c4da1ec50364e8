"""scripts/deploy-fly.sh: every branch, with the stand-in for flyctl and a real service behind a stand-in for Fly's proxy."""

from support import ROOT, Checkout, Edge, ScriptTest, digest, machine, service

OLD = "registry.fly.io/kotadb-api-staging:" + "a" * 40
API, INDEXER = "kotadb-api-staging", "kotadb-indexer-staging"


class Deploy(ScriptTest):
    @classmethod
    def setUpClass(cls):
        cls.checkout = Checkout()
        cls.addClassCleanup(cls.checkout.remove)

    def setUp(self):
        super().setUp()
        self.root = self.checkout.folder
        self.image = f"registry.fly.io/{API}:{self.checkout.head}"
        self.change(apps=[API, INDEXER], machines=[
            machine("api1", API, OLD), machine("api2", API, OLD, state="stopped"),
            machine("ix", INDEXER, OLD, state="stopped"), machine("sw", INDEXER, OLD, state="stopped", role="sweeper")])
        self.environment["KOTADB_DEPLOY_PATIENCE"] = "4"

    def deploy(self, *words, edge=True, **more):
        if edge:
            self.environment["KOTADB_DEPLOY_URL"] = Edge(self, service().url).url
        return self.run_script("deploy-fly.sh", *words, **more)

    def images(self):
        return {machine["id"]: machine["config"]["image"].partition("@")[0] for machine in self.fly["machines"]}

    def digests(self):
        return {machine["id"]: machine["image_ref"]["digest"] for machine in self.fly["machines"]}

    def test_every_machine_gets_the_new_image_and_answers(self):
        done = self.deploy("staging", "--skip-gate")
        self.assertEqual(done.returncode, 0, done.said)
        self.assertEqual(set(self.images().values()), {self.image})
        self.assertEqual(set(self.digests().values()), {self.fly["registry"][self.image]})
        self.assertIn("--strategy immediate --ha=false --wait-timeout 300", self.calls("deploy")[0])
        self.assertEqual(len(self.calls("machine start")), 2, "suspended and stopped machines are started")
        self.assertIn("machine api2 answers", done.stderr)
        self.assertIn("--flycast", self.calls("deploy")[1], "the indexer gets no public address")

    def test_production_asks_for_a_literal_yes(self):
        done = self.deploy("production", "--skip-gate", text="y\n", edge=False)
        self.assertEqual((done.returncode, self.calls("deploy")), (1, []))
        self.assertIn("nothing was done", done.stderr)

    def test_production_rolls_with_two_machines(self):
        image = "registry.fly.io/kotadb-api:" + "c" * 40
        self.change(machines=[machine("p", "kotadb-api", image, state="started")])
        done = self.deploy("production", "--skip-gate", "--always-on", text="yes\n")
        self.assertEqual(done.returncode, 0, done.said)
        self.assertIn("--strategy rolling --ha=true --wait-timeout 600", self.calls("deploy")[0])
        self.assertEqual(self.awake("kotadb-api"), [1])

    def awake(self, app):
        return [service["min_machines_running"] for machine in self.fly["machines"] if machine["app"] == app for service in machine["config"]["services"]]

    def test_always_on_stays_until_it_is_taken_back(self):
        for words, awake in ((["--always-on"], 1), ([], 1), (["--image", OLD], 1), (["--no-always-on"], 0), ([], 0)):
            done = self.deploy("staging", "--skip-gate", *words)
            self.assertEqual(done.returncode, 0, done.said)
            self.assertEqual(self.awake(API), [awake, awake], words)
        self.assertEqual(self.checkout.git("status", "--porcelain"), "", "a deployment leaves no file behind")

    def test_the_image_is_built_from_what_git_has(self):
        for name in ("kotadb-staging.master-key", ".env", "target/debug/kotadb"):
            path = self.checkout.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("not for others")
            self.addCleanup(path.unlink)
        done = self.deploy("staging", "--skip-gate")
        self.assertEqual(done.returncode, 0, done.said)
        for call in self.fly["calls"]:
            if call["words"][0] == "deploy":
                self.assertEqual(call["context"], sorted(self.checkout.git("ls-files").splitlines()))

    def test_a_machine_that_does_not_start_brings_the_former_image_back(self):
        self.change(never_start=["api2"])
        state = self.fly
        state["machines"][0]["state"] = "started"
        self.fly = state
        done = self.deploy("staging", "--skip-gate")
        self.assertEqual(done.returncode, 1)
        self.assertIn("machine api2 is not well", done.stderr)
        self.assertIn("going back", done.stderr)
        self.assertEqual(self.images()["api1"], OLD)
        self.assertIn(f"going back to `{OLD}@{digest(OLD)}`", done.stderr)
        self.assertEqual(self.images()["ix"], OLD, "the indexer is deployed only after the API is well")

    def test_back_is_the_image_that_ran_though_its_tag_means_another_now(self):
        """A commit is deployed a second time, with what a newer base image brought, and does not start."""
        done = self.deploy("staging", "--skip-gate")
        self.assertEqual(done.returncode, 0, done.said)
        well = self.digests()["api1"]
        self.change(broken=[digest(f"{self.image} 2")])
        done = self.deploy("staging", "--skip-gate")
        self.assertEqual(done.returncode, 1, done.said)
        self.assertIn("runs again", done.stderr)
        self.assertEqual(set(self.digests().values()), {well})

    def test_going_back_that_fails_is_said(self):
        self.change(broken=[digest(f"{self.image} 1"), digest(OLD)])
        done = self.deploy("staging", "--skip-gate")
        self.assertEqual(done.returncode, 1)
        self.assertIn("going back failed, too", done.stderr)

    def test_there_is_no_way_back_to_what_failed_itself(self):
        self.change(never_start=["api2"])
        done = self.deploy("staging", "--image", f"{OLD}@{digest(OLD)}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("which is also what ran before", done.stderr)

    def test_a_deployment_that_fails_goes_back_and_says_so(self):
        self.change(fails=[{"call": "deploy", "says": "the release command failed"}])
        done = self.deploy("staging", "--skip-gate")
        self.assertEqual(done.returncode, 1)
        self.assertIn("runs again", done.stderr)
        self.assertIn("the last lines of the log", done.stderr)

    def test_the_first_deployment_has_nothing_to_go_back_to(self):
        self.change(machines=[], fails=[{"call": "deploy", "says": "no"}])
        done = self.deploy("staging", "--skip-gate")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no former image", done.stderr)

    def test_an_image_is_deployed_without_tests(self):
        image = f"registry.fly.io/{API}:" + "b" * 40
        self.stand_in("cargo", "#!/bin/sh\nexit 3\n")
        done = self.deploy("staging", "--image", image)
        self.assertEqual(done.returncode, 0, done.said)
        self.assertEqual(set(self.images().values()), {image})

    def test_the_release_before_can_be_named(self):
        runs, bad, before, first = OLD, *(f"registry.fly.io/{API}:" + letter * 40 for letter in "edc")
        pinned = f"{before}@{digest(before)}"
        complete = [(runs, "complete"), (runs, "complete"), (f"registry.fly.io/{API}:" + "f" * 40, "failed"), (pinned, "complete"), (first, "complete")]
        rolled_back = [(f"{runs}@{digest(runs)}", "complete"), (bad, "complete"), (runs, "complete"), (bad, "interrupted"), (pinned, "complete")]
        never_released = [(before, "complete"), (first, "complete")]
        for releases in (complete, rolled_back, never_released):
            self.change(machines=[machine("api1", API, runs)],
                        releases=[{"Status": status, "ImageRef": image} for image, status in releases])
            done = self.deploy("staging", "--image", "previous")
            self.assertEqual(done.returncode, 0, done.said)
            self.assertEqual(self.images()["api1"], before, releases)

    def test_before_the_first_release_there_is_none(self):
        self.change(releases=[{"Status": "complete", "ImageRef": image} for image in (OLD, "registry.fly.io/x:bad", OLD)])
        done = self.deploy("staging", "--image", "previous", edge=False)
        self.assertEqual((done.returncode, self.calls("deploy")), (1, []))

    def test_without_a_release_before(self):
        done = self.deploy("staging", "--image", "previous", edge=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("there is no release before", done.stderr)

    def test_an_indexer_that_cannot_be_deployed_is_said(self):
        self.change(fails=[{"call": "deploy --config fly/indexer.toml"}])
        done = self.deploy("staging", "--skip-gate")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the indexer could not be deployed: run this again with `--image", done.stderr)

    def test_the_sweeper_that_cannot_be_updated_is_said(self):
        self.change(fails=[{"call": "machine update"}])
        done = self.deploy("staging", "--skip-gate")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the sweeper could not be updated", done.stderr)

    def gate(self, tests, clippy="exit 0"):
        """The gate with a test run that says `tests`."""
        self.stand_in("cargo", f'#!/bin/sh\ncase "$1" in nextest) {tests} ;; clippy) {clippy} ;; esac\n')
        self.root = ROOT
        self.stand_in("git", '#!/bin/sh\ncase "$*" in *status*) exit 0 ;; esac\nexec /usr/bin/git "$@"\n')
        return self.deploy("staging", edge=False)

    def test_failing_tests_stop_it(self):
        done = self.gate('[ "$2" = --version ] || exit 100')
        self.assertEqual((done.returncode, self.calls("deploy")), (1, []), done.said)
        self.assertIn("tests failed", done.stderr)

    def test_no_tests_stop_it(self):
        done = self.gate('echo "     Summary [   0.000s] 0 tests run: 0 passed, 0 skipped"')
        self.assertEqual((done.returncode, self.calls("deploy")), (1, []), done.said)
        self.assertIn("no test ran", done.stderr)

    def test_lints_stop_it(self):
        done = self.gate('echo "     Summary [   9.000s] 12 tests run: 12 passed, 0 skipped"', "exit 101")
        self.assertEqual((done.returncode, self.calls("deploy")), (1, []), done.said)
        self.assertIn("clippy found something", done.stderr)

    def test_what_is_not_committed_is_not_deployed(self):
        for name in ("new.rs", "README.md"):
            path = self.checkout.folder / name
            with path.open("a") as file:
                file.write("\n")
            for words in ([], ["--skip-gate"]):
                done = self.deploy("staging", *words, edge=False)
                self.assertEqual((done.returncode, self.calls("deploy")), (1, []))
                self.assertIn("not committed", done.stderr)
            self.checkout.git("clean", "-qfd")
            self.checkout.git("reset", "-q", "--hard")

    def test_without_flyctl(self):
        done = self.deploy("staging", edge=False, path=self.without("flyctl"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("`flyctl` is missing", done.stderr)

    def test_without_a_login(self):
        self.change(logged_in=False)
        done = self.deploy("staging", edge=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("flyctl auth login", done.stderr)

    def test_a_wrong_word(self):
        done = self.deploy("prod", edge=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("usage: deploy-fly.sh", done.stderr)
