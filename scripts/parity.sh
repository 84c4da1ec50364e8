#!/usr/bin/env bash
# Whether KotaDB finds exactly the lines that ripgrep finds: scripts/parity.sh PATH [--literals N] [--regexes M] [--seed S].
# PATH is a git repository with a commit. KOTADB and KOTADB_INDEXER name other programs than those that were built here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}

program() {
  for profile in release debug; do
    if [ -x "$target/$profile/$1" ]; then echo "$target/$profile/$1"; return; fi
  done
  echo "parity: \`$1\` is not built: run \`make build\`, or name the program in $2" >&2
  exit 2
}

KOTADB=${KOTADB:-$(program kotadb KOTADB)}
KOTADB_INDEXER=${KOTADB_INDEXER:-$(program kotadb-indexer KOTADB_INDEXER)}

# Two programs agree on \p{…} only with the same Unicode tables: Debian's ripgrep 13 has older ones. Built without its lock
# file, so that it takes the newest regex-syntax as we do. RG names another one.
if [ -z "${RG:-}" ]; then
  tools=$here/../.dev/ripgrep
  RG=$tools/bin/rg
  [ -x "$RG" ] || { echo 'parity: building ripgrep' >&2; cargo install ripgrep --quiet --root "$tools"; }
fi
export KOTADB KOTADB_INDEXER RG
exec python3 "$here/parity.py" "$@"
