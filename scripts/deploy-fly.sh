#!/usr/bin/env bash
# Deploys the API, the indexer and the sweeper to Fly, and sees each machine answer with the new commit; where one does not,
# the previous image goes out again and the exit code is 1.
#   scripts/deploy-fly.sh staging|production              builds what is checked out, after tests and lints
#   scripts/deploy-fly.sh production --image IMAGE        deploys an image that is there, a rollback; `previous`: the one before what runs
#   --always-on, --no-always-on                           one machine never sleeps, or may; said once, it stays so
#   --skip-gate                                           without tests and lints: CI has run them
# KOTADB_DEPLOY_URL says where the API answers, if not at https://APP.fly.dev.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
help='deploy-fly.sh [staging|production] [--image IMAGE] [--always-on | --no-always-on] [--skip-gate]'

image='' always_on='' gate=1 chosen=staging
while [ $# -gt 0 ]; do
  case $1 in
    staging | production) chosen=$1 ;;
    --image) image=${2:-}; [ -n "$image" ] || usage "$help"; shift ;;
    --always-on) always_on=true ;;
    --no-always-on) always_on=false ;;
    --skip-gate) gate= ;;
    *) usage "$help" ;;
  esac
  shift
done
choose_environment "$chosen"
need jq 'install it with your package manager'
need curl 'install it with your package manager'
need git 'install it with your package manager'
need_flyctl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
commit=$(git rev-parse HEAD)
if [ -z "$image" ] && [ -n "$(git status --porcelain)" ]; then die 'there are changes that are not committed: what is deployed must have a commit'; fi
# Manifests and sources as git has them: a key or a `.env` that lies beside them is nobody's to send.
tree=$work/tree
mkdir "$tree"
git archive "$commit" | tar -x -C "$tree"

# The API's machines, without the temporary one of a release command: a filter of jq over them.
api_machines() { flyctl machine list --app "$api_app" --json | jq -r "$image_of [(. // [])[] | select(.config.metadata.fly_process_group != \"fly_app_release_command\")] | $1"; }
running_image() { api_machines 'first(.[] | image) // ""'; }
# The newest image that was released well before the first release of what runs: after a rollback, what went wrong stands between the two.
image_before() {
  local running=$1
  flyctl releases --app "$api_app" --image --json | jq -r --arg running "${running%@*}" '
    [.[] | {status: (.Status // .status), image: (.ImageRef // .imageRef // "")} | select(.image != "") | .same = ((.image | sub("@.*"; "")) == $running)]
    | .[(map(.same) | rindex(true) // -1) + 1:] | first(.[] | select(.status == "complete" or .status == "succeeded") | .image) // ""'
}
commit_of() { sed -nE 's/^.*:([0-9a-f]{40})(@.*)?$/\1/p' <<<"$1"; }

deploy() {
  local app=$1 config=$2
  shift 2
  (cd "$tree" && flyctl deploy --config "$config" --app "$app" "$@")
}

deploy_api() {
  local config=$manifest options
  if [ "$always_on" = true ]; then
    config=fly/always-on.toml
    sed 's/^min_machines_running = 0$/min_machines_running = 1/' "$tree/$manifest" >"$tree/$config"
  fi
  if [ "$environment" = production ]; then options=(--strategy rolling --ha=true --wait-timeout 600)
  else options=(--strategy immediate --ha=false --wait-timeout 300); fi
  deploy "$api_app" "$config" "${options[@]}" "$@"
}

# flyctl updates machines that are stopped or suspended without starting them, so that a deployment may look well and every
# start fail. So each is started and asked by its own id until it answers with the commit.
check_machines() {
  local id ids
  ids=$(api_machines '.[].id')
  [ -n "$ids" ] || { say "\`$api_app\` has no machine"; return 1; }
  for id in $ids; do
    flyctl machine start "$id" --app "$api_app" >/dev/null 2>&1 || true
    answers "$id" || return 1
    say "machine $id answers"
  done
}

# Whether a machine is well, at the commit if that is known, within KOTADB_DEPLOY_PATIENCE seconds.
answers() {
  local id=$1 last='no answer' until=$((SECONDS + ${KOTADB_DEPLOY_PATIENCE:-120}))
  while [ "$SECONDS" -lt "$until" ]; do
    if curl -sS --max-time 10 -H "fly-force-instance-id: $id" "$url/health" >"$work/health.json" 2>"$work/curl.err"; then
      last=$(jq -r '"\(.status), commit \(.commit // "unknown")"' "$work/health.json" 2>/dev/null) || last='no JSON'
      case $last in
        healthy*"$commit"* | degraded*"$commit"*) return 0 ;;
      esac
    else
      last=$(tail -1 "$work/curl.err")
    fi
    sleep 1
  done
  say "machine $id is not well at ${commit:-the image}: $last"
  return 1
}

roll_back() {
  flyctl logs --app "$api_app" --no-tail 2>/dev/null | tail -50 >&2 || true
  [ -n "$previous" ] || die 'the deployment failed, and there is no former image to go back to'
  [ "$previous" != "$image" ] || die "the deployment of \`$image\` failed, which is also what ran before"
  say "the deployment failed: going back to \`$previous\`"
  commit=$(commit_of "$previous")
  if ! { deploy_api --image "$previous" && check_machines; }; then
    die "going back failed, too: see \`flyctl status --app $api_app\` and OPERATIONS.md, \"A deployment failed\""
  fi
  die "the deployment failed; \`$previous\` runs again"
}

if [ "$environment" = production ]; then confirm "This deploys to production ($api_app)."; fi
if [ -z "$image" ] && [ -n "$gate" ]; then scripts/image-gate.sh || die 'the gate is closed: nothing was deployed'; fi

previous=$(running_image)
if [ -z "$always_on" ]; then always_on=$(api_machines 'any(.[].config.services[]?; (.min_machines_running // 0) > 0)'); fi
if [ "$image" = previous ]; then
  image=$(image_before "$previous")
  [ -n "$image" ] || die "there is no release before: say which image, \`flyctl releases --app $api_app --image\` lists them"
fi
if [ -n "$image" ]; then
  commit=$(commit_of "$image") built=(--image "$image")
else
  built=(--image-label "$commit" --build-arg "KOTADB_COMMIT=$commit")
fi
deploy_api "${built[@]}" || roll_back
check_machines || roll_back

image=$(running_image)
deploy "$indexer_app" fly/indexer.toml --image "$image" --ha=false --flycast || die "the API runs \`$image\`, but the indexer could not be deployed: run this again with \`--image $image\`"
update_sweeper --image "$image" || die "the sweeper could not be updated: run this again with \`--image $image\`"
flyctl status --app "$api_app"
say "$environment runs \`$image\`${commit:+ ($commit)}"
