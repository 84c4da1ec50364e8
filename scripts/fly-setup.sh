#!/usr/bin/env bash
# Makes what an environment needs on Fly and Supabase, where it is not there yet, and says what is missing and what comes next.
#   scripts/fly-setup.sh staging|production [--dry-run]
# Run it as often as you like: before the first deployment it makes apps, addresses, bucket and master key, after it the sweeper.
# The database is that of SUPABASE_DB_URL_STAGING or _PRODUCTION; without it that part is left out, and said so.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh

dry_run='' chosen=''
for word in "$@"; do
  case $word in
    --dry-run) dry_run=1 ;;
    staging | production) chosen=$word ;;
    *) usage 'fly-setup.sh staging|production [--dry-run]' ;;
  esac
done
[ -n "$chosen" ] || usage 'fly-setup.sh staging|production [--dry-run]'
choose_environment "$chosen"
need jq 'install it with your package manager'
need openssl 'install it with your package manager'
need_flyctl
region=$(sed -n 's/^primary_region = "\(.*\)"$/\1/p' "$manifest")
missing=()

found() { printf '  there    %s\n' "$*"; }
lacks() { printf '  missing  %s\n' "$*"; missing+=("$*"); }
# Runs a command that makes something, or says that it would.
make_it() {
  local what=$1
  shift
  if [ -n "$dry_run" ]; then printf '  would    make %s: %s\n' "$what" "$*"; return 0; fi
  if "$@" </dev/null >/dev/null; then printf '  made     %s\n' "$what"; else die "cannot make $what: \`$*\` failed"; fi
}
has_app() { flyctl apps list --json | jq -e --arg app "$1" 'any(.[]; (.Name // .name) == $app)' >/dev/null; }
has_secret() { flyctl secrets list --app "$1" --json 2>/dev/null | jq -e --arg name "$2" 'any(.[]; (.Name // .name) == $name)' >/dev/null; }
# Puts NAME=VALUE lines of standard input on both apps.
set_on_both() {
  local lines app
  lines=$(cat)
  for app in "$api_app" "$indexer_app"; do flyctl secrets import --stage --app "$app" <<<"$lines" >/dev/null || die "cannot set secrets of \`$app\`"; done
}

apps() {
  printf 'apps\n'
  local app
  for app in "$api_app" "$indexer_app"; do
    if has_app "$app"; then found "$app"; else make_it "$app" flyctl apps create "$app" --org "${FLY_ORG:-personal}"; fi
  done
}

# The API wakes the indexer over Flycast; nobody else is to reach it.
addresses() {
  printf 'addresses\n'
  local kinds
  kinds=$(flyctl ips list --app "$indexer_app" --json 2>/dev/null | jq -r '.[] | .Type // .type') || kinds=
  if grep -q private <<<"$kinds"; then found "$indexer_app.flycast"; else make_it "$indexer_app.flycast" flyctl ips allocate-v6 --private --app "$indexer_app"; fi
  if grep -qE '^(v4|v6|shared_v4)$' <<<"$kinds"; then lacks "privacy: $indexer_app has a public address; take it away with \`flyctl ips release ADDRESS --app $indexer_app\`"; fi
}

bucket() {
  printf 'bucket\n'
  if has_secret "$api_app" BUCKET_NAME && has_secret "$indexer_app" BUCKET_NAME; then found 'bucket and its key on both apps'; return; fi
  if [ -n "$dry_run" ]; then printf '  would    make the bucket kotadb-%s and put its key on both apps\n' "$environment"; return; fi
  local answer lines
  answer=$(flyctl storage create --name "kotadb-$environment" --org "${FLY_ORG:-personal}" --yes </dev/null) || die 'cannot make the bucket'
  lines=$(sed -nE 's/^ *(AWS_[A-Z0-9_]+|BUCKET_NAME)[=:] *(.*)$/\1=\2/p' <<<"$answer")
  for name in BUCKET_NAME AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_ENDPOINT_URL_S3; do
    grep -q "^$name=." <<<"$lines" || die "the answer of \`flyctl storage create\` has no $name: set the bucket's secrets by \`scripts/fly-secrets.sh $environment set\`"
  done
  set_on_both <<<"$lines"
  printf '  made     the bucket kotadb-%s; its key is on both apps\n' "$environment"
}

# Whoever loses it loses every sealed secret, so it is kept outside of Fly, too.
master_key() {
  printf 'master key\n'
  local on_api='' on_indexer='' file="kotadb-$environment.master-key"
  has_secret "$api_app" KOTADB_MASTER_KEY && on_api=1
  has_secret "$indexer_app" KOTADB_MASTER_KEY && on_indexer=1
  if [ -n "$on_api$on_indexer" ]; then
    if [ -n "$on_api" ] && [ -n "$on_indexer" ]; then found KOTADB_MASTER_KEY
    else lacks "KOTADB_MASTER_KEY on one of the two apps: set the same with \`scripts/fly-secrets.sh $environment set\`"; fi
    return
  fi
  if [ -n "$dry_run" ]; then printf '  would    make KOTADB_MASTER_KEY, put it on both apps and into %s\n' "$file"; return; fi
  [ ! -e "$file" ] || die "\`$file\` is there, but no app has the key: set it with \`scripts/fly-secrets.sh $environment set\`, or move the file away"
  (umask 077 && openssl rand -base64 32 >"$file")
  printf 'KOTADB_MASTER_KEY=%s\n' "$(<"$file")" | set_on_both
  printf '  made     KOTADB_MASTER_KEY; a copy is in %s: move it to where you keep passwords\n' "$file"
}

