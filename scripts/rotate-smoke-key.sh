#!/usr/bin/env bash
# Changes the API key of the smoke test for a new one: the former one stays valid for a day.
#   scripts/rotate-smoke-key.sh                                  prints the new key, and nothing else, on standard output
#   scripts/rotate-smoke-key.sh --github staging|production      keeps it as a secret of that environment of GITHUB_REPOSITORY
# The key is in KOTADB_SAAS_API_KEY, the service at KOTADB_SAAS_URL; `gh` wants a GH_TOKEN that may write secrets.
set -euo pipefail
source "$(dirname "$0")/common.sh"
environment=
case "$*" in
  '') ;;
  '--github staging' | '--github production') environment=$2 ;;
  *) usage 'rotate-smoke-key.sh [--github staging|production]' ;;
esac
url=${KOTADB_SAAS_URL:?is not set} key=${KOTADB_SAAS_API_KEY:?is not set}
need curl 'install it with your package manager'
need jq 'install it with your package manager'
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'header = "Authorization: Bearer %s"\n' "$key" >"$work/key"
ask() { curl -sS --fail-with-body --max-time 30 -K "$work/key" -o "$work/body" "$@" || die "$(jq -r '"\(.code): \(.detail // .title)"' "$work/body" 2>/dev/null || echo 'the service does not answer')"; }

# GitHub takes the value from standard input.
keep() { printf '%s' "$1" | gh secret set "SAAS_${environment^^}_API_KEY" --env "$environment" --repo "${GITHUB_REPOSITORY:?is not set}"; }

rotate() {
  local id
  ask "$url/api/v1/whoami"
  id=$(jq -er .key "$work/body") || die 'the key does not say which it is'
  ask -X POST -H 'Content-Type: application/json' -d '{"overlap_seconds": 86400}' "$url/api/v1/keys/$id/rotate"
  jq -er .key "$work/body" || die 'the answer has no key'
}

if [ -z "$environment" ]; then
  rotate
  exit
fi
need gh 'install it as cli.github.com says'
# The key as it is, so that none is made that could not be kept.
keep "$key" || die 'GitHub does not take the secret, so the key stays: GH_TOKEN must be allowed to write the secrets of environments'
successor=$(rotate)
for _ in 1 2 3; do
  if keep "$successor"; then
    say "SAAS_${environment^^}_API_KEY is new"
    exit
  fi
  sleep 5
done
die "the new key could not be kept, and the former ends in a day: make another until then, and set it as SAAS_${environment^^}_API_KEY"
