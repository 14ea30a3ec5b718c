#!/usr/bin/env bash
# The manifests of deploy/k8s, started for real as far as that goes without a cluster: `podman kube play` (tests/k8s/play.py). Needs root
# on Debian 12. `--program FILE` takes a built `ids`; what can be checked without an engine is scripts/lint-k8s.sh, part of `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."

program=''
if [ "${1:-}" = --program ]; then
    program=$(readlink -f "${2:?--program needs a file}")
fi
[ "$(id -u)" -eq 0 ] || { echo "error: containers are started by root here; run it as root" >&2 && exit 1; }
missing=()
for tool in podman runc netavark catatonit mmdebstrap curl; do
    command -v "$tool" >/dev/null || [ -x "/usr/lib/podman/$tool" ] || missing+=("$tool")
done
python3 -c 'import yaml' 2>/dev/null || missing+=(python3-yaml)
[ "${#missing[@]}" -eq 0 ] || scripts/install-packages.sh "${missing[@]}"
[ -n "$program" ] || program=$(scripts/build.sh)

base=${XDG_CACHE_HOME:-$HOME/.cache}/ids/test-packages/bookworm.tar
[ -e "$base" ] || scripts/test-packages.sh --make-base
rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT
scripts/lint-k8s.sh --to "$rendered"
python3 tests/k8s/play.py "$rendered/base.yaml" "$program"
