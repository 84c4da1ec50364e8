#!/usr/bin/env bash
# Whether the readers of an earlier commit open what this tree writes: scripts/old-reader.sh COMMIT. Builds that commit in a
# worktree of its own below target/, indexes a small repository with today's programs, and reads the index with both. Needs
# `make build`; not part of CI, since it builds an old tree.
#
# Promised (core/src/store/format.md, core/src/segment/format.md): the default ref is the same for both, in every fact and
# every answer. A ref that old readers do not know, because its snapshot is a delta, they refuse; they never answer wrongly.
set -euo pipefail
cd "$(dirname "$0")/.."
commit=$(git rev-parse --verify --short "${1:?usage: old-reader.sh COMMIT}^{commit}")
target=$(realpath "${CARGO_TARGET_DIR:-target}")
new=${KOTADB_BIN:-$target/release}
tree=$target/old/$commit
old=$target/old/target/release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf '== %s\n' "$*"; }
fail() { printf 'old-reader: %s\n' "$*" >&2; exit 1; }

build() {
  [ -d "$tree" ] || git worktree add --quiet --detach "$tree" "$commit"
  [ "$(git -C "$tree" rev-parse --short HEAD)" = "$commit" ] || fail "$tree holds another commit: remove it"
  (cd "$tree" && CARGO_TARGET_DIR=$target/old/target cargo build --locked --release --quiet -p kotadb -p kotadb-indexer)
}

# A repository whose history makes every kind of object: pushes, a force-push, branches near and far from the default one.
git_() { git -C "$work/repository" -c user.name=old -c user.email=old@example.invalid -c commit.gpgsign=false "$@"; }
change() { git_ add --all --force; git_ commit --quiet --allow-empty -m "$1"; "$new/kotadb" index --quiet "$work/repository"; }
make_repository() {
  local nth
  git clone --quiet --no-hardlinks . "$work/repository"
  git_ checkout --quiet -b subject HEAD
  change first
  for nth in 1 2 3; do
    printf 'fn push_%d() {}\n' "$nth" >"$work/repository/push.rs"
    git_ mv README.md "README-$nth.md" 2>/dev/null || git_ mv "README-$((nth - 1)).md" "README-$nth.md"
    change "push $nth"
  done
  git_ checkout --quiet -b near
  printf 'fn only_near() {}\n' >"$work/repository/near.rs"
  git_ add --all
  git_ commit --quiet -m near
  git_ checkout --quiet --orphan far
  git_ rm -r --quiet --cached .
  printf 'fn only_far() {}\n' >"$work/repository/far.rs"
  git_ add far.rs
  git_ commit --quiet -m far
  git_ checkout --quiet --force subject
  "$new/kotadb" index --quiet --ref near "$work/repository"
  "$new/kotadb" index --quiet --ref far "$work/repository"
  git_ reset --quiet --hard HEAD~1
  change 'another third push'
}

# The commit that HEAD is at, with its files and what is left out.
# A file each: two run at once.
facts() {
  local out
  out=$(mktemp "$work/facts.XXXXXX")
  "$1/kotadb-indexer" inspect --facts "$work/repository" >"$out" 2>"$out.error" || fail "$1: $(cat "$out.error")"
  awk -v head="$(git_ rev-parse HEAD)" '/^commit /{ here = $2 == head } here' "$out"
}
# Lines of an answer, in an order of its own; the exit code where there is none.
lines() {
  local bin=$1 code=0
  shift
  "$bin/kotadb" search --json --limit 0 --repo "$work/repository" "$@" >"$work/answer" 2>"$work/error" || code=$?
  if [ "$code" -gt 1 ]; then printf 'refused: %s\n' "$(cat "$work/error")"; return; fi
  jq -r 'select(.summary | not) | "\(.path):\(.line):\(.text)"' "$work/answer" | sort
}

compare() {
  local query all kept
  diff <(facts "$old") <(facts "$new") >"$work/diff" || fail "$1: other facts: $(head -n 5 "$work/diff")"
  for query in fn '/^use \w+/' 'push_3 OR push_2' 'path:*.md the' 'lang:rust -unsafe struct' '/\p{Lu}\w+Error\b/ case:yes'; do
    all=$(lines "$new" --ref HEAD -- "$query" generated:yes vendored:yes)
    [[ -n $all && $all != refused:* ]] || fail "$1: no answer to $query: $all"
    # Old readers hid no class of files.
    diff - <(lines "$old" --ref HEAD -- "$query") <<<"$all" >"$work/diff" ||
      fail "$1: another answer to $query: $(head -n 5 "$work/diff")"
  done
  for query in near far; do
    kept=$(lines "$old" --ref "$query" -- "only_$query")
    case $kept in
      refused:*) printf '  %s: the old reader refuses %s (%s)\n' "$1" "$query" "${kept#refused: }" ;;
      *) [ "$kept" = "$(lines "$new" --ref "$query" -- "only_$query")" ] || fail "$1: another answer for $query: $kept" ;;
    esac
  done
  printf '  %s: same facts, same answers\n' "$1"
}

say "build $commit"
build
say 'index with this tree, read with both'
make_repository
compare 'pushes'
"$new/kotadb-indexer" compact "$work/repository" >/dev/null
compare 'compacted'
