#!/usr/bin/env bash
# Makes what an environment needs on Fly and Supabase, where it is not there yet, and says what is missing and what comes next.
#   scripts/fly-setup.sh staging|production [--dry-run] [--new-bucket]
# Run it as often as you like: before the first deployment it makes apps, addresses, bucket and master key, after it the sweeper.
# The database is that of SUPABASE_DB_URL_STAGING or _PRODUCTION; without it that part is left out, and said so.
# KOTADB_BUCKET is the bucket's name, if not kotadb-ENV; --new-bucket makes one in place of the one that the apps have.
# KOTADB_KEY_FOLDER keeps the copy of the master key, if not ~/.config/kotadb.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
source scripts/secret-names.sh
source scripts/fly-setup-database.sh
help='fly-setup.sh staging|production [--dry-run] [--new-bucket]'

dry_run='' new_bucket='' chosen=''
for word in "$@"; do
  case $word in
    --dry-run) dry_run=1 ;;
    --new-bucket) new_bucket=1 ;;
    staging | production) chosen=$word ;;
    *) usage "$help" ;;
  esac
done
[ -n "$chosen" ] || usage "$help"
choose_environment "$chosen"
need jq 'install it with your package manager'
need openssl 'install it with your package manager'
need_flyctl
region=$(sed -n 's/^primary_region = "\(.*\)"$/\1/p' "$manifest")
keys=${KOTADB_KEY_FOLDER:-${XDG_CONFIG_HOME:-$HOME/.config}/kotadb}
missing=()
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

found() { printf '  there    %s\n' "$*"; }
lacks() { printf '  missing  %s\n' "$*"; missing+=("$*"); }
# Runs a command that makes something, or says that it would.
make_it() {
  local what=$1
  shift
  if [ -n "$dry_run" ]; then printf '  would    make %s: %s\n' "$what" "$*"; return 0; fi
  if "$@" </dev/null >/dev/null; then printf '  made     %s\n' "$what"; else die "cannot make $what: \`$*\` failed"; fi
}

# What an app has, looked at once. What cannot be listed is not missing: a key that is made anew destroys the one that is there.
look_at() {
  local app=$1
  secret_names "$app" >"$work/$app.secrets" || die "cannot list the secrets of \`$app\`: nothing was made in their place"
  flyctl ips list --app "$app" --json >"$work/$app.ips" || die "cannot list the addresses of \`$app\`"
  flyctl machine list --app "$app" --json >"$work/$app.machines" || die "cannot list the machines of \`$app\`"
}
look_at_nothing() {
  : >"$work/$1.secrets"
  tee "$work/$1.ips" >"$work/$1.machines" <<<'[]'
}
has_secret() { grep -qxF "$2" "$work/$1.secrets"; }
# Whether a secret is on `both` apps, on `one` or on `none`.
who_has() {
  local on=0 app
  for app in "$api_app" "$indexer_app"; do if has_secret "$app" "$1"; then on=$((on + 1)); fi; done
  case $on in 0) echo none ;; 1) echo one ;; 2) echo both ;; esac
}
# Puts NAME=VALUE lines of standard input on an app. Machines that are there start with them.
set_on() {
  local line lines
  lines=$(while IFS= read -r line; do import_line "${line%%=*}" "${line#*=}"; done) || exit 1
  flyctl secrets import --app "$1" <<<"$lines" >/dev/null || die "cannot set secrets of \`$1\`"
  cut -d= -f1 <<<"$lines" >>"$work/$1.secrets"
}
would_set_on_both() { printf '%s\n' "$@" | tee -a "$work/$api_app.secrets" >>"$work/$indexer_app.secrets"; }
set_on_both() {
  local lines
  lines=$(cat)
  set_on "$api_app" <<<"$lines"
  set_on "$indexer_app" <<<"$lines"
  tell_sweeper
}

apps() {
  printf 'apps\n'
  local app there
  there=$(flyctl apps list --json | jq -r '.[] | .Name // .name') || die 'cannot list the apps'
  for app in "$api_app" "$indexer_app"; do
    if grep -qxF "$app" <<<"$there"; then found "$app"; look_at "$app"
    else make_it "$app" flyctl apps create "$app" --org "${FLY_ORG:-personal}"; look_at_nothing "$app"; fi
  done
}

# The API wakes the indexer over Flycast; nobody else is to reach it.
addresses() {
  printf 'addresses\n'
  local kinds
  kinds=$(jq -r '(. // [])[] | .Type // .type' "$work/$indexer_app.ips")
  if grep -q private <<<"$kinds"; then found "$indexer_app.flycast"; else make_it "$indexer_app.flycast" flyctl ips allocate-v6 --private --app "$indexer_app"; fi
  if grep -qE '^(v4|v6|shared_v4)$' <<<"$kinds"; then lacks "privacy: $indexer_app has a public address; take it away with \`flyctl ips release ADDRESS --app $indexer_app\`"; fi
}

