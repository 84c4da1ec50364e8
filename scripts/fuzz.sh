#!/usr/bin/env bash
# Runs every fuzz target for some seconds each: scripts/fuzz.sh [SECONDS] [TARGET…]. What it finds stays in target/fuzz: inputs that lead
# to new places in corpus, and the one that ends the run with a crash in artifacts. The sanitizer is a feature of unstable compilers;
# RUSTC_BOOTSTRAP lets the stable one use it.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
targets=("${@:2}")
[ ${#targets[@]} -gt 0 ] || targets=(segment objects facts query planner graph)
cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked --quiet
export RUSTC_BOOTSTRAP=1
out=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
mkdir -p "$out/artifacts"
python3 scripts/fuzz-seeds.py "$out/corpus"
for target in "${targets[@]}"; do
  echo "== $target"
  cargo fuzz run --target-dir "$out" "$target" "$out/corpus/$target" -- -max_total_time="$seconds" -max_len=24000 \
    -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$out/artifacts/$target-"
done
