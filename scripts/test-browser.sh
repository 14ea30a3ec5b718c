#!/usr/bin/env bash
# Tests the page in a real browser, against a real server. Arguments: the path of the `ids` program (target/debug/ids,
# built when it is not given), then the files to run, such as library.test.mjs (all of them). `UPDATE_SNAPSHOTS=1` writes
# tests/browser/snapshots/ anew.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/browser-tools.sh
if [ "$#" -gt 0 ]; then
    program=$1
    shift
else
    cargo build --locked -p ids >&2
    program=$(scripts/target-dir.sh)/debug/ids
fi
PROGRAM_UNDER_TEST=$(realpath "$program")
export PROGRAM_UNDER_TEST

cd tests/browser
exec node --test "$@"
