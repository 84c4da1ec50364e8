# shellcheck shell=bash disable=SC2034
# A private Postgres for development, with Supabase's roles, for the scripts that read this with `source`.

# Where initdb and pg_ctl are.
postgres_programs() {
  local newest
  newest=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -1)
  newest=${newest:-$(command -v initdb || true)}
  [ -n "$newest" ] || die 'no Postgres is here: `make setup` installs it'
  dirname "$newest"
}

# Postgres refuses to run as root.
unprivileged() {
  if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

# Starts it, made if need be; prints its port.
start_postgres() {
  local folder port programs
  programs=$(postgres_programs)
  mkdir -p "$1"
  folder=$(cd "$1" && pwd)
  if [ "$(id -u)" = 0 ]; then chown postgres "$folder"; fi
  if [ ! -e "$folder/data/PG_VERSION" ]; then
    unprivileged "$programs/initdb" -D "$folder/data" -U postgres -E UTF8 --locale=C --auth=trust --no-sync >/dev/null
  fi
  if ! unprivileged "$programs/pg_ctl" status -D "$folder/data" >/dev/null; then
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    unprivileged "$programs/pg_ctl" start -s -w -D "$folder/data" -l "$folder/data/server.log" \
      -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=" >/dev/null 2>&1 || die "Postgres does not start: see $1/data/server.log"
  fi
  unprivileged sed -n 4p "$folder/data/postmaster.pid"
}

stop_postgres() {
  local programs
  programs=$(postgres_programs)
  [ -e "$1/data/postmaster.pid" ] || return 0
  unprivileged "$programs/pg_ctl" stop -s -m fast -D "$(cd "$1" && pwd)/data"
}

sql_of() { psql -XAtq -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$1" -U postgres -d "$2" "${@:3}"; }

# An empty database of that name, with the roles and the schema that Supabase has before any migration.
fresh_database() {
  local port=$1 name=$2 role scratch=template1
  sql_of "$port" "$scratch" -c "DROP DATABASE IF EXISTS \"$name\" WITH (FORCE)" -c "CREATE DATABASE \"$name\""
  for role in anon authenticated service_role; do
    sql_of "$port" "$name" -c "DO \$\$ BEGIN CREATE ROLE $role NOLOGIN; EXCEPTION WHEN duplicate_object THEN END \$\$"
  done
  sql_of "$port" "$name" -c 'CREATE SCHEMA auth' -c 'CREATE TABLE auth.users (id uuid PRIMARY KEY, email text)'
}

apply_migrations() {
  DATABASE_URL=postgres://postgres@127.0.0.1:$1/$2 "$3" migrate >/dev/null
}
