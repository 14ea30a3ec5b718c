#!/usr/bin/env bash
# Beyond one server, tried on one machine: three APIs, four workers, one for cleanups on one PostgreSQL, one Redis, one S3 server, behind
# nginx; two of each are killed while people read and upload. Then the same documents through one to four workers. Arguments go to
# bench/scale/run.py; its README says what is looked at. `--program FILE` takes a built `ids`.
set -euo pipefail
cd "$(dirname "$0")/.."

program=''
if [ "${1:-}" = --program ]; then
    program=${2:?--program needs a file}
    shift 2
fi
if [ -z "$program" ]; then
    cargo build --quiet --locked -p ids --bin ids
    program=$(scripts/target-dir.sh)/debug/ids
fi
exec python3 bench/scale/run.py --ids "$program" "$@"
