# shellcheck shell=bash disable=SC2154
# The database's part of fly-setup.sh, which reads this with `source`: extensions, roles and tables, and the tick's two halves.

# Statements go by standard input, since all see what stands in arguments.
sql() { printf '%s\n%s\n' "$address" "$1" | python3 scripts/postgres-url.py run psql -XAtq -v ON_ERROR_STOP=1 -f -; }

database() {
  printf 'database\n'
  local name address wanted extension
  name=SUPABASE_DB_URL_${environment^^}
  address=${!name:-}
  if [ -z "$address" ]; then lacks "$name is not set: roles, tables and the tick were not looked at"; return; fi
  need psql 'install postgresql-client'
  wanted=$(sql "SELECT string_agg(name, ' ' ORDER BY name) FROM pg_available_extensions WHERE name IN ('pg_cron', 'pg_net') AND installed_version IS NULL") ||
    die "cannot reach the database of $name: see \`scripts/supabase-apply-remote.sh $environment\`"
  if [ -n "$dry_run" ]; then printf '  would    apply the migrations%s and set the tick\n' "${wanted:+, create $wanted}"; return; fi
  for extension in $wanted; do
    if sql "CREATE EXTENSION IF NOT EXISTS $extension"; then printf '  made     %s\n' "$extension"; else lacks "$extension: create it in the project's settings"; fi
  done
  scripts/supabase-apply-remote.sh "$environment" >/dev/null || die 'the migrations were not applied'
  found 'roles and tables'
  tick
}

# The database's half goes first and comes last: wherever this ends before its end, the next run sees that the two do not fit.
tick() {
  local secret
  if [ "$(sql 'SELECT kotadb.schedule_tick()')" != t ]; then lacks 'the tick: pg_cron or pg_net is absent; create them in the project, then run this again'; return; fi
  if [ "$(sql 'SELECT count(*) FROM kotadb.tick_settings')" = 1 ] && has_secret "$api_app" KOTADB_TICK_SECRET; then found 'the tick'; return; fi
  secret=$(openssl rand -hex 32)
  sql 'DELETE FROM kotadb.tick_settings'
  printf 'KOTADB_TICK_SECRET=%s\n' "$secret" | set_on "$api_app"
  sql "SELECT kotadb.set_tick('$url', '$secret')" >/dev/null
  printf '  made     the tick: each minute the database calls %s/internal/wake if something is due\n' "$url"
}
