#!/usr/bin/env bash
# `kotadb` in a terminal of 110 by 32 (tmux), as people see it: a copy of this repository is indexed there and asked, a screen each. Every screen
# is kept as text in target/terminal (`.txt`, and with its colours `.ansi`): look at them. A screen that lacks what belongs on it is a fault.
# KOTADB_BIN takes programs that are built already.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need tmux 'run `make setup`'
need less 'run `make setup`'

target=${CARGO_TARGET_DIR:-target}
if [ -z "${KOTADB_BIN:-}" ]; then
  cargo build --locked --quiet -p kotadb
  KOTADB_BIN=$target/debug
fi
bin=$(cd "$KOTADB_BIN" && pwd)
out=target/terminal
mkdir -p "$out"
work=$(mktemp -d)
socket=$work/tmux
in_tmux() { env -u TMUX tmux -S "$socket" -f /dev/null "$@"; }
stop() {
  in_tmux kill-server 2>/dev/null || true
  # What was killed may still be writing there.
  rm -rf "$work" 2>/dev/null || { sleep 1; rm -rf "$work"; }
}
trap stop EXIT

git clone --quiet --no-hardlinks . "$work/kotadb"
git -C "$work/kotadb" config user.name terminal
git -C "$work/kotadb" config user.email terminal@example.invalid
# Nobody's settings, no prompt but a dollar sign.
in_tmux new-session -d -x 110 -y 32 -c "$work/kotadb" \
  "env -i HOME='$work' PATH='$bin:$PATH' TERM=tmux-256color LANG=C.UTF-8 PS1='$ ' KOTADB_MODE=local bash --norc --noprofile"

# Whether the last line is the prompt of `less`.
is_paging() { in_tmux capture-pane -p | sed '/^$/d' | tail -1 | grep -qE '^(:|\(END\))$'; }

# screen NAME COMMAND WANTED…: types a command, waits until the prompt is back or a pager waits for a key, keeps the screen.
screen() {
  local name=$1 command=$2 wanted text
  shift 2
  in_tmux send-keys clear Enter
  in_tmux send-keys "$command; printf '\\033]2;done-$name\\007'" Enter
  for _ in $(seq 600); do
    sleep 0.1
    [ "$(in_tmux display-message -p '#{pane_title}')" = "done-$name" ] && break
    if is_paging; then break; fi
  done
  text=$(in_tmux capture-pane -p)
  printf '%s\n' "$text" | sed 's/; printf .*//' >"$out/$name.txt"
  in_tmux capture-pane -p -e >"$out/$name.ansi"
  for wanted in "$@"; do
    grep -qF -- "$wanted" "$out/$name.txt" || die "\`$wanted\` is not on the screen \`$name\`: see $out/$name.txt"
  done
  if is_paging; then in_tmux send-keys q; sleep 0.3; fi
}

screen offer 'kotadb search hot_range </dev/null' 'has no index yet: run `kotadb index`'
screen index 'kotadb index' 'indexed ' 'try: kotadb search'
screen search "kotadb search 'lang:rust hot_range'" 'core/src/segment/reader.rs:'
screen paged "kotadb search fn --limit 500" ':'
screen files "kotadb search -l --facets 'TransactionPooler OR pgbouncer'" 'language: '
screen symbols 'kotadb symbols hot_range' 'method Segment.hot_range'
screen callers 'kotadb callers Segment.hot_range' 'confirmed'
screen slip 'kotadb callers Segment.hot_rnage' 'did you mean'
screen impact 'kotadb impact Segment.hot_range --depth 2' 'touched: '
printf 'pub fn later() {}\n' >"$work/kotadb/later.rs"
git -C "$work/kotadb" add later.rs
git -C "$work/kotadb" commit --quiet -m later
screen behind 'kotadb search later --no-refresh -l path:later.rs' '1 commit behind, 1 file differs'
screen refreshed 'kotadb search later -l path:later.rs' 'brought the index up to date: 1 commit, 1 file'
screen config 'kotadb config' 'SETTING' 'the default'
screen doctor 'kotadb doctor' 'ok  settings' 'compares and swaps'
screen help 'kotadb callers -h' 'Examples:'
say "screens are in $out"
