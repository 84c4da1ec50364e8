# The commands to know. Each does its own set-up; `make` alone lists them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build up demo test check check-format check-lint check-docs check-tidy check-scripts check-fuzz bench bench-cold bench-freshness chaos fuzz fuzz-api config-docs fmt test-scripts ci-fast ci supabase-reset supabase-generate migrate deploy rollback smoke secrets logs status simulate test-image test-rollback lambda

REPO ?= .
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
BIN := $(TARGET_DIR)/release
# As root Postgres runs as another user, who may not enter root's home. Empty: what the program takes by itself.
UP_DATA_DIR := $(or $(KOTADB_DATA_DIR),$(if $(filter 0,$(shell id -u)),/var/lib/kotadb))

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing (Debian and Ubuntu packages)
	@scripts/setup.sh

build: setup ## build the programs for use
	cargo build --locked --release -p kotadb -p kotadb-router -p kotadb-indexer

up: build ## run the whole service on this machine; REPO=path of the repository to serve (default: this one)
	exec env KOTADB_DATA_DIR="$(UP_DATA_DIR)" $(BIN)/kotadb up $(REPO)

demo: build ## the same once, unattended: up, index, search, push, found again, down
	KOTADB_BIN=$(BIN) scripts/demo.sh

test: setup ## every test, with a private Postgres, pgbouncer and S3 endpoint
	@scripts/test.sh

check: setup check-format check-lint check-docs check-tidy check-scripts check-fuzz ## format, lints, docs, house rules

check-format:
	cargo fmt --all --check

check-lint:
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings

check-docs:
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --all-features --no-deps --document-private-items

check-tidy:
	cargo run --locked --quiet -p kotadb-tidy

check-scripts:
	shellcheck --external-sources .ci/run scripts/*.sh
	python3 scripts/parity.py --self-test
	scripts/check-workflows.sh
	python3 scripts/simulate.py --check
	python3 lambda/template.py --check

# The fuzz targets are a workspace of their own. Nothing is linked here, so the library that a target runs in is not built:
# the name of one stands for it.
check-fuzz:
	CUSTOM_LIBFUZZER_PATH=none/libnone.a RUSTFLAGS='-D warnings' cargo check --locked --quiet --manifest-path fuzz/Cargo.toml --target-dir $(TARGET_DIR)/fuzz-check

bench: setup ## measure beside ripgrep and csearch; PARTS="build warm cold http" for some of it
	cargo build --locked --release -p kotadb -p kotadb-router -p kotadb-indexer -p kotadb-bench
	KOTADB_BIN=$(BIN) scripts/bench.sh $(PARTS)

bench-cold: ## measure queries with an empty cache over a bucket that is far away
	@$(MAKE) --no-print-directory bench PARTS=cold

bench-freshness: ## measure how soon a push is searchable: an indexer waits, none runs, and once more with a slow disk (root)
	@$(MAKE) --no-print-directory bench PARTS=freshness

.PHONY: accuracy
accuracy: setup ## hold definitions and callers against what compilers say; ONLY="rust rich" for some languages or repositories
	scripts/accuracy.sh $(ONLY)

.PHONY: bench-agent
bench-agent: setup ## twenty questions about one repository: our tools beside rg and sed; ONLY="3 7" for some
	cargo build --locked --release -p kotadb
	OUT=$(TARGET_DIR)/bench-agent.json scripts/bench-agent.py $(BIN)/kotadb $(ONLY)

# Fail points are in builds with debug assertions only.
chaos: setup ## disturb the whole service and see what holds; CHAOS="1 2 6" for some faults, SEED=1
	@scripts/setup.sh chaos
	cargo build --locked -p kotadb-chaos -p kotadb-router -p kotadb-indexer --all-features
	$(TARGET_DIR)/debug/kotadb-chaos --bin $(TARGET_DIR)/debug --long --out $(TARGET_DIR)/chaos.json $(if $(SEED),--seed $(SEED)) $(CHAOS)

fuzz: ## fuzz the readers, the query language and the planner; SECONDS_EACH=60
	@scripts/setup.sh fuzz
	scripts/fuzz.sh $(or $(SECONDS_EACH),60)

fuzz-api: setup ## ask the running server all that its description allows, and more; SECONDS_EACH=1200, SEED=1
	SECONDS_EACH=$(or $(SECONDS_EACH),1200) scripts/schemathesis.sh --long

.PHONY: terminal
terminal: setup ## the command in a terminal (tmux), a screen each; as text in target/terminal
	scripts/terminal.sh

.PHONY: test-web
test-web: setup ## the pages in a real browser; screenshots in target/web
	scripts/test.sh --web

config-docs: ## write the table of settings in README.md and .env.example anew
	KOTADB_UPDATE=1 cargo test --quiet -p kotadb-core --all-features --test it config::

.PHONY: test-mcp
test-mcp: setup ## the official suites of the protocol for agents: conformance in both eras, the Inspector on the real programs
	@scripts/test.sh --mcp

test-scripts: setup ## the scripts of deployment over a real service and a stand-in for flyctl
	@scripts/test.sh --scripts

ci-fast: setup check-format check-lint ## format, lints, tests of the libraries
	@scripts/test.sh --nextest

ci: ## all that must hold before a change lands
	@.ci/run

supabase-reset: ## make the development database anew from the migrations
	@scripts/supabase-reset.sh

supabase-generate: ## write a migration NAME= from what was changed by hand in the development database
	@scripts/supabase-generate.sh $(NAME)

migrate: ## apply the migrations to ENV=staging|production, or to SUPABASE_DB_URL
	@scripts/supabase-apply-remote.sh $(ENV)

deploy: ## deploy to ENV=staging|production (default: staging)
	@scripts/deploy-fly.sh $(or $(ENV),staging)

rollback: ## deploy an image that is there: ENV=staging|production IMAGE=
	@scripts/deploy-fly.sh $(or $(ENV),staging) --image $(IMAGE)

# By the environment, so that the key stands in no arguments of the shell's.
smoke: export KOTADB_SAAS_API_KEY := $(or $(KEY),$(KOTADB_SAAS_API_KEY))
smoke: ## ask a running service what it is for: URL= KEY=, or KOTADB_SAAS_API_KEY
	@scripts/saas_smoke.sh $(if $(URL),-u $(URL)) --mcp

secrets: ## set the secrets of ENV=staging|production
	@scripts/fly-secrets.sh $(or $(ENV),staging) set

logs: ## follow the log of ENV=staging|production
	@source scripts/common.sh; choose_environment $(or $(ENV),staging); exec flyctl logs --app $$api_app

status: ## what runs in ENV=staging|production, against what its manifests say
	@scripts/status.sh $(or $(ENV),staging)

lambda: ## an archive for AWS Lambda of each family of routes; FAMILIES="search jobs" for some
	@scripts/setup.sh lambda
	scripts/lambda.sh $(FAMILIES)

test-image: ## run every line of the image's Dockerfile without a container engine (root); QUICK=1 without optimization
	@scripts/setup.sh image
	python3 scripts/test-image.py $(if $(QUICK),--quick)

test-rollback: setup ## forward by one release and back: the last release's programs and these over one database and store; COMMIT= for another
	scripts/rollback.sh $(COMMIT)

simulate: ## simulate queue, machines and storage, and write what they cost into OPERATIONS.md
	python3 scripts/simulate.py

fmt: ## format the code
	cargo fmt --all
