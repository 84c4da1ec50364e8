#!/usr/bin/env bash
# Makes a git repository for scripts/parity.sh and prints where it is. The same packages give the same commit.
#   scripts/corpus.sh          the sources of some locked dependencies: Rust and C, at least 20 MB
#   scripts/corpus.sh mixed    these, sources out of Debian packages in many languages, and odd files: at least 200 MB
set -euo pipefail
cd "$(dirname "$0")/.."
kind=${1:-crates}
case $kind in
  crates) corpus=${CARGO_TARGET_DIR:-target}/corpus least=$((20 << 20)) ;;
  mixed) corpus=${CARGO_TARGET_DIR:-target}/corpus-mixed least=$((200 << 20)) ;;
  *) echo 'usage: corpus.sh [crates|mixed]' >&2; exit 2 ;;
esac
crates=(tokio sqlx-core sqlx-postgres libgit2-sys zstd-sys axum hyper reqwest rustls regex-automata regex-syntax serde_json clap_builder
  object_store tracing tracing-subscriber libsqlite3-sys encoding_rs idna icu_normalizer_data unicode-normalization linux-raw-sys)
# Package (the newest whose name matches) and what is taken of it: Go, Python in all its encodings, Ruby, Java, TypeScript,
# JavaScript, minified too, PHP, Perl, Vim in many code pages, C++, Erlang, Nim, Bash, CMake, and Pascal with CRLF.
packages=('golang-1\.[0-9]+-src usr/share' 'libpython3\.[0-9]+-testsuite usr/lib' 'libruby3\.[0-9]+ usr/lib/ruby' 'openjdk-[0-9]+-source usr/lib/jvm'
  'node-typescript usr/share/nodejs' 'libjs-bootstrap5 usr/share' 'libjs-codemirror usr/share' 'phpmyadmin usr/share'
  'perl-modules-5\.[0-9]+ usr/share/perl' 'vim-runtime usr/share/vim' 'libeigen3-dev usr/include' 'erlang-src usr/lib' 'nim usr'
  'bash-completion usr/share' 'cmake-data usr/share' 'fpc-source-3\.[0-9.]+ usr/share/fpcsrc')
fail() { printf 'corpus: %s\n' "$*" >&2; exit 1; }

take_crates() {
  local registry crate version
  cargo fetch --locked --quiet
  registry=$(printf '%s\n' "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/ | head -n 1)
  for crate in "${crates[@]}"; do
    version=$(awk -v name="$crate" '$0 == "name = \"" name "\"" { getline; gsub(/version = |"/, ""); print; exit }' Cargo.lock)
    [ ! -d "$registry$crate-$version" ] || cp -R "$registry$crate-$version" "$corpus/$crate"
  done
}

take_packages() {
  local debs package name path
  debs=$(realpath -m "$corpus.packages")
  mkdir -p "$debs"
  for package in "${packages[@]}"; do
    read -r name path <<<"$package"
    name=$(apt-cache pkgnames | grep -Ex "$name" | sort -V | tail -n 1)
    [ -n "$name" ] || fail "apt knows no package like \`${package% *}\`: apt-get update"
    # APT warns as root, since its own user may not write here.
    compgen -G "$debs/${name}_*.deb" >/dev/null || (cd "$debs" && apt-get download -qq "$name" 2>/dev/null) || fail "cannot download $name: apt-get update"
    mkdir "$corpus/$name"
    dpkg-deb --fsys-tarfile "$debs/${name}"_*.deb | tar -x -C "$corpus/$name" --no-same-owner "./$path"
  done
  # Of Java and Pascal a part is enough.
  find "$corpus"/openjdk-* -name src.zip -execdir python3 -m zipfile -e {} java \; -delete
  find "$corpus"/openjdk-* -path '*/java/*' -prune -type d ! -name java.base -exec rm -rf {} +
  find "$corpus"/fpc-source-* -path '*/fpcsrc/*/packages' -prune -exec rm -rf {} +
}

commit() {
  local bytes
  find "$corpus" \( -name .git -o -name .gitignore -o -name .gitattributes -o -name .cargo-ok \) -prune -exec rm -rf {} +
  git -C "$corpus" init --quiet --initial-branch=main
  git -C "$corpus" -c core.autocrlf=false add --all --force
  GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z' \
    git -C "$corpus" -c user.name=KotaDB -c user.email=kotadb@example.invalid -c commit.gpgsign=false commit --quiet --message "corpus: $kind"
  bytes=$(git -C "$corpus" ls-tree -r -l HEAD | awk '{ n += $4 } END { print n }')
  [ "$bytes" -ge "$least" ] || fail "only $bytes bytes, $least wanted"
}

rm -rf "$corpus"
mkdir -p "$corpus"
take_crates
if [ "$kind" = mixed ]; then
  take_packages
  scripts/corpus-odd.py "$corpus/odd"
fi
commit
echo "$corpus"
