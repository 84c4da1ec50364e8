#!/usr/bin/env bash
# Changes the API key of the smoke test for a new one and prints that, for `gh secret set` to read: the former one stays valid
# for a day. The key is in KOTADB_SAAS_API_KEY, the service at KOTADB_SAAS_URL. Nothing else is printed on standard output.
set -euo pipefail
source "$(dirname "$0")/common.sh"
url=${KOTADB_SAAS_URL:?is not set} key=${KOTADB_SAAS_API_KEY:?is not set}
need curl 'install it with your package manager'
need jq 'install it with your package manager'
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'header = "Authorization: Bearer %s"\n' "$key" >"$work/key"
ask() { curl -sS --fail-with-body --max-time 30 -K "$work/key" -o "$work/body" "$@" || die "$(jq -r '"\(.code): \(.detail // .title)"' "$work/body" 2>/dev/null || echo 'the service does not answer')"; }

ask "$url/api/v1/whoami"
id=$(jq -er .key "$work/body") || die 'the key does not say which it is'
ask -X POST -H 'Content-Type: application/json' -d '{"overlap_seconds": 86400}' "$url/api/v1/keys/$id/rotate"
jq -er .key "$work/body" || die 'the answer has no key'
