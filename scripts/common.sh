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

# staging or production: which apps and manifests that means, and how many machines of the API there are at least.
choose_environment() {
  environment=$1
  case $environment in
    staging) api_app=kotadb-api-staging indexer_app=kotadb-indexer-staging manifest=fly/api.staging.toml least_machines=1 ;;
    production) api_app=kotadb-api indexer_app=kotadb-indexer manifest=fly/api.toml least_machines=2 ;;
    *) die "\`$environment\` is no environment: say staging or production" ;;
  esac
  url=${KOTADB_DEPLOY_URL:-https://$api_app.fly.dev}
}

# No manifest has the sweeper: its size is here.
sweeper_memory=2048 sweeper_cpus=1

# When a sweep is late (the rule SweepLate of fly/alerts.yml), and a job that is due (JobsWait).
sweep_late_seconds=7800 job_late_seconds=600

# Version of the newest migration of this tree.
newest_migration() { find migrations -name '*.sql' -printf '%f\n' | sed 's/_.*//' | sort | tail -1; }

# The indexer of this tree, of the profile `debug` or `release`: $KOTADB_INDEXER, else built now, since one that is there may be of
# a former state, and would say that all is well with fewer migrations.
indexer_program() {
  if [ -n "${KOTADB_INDEXER:-}" ]; then printf '%s' "$KOTADB_INDEXER"; return; fi
  local options=()
  [ "$1" = debug ] || options=(--release)
  need cargo 'install Rust with rustup, or set KOTADB_INDEXER to the program'
  cargo build --locked --quiet -p kotadb-indexer "${options[@]}" >&2 || die 'the indexer could not be built: nothing was done'
  printf '%s/%s/kotadb-indexer' "${CARGO_TARGET_DIR:-target}" "$1"
}

# Asks on the terminal, or standard input, for a literal yes.
confirm() {
  local answer=
  printf '%s Type yes to go on: ' "$1" >&2
  read -r answer || true
  [ "$answer" = yes ] || die 'nothing was done'
}

# The value of NAME in a file of NAME=VALUE lines, which is read and never run. Quotes round a value are left out, and between them it may
# have several lines; `#` is part of it.
setting() {
  local line value='' rest mark
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line#export }
    case $line in "$1="*) ;; *) continue ;; esac
    value=${line#*=} mark=${line#*=}
    mark=${mark:0:1}
    case $mark in
      \" | \') ;;
      *) continue ;;
    esac
    rest=${value:1}
    while [ "${rest%"$mark"}" = "$rest" ] && { IFS= read -r line || [ -n "$line" ]; }; do rest+=$'\n'$line; done
    if [ "${rest%"$mark"}" != "$rest" ]; then value=${rest%"$mark"}; fi
  done <"$2"
  printf '%s' "$value"
}

# NAME and its value as a line that `flyctl secrets import` reads as just that: it cuts what is not quoted at `#`, takes one pair of quotes
# off, and three for the begin of several lines. The programs take `\n` for the line ends of a key.
import_line() {
  case $2 in
    \"* | *\"*\#*) die "the value of $1 begins with \`\"\`, or has one before a \`#\`: \`flyctl secrets import\` cannot take it" ;;
  esac
  printf '%s="%s"\n' "$1" "${2//$'\n'/\\n}"
}

# The names of an app's secrets, one a line. It fails where they cannot be listed, so that nobody takes that for none.
secret_names() {
  local answer
  answer=$(flyctl secrets list --app "$1" --json) || return 1
  jq -r 'if type == "array" then .[] | .Name // .name // error("a secret has no name") else error("no list of secrets") end' <<<"$answer"
}

# For jq: the image of a machine with the digest that it was started from. A tag alone may mean another one since.
image_of='def image: (.image_ref // {}) as $ref
  | if ($ref.digest // "") == "" then .config.image // ""
    else "\($ref.registry)/\($ref.repository)" + (if ($ref.tag // "") == "" then "" else ":\($ref.tag)" end) + "@\($ref.digest)" end; '

# Updates the sweeper, which `flyctl deploy` passes over, to what options say; it takes up the secrets as they are now.
update_sweeper() {
  local id ids
  ids=$(flyctl machine list --app "$indexer_app" --json | jq -r '(. // [])[] | select(.config.metadata.role == "sweeper") | .id') || return 1
  for id in $ids; do flyctl machine update "$id" --app "$indexer_app" --yes --skip-start "$@" || return 1; done
}
# flyctl starts the machines of a deployment anew when secrets change, and no other.
tell_sweeper() { update_sweeper --metadata role=sweeper >/dev/null || die "the sweeper does not know its new secrets: run \`flyctl machine update ID --app $indexer_app --skip-start\` on it"; }
