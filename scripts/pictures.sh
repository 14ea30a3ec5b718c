#!/usr/bin/env bash
# Takes the README's pictures of the page: docs/pictures/. Argument: the path of the `ids` program (the release program,
# built when it is not given).
set -euo pipefail
cd "$(dirname "$0")/.."

# One font wherever the pictures are taken: the page itself takes the system's.
scripts/browser-tools.sh fonts-inter
program=${1:-$(scripts/build.sh)}
PROGRAM_UNDER_TEST=$(realpath "$program") exec node tests/browser/pictures.mjs docs/pictures