# The provider tells a key once, so its answer is kept until both apps have it.
bucket() {
  printf 'bucket\n'
  local lines name=${KOTADB_BUCKET:-kotadb-$environment} answer=$keys/kotadb-$environment.bucket
  if [ ! -e "$answer" ] && [ -z "$new_bucket" ]; then
    case $(who_has BUCKET_NAME) in
      both) found 'bucket and its key on both apps'; return ;;
      one) lacks "the bucket on one of the two apps: set the same with \`scripts/fly-secrets.sh $environment set\`"; return ;;
    esac
  fi
  if [ -n "$dry_run" ]; then
    printf '  would    make the bucket %s and put its key on both apps\n' "$name"
    would_set_on_both BUCKET_NAME AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
    return
  fi
  if [ ! -e "$answer" ]; then make_bucket "$name" "$answer"; fi
  lines=$(sed -nE 's/^ *(AWS_[A-Z0-9_]+|BUCKET_NAME)[=:] *(.*)$/\1=\2/p' "$answer")
  for name in BUCKET_NAME AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_ENDPOINT_URL_S3; do
    grep -q "^$name=." <<<"$lines" || die "the answer of \`flyctl storage create\` in $answer has no $name: set the bucket's secrets by \`scripts/fly-secrets.sh $environment set\`, then remove that file"
  done
  set_on_both <<<"$lines"
  rm "$answer"
  printf '  made     the bucket %s; its key is on both apps\n' "$(sed -n 's/^BUCKET_NAME=//p' <<<"$lines")"
}
make_bucket() {
  if ! (umask 077 && mkdir -p "$keys" && flyctl storage create --name "$1" --org "${FLY_ORG:-personal}" --yes </dev/null >"$2"); then
    rm -f "$2"
    die "cannot make the bucket \`$1\`: if the name is somebody else's, choose one in KOTADB_BUCKET"
  fi
}

# Whoever loses it loses every sealed secret, so it is kept outside of Fly, too.
master_key() {
  printf 'master key\n'
  local file=$keys/kotadb-$environment.master-key
  case $(who_has KOTADB_MASTER_KEY) in
    both) found KOTADB_MASTER_KEY; return ;;
    one) lacks "KOTADB_MASTER_KEY on one of the two apps: set the same with \`scripts/fly-secrets.sh $environment set\`; $file has it if it was made here"; return ;;
  esac
  if [ -n "$dry_run" ]; then
    printf '  would    make KOTADB_MASTER_KEY, put it on both apps and into %s\n' "$file"
    would_set_on_both KOTADB_MASTER_KEY
    return
  fi
  [ ! -e "$file" ] || die "\`$file\` is there, but no app has the key: set it with \`scripts/fly-secrets.sh $environment set\`, or move the file away"
  (umask 077 && mkdir -p "$keys" && openssl rand -base64 32 >"$file")
  printf 'KOTADB_MASTER_KEY=%s\n' "$(<"$file")" | set_on_both
  printf '  made     KOTADB_MASTER_KEY; a copy is in %s: move it to where you keep passwords\n' "$file"
}

sweeper() {
  printf 'machines\n'
  local machines=$work/$indexer_app.machines image
  image=$(jq -r "$image_of"'first((. // [])[] | select(.config.metadata.role != "sweeper") | image) // ""' "$machines")
  if [ -z "$image" ]; then lacks "the indexer's machine: it comes with the first deployment"; else found "the indexer's machine"; fi
  if jq -e 'any((. // [])[]; .config.metadata.role == "sweeper")' "$machines" >/dev/null; then found 'the sweeper'; return; fi
  if [ -z "$image" ]; then lacks 'the sweeper: run this again after the first deployment'; return; fi
  make_it 'the sweeper' flyctl machine run "$image" --app "$indexer_app" --name sweeper --region "$region" --schedule hourly \
    --restart no --metadata role=sweeper --vm-size "shared-cpu-${sweeper_cpus}x" --vm-memory "$sweeper_memory" \
    --env KOTADB_DATA_DIR=/app/data --env RUST_LOG=info --entrypoint kotadb-indexer sweep
}

# What the apps do not do their work without. The tick's secret stands with the tick.
secrets() {
  printf 'secrets\n'
  local app name wanted
  for app in "$api_app" "$indexer_app"; do
    wanted=("${needed[@]}")
    if [ "$app" = "$api_app" ]; then wanted+=("${api_needed[@]}"); fi
    for name in "${wanted[@]}"; do
      if [ "$name" = KOTADB_TICK_SECRET ]; then continue; fi
      if has_secret "$app" "$name"; then found "$name of $app"; else lacks "$name of $app: \`scripts/fly-secrets.sh $environment set\`"; fi
    done
  done
}

next() {
  if [ ${#missing[@]} -eq 0 ]; then printf 'next: scripts/deploy-fly.sh %s\n' "$environment"
  elif printf '%s\n' "${missing[@]}" | grep -q fly-secrets; then printf 'next: scripts/fly-secrets.sh %s set\n' "$environment"
  elif printf '%s\n' "${missing[@]}" | grep -q 'is not set'; then printf 'next: set SUPABASE_DB_URL_%s, then run this again\n' "${environment^^}"
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
