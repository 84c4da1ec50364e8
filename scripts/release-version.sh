#!/usr/bin/env bash
# Whether what is checked out has a version of its own: by it a schema says which programs work on it (`-- needs-binary: >= X`), so two
# releases must not share one. Prints it; exit 1 if the last tag `release-<n>`, of another commit, has it too, or a later one.
#   scripts/release-version.sh
set -euo pipefail
source "$(dirname "$0")/common.sh"
need git 'install it with your package manager'
cd "$(git rev-parse --show-toplevel)"

version_of() { git show "$1:Cargo.toml" | sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"$/\1/p'; }

now=$(version_of HEAD)
[ -n "$now" ] || die 'Cargo.toml states no version in `workspace.package`'
last=$(git tag --list 'release-*' | sort -V | tail -1)
if [ -n "$last" ] && [ "$(git rev-parse "$last^{commit}")" != "$(git rev-parse HEAD)" ]; then
  former=$(version_of "$last")
  newest=$(printf '%s\n%s\n' "$former" "$now" | sort -V | tail -1)
  if [ "$now" = "$former" ] || [ "$newest" = "$former" ]; then
    die "\`$last\` is $former, and this is $now: raise \`version\` in Cargo.toml, as CONTRIBUTING.md says of a release"
  fi
fi
printf '%s\n' "$now"
