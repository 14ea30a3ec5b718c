#!/usr/bin/env bash
# The compose file of development: one command, and a document can be found.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

export IDS_DEV_IMAGE=$image:${DEPLOY_TEST_VERSION:-1.0.0}
export API_PORT=28000 POSTGRES_PORT=25432 S3_PORT=28333
development() {
    docker-compose --project-name ids-development --file "$repository/deploy/docker-compose.yml" "$@"
}
end() {
    development down --volumes --timeout 5 >>"$work/compose.log" 2>&1 || true
}
trap end EXIT

# Compose 2 takes the file as well: it refuses what it does not know, as Compose 1 does.
holds "the file is valid" development config --quiet
begin=$SECONDS
development up --detach >>"$work/compose.log" 2>&1 || { tail -n 20 "$work/compose.log" && fail "it did not start"; }
healthy() {
    local id
    for id in $(development ps --quiet api worker-documents worker-cleanup); do
        [ "$(state "$id")" = healthy ] || return 1
    done
}
wait_for 120 "everything is healthy" healthy
say "it was up after $((SECONDS - begin)) s"
key=$(development exec -T api ids keys create --organization default --scopes admin --json </dev/null | json 'it["key"]')
ask() { # ask PATH [CURL ARGUMENTS]
    local path=$1
    shift
    curl --silent --show-error --max-time 30 --header "Authorization: Bearer $key" "$@" "http://127.0.0.1:$API_PORT$path"
}
printf '# Aviso\n\nA feira livre muda para a rua das Acácias.\n' >"$work/notice.md"
document=$(ask /api/v1/documents --form "file=@$work/notice.md" | json 'it["document_id"]')
completed() {
    ask "/api/v1/documents/$document/status" | grep -q '"status":"completed"'
}
wait_for 60 "a document is processed" completed
contains "it is found" "$document" "$(ask /api/v1/documents/search --json '{"query":"feira livre"}')"
for port in "$API_PORT" "$POSTGRES_PORT" "$S3_PORT"; do
    equals "port $port is open to this machine alone" "127.0.0.1:$port" "$(ss --no-header --listening --tcp --numeric "sport = :$port" | awk '{ print $4 }' | sort -u)"
done
