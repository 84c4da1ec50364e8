#!/bin/sh
# Starts an S3 endpoint for tests (moto) and prints its address. It serves until its standard input ends, so it cannot
# outlive whoever started it; `s3-endpoint.sh --install` only prepares the virtual environment below .dev/.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
venv=$here/../.dev/moto
wanted='moto[server,s3]==5.2.5'

mkdir -p "$here/../.dev"
(
    # Two test processes must not install at once.
    flock 9
    if [ ! -e "$venv/installed" ] || [ "$(cat "$venv/installed")" != "$wanted" ]; then
        python3 -m venv --clear "$venv" >&2
        "$venv/bin/pip" install --quiet --disable-pip-version-check "$wanted" >&2
        echo "$wanted" >"$venv/installed"
    fi
) 9>"$here/../.dev/moto.lock"

[ "${1:-}" = --install ] || exec "$venv/bin/python" "$here/s3-endpoint.py"
