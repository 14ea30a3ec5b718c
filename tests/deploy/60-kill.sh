#!/usr/bin/env bash
# Each container is killed, and Redis loses what it holds: the stack comes back by itself, and nothing is lost.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

document=$(cat "$work/document")
documents() { # how many people see
    api /api/v1/documents/stats | json 'it["total_documents"]'
}
before=$(documents)

# Its first process ends as by a fault of its own. (Docker takes `docker kill` for a wish, after which nothing is started again.)
crash() { # crash CONTAINER
    local pid
    pid=$(docker inspect --format '{{.State.Pid}}' "$1")
    # Docker starts at once what ran for ten seconds before.
    kill -KILL "$pid"
}
restarted() { # restarted CONTAINER COUNT
    [ "$(docker inspect --format '{{.RestartCount}}' "$1")" -gt "$2" ]
}

number=0
for id in $(all_containers); do
    name=$(docker inspect --format '{{.Name}}' "$id")
    number=$((number + 1))
    printf '# Ofício %s\n\nO contêiner %s caiu enquanto este ofício, de código %s, era lido.\n' "$number" "$name" "$number$RANDOM" >"$work/letter.md"
    letter=$(upload "$work/letter.md")
    count=$(docker inspect --format '{{.RestartCount}}' "$id")
    begin=$SECONDS
    crash "$id"
    wait_for 30 "$name is started again" restarted "$id" "$count"
    wait_for 120 "the stack is healthy again" all_healthy
    wait_for 60 "the site finds what was there before" finds "multa por atraso" "$document"
    wait_for 120 "what was taken in before the crash is processed" is_in_state "$letter" completed
    say "$name was made good for after $((SECONDS - begin)) s"
done

# One API process of two: nobody notices, beyond what was in its hands.
api=$(containers api | head -n 1)
crash "$api"
codes=$(for _ in $(seq 60); do status_of /api/v1/documents; echo; done | sort | uniq -c | awk '{ print $2 "x" $1 }' | paste -sd' ')
equals "with one API process of two gone, reading goes on" 200x60 "$codes"
wait_for 60 "both are there again" all_healthy

# All of Redis: the database knows the jobs.
containers worker-documents | xargs docker pause >/dev/null
printf '# Memorando\n\nO Redis perdeu tudo, e este memorando foi lido mesmo assim. %s\n' "$RANDOM" >"$work/memo.md"
memo=$(upload "$work/memo.md")
# shellcheck disable=SC2016 # for the inner shell
compose exec -T redis sh -c 'rm -rf /data/*' </dev/null
crash "$(containers redis)"
containers worker-documents | xargs docker unpause >/dev/null
wait_for 60 "Redis is there again, with nothing in it" all_healthy
wait_for 180 "a job whose delivery was lost is done all the same" is_in_state "$memo" completed

equals "no document was lost and none was doubled" "$((before + number + 1))" "$(documents)"
equals "each of them is complete" 0 "$(cloud_sql "select count(*) from jobs where status not in ('finished', 'failed', 'cancelled')")"
