#!/usr/bin/env bash
# Measures what `kotadb` says of code against what compilers say: fetches the repositories of scripts/accuracy/repositories.tsv and the
# tools that know the truth, asks these, and compares. What is there already is not made again.
#   scripts/accuracy.sh                  all
#   scripts/accuracy.sh rust rich …      only these languages and repositories
# KOTADB_PREPARE=1 fetches and asks only. Rows: target/accuracy.json; the page: target/accuracy.md, and ACCURACY.md with KOTADB_UPDATE=1. It needs 2 GB of disk and the registries.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/accuracy"
work=$(realpath "$target/accuracy")
own=$PWD/scripts/accuracy
table=$own/repositories.tsv
say() { printf 'accuracy: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
mkdir -p "$work"/{tools,sources,truth,downloads,logs}

# --- tools, by version -------------------------------------------------------------------------------------------------------------
scip_typescript=0.4.0 scip_python=0.6.6 libclang=18.1.1
tools() {
  local missing=()
  command -v node >/dev/null && command -v npm >/dev/null || missing+=(nodejs npm)
  command -v go >/dev/null || missing+=(golang-go)
  command -v javac >/dev/null || missing+=(default-jdk-headless)
  command -v dpkg-source >/dev/null || missing+=(dpkg-dev)
  command -v ctags >/dev/null || missing+=(universal-ctags)
  if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"; } >"$work/logs/apt" 2>&1 ||
      fail "cannot install ${missing[*]}: see $work/logs/apt"
  fi
  RUSTUP_TOOLCHAIN=stable rust-analyzer --version >/dev/null 2>&1 || rustup component add rust-analyzer --toolchain stable
  if [ ! -x "$work/tools/node_modules/.bin/scip-python" ]; then
    say 'installing scip-typescript and scip-python'
    (cd "$work/tools" && npm init -y >/dev/null &&
      npm install --ignore-scripts --no-audit --no-fund "@sourcegraph/scip-typescript@$scip_typescript" "@sourcegraph/scip-python@$scip_python" >"$work/logs/npm" 2>&1)
  fi
  [ -x "$work/tools/venv/bin/pip" ] || python3 -m venv "$work/tools/venv"
  "$work/tools/venv/bin/python" -c 'import clang' 2>/dev/null || "$work/tools/venv/bin/pip" -q install "libclang==$libclang"
}

# --- sources: source_KIND NAME PACKAGE VERSION leaves a folder $work/sources/NAME/tree -----------------------------------------------
source_crate() {
  local probe=$work/downloads/$1 found
  mkdir -p "$probe"
  printf '[package]\nname = "probe"\nversion = "0.1.0"\nedition = "2021"\n[lib]\npath = "lib.rs"\n[dependencies]\n%s = "=%s"\n[workspace]\n' "$2" "$3" >"$probe/Cargo.toml"
  : >"$probe/lib.rs"
  (cd "$probe" && cargo fetch --quiet)
  found=$(printf '%s\n' "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$2-$3"* | head -n 1)
  cp -R "$found" "$work/sources/$1/tree"
}
source_npm() {
  local packed
  packed=$(cd "$work/downloads" && npm pack --silent "$2@$3" | tail -n 1)
  tar -xzf "$work/downloads/$packed" -C "$work/sources/$1"
  mv "$work/sources/$1/package" "$work/sources/$1/tree"
  (cd "$work/sources/$1/tree" && npm install --ignore-scripts --no-audit --no-fund --no-package-lock --omit=dev --legacy-peer-deps >"$work/logs/npm-$1" 2>&1) || say "npm install of $1 failed: what it uses is unknown"
}
source_pypi() {
  local packed
  mkdir -p "$work/downloads/$1"
  "$work/tools/venv/bin/pip" -q download --no-deps --no-binary :all: -d "$work/downloads/$1" "$2==$3"
  packed=$(printf '%s\n' "$work/downloads/$1"/*.tar.gz)
  mkdir "$work/sources/$1/tree"
  tar -xzf "$packed" -C "$work/sources/$1/tree" --strip-components=1
  # What it uses is looked up where it was installed.
  python3 -m venv "$work/sources/$1/venv"
  "$work/sources/$1/venv/bin/pip" -q install "$2==$3" pytest
  "$work/sources/$1/venv/bin/pip" -q uninstall -y "$2"
}
source_apt() {
  (cd "$work/downloads" && apt-get download -qq "$2" 2>/dev/null)
  dpkg-deb --fsys-tarfile "$work/downloads/$2"_*.deb | tar -x -C "$work/sources/$1" --no-same-owner
  mv "$work/sources/$1" "$work/sources/$1.all"
  mkdir "$work/sources/$1"
  mv "$work/sources/$1.all" "$work/sources/$1/tree"
}
source_apt_source() {
  local apt=$work/downloads/apt options
  mkdir -p "$apt/lists/partial" "$apt/cache" "$work/downloads/$1"
  # Lists of sources of our own: those of the system need none.
  sed -n 's/^URIs: *\(.*\/debian\)\/*$/deb-src \1 '"$3"' main/p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1 >"$apt/sources.list"
  [ -s "$apt/sources.list" ] || sed -n 's/^deb \(\[.*\] \)*\(\S*\) '"$3"' .*/deb-src \2 '"$3"' main/p' /etc/apt/sources.list | head -n 1 >"$apt/sources.list"
  options=(-q -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache")
  compgen -G "$apt/lists/*Sources*" >/dev/null || apt-get "${options[@]}" update >"$work/logs/apt-source" 2>&1
  (cd "$work/downloads/$1" && apt-get "${options[@]}" source --download-only "$2" >>"$work/logs/apt-source" 2>&1 && dpkg-source -x ./*.dsc tree >>"$work/logs/apt-source" 2>&1)
  mv "$work/downloads/$1/tree" "$work/sources/$1/tree"
}

# --- truth: truth_LANGUAGE NAME ROOT OUT ---------------------------------------------------------------------------------------------
truth_rust() {
  rm -f "$2/rust-toolchain.toml" "$2/rust-toolchain"
  # What only tests and benches of the crate use need not be there: the library is measured.
  python3 - "$2/Cargo.toml" <<'P'
import re, sys
path = sys.argv[1]
text = open(path).read()
keep, skip = [], False
for line in text.splitlines():
    if line.startswith("["):
        skip = bool(re.match(r"\[(target\..*\.)?dev-dependencies|\[\[(bench|example|test)\]\]", line))
    if not skip:
        keep.append(line)
open(path, "w").write("\n".join(keep) + "\n[workspace]\n")
P
  rm -rf "$2/benches" "$2/examples" "$2/tests" "$2/Cargo.lock"
  (cd "$2" && RUSTUP_TOOLCHAIN=stable cargo fetch --quiet)
  CARGO_TARGET_DIR=$work/tools/rust-target RUSTUP_TOOLCHAIN=stable rust-analyzer scip "$2" --output "$3" --exclude-vendored-libraries \
    --config-path "$own/producers/rust-analyzer.json"
}
truth_typescript() {
  [ -f "$2/tsconfig.json" ] || cp "$own/producers/tsconfig.json" "$2/tsconfig.json"
  (cd "$2" && "$work/tools/node_modules/.bin/scip-typescript" index --output "$3")
}
truth_python() {
  # Where a package lies in `src`, its tests and examples import it from there.
  [ ! -d "$2/src" ] || printf '{ "extraPaths": ["src"] }\n' >"$2/pyrightconfig.json"
  (cd "$2" && PATH=$work/sources/$1/venv/bin:$PATH VIRTUAL_ENV=$work/sources/$1/venv \
    "$work/tools/node_modules/.bin/scip-python" index . --project-name "$1" --project-version 1 --output "$3")
}
truth_go() {
  (cd "$own/producers/go" && GO111MODULE=off GOFLAGS=-mod=mod GOCACHE=$work/tools/go-cache go build -o "$work/tools/truth-go" .)
  # A package of the distribution lies where a workspace has it.
  GO111MODULE=off GOPATH=${2%%/src/*} "$work/tools/truth-go" "$2" >"$3"
}
truth_java() { (cd "$2" && java "$own/producers/Truth.java" . >"$3"); }
truth_c() { "$work/tools/venv/bin/python" "$own/producers/clang_truth.py" c "$2" >"$3"; }
truth_cxx() { "$work/tools/venv/bin/python" "$own/producers/clang_truth.py" c++ "$2" >"$3"; }

# --- all of it -----------------------------------------------------------------------------------------------------------------------
# The part of a source that is measured: what lies beside it (tests of another language, documentation) is left out.
prepare() {
  local name=$1 part=$2 tree=$work/sources/$1/tree
  [ "$name" = go ] || { realpath "$tree/$part"; return; }
  # Of the standard library these packages, under the name of its module.
  if [ ! -d "$work/sources/go/part" ]; then
    mkdir -p "$work/sources/go/part"
    cp "$tree/$part/go.mod" "$work/sources/go/part/"
    cp -R "$tree/$part/go" "$work/sources/go/part/go"
    find "$work/sources/go/part" -name testdata -prune -exec rm -rf {} +
  fi
  echo "$work/sources/go/part"
}

one() {
  local language=$1 name=$2 source=$3 package=$4 version=$5 part=$6 root truth
  if [ ! -d "$work/sources/$name/tree" ]; then
    say "fetching $name"
    rm -rf "$work/sources/$name"
    mkdir -p "$work/sources/$name"
    "source_${source//-/_}" "$name" "$package" "$version" "$part" || fail "cannot fetch $name"
  fi
  root=$(prepare "$name" "$part")
  truth=$work/truth/$name
  if [ ! -s "$truth" ]; then
    say "asking for the truth of $name"
    rm -f "$truth" "$truth.new"
    "truth_${language/c++/cxx}" "$name" "$root" "$truth.new" >"$work/logs/truth-$name" 2>&1 || fail "no truth of $name: see $work/logs/truth-$name"
    mv "$truth.new" "$truth"
  fi
  [ -s "$truth.ctags" ] || (cd "$root" && ctags --output-format=json --fields=+nKZ --extras=-F --kinds-C=+px --kinds-C++=+px -R -f - . >"$truth.ctags" 2>/dev/null)
  printf '%s\t%s\t%s\n' "$name" "$root" "$truth" >>"$work/prepared"
}

# The programs that ask compilers must say of a small tree what was looked through by a person.
self_check() {
  local language folder
  for language in go java c++; do
    folder=${language/c++/cxx}
    "truth_$folder" fixture "$own/fixtures/$folder" "$work/fixture" >"$work/logs/fixture" 2>&1 || fail "$language: see $work/logs/fixture"
    LC_ALL=C sort "$work/fixture" | diff "$own/fixtures/$folder.truth" - >&2 || fail "$language: the compiler says something else of its fixture"
  done
}

wanted() { [ $# -eq 2 ] || [[ " ${*:3} " == *" $1 "* || " ${*:3} " == *" $2 "* ]]; }

tools
self_check
: >"$work/prepared"
while IFS=$'\t' read -r language name _set source package version part _why; do
  case $language in '#'* | '') continue ;; esac
  if wanted "$language" "$name" "$@"; then one "$language" "$name" "$source" "$package" "$version" "$part"; fi
done <"$table"
[ -z "${KOTADB_PREPARE:-}" ] || exit 0
cargo run --locked --quiet --release -p kotadb-accuracy -- --prepared "$work/prepared" --out "$target"
[ -z "${KOTADB_UPDATE:-}" ] || cp "$target/accuracy.md" ACCURACY.md
