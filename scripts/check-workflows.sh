#!/usr/bin/env bash
# Looks at the workflows of .github with zizmor, without the network: actions pinned by hash, least permissions, no injection.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.32.0 folder=.dev/zizmor
if [ "$("$folder/bin/zizmor" --version 2>/dev/null)" != "zizmor $version" ]; then
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "zizmor==$version"
fi
exec "$folder/bin/zizmor" --offline --quiet --no-progress .github/workflows
