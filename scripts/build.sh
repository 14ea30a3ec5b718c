#!/usr/bin/env bash
# Builds the release program with everything it needs beside it, and prints its path on stdout.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/bootstrap.sh
# In the release profile too: nearly all that xtask is made of, `ids` needs as well.
cargo run --quiet --release --locked -p xtask -- assets
cargo build --release --locked -p ids >&2

printf '%s/release/ids\n' "$(scripts/target-dir.sh)"
