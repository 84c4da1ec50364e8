# shellcheck shell=bash disable=SC2034
# What the scripts share; they read it with `source`. Messages go to standard error and name the script.
script=$(basename "$0")

say() { printf '%s: %s\n' "$script" "$*" >&2; }
# Ends with a sentence that says what is wrong and what to do.
die() { say "$*"; exit 1; }
usage() { printf 'usage: %s\n' "$*" >&2; exit 2; }

need() { command -v "$1" >/dev/null || die "\`$1\` is missing: $2"; }

need_flyctl() {
  need flyctl 'install it as fly.io/docs/flyctl/install says'
  flyctl auth whoami >/dev/null 2>&1 || die 'nobody is logged in to Fly: run `flyctl auth login`'
}

# staging or production: which apps and manifests that means.
choose_environment() {
  environment=$1
  case $environment in
    staging) api_app=kotadb-api-staging indexer_app=kotadb-indexer-staging manifest=fly/api.staging.toml ;;
    production) api_app=kotadb-api indexer_app=kotadb-indexer manifest=fly/api.toml ;;
    *) die "\`$environment\` is no environment: say staging or production" ;;
  esac
  url=${KOTADB_DEPLOY_URL:-https://$api_app.fly.dev}
}

# Asks on the terminal, or standard input, for a literal yes.
confirm() {
  local answer=
  printf '%s Type yes to go on: ' "$1" >&2
  read -r answer || true
  [ "$answer" = yes ] || die 'nothing was done'
}

# The value of NAME in a file of NAME=VALUE lines, which is read and never run. Quotes round a value are left out; `#` is part of it.
setting() {
  local line value
  line=$(grep -E "^(export )?$1=" "$2" | tail -1) || return 0
  value=${line#*=}
  case $value in
    \"*\") value=${value#\"} value=${value%\"} ;;
    \'*\') value=${value#\'} value=${value%\'} ;;
  esac
  printf '%s' "$value"
}
