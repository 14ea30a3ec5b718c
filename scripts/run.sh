#!/usr/bin/env bash
# `make run`: from a fresh clone to a running library. Arguments go to `ids serve`.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(scripts/build.sh)
exec "$program" serve "$@"