database() {
  printf 'database\n'
  local name address tick
  name=SUPABASE_DB_URL_$(tr '[:lower:]' '[:upper:]' <<<"$environment")
  address=${!name:-}
  if [ -z "$address" ]; then lacks "$name is not set: roles, tables and the tick were not looked at"; return; fi
  need psql 'install postgresql-client'
  sql() { python3 scripts/postgres-url.py run psql -XAtq -v ON_ERROR_STOP=1 "$@" <<<"$address"; }
  tick=$(sql -c "SELECT string_agg(name, ' ' ORDER BY name) FROM pg_available_extensions WHERE name IN ('pg_cron', 'pg_net') AND installed_version IS NULL") || die "cannot reach the database of $name: see \`scripts/supabase-apply-remote.sh $environment\`"
  if [ -n "$dry_run" ]; then
    printf '  would    apply the migrations%s and set the tick\n' "${tick:+, create $tick}"
    return
  fi
  for extension in $tick; do sql -c "CREATE EXTENSION IF NOT EXISTS $extension" && printf '  made     %s\n' "$extension"; done
  scripts/supabase-apply-remote.sh "$environment" >/dev/null || die 'the migrations were not applied'
  found 'roles and tables'
  tick_settings
}

tick_settings() {
  local secret
  if [ "$(sql -c 'SELECT count(*) FROM kotadb.tick_settings')" = 1 ] && has_secret "$api_app" KOTADB_TICK_SECRET; then found 'the tick'; return; fi
  secret=$(openssl rand -hex 32)
  printf 'KOTADB_TICK_SECRET=%s\n' "$secret" | flyctl secrets import --stage --app "$api_app" >/dev/null || die 'cannot set KOTADB_TICK_SECRET'
  # On standard input, since a statement in arguments is seen by everybody: the address is taken off it first.
  { printf '%s\n' "$address"; printf "SELECT kotadb.set_tick('%s', '%s'); SELECT kotadb.schedule_tick();\n" "$url" "$secret"; } |
    python3 scripts/postgres-url.py run psql -XAtq -v ON_ERROR_STOP=1 -f - | grep -qx t || { lacks 'the tick: pg_cron or pg_net is absent; create them in the project, then run this again'; return; }
  printf '  made     the tick: each minute the database calls %s/internal/wake if something is due\n' "$url"
}

sweeper() {
  printf 'machines\n'
  local machines image
  machines=$(flyctl machine list --app "$indexer_app" --json 2>/dev/null) || machines='[]'
  image=$(jq -r 'first(.[] | select(.config.metadata.role != "sweeper") | .config.image) // ""' <<<"$machines")
  if [ -z "$image" ]; then lacks "the indexer's machine: it comes with the first deployment"; else found "the indexer's machine"; fi
  if jq -e 'any(.[]; .config.metadata.role == "sweeper")' <<<"$machines" >/dev/null; then found 'the sweeper'; return; fi
  if [ -z "$image" ]; then lacks 'the sweeper: run this again after the first deployment'; return; fi
  make_it 'the sweeper' flyctl machine run "$image" --app "$indexer_app" --name sweeper --region "$region" --schedule hourly \
    --restart no --metadata role=sweeper --vm-size shared-cpu-1x --vm-memory 2048 \
    --env KOTADB_DATA_DIR=/app/data --env RUST_LOG=info --entrypoint kotadb-indexer sweep
}

secrets() {
  printf 'secrets\n'
  local name
  for name in DATABASE_URL SUPABASE_URL SUPABASE_ANON_KEY SUPABASE_SERVICE_KEY KOTADB_WEBHOOK_BASE_URL; do
    if has_secret "$api_app" "$name"; then found "$name"; else lacks "$name: \`scripts/fly-secrets.sh $environment set\`"; fi
  done
  if has_secret "$indexer_app" DATABASE_URL; then found "DATABASE_URL of $indexer_app"; else lacks "DATABASE_URL of $indexer_app: \`scripts/fly-secrets.sh $environment set\`"; fi
}

next() {
  if [ ${#missing[@]} -eq 0 ]; then printf 'next: scripts/deploy-fly.sh %s\n' "$environment"
  elif printf '%s\n' "${missing[@]}" | grep -q fly-secrets; then printf 'next: scripts/fly-secrets.sh %s set\n' "$environment"
  elif printf '%s\n' "${missing[@]}" | grep -q 'is not set'; then printf 'next: set SUPABASE_DB_URL_%s, then run this again\n' "$(tr '[:lower:]' '[:upper:]' <<<"$environment")"
  elif printf '%s\n' "${missing[@]}" | grep -q 'deployment'; then printf 'next: scripts/deploy-fly.sh %s, then run this again\n' "$environment"
  else printf 'next: mend what is missing, then run this again\n'; fi
}

apps
addresses
bucket
master_key
database
sweeper
secrets
next
