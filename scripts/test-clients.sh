#!/usr/bin/env bash
# Tests the doors that other programs come in by with the clients they use: OpenAI's and MCP's, in Python and JavaScript. Argument:
# the path of the `ids` program (target/debug/ids, built when it is not given). The Python packages go to ids/test-clients in
# XDG_CACHE_HOME (~/.cache), installed anew when tests/clients/requirements.txt has changed.
set -euo pipefail
cd "$(dirname "$0")/.."

cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ids/test-clients
requirements=tests/clients/requirements.txt

missing=()
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
scripts/install-packages.sh "${missing[@]}"

# One folder for each list of packages and each Python: whole or not at all, whoever else installs meanwhile.
stamp=$({ cat "$requirements"; python3 --version; } | sha256sum | cut -c1-16)
venv=$cache/$stamp
if [ ! -e "$venv/ready" ]; then
    mkdir -p "$cache"
    exec {lock}>"$cache/lock"
    flock "$lock"
    if [ ! -e "$venv/ready" ]; then
        find "$cache" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
        python3 -m venv "$venv"
        "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
        touch "$venv/ready"
    fi
    exec {lock}>&-
fi

if [ "$#" -gt 0 ]; then
    program=$1
else
    cargo build --locked -p ids >&2
    program=$(scripts/target-dir.sh)/debug/ids
fi
PROGRAM_UNDER_TEST=$(realpath "$program")
export PROGRAM_UNDER_TEST

cd tests/clients
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
    touch node_modules/.package-lock.json
fi
"$venv/bin/python" -B -m unittest clients_test
NO_PROXY=127.0.0.1,localhost timeout 300 node --test
