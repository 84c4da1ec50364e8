#!/usr/bin/env bash
# Makes target/bench/linux, a git repository of the Debian linux-source tree (1.3 GB) in one commit and one pack, unless it is
# there, and prints its path. BENCH_TREE names another folder of sources to measure instead.
set -euo pipefail
cd "$(dirname "$0")/.."
bench=${CARGO_TARGET_DIR:-target}/bench
fail() { printf 'bench: %s\n' "$*" >&2; exit 1; }

commit() {
  git -C "$1" init --quiet --initial-branch=main
  git -C "$1" -c core.autocrlf=false -c gc.auto=0 add --all --force
  git -C "$1" -c user.name=bench -c user.email=bench@example.invalid -c gc.auto=0 commit --quiet -m 'sources as packaged'
  # One pack, as a fetch leaves it; no deltas, because the time to make them is not what is measured.
  git -C "$1" -c pack.window=0 repack -adq
}

if [ -n "${BENCH_TREE:-}" ]; then
  repository=$bench/$(basename "$BENCH_TREE")
  [ -d "$repository/.git" ] || { mkdir -p "$bench"; cp -r "$BENCH_TREE" "$repository"; commit "$repository"; }
else
  repository=$bench/linux
  if [ ! -d "$repository/.git" ]; then
    archive=$(find /usr/src -maxdepth 1 -name 'linux-source-*.tar.xz' | sort -V | tail -1)
    [ -n "$archive" ] || fail 'no /usr/src/linux-source-*.tar.xz: apt-get install linux-source'
    rm -rf "$repository"
    mkdir -p "$repository"
    printf 'bench: unpacking %s\n' "$archive" >&2
    tar -xJf "$archive" -C "$repository" --strip-components=1 --no-same-owner
    rm -rf "$repository/debian"
    commit "$repository"
  fi
fi
echo "$repository"
