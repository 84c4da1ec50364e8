#!/usr/bin/env bash
# Indexes the Debian linux-source tree (1.3 GB) with a release `kotadb-indexer once`: time, peak memory, bytes by object,
# index ÷ text held. Needs the packages linux-source and time, and `make build`; called by `make bench-index`.
# A second run uses the unpacked tree again. BENCH_TREE names another folder of sources to measure.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${KOTADB_BIN:-target/release}
bench=target/bench
repository=$bench/linux
fail() { printf 'bench-index: %s\n' "$*" >&2; exit 1; }
[ -x "$bin/kotadb-indexer" ] || fail "no $bin/kotadb-indexer: run make build"
[ -x /usr/bin/time ] || fail 'no /usr/bin/time: apt-get install time'

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
elif [ ! -d "$repository/.git" ]; then
  archive=$(find /usr/src -maxdepth 1 -name 'linux-source-*.tar.xz' | sort -V | tail -1)
  [ -n "$archive" ] || fail 'no /usr/src/linux-source-*.tar.xz: apt-get install linux-source'
  rm -rf "$repository"
  mkdir -p "$repository"
  printf 'unpacking %s\n' "$archive" >&2
  tar -xJf "$archive" -C "$repository" --strip-components=1 --no-same-owner
  rm -rf "$repository/debian"
  commit "$repository"
fi

rm -rf "$repository/.git/kotadb"
/usr/bin/time -f '%e s elapsed, %U s user, %S s system, %M KiB peak' -o "$bench/time.txt" \
  "$bin/kotadb-indexer" once "$repository" | tee "$bench/summary.txt"
cat "$bench/time.txt"
"$bin/kotadb-indexer" inspect "$repository" | tee "$bench/sizes.txt"

python3 - "$bench" <<'PYTHON'
import re, sys
bench = sys.argv[1]
sizes = open(f"{bench}/sizes.txt").read()
index, text = map(int, re.search(r"segments: \d+, (\d+) bytes for (\d+) bytes of text", sizes).groups())
snapshot = sum(map(int, re.findall(r"snapshot (\d+) bytes", sizes)))
elapsed, peak = re.search(r"([\d.]+) s elapsed.* (\d+) KiB peak", open(f"{bench}/time.txt").read()).groups()
print(f"index / text held: {(index + snapshot) / text:.4f} ({(index + snapshot) / 1e6:.1f} MB of {text / 1e6:.1f} MB)")
print(f"build: {text / 1e6 / float(elapsed):.1f} MB/s; peak {int(peak) / 1024:.0f} MiB")
PYTHON
