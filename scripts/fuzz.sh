#!/usr/bin/env bash
# `make fuzz`: damaged inputs for every parser of ours, SECONDS for each target (60), another seed at each run. `make test` does the
# same for a second and a half. What breaks one is named, with the file that did it: made small, it belongs into tests/crashers.
set -euo pipefail
cd "$(dirname "$0")/.."

export FUZZ_SECONDS=${1:-60} FUZZ_SEED=${2:-$RANDOM}
echo "FUZZ_SECONDS=$FUZZ_SECONDS FUZZ_SEED=$FUZZ_SEED"
if command -v cargo-nextest >/dev/null; then
    exec cargo nextest run --locked --no-fail-fast --no-capture -p ids-extract -p ids-embed -p ids-backup -E 'test(/fuzz_/)'
fi
exec cargo test --locked --no-fail-fast -p ids-extract -p ids-embed -p ids-backup fuzz_ -- --nocapture
