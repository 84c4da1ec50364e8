#!/usr/bin/env bash
# Applies the migrations to the database of SUPABASE_DB_URL, or of SUPABASE_DB_URL_STAGING or _PRODUCTION:
#   SUPABASE_DB_URL=… scripts/supabase-apply-remote.sh
#   scripts/supabase-apply-remote.sh staging|production
# The address must be a direct one or the session pooler's. It is never printed with its password, and never an argument.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh

case ${1:-} in
  '') name=SUPABASE_DB_URL ;;
  staging) name=SUPABASE_DB_URL_STAGING ;;
  production) name=SUPABASE_DB_URL_PRODUCTION ;;
  postgres*) die 'an address does not belong into arguments, where everybody sees its password: set SUPABASE_DB_URL' ;;
  *) usage 'supabase-apply-remote.sh [staging|production]' ;;
esac
address=${!name:-}
[ -n "$address" ] || die "$name is not set: it is the direct address of the database, or its session pooler's"
need psql 'install postgresql-client'
need python3 'install it with your package manager'

described=$(python3 scripts/postgres-url.py describe <<<"$address") || die "$name cannot be used"
{ read -r mode; read -r host; read -r port; } <<<"$described"
[ "$mode" != transaction ] || die "$host:$port is a transaction pooler, through which migrations cannot run safely: use port 5432"
say "$host:$port ($mode)"

with_database() { python3 scripts/postgres-url.py run "$@" <<<"$address"; }
if ! error=$(with_database psql -XAtqc 'SELECT 1' 2>&1 >/dev/null); then
  printf '%s\n' "$error" >&2
  case $error in
    *'etwork is unreachable'* | *'could not translate host name'* | *'ame or service not known'*)
      project=${host#db.}
      if [ "$mode" = direct ]; then
        die "there is no IPv6 here: set $name to the session pooler's, postgres://postgres.${project%.supabase.co}:PASSWORD@aws-0-REGION.pooler.supabase.com:5432/postgres"
      fi ;;
  esac
  die "cannot reach $host:$port"
fi
indexer=$(indexer_program release)
with_database "$indexer" migrate
with_database psql -XAtqc "SELECT 'schema version ' || max(version) || ', ' || count(*) || ' migrations' FROM supabase_migrations.schema_migrations" | sed "s/^/$script: /"
