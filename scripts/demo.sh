#!/usr/bin/env bash
# The whole service once, unattended: up, index this repository, three queries, a push with its webhook, the new text
# found. Exit 0 only if all of it worked. Needs `make build`; called by `make demo`.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${KOTADB_BIN:-target/release}
work=$(mktemp -d)
chmod 755 "$work"
up=
stop() {
  if [ -n "$up" ] && kill -TERM "$up" 2>/dev/null; then wait "$up" || true; fi
  rm -rf "$work"
}
trap stop EXIT
fail() { printf 'demo: %s\n' "$*" >&2; [ ! -f "$work/up.log" ] || tail -n 30 "$work/up.log" >&2; exit 1; }

printf '== up\n'
git clone --quiet --bare . "$work/kotadb.git"
branch=$(git -C "$work/kotadb.git" symbolic-ref --short HEAD)
KOTADB_DATA_DIR="$work/data" "$bin/kotadb" up --port 0 "$work/kotadb.git" >"$work/up.log" 2>&1 &
up=$!
for _ in $(seq 600); do
  grep -q '^KotaDB is up' "$work/up.log" && break
  kill -0 "$up" 2>/dev/null || fail 'kotadb up ended'
  sleep 0.1
done
grep -q '^KotaDB is up' "$work/up.log" || fail 'kotadb up did not come up within 60 s'
report="$work/data/report.json"
url=$(jq -r .url "$report")
key=$(jq -r .api_key "$report")
search() { curl -sSf -G -H "Authorization: Bearer $key" --data-urlencode "query=$1" --data-urlencode "limit=${2:-5}" "$url/api/v1/search/code"; }
show() { jq -r '.items[] | "  \(.path):\(.line): \(.text)"' | cut -c1-120; }

for query in 'struct Segment' '/fn \w+_range\(/ lang:rust' 'path:migrations "ROW LEVEL SECURITY"'; do
  printf '\n== search: %s\n' "$query"
  answer=$(search "$query") || fail "no answer to: $query"
  [ "$(jq '.items | length' <<<"$answer")" -gt 0 ] || fail "nothing found for: $query"
  show <<<"$answer"
done

printf '\n== push\n'
word="demo_$(openssl rand -hex 8)"
git clone --quiet "$work/kotadb.git" "$work/clone"
printf '%s\n' "$word" >"$work/clone/DEMO.txt"
git -C "$work/clone" add DEMO.txt
git -C "$work/clone" -c user.name=demo -c user.email=demo@example.invalid commit --quiet -m 'demo: add a word'
git -C "$work/clone" push --quiet origin "HEAD:$branch"
hook=$(jq -r '.webhooks | to_entries[0].value' "$report")
body=$(jq -nc --arg ref "refs/heads/$branch" --arg after "$(git -C "$work/clone" rev-parse HEAD)" --arg branch "$branch" \
  '{ref: $ref, after: $after, deleted: false, forced: false, repository: {id: 1, full_name: "local/kotadb", default_branch: $branch}}')
signature=$(printf '%s' "$body" | openssl dgst -sha256 -hmac "$(jq -r .secret <<<"$hook")" | sed 's/^.* //')
status=$(curl -sS -o "$work/ack.json" -w '%{http_code}' -X POST "$url$(jq -r .path <<<"$hook")" \
  -H 'Content-Type: application/json' -H 'X-GitHub-Event: push' -H "X-GitHub-Delivery: $(cat /proc/sys/kernel/random/uuid)" \
  -H "X-Hub-Signature-256: sha256=$signature" --data-binary "$body")
printf '  webhook: %s %s\n' "$status" "$(cat "$work/ack.json")"
[ "$status" = 202 ] || fail 'the webhook was not accepted'
started=$(date +%s%N)
for _ in $(seq 100); do
  answer=$(search "$word") || fail 'search failed'
  [ "$(jq '.items | length' <<<"$answer")" -gt 0 ] && break
  sleep 0.1
done
[ "$(jq '.items | length' <<<"$answer")" -gt 0 ] || fail 'the pushed word was not found within 10 s'
show <<<"$answer"
printf '  found %d ms after the webhook was accepted\n' $((($(date +%s%N) - started) / 1000000))

printf '\n== down\n'
kill -TERM "$up"
wait "$up" || fail 'kotadb up did not stop cleanly'
up=
if pgrep -f "$work/data" >/dev/null; then fail 'a process is left'; fi
printf '  everything stopped\n'
