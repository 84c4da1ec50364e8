#!/usr/bin/env bash
# What runs in an environment, against what its manifests say: machines and how many, images, sizes, regions, the sweeper, the last
# sweep, the schema, the tick, certificates, secrets. Exit 1 if something differs.
#   scripts/status.sh staging|production
# The tick is looked at in the database of SUPABASE_DB_URL_STAGING or _PRODUCTION; without it that part is left out, and said so.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
source scripts/secret-names.sh
[ $# = 1 ] || usage 'status.sh staging|production'
choose_environment "$1"
need jq 'install it with your package manager'
need curl 'install it with your package manager'
need_flyctl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
differs=0

right() { printf '  ok       %s\n' "$*"; }
wrong() { printf '  DIFFERS  %s\n' "$*"; differs=1; }
unknown() { printf '  unknown  %s\n' "$*"; }
stated() { sed -n "s/^$2 = \"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" "$1" | tail -1; }
megabytes() { case $1 in *gb) echo $((${1%gb} * 1024)) ;; *mb) echo "${1%mb}" ;; esac; }
# One line for each of an app's machines, without the temporary one of a release command: id, state, image, role, and what is
# stated somewhere: region, memory, CPUs and schedule.
list_machines() {
  flyctl machine list --app "$1" --json 2>"$work/error" | jq -r "$image_of"'(. // [])[] | select(.config.metadata.fly_process_group != "fly_app_release_command")
    | [.id, .state, image, (.config.metadata.role // "-"),
      "\(.region), \(.config.guest.memory_mb) MB, \(.config.guest.cpus) CPUs\(if .config.schedule then ", " + .config.schedule else "" end)"] | @tsv' >"$work/machines"
}

# machines APP MANIFEST LEAST: LEAST machines beside the sweeper, each as the manifest says.
machines() {
  local app=$1 file=$2 least=$3 id state image role has of_manifest of_sweeper wanted source n=0 n_sweepers=0
  printf '%s\n' "$app"
  list_machines "$app" || { wrong "cannot list the machines of $app: $(tail -1 "$work/error")"; return; }
  of_manifest="$(stated "$file" primary_region), $(megabytes "$(stated "$file" memory)") MB, $(stated "$file" cpus) CPUs"
  of_sweeper="$(stated "$manifest" primary_region), $sweeper_memory MB, $sweeper_cpus CPUs, hourly"
  while IFS=$'\t' read -r id state image role has; do
    if [ "$role" = sweeper ]; then wanted=$of_sweeper source=scripts/fly-setup.sh n_sweepers=$((n_sweepers + 1))
    else wanted=$of_manifest source=$file n=$((n + 1)); fi
    if [ "$has" = "$wanted" ]; then right "$id $state in $has, $image, $role"; else wrong "$id $state in $has, $image, $role: $source says $wanted"; fi
    printf '%s\n' "$image" >>"$work/images"
  done <"$work/machines"
  [ "$n" -ge "$least" ] || wrong "$n machines, and $least there should be at least: run \`scripts/deploy-fly.sh $environment\`"
  if [ "$app" = "$indexer_app" ] && [ "$n_sweepers" != 1 ]; then
    if [ "$n_sweepers" = 0 ]; then wrong "no sweeper: run \`scripts/fly-setup.sh $environment\`"
    else wrong "$n_sweepers sweepers, one is enough: \`flyctl machine destroy ID --app $app\`"; fi
  fi
}

images() {
  printf 'images\n'
  local distinct
  distinct=$(sed 's/.*[:@]//' "$work/images" | sort -u | wc -l)
  if [ "$distinct" = 1 ]; then right "all machines run $(head -1 "$work/images")"; else wrong "machines run $distinct images: deploy again with \`--image\`"; fi
}

schema() {
  local has newest
  has=$(jq -r '.schema_version // "unknown"' "$work/health") newest=$(newest_migration)
  if [ "$has" = "$newest" ]; then right "schema $has"
  elif [ "$has" = unknown ]; then wrong 'schema unknown: the service cannot ask the database for it'
  elif [[ $has < $newest ]]; then wrong "schema $has, and migrations/ has $newest: run \`make migrate ENV=$environment\`"
  else wrong "schema $has, and migrations/ has $newest: this is an older tree than what runs"; fi
}

service() {
  printf 'service\n'
  curl -sS --max-time 30 "$url/health" >"$work/health" 2>"$work/error" || { wrong "$url/health: $(tail -1 "$work/error")"; return; }
  local status swept
  status=$(jq -r .status "$work/health" 2>/dev/null) || { wrong "$url/health is no report: $(head -c 200 "$work/health")"; return; }
  if [ "$status" = healthy ]; then right "$status, commit $(jq -r '.commit // "unknown"' "$work/health")"; else wrong "$status"; fi
  schema
  swept=$(jq -r '.last_sweep // ""' "$work/health")
  if [ -z "$swept" ]; then wrong 'never swept'
  elif [ $(($(date +%s) - $(date -d "$swept" +%s))) -gt "$sweep_late_seconds" ]; then wrong "last swept at $swept, more than two hours ago: see OPERATIONS.md, \"The sweep does not run\""
  else right "last swept at $swept"; fi
}

# The database's half of the tick: that pg_cron has it, and whom it calls. The API's half is among the secrets.
tick() {
  printf 'tick\n'
  local name address is_absent jobs calls
  name=SUPABASE_DB_URL_${environment^^}
  address=${!name:-}
  if [ -z "$address" ]; then unknown "$name is not set: the schedule was not looked at"; return; fi
  sql() { python3 scripts/postgres-url.py run psql -XAtq -v ON_ERROR_STOP=1 -c "$1" <<<"$address" 2>"$work/error"; }
  is_absent=$(sql "SELECT to_regclass('cron.job') IS NULL") || { wrong "cannot reach the database of $name: $(tail -1 "$work/error")"; return; }
  if [ "$is_absent" = t ]; then wrong "pg_cron is absent: create it in the project, then \`scripts/fly-setup.sh $environment\`"; return; fi
  jobs=$(sql "SELECT count(*) FROM cron.job j WHERE j.jobname = 'kotadb-tick' AND coalesce((to_jsonb(j) ->> 'active')::boolean, true)") || { wrong "$(tail -1 "$work/error")"; return; }
  # Only the owner's role reads whom it calls.
  calls=$(sql 'BEGIN; SET LOCAL ROLE kotadb_owner; SELECT url FROM kotadb.tick_settings; COMMIT') || { wrong "$(tail -1 "$work/error")"; return; }
  if [ "$jobs" != 1 ]; then wrong "the tick is not on the schedule: run \`scripts/fly-setup.sh $environment\`"
  elif [ "$calls" != "$url/internal/wake" ]; then wrong "the tick calls ${calls:-nobody}, not $url/internal/wake: run \`scripts/fly-setup.sh $environment\`"
  else right "each minute it calls $calls, if something is due"; fi
}

secrets() {
  printf 'secrets\n'
  local app name wanted
  for app in "$api_app" "$indexer_app"; do
    secret_names "$app" >"$work/names" 2>"$work/error" || { wrong "cannot list the secrets of $app: $(tail -1 "$work/error")"; continue; }
    wanted=("${needed[@]}")
    [ "$app" != "$api_app" ] || wanted+=("${api_needed[@]}")
    for name in "${wanted[@]}"; do
      if grep -qx "$name" "$work/names"; then right "$app has $name"
      elif [ "$name" = KOTADB_TICK_SECRET ]; then wrong "the tick has no secret: run \`scripts/fly-setup.sh $environment\`"
      else wrong "$app lacks $name: \`scripts/fly-secrets.sh $environment set\`"; fi
    done
  done
}

certificates() {
  printf 'certificates\n'
  local host state
  if ! flyctl certs list --app "$api_app" --json 2>"$work/error" | jq -r '.[] | "\(.Hostname // .hostname) \(.ClientStatus // .clientStatus // "unknown")"' >"$work/certificates" 2>/dev/null; then
    wrong "cannot list the certificates of $api_app: $(tail -1 "$work/error")"
    return
  fi
  [ -s "$work/certificates" ] || right 'none of its own: fly.dev is used'
  while read -r host state; do
    if [ "$state" = Ready ]; then right "$host"; else wrong "$host: $state"; fi
  done <"$work/certificates"
}

: >"$work/images"
machines "$api_app" "$manifest" "$least_machines"
machines "$indexer_app" fly/indexer.toml 1
images
service
tick
secrets
certificates
exit "$differs"
