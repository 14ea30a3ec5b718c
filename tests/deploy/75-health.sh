#!/usr/bin/env bash
# health-check.sh: the words and exit codes that the operations guide promises, when all is well and when something is not.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

check=$stack/scripts/health-check.sh

says() { # says WANTED_EXIT_CODE SENTENCE LINES: exactly these lines on stdout
    local code=0 said
    said=$("$check" 2>"$work/health.err") || code=$?
    equals "$2: exit code $1" "$1" "$code"
    equals "$2: its words" "$3" "$said"
}

json_says() { # json_says SENTENCE WANTED FILTER
    local said
    said=$("$check" --json 2>/dev/null || true)
    equals "$1 (--json)" "$2" "$(json "$3" <<<"$said")"
}

well='🏥 Verificando saúde dos serviços...
✅ API: OK
✅ Redis: OK
✅ Queue: OK
✅ Todos os serviços OK!'

says 0 "when all is well" "$well"
json_says "when all is well" 'healthy healthy healthy healthy' \
    '" ".join([it["status"], *(it["services"][name]["status"] for name in ("api", "redis", "queue"))])'
cd /
says 0 "from another folder" "$well"
cd "$stack"

# Where Compose is a word of docker, as Compose 2 is.
mkdir -p "$work/without-hyphen"
# shellcheck disable=SC2016 # of the script that is written
printf '#!/bin/sh\nif [ "$1" = compose ]; then shift; exec /usr/bin/docker-compose "$@"; fi\nexec /usr/bin/docker "$@"\n' >"$work/without-hyphen/docker"
printf '#!/bin/sh\necho "docker-compose was called" >&2\nexit 1\n' >"$work/without-hyphen/docker-compose"
chmod 0755 "$work/without-hyphen/"*
said=$(PATH=$work/without-hyphen:$PATH "$check" 2>&1) || fail "without the hyphen: $said"
equals "without the hyphen it is the same" "$well" "$said"

compose stop worker-documents >/dev/null 2>&1
queue_fails() { { "$check" --json || true; } | grep -q '"queue":{"status":"unhealthy"'; }
wait_for 90 "without workers the queue is unhealthy" queue_fails
says 1 "without workers" '🏥 Verificando saúde dos serviços...
✅ API: OK
✅ Redis: OK
❌ Queue: FALHOU'
contains "it says what to look at" 'worker-documents' "$(cat "$work/health.err")"
compose up -d worker-documents >/dev/null 2>&1

compose stop redis >/dev/null 2>&1
code=0
said=$("$check" 2>/dev/null) || code=$?
equals "without Redis: exit code 1" 1 "$code"
contains "without Redis: its words" '❌ Redis: FALHOU' "$said"
json_says "without Redis" unhealthy 'it["services"]["redis"]["status"]'
compose up -d redis >/dev/null 2>&1
wait_for 90 "with Redis back all is well again" "$check"

compose stop api >/dev/null 2>&1
says 1 "without the API" '🏥 Verificando saúde dos serviços...
❌ API: FALHOU
✅ Redis: OK
❌ Queue: FALHOU'
compose up -d api >/dev/null 2>&1
holds "--wait waits until all is well" "$check" --wait 120

compose stop nginx >/dev/null 2>&1
said=$("$check" 2>&1 || true)
contains "without nginx the API is not reached, and the reason is told" 'API: FALHOU' "$said"
contains "the reason names the address" "https://$site:$https_port/health" "$said"
compose up -d nginx >/dev/null 2>&1
wait_for 90 "with nginx back all is well again" "$check"
