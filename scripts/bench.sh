#!/usr/bin/env bash
# Measures KotaDB beside ripgrep and csearch and says which promises hold: scripts/bench.sh [PART…]; without a part, all of
# them. Writes engine.md, engine.json and engine.svg into target/bench. Needs release programs; called by `make bench`.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
export KOTADB_BIN=${KOTADB_BIN:-$target/release}
out=$target/bench
bench() { "$KOTADB_BIN/kotadb-bench" --out "$out" "$@"; }
say() { printf '\n== %s\n' "$*"; }

scripts/setup.sh bench
repository=$(scripts/bench-corpus.sh)
parts=("$@")
[ ${#parts[@]} -gt 0 ] || parts=(build warm cold peers ranking)

prepare_index() {
  rm -rf "$repository/.git/kotadb"
  "$KOTADB_BIN/kotadb" index --quiet "$repository"
}
prepare_csearch() {
  [ -s "$out/csearch.index" ] || CSEARCHINDEX=$out/csearch.index cindex "$(realpath "$repository")" >/dev/null 2>&1
}

prepare_index
for part in "${parts[@]}"; do
  say "$part"
  case $part in
    build) bench build --repo "$repository" ;;
    warm)
      bench warm --repo "$repository" --cache 2048
      bench warm --repo "$repository" --cache 256 --part warm-256 --tool 'kotadb 256 MiB'
      ;;
    cold) bench cold --repo "$repository" ;;
    peers) prepare_csearch; bench peers --repo "$repository" --csearch-index "$out/csearch.index" ;;
    ranking) bench ranking --repo "$repository" --corpus linux ;;
    *) printf 'bench: no part `%s`: build, warm, cold, peers, ranking\n' "$part" >&2; exit 2 ;;
  esac
done
say report
bench report
