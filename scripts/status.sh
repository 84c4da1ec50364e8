#!/usr/bin/env bash
# What runs in an environment, against what its manifests say: machines, images, sizes, regions, the sweeper, the last sweep, the schema,
# the tick, certificates, secrets. Exit 1 if something differs.
#   scripts/status.sh staging|production
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
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
stated() { sed -n "s/^$2 = \"\\{0,1\\}\\([^\"]*\\)\"\\{0,1\\}\$/\\1/p" "$1" | tail -1; }
megabytes() { case $1 in *gb) echo $((${1%gb} * 1024)) ;; *mb) echo "${1%mb}" ;; esac; }

machines() {
  local app=$1 file=$2 region memory cpus
  printf '%s\n' "$app"
  flyctl machine list --app "$app" --json >"$work/machines.json" || { wrong "cannot list the machines of $app"; return; }
  region=$(stated "$file" primary_region) memory=$(megabytes "$(stated "$file" memory)") cpus=$(stated "$file" cpus)
  jq -r '.[] | select(.config.metadata.fly_process_group != "fly_app_release_command")
    | [.id, .state, .region, .config.image, .config.guest.memory_mb, .config.guest.cpus, (.config.metadata.role // "-")] | @tsv' "$work/machines.json" >"$work/machines"
  [ -s "$work/machines" ] || wrong "no machine"
  while IFS=$'\t' read -r id state where image has_memory has_cpus role; do
    local line="$id $state in $where, $image, $has_memory MB, $has_cpus CPUs${role:+, $role}"
    if [ "$role" = sweeper ]; then right "$line"
    elif [ "$where" != "$region" ] || [ "$has_memory" != "$memory" ] || [ "$has_cpus" != "$cpus" ]; then wrong "$line: $file says $region, $memory MB, $cpus CPUs"
    else right "$line"; fi
  done <"$work/machines"
  cut -f4 "$work/machines" >>"$work/images"
  if [ "$app" = "$indexer_app" ] && ! cut -f7 "$work/machines" | grep -qx sweeper; then wrong "no sweeper: run \`scripts/fly-setup.sh $environment\`"; fi
}

images() {
  printf 'images\n'
  local distinct
  distinct=$(sed 's/.*[:@]//' "$work/images" | sort -u | wc -l)
  if [ "$distinct" = 1 ]; then right "all machines run $(head -1 "$work/images")"; else wrong "machines run $distinct images: deploy again with \`--image\`"; fi
}

service() {
  printf 'service\n'
  curl -sS --max-time 30 "$url/health" >"$work/health" 2>"$work/error" || { wrong "$url/health: $(tail -1 "$work/error")"; return; }
  local status swept
  status=$(jq -r .status "$work/health")
  if [ "$status" = healthy ]; then right "$status, commit $(jq -r '.commit // "unknown"' "$work/health")"; else wrong "$status"; fi
  right "schema $(jq -r '.schema_version // "unknown"' "$work/health")"
  swept=$(jq -r '.last_sweep // ""' "$work/health")
  if [ -z "$swept" ]; then wrong 'never swept'
  elif [ $(($(date +%s) - $(date -d "$swept" +%s))) -gt 7800 ]; then wrong "last swept at $swept, more than two hours ago: see OPERATIONS.md, \"The sweep does not run\""
  else right "last swept at $swept"; fi
}

secrets() {
  printf 'secrets\n'
  local app name names
  for app in "$api_app" "$indexer_app"; do
    names=$(flyctl secrets list --app "$app" --json | jq -r '.[] | .Name // .name')
    for name in DATABASE_URL KOTADB_MASTER_KEY BUCKET_NAME; do
      if grep -qx "$name" <<<"$names"; then right "$app has $name"; else wrong "$app lacks $name"; fi
    done
  done
  if flyctl secrets list --app "$api_app" --json | jq -e 'any(.[]; (.Name // .name) == "KOTADB_TICK_SECRET")' >/dev/null; then right 'the tick has its secret'
  else wrong "the tick has no secret: run \`scripts/fly-setup.sh $environment\`"; fi
}

certificates() {
  printf 'certificates\n'
  local list
  list=$(flyctl certs list --app "$api_app" --json 2>/dev/null | jq -r '.[] | "\(.Hostname // .hostname) \(.ClientStatus // .clientStatus // "unknown")"') || list=
  [ -n "$list" ] || right 'none of its own: fly.dev is used'
  while read -r host state; do
    [ -n "$host" ] || continue
    if [ "$state" = Ready ]; then right "$host"; else wrong "$host: $state"; fi
  done <<<"$list"
}

machines "$api_app" "$manifest"
machines "$indexer_app" fly/indexer.toml
images
service
secrets
certificates
exit "$differs"
