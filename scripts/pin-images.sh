#!/usr/bin/env bash
# Writes today's digest of each base image into deploy/ and .github/workflows: run it with a network that reaches the image registry, look at
# `git diff`, run `make test-deploy`, commit. `--check` changes nothing, and fails where a digest is an old one.
set -euo pipefail
cd "$(dirname "$0")/.."

check=
case ${1:-} in
    '') ;;
    --check) check=1 ;;
    *)
        sed -n '2,3s/^# //p' "$0"
        [ "$1" = --help ] && exit 0 || exit 2
        ;;
esac
files=(deploy/Dockerfile deploy/docker-compose.yml deploy/docker-compose.prod.yml .github/workflows/*.yml)
outcome=0
mapfile -t pins < <(grep -hoE '[a-z0-9./-]+:[A-Za-z0-9._-]+@sha256:[0-9a-f]{64}' "${files[@]}" | sort -u)
for pinned in "${pins[@]}"; do
    tag=${pinned%@*}
    # Of the list of all machines' images, not of this machine's: the digest that `docker pull` prints.
    docker pull --quiet "$tag" >/dev/null
    today=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$tag" | sed -n 's/.*@//p' | head -n 1)
    [ -n "$today" ] || {
        printf "error: the registry names no digest of '%s'\n" "$tag" >&2
        exit 1
    }
    if [ "$pinned" = "$tag@$today" ]; then
        printf 'same  %s\n' "$tag"
        continue
    fi
    printf 'newer %s %s\n' "$tag" "$today"
    if [ -n "$check" ]; then
        outcome=1
    else
        sed -i "s|$pinned|$tag@$today|g" "${files[@]}"
    fi
done
exit "$outcome"
