#!/usr/bin/env bash
# Makes a git repository of at least 20 MB out of the sources of the locked dependencies, for scripts/parity.sh, and prints
# where it is. The same lockfile gives the same commit.
set -euo pipefail
cd "$(dirname "$0")/.."
corpus=${CARGO_TARGET_DIR:-target}/corpus
least=$((20 << 20))
crates=(tokio sqlx-core sqlx-postgres libgit2-sys zstd-sys axum hyper reqwest rustls regex-automata regex-syntax serde_json clap_builder
  object_store tracing tracing-subscriber libsqlite3-sys encoding_rs idna icu_normalizer_data unicode-normalization linux-raw-sys)

cargo fetch --locked --quiet
registry=$(printf '%s\n' "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/ | head -n 1)
version() { awk -v name="$1" '$0 == "name = \"" name "\"" { getline; gsub(/version = |"/, ""); print; exit }' Cargo.lock; }

rm -rf "$corpus"
mkdir -p "$corpus"
for crate in "${crates[@]}"; do
  source="$registry$crate-$(version "$crate")"
  [ ! -d "$source" ] || cp -R "$source" "$corpus/$crate"
done
find "$corpus" \( -name .git -o -name .gitignore -o -name .cargo-ok \) -prune -exec rm -rf {} +
git -C "$corpus" init --quiet --initial-branch=main
git -C "$corpus" -c core.autocrlf=false add --all --force
GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z' \
  git -C "$corpus" -c user.name=KotaDB -c user.email=kotadb@example.invalid -c commit.gpgsign=false commit --quiet --message 'corpus: sources of dependencies'
bytes=$(git -C "$corpus" ls-tree -r -l HEAD | awk '{ n += $4 } END { print n }')
[ "$bytes" -ge "$least" ] || { echo "corpus: only $bytes bytes, $least wanted" >&2; exit 1; }
echo "$corpus"
