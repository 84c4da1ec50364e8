#!/usr/bin/env bash
# Tests and lints of the programs with exactly the features that the image is built with. What runs no test does not pass.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need cargo 'install Rust with rustup'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

packages=(-p kotadb -p kotadb-router -p kotadb-indexer)
features=$(sed -n 's/^ARG FEATURES=//p' fly/Dockerfile.production)
[ -n "$features" ] || die 'fly/Dockerfile.production names no FEATURES'
say "tests with the features of the image: $features"
scripts/test.sh --only "${packages[@]}" --features "$features" 2>&1 | tee "$work/log" >&2 || die 'tests failed'
grep -qE 'Summary .* [1-9][0-9]* tests? run' "$work/log" || die 'no test ran'
say 'lints'
cargo clippy --locked --all-targets "${packages[@]}" --features "$features" -- -D warnings || die 'clippy found something'
