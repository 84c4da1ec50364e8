#!/usr/bin/env bash
# The pages in a real browser (`make test-web`, part of `make test`): the whole service with this repository and a hostile one, Debian's
# chromium, playwright-core and axe-core. Screenshots stay in target/web; KOTADB_UPDATE=1 keeps those of the README in docs. KOTADB_BIN takes programs
# that are built already; --install only installs.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/.dev/web
wanted='playwright-core@1.65.1 axe-core@4.14.1'

mkdir -p "$tools"
(
  flock 9
  if [ "$(cat "$tools/installed" 2>/dev/null)" != "$wanted" ]; then
    # shellcheck disable=SC2086 # two packages
    (cd "$tools" && npm install --silent --no-audit --no-fund --no-save --prefix . $wanted >&2)
    echo "$wanted" >"$tools/installed"
  fi
) 9>"$PWD/.dev/web.lock"
[ "${1:-}" != --install ] || exit 0

target=${CARGO_TARGET_DIR:-target}
if [ -z "${KOTADB_BIN:-}" ]; then
  cargo build --locked --quiet -p kotadb -p kotadb-router -p kotadb-indexer
  KOTADB_BIN=$target/debug
fi
work=$(mktemp -d)
# Postgres may run as another user.
chmod 755 "$work"
up=
stop() {
  if [ -n "$up" ] && kill -TERM "$up" 2>/dev/null; then wait "$up" || true; fi
  rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
fail() {
  printf 'test-web: %s\n' "$*" >&2
  tail -n 30 "$work/up.log" >&2
  exit 1
}

git clone --quiet --bare . "$work/code.git"
python3 scripts/web/hostile.py "$work/hostile.git"
KOTADB_DATA_DIR="$work/data" "$KOTADB_BIN/kotadb" up --port 0 "$work/code.git" "$work/hostile.git" >"$work/up.log" 2>&1 &
up=$!
for _ in $(seq 1800); do
  grep -q '^KotaDB is up' "$work/up.log" && break
  kill -0 "$up" 2>/dev/null || fail '`kotadb up` ended'
  sleep 0.1
done
grep -q '^KotaDB is up' "$work/up.log" || fail '`kotadb up` did not come up within three minutes'

shots=$target/web
rm -rf "$shots"
mkdir -p "$shots"
KOTADB_URL=$(jq -r .url "$work/data/report.json") KOTADB_KEY=$(jq -r .api_key "$work/data/report.json") \
  CODE=local/code HOSTILE=local/hostile SHOTS=$shots NODE_FOLDER=$tools \
  node --test --test-reporter=spec --test-concurrency=1 scripts/web/pages.test.mjs || fail 'the pages are not as they should be'
if [ -n "${KOTADB_UPDATE:-}" ]; then
  for name in results impact; do cp "$shots/$name.png" "docs/pages-$name.png"; done
fi
