#!/usr/bin/env bash
# The secrets of an environment on Fly.
#   scripts/fly-secrets.sh staging|production set [--from FILE]    asks for each (or takes it from a file of NAME=VALUE), shows the command, sets them
#   scripts/fly-secrets.sh staging|production list
#   scripts/fly-secrets.sh staging|production unset NAME…
# Values never stand in arguments, in the shell's history or in the script that is shown: they go through standard input.
set -euo pipefail
called_from=$PWD
cd "$(dirname "$0")/.."
source scripts/common.sh
source scripts/secret-names.sh
help='fly-secrets.sh staging|production set [--from FILE] | list | unset NAME…'

[ $# -ge 2 ] || usage "$help"
choose_environment "$1"
action=$2
shift 2

# Reads the value of NAME into `value`; empty: skipped. A key of several lines is read to its end, else the rest of it would be
# taken for the next values.
ask() {
  local line
  printf '%s (empty: leave it): ' "$1" >&2
  read -r value <&"$terminal" || value=
  case $value in
    *-----BEGIN*)
      while [[ $value != *-----END*----- ]] && read -r line <&"$terminal"; do value+=$'\n'$line; done ;;
  esac
  printf '\n' >&2
}

# Asks on the terminal, which shows nothing meanwhile: not from one line of a key to the next either.
with_terminal() {
  { exec {terminal}</dev/tty; } 2>/dev/null || die 'there is no terminal to ask on: give a file, `--from FILE`'
  modes=$(stty -g <&"$terminal")
  stty -echo <&"$terminal"
}
terminal_as_before() { [ -z "${modes:-}" ] || stty "$modes" <&"$terminal"; }

collect() {
  local name value
  for name in "$@"; do
    if [ -n "$from" ]; then value=$(setting "$name" "$from"); else ask "$name"; fi
    case $value in
      '') skipped+=("$name"); continue ;;
      '<'*) skipped+=("$name"); say "$name is a placeholder: left out"; continue ;;
    esac
    case $value in
      *-----END*) ;;
      *-----BEGIN*) die "$name ends before its \`-----END\`: put it in quotes, or write \`\\n\` for its line ends" ;;
    esac
    import_line "$name" "$value"
  done
}

# Writes the command into a script that can be looked at, and runs it with the values on standard input.
import() {
  local app=$1 values=$2 names
  names=$(cut -d= -f1 <<<"$values" | paste -sd' ')
  [ -n "$names" ] || { say "nothing to set on \`$app\`"; return 0; }
  printf '#!/usr/bin/env bash\n# Sets on %s: %s\n# The values come from standard input, NAME=VALUE a line.\nset -eu\nexec flyctl secrets import --app %s\n' \
    "$app" "$names" "$app" >"$command"
  say "the command is in $command:"
  sed 's/^/    /' "$command" >&2
  confirm "It sets $(wc -w <<<"$names") secrets on $app."
  bash "$command" <<<"$values"
}

set_secrets() {
  local from='' skipped=() both api indexer
  if [ "${1:-}" = --from ]; then
    from=${2:-}
    case $from in /*) ;; *) from=$called_from/$from ;; esac
    [ -f "$from" ] || die "there is no file \`$from\`"
  elif [ $# -gt 0 ]; then usage "$help"; fi
  umask 077
  folder=$(mktemp -d)
  trap 'terminal_as_before; rm -rf "$folder"' EXIT
  [ -n "$from" ] || with_terminal
  command=$folder/set-secrets.sh
  # collect runs in this shell so that what is skipped is known; the values stay in files of mode 600 no longer than this.
  collect "${shared[@]}" >"$folder/both"
  collect "${api_only[@]}" >"$folder/api"
  collect "${indexer_only[@]}" >"$folder/indexer"
  terminal_as_before
  both=$(<"$folder/both") api=$(<"$folder/api") indexer=$(<"$folder/indexer")
  rm -f "$folder/both" "$folder/api" "$folder/indexer"
  import "$api_app" "$(printf '%s\n%s' "$both" "$api" | sed '/^$/d')"
  import "$indexer_app" "$(printf '%s\n%s' "$both" "$indexer" | sed '/^$/d')"
  tell_sweeper
  [ ${#skipped[@]} -eq 0 ] || say "left as they are: ${skipped[*]}"
}

need jq 'install it with your package manager'
need_flyctl
case $action in
  set) set_secrets "$@" ;;
  list) for app in "$api_app" "$indexer_app"; do printf '== %s\n' "$app"; flyctl secrets list --app "$app"; done ;;
  unset)
    [ $# -gt 0 ] || usage "$help"
    confirm "This takes $* from $api_app and $indexer_app."
    for app in "$api_app" "$indexer_app"; do flyctl secrets unset --app "$app" "$@"; done
    tell_sweeper
    ;;
  *) usage "$help" ;;
esac
