#!/usr/bin/env bash
# Whether a running service does what it is for: looks at the contents of its answers, not only at their status.
#   scripts/saas_smoke.sh [-u URL] [-k KEY] [--mcp]
# The URL is $KOTADB_SAAS_URL otherwise, the key $KOTADB_SAAS_API_KEY: in CI give it there, arguments are seen by everybody.
# Without a key only health is looked at. Exit 1 says what is wrong in one line.
set -euo pipefail
source "$(dirname "$0")/common.sh"
help='saas_smoke.sh [-u URL] [-k KEY] [--mcp]'

url=${KOTADB_SAAS_URL:-https://kotadb-api-staging.fly.dev} key=${KOTADB_SAAS_API_KEY:-} mcp=
while [ $# -gt 0 ]; do
  case $1 in
    -u) url=${2:-}; shift ;;
    -k) key=${2:-}; shift ;;
    --mcp) mcp=1 ;;
    *) usage "$help" ;;
  esac
  shift
done
[ -n "$url" ] || usage "$help"
url=${url%/}
[ -z "$mcp" ] || [ -n "$key" ] || die '--mcp needs a key: -k KEY or KOTADB_SAAS_API_KEY'
need curl 'install it with your package manager'
need jq 'install it with your package manager'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ask METHOD PATH [BODY]: the status; the body is in $work/body. The key goes through a file of ours, not through arguments.
umask 077
headers=()
printf 'header = "Authorization: Bearer %s"\n' "$key" >"$work/key"
ask() {
  local options=(-sS --max-time 30 -o "$work/body" -w '%{http_code}' -X "$1" "${headers[@]}")
  [ -z "$key" ] || options+=(-K "$work/key")
  [ $# -lt 3 ] || options+=(-H 'Content-Type: application/json' --data "$3")
  curl "${options[@]}" "$url$2" 2>"$work/error" || { [ -s "$work/error" ] && die "$1 $2: $(tail -1 "$work/error")"; }
}
body() { jq -er "$1" "$work/body" 2>/dev/null; }
what_it_says() { body '"\(.code): \(.detail // .title)"' || head -c 200 "$work/body"; }
expect() {
  local status
  status=$(ask "${@:2}")
  [ "$status" = "$1" ] || die "$2 $3 answered $status: $(what_it_says)"
}

health() {
  local status postgres
  status=$(ask GET /health)
  postgres=$(body .saas.supabase_status) || die "/health answered $status without a report: $(head -c 200 "$work/body")"
  printf 'health: %s, commit %s, schema %s\n' "$(body .status)" "$(body '.commit // "unknown"')" "$(body '.schema_version // "unknown"')"
  printf 'postgres: %s, %s ms; store: %s\n' "$postgres" "$(body '.saas.supabase_latency_ms // "-"')" "$(body .store.status)"
  [ "$postgres" = ok ] || die "Postgres is not well: $postgres (the service answered $status)"
  [ "$status" = 200 ] || die "/health answered $status: $(body .status)"
  [ "$(body .store.status)" = ok ] || die "the object store is not well: $(body .store.status)"
  printf 'jobs: %s queued, %s running, oldest waits %s s; failed within the hour: %s ours, %s the tenants'"'"'\n' \
    "$(body .saas.job_queue.queued)" "$(body .saas.job_queue.in_progress)" "$(body '.saas.job_queue.oldest_queued_seconds // 0')" \
    "$(body .saas.job_queue.failed_recent)" "$(body .saas.job_queue.failed_recent_tenant)"
  late
  [ "$(body .saas.job_queue.failed_recent)" = 0 ] || die "$(body .saas.job_queue.failed_recent) jobs failed within the hour for reasons that are ours: see OPERATIONS.md, \"Jobs fail\""
}

# What the rules of fly/alerts.yml cannot see while the API sleeps: nobody asks it for its metrics then. A service that is new
# has not swept yet.
late() {
  local swept waits
  swept=$(body '.last_sweep // ""') || swept=
  waits=$(body '.saas.job_queue.oldest_queued_seconds // 0')
  printf 'sweep: %s\n' "${swept:-none so far}"
  if [ -n "$swept" ] && [ $(($(date +%s) - $(date -d "$swept" +%s))) -gt "$sweep_late_seconds" ]; then
    die "no sweep has ended since $swept: see OPERATIONS.md, \"The sweep does not run\""
  fi
  [ "$waits" -le "$job_late_seconds" ] || die "a job that is due has waited for $waits s: see OPERATIONS.md, \"Jobs wait\""
}

repositories() {
  expect 200 GET /api/v1/repositories?limit=5
  body '.items | type == "array"' >/dev/null || die '/api/v1/repositories has no items'
  printf 'repositories: %s\n' "$(body '.total // (.items | length)')"
  # What is indexed must be found: a letter, which every repository has somewhere.
  if indexed=$(body 'first(.items[] | select(.indexed_commit != null)) | .name'); then
    expect 200 POST /api/v1/search/code '{"query": "/[a-z]/", "limit": 1}'
    body '.items | length > 0' >/dev/null || die 'repositories are indexed, but a search finds nothing'
    printf 'search: %s:%s\n' "$(body '.items[0].path')" "$(body '.items[0].line')"
  fi
}

mcp() {
  local tool
  expect 200 GET /mcp/tools
  for tool in search_code list_repositories; do
    body "any(.tools[]; .name == \"$tool\")" >/dev/null || die "/mcp/tools does not list $tool"
  done
  printf 'mcp: %s tools\n' "$(body '.tools | length')"
  expect 200 POST /mcp/tools/list_repositories '{}'
  body '.content | length > 0' >/dev/null || die 'the tool list_repositories answers emptily'
  expect 200 POST /mcp/tools/search_code "$(search)"
  answered '.'
  protocol
}

# Arguments of a search in what is indexed, if anything is.
search() { jq -cn --arg repo "$indexed" '{query: "/[a-z]/", limit: 1} + if $repo == "" then {} else {repo: $repo} end'; }

# Whether the tool's result, which is there in the body, is what a search finds.
answered() {
  body "$1 | (.isError // false) | not" >/dev/null || die "the tool search_code fails: $(body "$1 | .content[0].text" || what_it_says)"
  [ -n "$indexed" ] || return 0
  body "$1 | .content[0].text | length > 0" >/dev/null || die 'the tool search_code answers emptily'
  body "$1 | .structuredContent.items | length > 0" >/dev/null || die "the tool search_code finds nothing in $indexed, which is indexed"
}

# The protocol itself, as agents speak it: a greeting, then the same question.
protocol() {
  local version=2025-06-18
  headers=(-H 'Accept: application/json, text/event-stream')
  expect 200 POST /mcp "$(jq -cn --arg version "$version" '{jsonrpc: "2.0", id: 1, method: "initialize",
    params: {protocolVersion: $version, capabilities: {}, clientInfo: {name: "saas_smoke", version: "1"}}}')"
  body '.result.serverInfo.name' >/dev/null || die "/mcp does not greet: $(body .error.message || what_it_says)"
  headers+=(-H "MCP-Protocol-Version: $(body .result.protocolVersion)")
  expect 200 POST /mcp "$(jq -cn --argjson arguments "$(search)" '{jsonrpc: "2.0", id: 2, method: "tools/call", params: {name: "search_code", arguments: $arguments}}')"
  body '.result | type == "object"' >/dev/null || die "/mcp calls no tool: $(body .error.message || what_it_says)"
  answered '.result'
  printf 'mcp: search_code answers%s\n' "${indexed:+ and finds}"
}

indexed=
health
if [ -n "$key" ]; then repositories; fi
if [ -n "$mcp" ]; then mcp; fi
printf 'all well\n'
