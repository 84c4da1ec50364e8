#!/usr/bin/env bash
# Whether the DATABASE_URL of a file (default .env) can be reached, and by which way: transaction pooler, session pooler or
# directly. The file is read, never run; a password is never shown.
#   scripts/check_pooler_connection.sh [ENV_FILE]
set -euo pipefail
file=
# A file that is named is meant from where the caller stands.
[ $# -eq 0 ] || file=$(realpath -m -- "$1")
cd "$(dirname "$0")/.."
source scripts/common.sh

file=${file:-.env}
[ -f "$file" ] || die "there is no file \`$file\`: copy .env.example to it and fill it in"
need psql 'install postgresql-client'
need python3 'install it with your package manager'
address=$(setting DATABASE_URL "$file")
[ -n "$address" ] || die "\`$file\` has no DATABASE_URL"

# Session pooler of the project, as far as the address tells.
session_pooler() {
  local project=${host#db.}
  printf 'postgres://postgres.%s:PASSWORD@aws-0-REGION.pooler.supabase.com:5432/postgres' "${project%.supabase.co}"
}

described=$(python3 scripts/postgres-url.py describe <<<"$address") || die "DATABASE_URL of \`$file\` cannot be used"
{ read -r mode; read -r host; read -r port; read -r user; read -r database; } <<<"$described"
case $mode in
  transaction) say "$host:$port is a transaction pooler: right for the API and the indexer, not for migrations" ;;
  session) say "$host:$port is the session pooler: right for migrations; the API should use port 6543" ;;
  direct) say "$host:$port is the database itself, reached over IPv6: right for migrations; the API should use the pooler, port 6543" ;;
  *) say "$host:$port is no address of Supabase's that is known: taken as it is" ;;
esac

if error=$(python3 scripts/postgres-url.py run psql -XAtqc 'SELECT 1' <<<"$address" 2>&1 >/dev/null); then
  say "connected as $user to \`$database\`"
  exit 0
fi
printf '%s\n' "$error" >&2
case $error in
  *'etwork is unreachable'* | *'could not translate host name'* | *'ame or service not known'*)
    if [ "$mode" = direct ]; then die "there is no IPv6 here: use the session pooler, $(session_pooler)"; fi ;;
  *'password authentication failed'*) die 'the password is refused: reset it in the project'"'"'s settings, and mind that `@`, `:`, `/` and `#` in it are written %40, %3A, %2F, %23' ;;
  *'enant or user not found'*) die 'the pooler knows no such project: the user is `postgres.PROJECT`, and the host that of the project'"'"'s region' ;;
esac
die "cannot reach $host:$port: is the project paused? See OPERATIONS.md, \"Postgres cannot be reached\""
