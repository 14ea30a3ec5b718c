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

# A browser gives up what it is loading when any interface of the machine appears or goes (ERR_NETWORK_CHANGED), as they do
# while containers start beside it. Where the system lets us, it gets a network of its own, with nothing but loopback in
# it: the page needs no other. Servers that tests share are then others too, for those outside cannot be reached.
if [ "$(id -u)" -eq 0 ] && command -v ip >/dev/null && unshare --net true 2>/dev/null; then
    services=$(mktemp -d "${TMPDIR:-/tmp}/ids-services-browser.XXXXXX")
    trap 'IDS_TEST_SERVICES_DIR=$services ../../scripts/test-services.sh down; rm -rf "$services"' EXIT
    IDS_TEST_SERVICES_DIR=$services unshare --net sh -c 'ip link set lo up && exec node --test "$@"' sh "$@"
else
    exec node --test "$@"
fi
