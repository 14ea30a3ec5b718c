#!/usr/bin/env bash
# `make eval`: measures search quality on the sets under ${TESTDATA_DIR:-../shared}/eval, into docs/quality.md.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(scripts/build.sh)
cargo run --quiet --locked -p xtask -- eval-table "$program"
