#!/usr/bin/env bash
# Makes the development database anew from the migrations: a private Postgres in .dev/postgres, on 127.0.0.1, without the
# Supabase CLI or a container. Prints its address. `scripts/supabase-reset.sh stop` stops it.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
source scripts/private-postgres.sh

folder=${KOTADB_DEV_DIR:-.dev}/postgres
case ${1:-} in
  stop) stop_postgres "$folder"; exit ;;
  '') ;;
  *) usage 'supabase-reset.sh [stop]' ;;
esac
indexer=$(indexer_program debug)
port=$(start_postgres "$folder")
fresh_database "$port" postgres
apply_migrations "$port" postgres "$indexer"
say "the development database is new: postgres://postgres@127.0.0.1:$port/postgres"
