#!/usr/bin/env bash
# Postgres, pgbouncer in transaction mode and an S3 endpoint for one test run, all on 127.0.0.1, without passwords or fsync.
#   eval "$(scripts/test-services.sh start)"    starts them and exports where they are
#   scripts/test-services.sh stop               stops those of $KOTADB_TEST_SERVICES
# Works as root, where Postgres runs as user `postgres`, and as anybody else. Unused for 20 minutes, they stop themselves.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
idle_seconds=1200

stop() {
  local folder=$1 pid
  [ -d "$folder" ] || return 0
  for name in guard pgbouncer; do
    if pid=$(cat "$folder/$name.pid" 2>/dev/null); then kill "$pid" 2>/dev/null || true; fi
  done
  if [ -e "$folder/postgres/postmaster.pid" ]; then
    unprivileged "$bin/pg_ctl" stop -s -m immediate -D "$folder/postgres" || true
  fi
  rm -rf "$folder"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

unprivileged() {
  if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

postgres_folder() {
  local newest
  newest=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -1)
  newest=${newest:-$(command -v initdb || true)}
  [ -n "$newest" ] || { echo 'test-services: no Postgres found: `make setup` installs it' >&2; return 1; }
  dirname "$newest"
}

# Answers whether anybody has used the databases during the last look.
in_use() {
  local sessions
  sessions=$("$bin/psql" -h 127.0.0.1 -p "$1" -U postgres -Atc \
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()" 2>/dev/null) || return 1
  [ "$sessions" -gt 0 ]
}

guard() {
  local folder=$1 port=$2 idle=0
  trap 'exit 0' TERM
  while [ "$idle" -lt "$idle_seconds" ] && [ -e "$folder/postgres/postmaster.pid" ]; do
    sleep 10 & wait $!
    if in_use "$port"; then idle=0; else idle=$((idle + 10)); fi
  done
  rm -f "$folder/guard.pid"
  stop "$folder"
}

start_postgres() {
  local folder=$1 port=$2
  unprivileged "$bin/initdb" -D "$folder/postgres" -U postgres -E UTF8 --locale=C --auth=trust --no-sync >"$folder/initdb.log"
  unprivileged "$bin/pg_ctl" start -s -w -D "$folder/postgres" -l "$folder/postgres/server.log" -o "-p $port -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c max_connections=300 -c fsync=off -c synchronous_commit=off -c full_page_writes=off" >/dev/null 2>&1
}

start_pgbouncer() {
  local folder=$1 postgres_port=$2 port=$3
  printf '"kotadb_login" ""\n' >"$folder/users.txt"
  cat >"$folder/pgbouncer.ini" <<INI
[databases]
* = host=127.0.0.1 port=$postgres_port
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = trust
auth_file = $folder/users.txt
pidfile = $folder/pgbouncer.pid
pool_mode = transaction
default_pool_size = 4
max_client_conn = 1000
server_idle_timeout = 5
log_connections = 0
log_disconnections = 0
INI
  unprivileged "$(PATH="$PATH:/usr/sbin" command -v pgbouncer)" -q -d "$folder/pgbouncer.ini" >/dev/null 2>&1
}

start() {
  local folder postgres_port pgbouncer_port s3
  "$here/s3-endpoint.sh" --install >&2
  folder=$(mktemp -d "${TMPDIR:-/tmp}/kotadb-test-services.XXXXXX")
  trap 'stop "$folder"' EXIT
  chmod 755 "$folder"
  if [ "$(id -u)" = 0 ]; then chown postgres "$folder"; fi
  postgres_port=$(free_port)
  start_postgres "$folder" "$postgres_port"
  pgbouncer_port=$(free_port)
  start_pgbouncer "$folder" "$postgres_port" "$pgbouncer_port"
  guard "$folder" "$postgres_port" </dev/null >/dev/null 2>&1 &
  echo $! >"$folder/guard.pid"
  # The endpoint lives as long as its standard input, and that as long as the guard.
  tail -f --pid=$! /dev/null 2>/dev/null | "$here/s3-endpoint.sh" >"$folder/s3" 2>/dev/null &
  for _ in $(seq 600); do [ -s "$folder/s3" ] && break; sleep 0.1; done
  s3=$(cat "$folder/s3")
  [ -n "$s3" ] || { echo 'test-services: the S3 endpoint did not start: try `scripts/s3-endpoint.sh --install`' >&2; exit 1; }
  trap - EXIT
  echo "export KOTADB_TEST_SERVICES=$folder"
  echo "export KOTADB_TEST_POSTGRES_PORT=$postgres_port"
  echo "export KOTADB_TEST_PGBOUNCER_PORT=$pgbouncer_port"
  echo "export KOTADB_TEST_S3_ENDPOINT=$s3"
}

bin=$(postgres_folder)
case ${1:-} in
  start) start ;;
  stop) stop "${KOTADB_TEST_SERVICES:-/nonexistent}" ;;
  *) echo 'usage: test-services.sh start|stop' >&2; exit 2 ;;
esac
