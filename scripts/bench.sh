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
parts=("$@")
all=(build warm cold http peers tree ranking symbols stages many mcp refs queue pooler router webhooks freshness)
[ ${#parts[@]} -gt 0 ] || parts=("${all[@]}")

prepare_index() {
  rm -rf "$repository/.git/kotadb"
  "$KOTADB_BIN/kotadb" index --quiet "$repository"
}
prepare_csearch() {
  [ -s "$out/csearch.index" ] || CSEARCHINDEX=$out/csearch.index cindex "$(realpath "$repository")" >/dev/null 2>&1
}
# A repository of its own, since pushes are commits: it borrows the objects of the corpus.
prepare_pushed() {
  rm -rf "$out/pushed"
  git clone --quiet --shared --no-checkout "$repository" "$out/pushed"
  "$KOTADB_BIN/kotadb" index --quiet "$out/pushed"
}
# The whole service over a repository, its router as a process: serve REPO BENCH-ARGUMENTS…
serve() {
  local service=$out/service served=$1 up
  shift
  rm -rf "$service"
  mkdir -p "$service"
  chmod 755 "$service"
  KOTADB_DATA_DIR=$(realpath "$service")/data KOTADB_CACHE_BYTES=$((2 << 30)) "$KOTADB_BIN/kotadb" up --port 0 "$served" >"$service/log" 2>&1 &
  up=$!
  trap 'kill -TERM '"$up"' 2>/dev/null; wait' EXIT
  until grep -q '^KotaDB is up' "$service/log"; do
    kill -0 "$up" 2>/dev/null || { tail -n 20 "$service/log" >&2; exit 1; }
    sleep 0.2
  done
  KOTADB_API_KEY=$(jq -r .api_key "$service/data/report.json") bench "$@" --url "$(jq -r .url "$service/data/report.json")"
  kill -TERM "$up"
  wait "$up" || true
  trap - EXIT
  rm -rf "$service"
}

# Parts that search or index need the corpus.
for part in "${parts[@]}"; do
  case $part in
    webhooks | queue | freshness | pooler | router | mcp) ;;
    *)
      repository=$(scripts/bench-corpus.sh)
      prepare_index
      break
      ;;
  esac
done
for part in "${parts[@]}"; do
  say "$part"
  case $part in
    build) bench build --repo "$repository" ;;
    warm)
      bench warm --repo "$repository" --cache 2048
      bench warm --repo "$repository" --cache 256 --part warm-256 --tool 'kotadb 256 MiB'
      ;;
    cold)
      bench cold --repo "$repository"
      prepare_pushed
      bench cold --repo "$out/pushed" --pushes 200
      rm -rf "$out/pushed"
      ;;
    symbols)
      # Parsing alone, of the same files, just before: what a build with symbols is held against.
      bare=$(cargo run --locked --quiet --release -p kotadb-indexer --example extract_speed -- --bare "$repository")
      bench build --repo "$repository" --runs 1 --bare-seconds "$bare"
      bench symbols --repo "$repository"
      ;;
    http) serve "$repository" http ;;
    stages)
      cargo bench --locked --quiet -p kotadb-core --bench stages -- --quiet
      bench stages --criterion "$target/criterion"
      ;;
    peers) prepare_csearch; bench peers --repo "$repository" --csearch-index "$out/csearch.index" ;;
    tree) bench tree --repo "$repository" ;;
    many) bench many ;;
    refs) bench refs ;;
    queue) bench queue ;;
    pooler) bench pooler ;;
    router)
      # What is deployed: with link-time optimisation, which takes its time to build.
      cargo build --locked --quiet --profile dist -p kotadb-router
      bench router --program "$target/dist/kotadb-api-server"
      serve . router
      ;;
    # Over the sources that `make bench-agent` asks about: calls are held against routes, not against a clock.
    mcp) serve "$(scripts/bench-agent.py --sources)" mcp ;;
    webhooks) bench webhooks ;;
    freshness) for indexer in warm zero slow disk; do say "freshness $indexer"; bench freshness --indexer "$indexer"; done ;;
    ranking)
      bench ranking --repo "$repository" --corpus linux
      mixed=$(scripts/corpus.sh mixed)
      "$KOTADB_BIN/kotadb" index --quiet "$mixed"
      bench ranking --repo "$mixed" --corpus mixed
      ;;
    *) printf 'bench: no part `%s`: %s\n' "$part" "${all[*]}" >&2; exit 2 ;;
  esac
done
say report
bench report
