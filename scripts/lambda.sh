#!/usr/bin/env bash
# One archive a family of routes, target/lambda/NAME.zip with `bootstrap` in it, for AWS Lambda (provided.al2023, x86_64). Zig links
# against the C library of that system, 2.34, whatever is here; the newest symbol that each program asks for is looked at.
# With names of families as arguments only those.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/common.sh
need cargo 'install Rust with rustup'
need zip 'run scripts/setup.sh lambda'
target=${CARGO_TARGET_DIR:-target} libc=2.34 folder=.dev/zig

if ! "$folder/bin/cargo-zigbuild" --version >/dev/null 2>&1; then
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check 'cargo-zigbuild==0.24.1' 'ziglang==0.17.1'
fi
export PATH="$PWD/$folder/bin:$PATH"

families=("$@")
if [ ${#families[@]} = 0 ]; then
  for manifest in handlers/*/Cargo.toml; do
    name=$(basename "$(dirname "$manifest")")
    [ "$name" = router ] || families+=("$name")
  done
fi
packages=()
for name in "${families[@]}"; do packages+=(-p "kotadb-$name" --features "kotadb-$name/lambda" --bin "bootstrap-$name"); done
cargo zigbuild --locked --release --target "x86_64-unknown-linux-gnu.$libc" "${packages[@]}"

mkdir -p "$target/lambda"
for name in "${families[@]}"; do
  program=$target/x86_64-unknown-linux-gnu/release/bootstrap-$name
  python3 scripts/glibc-version.py "$program" "$libc"
  work=$(mktemp -d)
  cp "$program" "$work/bootstrap"
  strip "$work/bootstrap" 2>/dev/null || true
  rm -f "$target/lambda/$name.zip"
  (cd "$work" && zip -q -X - bootstrap) >"$target/lambda/$name.zip"
  rm -rf "$work"
  say "$target/lambda/$name.zip, $(du -h "$target/lambda/$name.zip" | cut -f1)"
done
