#!/usr/bin/env bash
# Whether one release can be rolled back, and whether its successor comes without a failed request: scripts/rollback.sh [COMMIT].
# Builds that commit (by default the last tag, else the last commit before there were deployments) in a worktree of its own below
# target/, and runs both over one database and store: scripts/tests/rollback.py. Not part of CI, since it builds an old tree.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath "${CARGO_TARGET_DIR:-target}")
# The first commit with manifests for Fly has the release before it as its parent.
first=$(git log --diff-filter=A --format=%H -- fly/api.toml | tail -n 1)
commit=$(git rev-parse --verify --short "${1:-$(git describe --tags --abbrev=0 2>/dev/null || echo "$first^")}^{commit}")
tree=$target/old/$commit programs=$target/old/$commit-programs
say() { printf '== %s\n' "$*"; }

if [ ! -x "$programs/kotadb" ]; then
  say "build $commit"
  [ -d "$tree" ] || git worktree add --quiet --detach "$tree" "$commit"
  # Into one folder with this tree's dependencies, most of which are the same; its programs are moved out of the way.
  (cd "$tree" && CARGO_TARGET_DIR=$target cargo build --locked --quiet -p kotadb -p kotadb-router -p kotadb-indexer)
  mkdir -p "$programs"
  mv "$target"/debug/{kotadb,kotadb-api-server,kotadb-indexer} "$programs/"
  git worktree remove --force "$tree"
fi
say 'build this tree'
cargo build --locked --quiet -p kotadb -p kotadb-router -p kotadb-indexer
say 'forward and back'
cd scripts/tests
KOTADB_OLD_BIN=$programs KOTADB_BIN=$target/debug python3 rollback.py
