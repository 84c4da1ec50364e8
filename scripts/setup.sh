#!/usr/bin/env bash
# Installs what the other commands need beyond Rust: asks for programs, not for packages, so it is quick when all is there.
# With `bench` as argument also what the benches measure and measure with, with `fuzz` what the fuzz targets are built with,
# with `chaos` what moves the clocks of its long form, with `image` what stands for a container engine, with `lambda` what packs them.
set -euo pipefail

packages=()
need() { packages+=("$1"); }
has() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null; }

has cargo || { echo 'setup: `cargo` is missing: install Rust with rustup, then run this again' >&2; exit 1; }
has git || need git
has curl || need curl
has jq || need jq
has rg || need ripgrep
has npm || need npm
has openssl || need openssl
has pgrep || need procps
# A compiler may be there without the headers of the C library.
{ echo '#include <stdio.h>' | cc -E - >/dev/null; } 2>/dev/null || need build-essential
has make || need make
has pgbouncer || need pgbouncer
has postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || need postgresql
has shellcheck || need shellcheck
has chromium || need chromium
has tmux || need tmux
has less || need less
has script || need bsdutils
python3 -c 'import ensurepip, venv' 2>/dev/null || need python3-venv
[ -x "$(git --exec-path 2>/dev/null)/git-http-backend" ] || need git
if [ "${1:-}" = bench ]; then
  [ -x /usr/bin/time ] || need time
  compgen -G '/usr/src/linux-source-*.tar.xz' >/dev/null || need linux-source
  has xz || need xz-utils
  has csearch || need codesearch
  has ctags || need universal-ctags
  has qemu-storage-daemon || need qemu-utils
  has wrk || need wrk
  has strip || need binutils
fi
if [ "${1:-}" = fuzz ]; then has c++ || need g++; fi
if [ "${1:-}" = lambda ]; then has zip || need zip; fi
if [ "${1:-}" = image ]; then has debootstrap || need debootstrap; fi
if [ "${1:-}" = chaos ]; then has faketime || need faketime; fi

[ ${#packages[@]} -gt 0 ] || exit 0

missing() {
  printf 'setup: %s\nsetup: install these packages, then run this again: %s\n' "$1" "${packages[*]}" >&2
  exit 1
}
has apt-get || missing 'this system has no apt'
if [ "$(id -u)" = 0 ]; then as_root=()
elif has sudo && sudo -n true 2>/dev/null; then as_root=(sudo -n)
else missing 'packages are missing, and there is no root and no sudo without a password'; fi

echo "setup: installing ${packages[*]}" >&2
# Another program of the system may be installing just now.
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" >/dev/null; }
install() { apt install -y --no-install-recommends "$@"; }
# One source of packages that cannot be reached need not be the one that is needed.
apt update || echo 'setup: `apt-get update` failed; trying with what is known' >&2
if [[ " ${packages[*]} " == *' postgresql '* ]]; then
  # The programs are wanted, not a cluster of the system that starts with the machine.
  install postgresql-common || missing '`apt-get install` failed'
  "${as_root[@]}" mkdir -p /etc/postgresql-common/createcluster.d
  echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.d/kotadb.conf >/dev/null
fi
install "${packages[@]}" || missing '`apt-get install` failed'
