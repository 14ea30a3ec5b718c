#!/usr/bin/env bash
# `make test-deploy`: what is deployed, on a real Docker engine: the image, the production stack with its limits, nginx,
# crashes, and whatever else lies in tests/deploy/. Parts run in the order of their numbers, each with its seconds; a part
# that fails ends the run, since those after it build on it. Where the engine cannot start this fails, and says why.
#
# Arguments: the parts to run (`20-stack 40-nginx`), all without. Then the stack and the engine stay as they are, to be
# looked at, and the next run with arguments goes on from there; without arguments all is removed at the end.
#
#   DEPLOY_TEST_PROGRAM   a built `ids` for the image, instead of building it (10 minutes on two cores)
#   DEPLOY_TEST_LAST      without arguments: the number of the last part to run
#   DEPLOY_TEST_WORK      the folder to work in; needed to go on with a stack that stays
set -euo pipefail
cd "$(dirname "$0")/.."

keep=
[ "$#" -eq 0 ] || keep=1
DEPLOY_TEST_WORK=${DEPLOY_TEST_WORK:-$(mktemp -d /tmp/ids-deploy.XXXXXX)}
export DEPLOY_TEST_WORK
rm -f "$DEPLOY_TEST_WORK/failures"

parts=()
if [ "$#" -gt 0 ]; then
    for name in "$@"; do
        file=tests/deploy/${name%.sh}.sh
        [ -x "$file" ] || {
            printf "error: there is no part '%s'; there are: %s\n" "$name" "$(cd tests/deploy && printf '%s ' [0-9][0-9]-*.sh)" >&2
            exit 2
        }
        parts+=("$file")
    done
else
    for file in tests/deploy/[0-9][0-9]-*.sh; do
        number=${file#tests/deploy/}
        [ "${number%%-*}" -gt "${DEPLOY_TEST_LAST:-99}" ] || parts+=("$file")
    done
    [ ! -x tests/deploy/monitoring.sh ] || parts+=(tests/deploy/monitoring.sh)
fi

rows=()
outcome=0

part() { # part NAME COMMAND...
    local name=$1 begin=$SECONDS verdict=ok
    shift
    printf '\n==== %s\n' "$name"
    if ! "$@"; then
        verdict=FAILED
        outcome=1
    fi
    rows+=("$(printf '%-16s %6d s   %s' "$name" "$((SECONDS - begin))" "$verdict")")
}

finish() {
    local failures
    trap - EXIT
    failures=$(cat "$DEPLOY_TEST_WORK/failures" 2>/dev/null || true)
    if [ -n "$keep" ]; then
        printf '\nleft as it is: DEPLOY_TEST_WORK=%s; scripts/deploy-engine.sh down ends it\n' "$DEPLOY_TEST_WORK"
    else
        [ "$outcome" -eq 0 ] || logs
        scripts/deploy-engine.sh down || outcome=1
        rm -rf "$DEPLOY_TEST_WORK"
    fi
    printf '\n==== deployment, summary\n'
    printf '%s\n' "${rows[@]}"
    printf '%-16s %6d s\n' total "$SECONDS"
    # What CI reads.
    printf '%s passed, %s failed\n' "$(printf '%s\n' "${rows[@]}" | grep -c ' ok$')" "$(printf '%s\n' "${rows[@]}" | grep -c ' FAILED$' || true)"
    [ "$outcome" -eq 0 ] || printf '%s\n' "$failures"
    exit "$outcome"
}

# What the containers said last, where something went wrong.
logs() {
    local id
    printf '\n==== the last lines of each container\n'
    for id in $(/usr/bin/docker --host "unix://${IDS_DEPLOY_ENGINE_DIR:-/var/lib/ids-deploy-engine}/docker.sock" ps --all --quiet 2>/dev/null); do
        /usr/bin/docker --host "unix://${IDS_DEPLOY_ENGINE_DIR:-/var/lib/ids-deploy-engine}/docker.sock" inspect \
            --format '---- {{.Name}} {{.State.Status}} {{.State.ExitCode}}' "$id"
        /usr/bin/docker --host "unix://${IDS_DEPLOY_ENGINE_DIR:-/var/lib/ids-deploy-engine}/docker.sock" logs --tail 12 "$id" 2>&1 | cut -c1-400
    done
}
trap finish EXIT
trap 'outcome=130; exit 130' INT TERM

# Nothing of a run that was broken off.
[ -n "$keep" ] || part clean scripts/deploy-engine.sh down
part engine scripts/deploy-engine.sh up
for file in "${parts[@]}"; do
    [ "$outcome" -eq 0 ] || break
    part "$(basename "$file" .sh)" "$file"
done
