#!/usr/bin/env bash
# Writes a new migration from what was changed by hand in the development database (`scripts/supabase-reset.sh` makes it):
#   scripts/supabase-generate.sh NAME
# What the migrations make and what the database has are dumped and compared statement by statement. New statements come into the
# file; statements that are gone or differ cannot be undone by a dump and come as comments, to be written by hand.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
source scripts/private-postgres.sh

name=${1:-}
[[ $name =~ ^[a-z][a-z0-9_]{2,50}$ ]] || usage 'supabase-generate.sh NAME, of small letters, digits and _'
folder=${KOTADB_DEV_DIR:-.dev}/postgres
[ -e "$folder/data/PG_VERSION" ] || die 'there is no development database: run `make supabase-reset` and change it by hand first'
indexer=$(indexer_program debug)
need pg_dump 'install postgresql-client'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

port=$(start_postgres "$folder")
fresh_database "$port" kotadb_migrated
apply_migrations "$port" kotadb_migrated "$indexer"
dump() { pg_dump -h 127.0.0.1 -p "$port" -U postgres --schema-only --schema=kotadb "$1" >"$2"; }
dump kotadb_migrated "$work/before.sql"
dump postgres "$work/after.sql"
sql_of "$port" template1 -c 'DROP DATABASE kotadb_migrated WITH (FORCE)'

version=$(date -u +%Y%m%d%H%M%S)
newest=$(newest_migration)
[ "$version" -gt "$newest" ] || version=$((newest + 1))
file=${KOTADB_MIGRATIONS:-migrations}/${version}_$name.sql
python3 scripts/schema-difference.py "$work/before.sql" "$work/after.sql" >"$work/migration.sql" || die 'the development database is as the migrations make it: nothing to write'
mv "$work/migration.sql" "$file"
say "wrote $file: read it, write by hand what is a comment, and list it in core/src/db/migrate.rs"
printf '%s\n' "$file"
