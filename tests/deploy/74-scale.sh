#!/usr/bin/env bash
# Beyond the two of each: three api, four worker-documents and the cleanup on one PostgreSQL, one Redis, one bucket. Two api, two
# workers and the cleanup are killed under load, in a random order, half of them without a word; no request fails and no
# document is lost. Then the same documents through one to four workers.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

seed=${DEPLOY_TEST_SEED:-$RANDOM}
RANDOM=$seed
say "seed $seed"

# The share of a processor that the operations guide gives each, and pools with which all stay below the 22 connections.
cat >"$stack/scale.yml" <<'YAML'
services:
  api:
    cpus: 0.5
    environment: { POSTGRES_POOL_SIZE: "2" }
  worker-documents:
    cpus: 0.25
    environment: { POSTGRES_POOL_SIZE: "2" }
YAML

scaled() { # scaled WORKERS
    (cd "$stack" && docker-compose -f docker-compose.prod.yml -f scale.yml up -d --no-recreate --scale api=3 --scale "worker-documents=$1") \
        >>"$work/compose.log" 2>&1 || { tail -n 20 "$work/compose.log" && fail "$1 workers did not start"; }
    has() { [ "$(containers worker-documents | wc -l)" -eq "$1" ] && [ "$(containers api | wc -l)" -eq 3 ] && all_healthy; }
    wait_for 120 "three api and $1 workers are healthy" has "$1"
}

(cd "$stack" && docker-compose -f docker-compose.prod.yml -f scale.yml up -d --scale api=3 --scale worker-documents=4) \
    >>"$work/compose.log" 2>&1 || { tail -n 20 "$work/compose.log" && fail "the larger stack did not start"; }
scaled 4

# ---- kills

ended() { # ended CONTAINER: one that the engine started anew counts one restart more
    [ "$(docker inspect --format '{{.RestartCount}} {{.State.StartedAt}}' "$1")" != "$2" ]
}

kill_one() { # kill_one CONTAINER SIGNAL
    local was
    was=$(docker inspect --format '{{.RestartCount}} {{.State.StartedAt}}' "$1")
    # The process itself is told: Docker takes `docker kill` for a wish, after which nothing is started again.
    kill "-$2" "$(docker inspect --format '{{.State.Pid}}' "$1")"
    say "$2 to $(docker inspect --format '{{.Name}}' "$1")"
    wait_for 60 "it is started again" ended "$1" "$was"
    wait_for 120 "all are healthy again" all_healthy
}

failed_jobs() { cloud_sql "select count(*) from jobs where status = 'failed'"; }
failed_before=$(failed_jobs)
before=$(api /api/v1/documents/stats | json 'it["total_documents"]')
start_load
mapfile -t api_ids < <(containers api | shuf --random-source=<(yes "$seed"))
mapfile -t worker_ids < <(containers worker-documents | shuf --random-source=<(yes "$seed"))
mapfile -t order < <(printf '%s\n' "${api_ids[0]} KILL" "${api_ids[1]} TERM" "${worker_ids[0]} KILL" "${worker_ids[1]} TERM" \
    "$(containers worker-cleanup) KILL" | shuf --random-source=<(yes "$seed"))
for pair in "${order[@]}"; do
    # Some of the documents that are being read belong to whom it meets.
    kill_one "${pair% *}" "${pair#* }"
done
# The two clients that upload may each have had an upload, or a stream of events, in hand of the one api that was killed.
end_load "five of eight killed" 2
completed() { [ "$(cloud_sql "select count(*) from jobs where status not in ('finished', 'failed', 'cancelled')")" = 0 ]; }
wait_for 180 "nothing is left to do" completed
accepted=$(awk '$1 == "upload" && $3 ~ /^2/ && $4 == 0' "$load/results" | wc -l)
after=$(api /api/v1/documents/stats | json 'it["total_documents"]')
# A broken upload may have been taken in all the same: its bytes were there, and only the answer was lost.
holds "of $accepted accepted documents none is lost or doubled ($before before, $after after)" \
    test "$((after - before))" -ge "$accepted" -a "$((after - before))" -le "$((accepted + 2))"
equals "no work failed" "$failed_before" "$(failed_jobs)"

# ---- workers

# The same documents for each number: only a name and a number tell them apart.
paragraphs() { # paragraphs KEY
    local number
    for ((number = 1; number <= 40; number++)); do
        printf 'Na cláusula %s do contrato %s, a contratada responde por atraso na entrega dos bens, conforme o anexo %s do edital.\n\n' \
            "$number" "$1" "$((number * 7))"
    done
}

waiting() { cloud_sql "select count(*) from jobs where status not in ('finished', 'failed', 'cancelled')"; }
none_waits() { [ "$(waiting)" = 0 ]; }

readonly documents=16
say "seconds for $documents documents of 40 sentences, each worker with a quarter of a processor:"
for workers in 1 2 3 4; do
    scaled "$workers"
    # What is taken in while no worker looks is there in full when they begin.
    mapfile -t ids < <(containers worker-documents)
    docker pause "${ids[@]}" >/dev/null
    for ((number = 1; number <= documents; number++)); do
        paragraphs "$workers-$number-$seed" >"$work/contract.txt"
        upload "$work/contract.txt" >/dev/null
    done
    begin=$(date +%s%N)
    docker unpause "${ids[@]}" >/dev/null
    wait_for 300 "$workers of them read all" none_waits
    say "$workers workers: $((($(date +%s%N) - begin) / 1000000)) ms"
done

rm "$stack/scale.yml"
compose up -d >>"$work/compose.log" 2>&1
two_of_each() { [ "$(containers api | wc -l)" -eq 2 ] && [ "$(containers worker-documents | wc -l)" -eq 2 ] && all_healthy; }
wait_for 120 "two of each again" two_of_each
