#!/usr/bin/env bash
# Versions change under constant load, and no request fails: a good one, one that crashes, one that never gets well, one
# that is interrupted, one whose script is killed, and the way back.
# shellcheck disable=SC2016 # of programs inside images
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

base=${DEPLOY_TEST_VERSION:-1.0.0}
scripts=$stack/scripts

# ---- versions

version() { # version TAG [DOCKERFILE LINES]: the image of the tests under another tag, with something changed
    { printf 'FROM %s:%s\n' "$image" "$base" && printf 'LABEL of.a.test=%s\n' "$1" && printf '%s\n' "${2:-}"; } |
        docker build --quiet --tag "$image:$1" - >/dev/null
}

# A program in the place of ids that does what it is told first, and else is ids.
in_place_of_ids() { # in_place_of_ids CASES
    printf 'USER root\nRUN mv /usr/local/bin/ids /usr/local/bin/ids-real && printf "#!/bin/sh\\n%s\\nexec ids-real \\"\\$@\\"\\n" >/usr/local/bin/ids && chmod 0755 /usr/local/bin/ids\nUSER 10001:10001\n' "$1"
}

version 1.0.1
version 1.0.2
version 1.1.0-crashes "$(in_place_of_ids 'case \$1 in api) echo cannot begin >&2; exit 7;; esac')"
version 1.1.0-hangs "$(in_place_of_ids 'case \$1 in api) exec sleep 100000;; healthcheck) exit 1;; esac')
HEALTHCHECK --interval=2s --timeout=2s --start-period=1s --retries=3 CMD [\"ids\", \"healthcheck\"]"
version 1.1.0-workers-crash "$(in_place_of_ids 'case \$1 in worker) echo cannot work >&2; exit 7;; esac')"

# ---- what runs

versions() { # versions SERVICE: of its running containers, each once
    local id
    for id in $(containers "$1"); do
        docker inspect --format '{{.Config.Image}}' "$id"
    done | sed 's/.*://' | sort -u | tr '\n' ' '
}

runs() { # runs VERSION SENTENCE
    equals "$2: api is $1" "$1 " "$(versions api)"
    equals "$2: two api run" 2 "$(containers api | wc -l)"
    equals "$2: worker-documents is $1" "$1 " "$(versions worker-documents)"
    equals "$2: worker-cleanup is $1" "$1 " "$(versions worker-cleanup)"
    equals "$2: .env says so" "$1" "$(sed -n 's/^IDS_VERSION=//p' "$stack/.env")"
    holds "$2: nothing is left under way" test ! -e "$stack/.rollout" -a ! -e "$stack/nginx/left-out"
    holds "$2: health-check.sh is content" "$scripts/health-check.sh" --wait 30
}

deploy() { # deploy WANTED_EXIT_CODE ARGUMENTS...
    local wanted=$1 code=0 begin=$SECONDS
    shift
    "$scripts/deploy.sh" "$@" --no-pull --no-backup --drain 4 >"$work/deploy.out" 2>&1 || code=$?
    [ "$code" -eq "$wanted" ] || cat "$work/deploy.out"
    equals "deploy.sh $1 ends with exit code $wanted after $((SECONDS - begin)) s" "$wanted" "$code"
}

waits_for_phase() { # waits_for_phase WORDS: until a deployment in the background says so
    wait_for 300 "deploy.sh says \"$1\"" grep -q "$1" "$work/background.out"
}

deploy_in_background() {
    : >"$work/background.out"
    # With job control, so that it is the head of a group of its own, as it is at a terminal. Where these tests were started
    # in the background, SIGINT is ignored by all that they start.
    set -m
    env --default-signal=INT "$scripts/deploy.sh" "$@" --no-pull --no-backup --drain 4 >"$work/background.out" 2>&1 &
    background=$!
    set +m
}

background_ends() { # background_ends WANTED_EXIT_CODE
    local code=0
    wait "$background" || code=$?
    [ "$code" -eq "$1" ] || cat "$work/background.out"
    equals "it ends with exit code $1" "$1" "$code"
}

# ---- the tests

start_load
deploy_in_background 1.0.1
waits_for_phase 'Iniciando 2 cont'
code=0
said=$("$scripts/deploy.sh" 1.0.2 --no-pull --no-backup 2>&1) || code=$?
equals "a second deployment at the same time is refused with exit code 3" 3 "$code"
contains "it says that another one is under way" 'outra implantação já está em andamento \(processo' "$said"
code=0
"$scripts/rollback.sh" 1.0.2 >/dev/null 2>&1 || code=$?
equals "so is a rollback" 3 "$code"
background_ends 0
say "deploy.sh under load: $(grep -o 'no ar, em .*' "$work/background.out")"
end_load "a second version"
runs 1.0.1 "after a second version"
equals "the version before is remembered" "$base" "$(sed -n 's/^IDS_PREVIOUS_VERSION=//p' "$stack/.env")"
contains "the log tells the story" 'Deploy concluído' "$(cat "$stack/logs/deploy.log")"

start_load
deploy 1 1.1.0-crashes
contains "it shows what the container said" 'cannot begin' "$(cat "$work/deploy.out")"
contains "it says what runs" 'a versão 1.0.1 continua no ar' "$(cat "$work/deploy.out")"
runs 1.0.1 "after a version that crashes"
deploy 1 1.1.0-hangs --timeout 40
runs 1.0.1 "after a version that never gets well"
deploy 1 1.1.0-workers-crash --timeout 60
contains "it shows what the worker said" 'cannot work' "$(cat "$work/deploy.out")"
runs 1.0.1 "after a version whose workers crash"
end_load "three broken versions"

start_load
deploy_in_background 1.0.2
waits_for_phase 'Trocando os workers'
kill -INT "-$background"
background_ends 130
runs 1.0.1 "after Ctrl-C in the middle"
deploy_in_background 1.0.2
waits_for_phase 'Trocando os workers'
kill -KILL "-$background"
wait "$background" 2>/dev/null || true
holds "a killed deployment leaves a note" test -e "$stack/.rollout"
deploy 0 1.0.2
contains "the next one puts things right first" 'foi interrompida' "$(cat "$work/deploy.out")"
runs 1.0.2 "after a deployment that followed a killed one"
holds "rollback.sh goes back" "$scripts/rollback.sh" --drain 4
runs 1.0.1 "after rollback.sh"
holds "rollback.sh goes to a named version" "$scripts/rollback.sh" "$base" --drain 4
runs "$base" "after rollback.sh to a named version"
end_load "an interruption, a killed script and two rollbacks"

# The second run of the same: everything is replaced by the same version, and nothing else changes.
deploy 0 "$base"
runs "$base" "after the same version again"

# What crashes again and again can be replaced, once somebody says that he knows.
(cd "$stack" && IDS_VERSION=1.1.0-crashes docker-compose -f docker-compose.prod.yml up -d --no-deps api >/dev/null 2>&1)
deploy 2 "$base"
contains "an unhealthy state is named, and --force" 'não está saudável; resolva antes, ou use --force' "$(cat "$work/deploy.out")"
deploy 0 "$base" --force
runs "$base" "after a deployment over one that crashes"
lacks "no secret stands in the log" 'of-a-test|0123456789abcdef' "$(cat "$stack"/logs/*.log)"
