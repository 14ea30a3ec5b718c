#!/usr/bin/env bash
# `make chaos`: breaks everything that the server shape depends on, while it works, and counts what is lost and what is
# doubled. Arguments go to the program (`--help` says which); bench/chaos/README.md says what is looked at.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/test-services.sh install
# With a test of every crate, so that dependencies have the features that the tests have: after `make test` hardly anything is left to build.
cargo build --quiet --locked --workspace --test it --bin ids --bin bench-chaos
built=$(scripts/target-dir.sh)/debug
exec "$built/bench-chaos" --ids "$built/ids" "$@"
