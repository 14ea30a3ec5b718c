#!/usr/bin/env bash
# `make chaos`: breaks everything that the server shape depends on, while it works, and counts what is lost and what is
# doubled. Arguments go to the program (`--help` says which); bench/chaos/README.md says what is looked at.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/test-services.sh install
cargo build --quiet --locked -p ids --bin ids
cargo build --quiet --locked -p bench --bin bench-chaos
built=$(scripts/target-dir.sh)/debug
exec "$built/bench-chaos" --ids "$built/ids" "$@"
