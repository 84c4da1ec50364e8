#!/usr/bin/env bash
# Runs the tests with their services: a private Postgres with pgbouncer, and an S3 endpoint. All of it stops at the end,
# whatever the tests say. --no-run only builds them, --nextest, --doc, --chaos, --api, --web, --mcp and --scripts run one part; --only with
# options of cargo (`-p PACKAGE --features …`) runs the tests of some packages.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-all}

chaos() {
  local target=${CARGO_TARGET_DIR:-target}
  # With the features of the tests, whose build is there: a Lambda is among what is disturbed.
  cargo build --locked --quiet -p kotadb-chaos -p kotadb-router -p kotadb-indexer --all-features
  "$target/debug/kotadb-chaos" --bin "$target/debug" --seed "${SEED:-1}" --out "$target/chaos-short.json"
}
if [ "$what" = --chaos ]; then
  chaos
  exit
fi
if [ "$what" = --api ]; then exec scripts/schemathesis.sh; fi
if [ "$what" = --web ]; then exec scripts/test-web.sh; fi
if [ "$what" = --mcp ]; then exec scripts/mcp.sh; fi

# The scripts of deployment, over the programs that the tests have built.
deployment_scripts() {
  local target=${CARGO_TARGET_DIR:-target}
  cargo build --locked --quiet -p kotadb -p kotadb-router -p kotadb-indexer
  (cd scripts/tests && KOTADB_BIN=$(cd ../.. && cd "$target/debug" && pwd) python3 -m unittest -q)
}
if [ "$what" = --scripts ]; then
  deployment_scripts
  exit
fi

if [ "$what" != --doc ] && ! cargo nextest --version >/dev/null 2>&1; then
  echo 'test: installing cargo-nextest' >&2
  cargo install cargo-nextest --locked --quiet
fi
if [ "$what" = --no-run ]; then
  exec cargo nextest run --locked --workspace --all-features --no-run
fi

stop() { scripts/test-services.sh stop || true; }
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
services=$(scripts/test-services.sh start)
eval "$services"

if [ "$what" = --only ]; then
  cargo nextest run --locked "${@:2}"
  exit
fi
if [ "$what" != --doc ]; then cargo nextest run --locked --workspace --all-features; fi
if [ "$what" != --nextest ]; then cargo test --locked --workspace --all-features --doc --quiet; fi
if [ "$what" = all ]; then
  scripts/schemathesis.sh
  scripts/mcp.sh
  chaos
  deployment_scripts
  scripts/test-web.sh
  scripts/terminal.sh
fi
