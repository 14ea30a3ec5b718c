# shellcheck shell=bash
# What the parts of `make test-deploy` share. Each part is a file NN-name.sh that sources this one, and runs after those
# with lower numbers on the same engine and the same stack. scripts/test-deploy.sh starts them.
#
# The stack is a copy of deploy/ in $stack, as it lies on a server. What is managed elsewhere in production runs in
# containers of its own, behind TLS by stunnel: PostgreSQL as `db.ids.test`, SeaweedFS as `s3.ids.test`.
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=${DEPLOY_TEST_WORK:?scripts/test-deploy.sh sets it}
stack=$work/intelligent-document-search
eval "$("$repository/scripts/deploy-engine.sh" paths)"

site=ids.test
http_port=${DEPLOY_TEST_HTTP_PORT:-28080}
https_port=${DEPLOY_TEST_HTTPS_PORT:-28443}
image=your-registry/intelligent-document-search
project=intelligent-document-search
# shellcheck disable=SC2034 # for the parts
corpus=${TESTDATA_DIR:-$repository/../shared}/corpus

# ---- checks

say() {
    printf '   %s\n' "$*"
}

# What went wrong is said once more at the very end, below the summary: logs of these parts are long.
fail() {
    printf 'FAILED: %s\n' "$*" | tee -a "$work/failures" >&2
    exit 1
}

# What is checked, in words; a part ends at the first that does not hold.
holds() { # holds SENTENCE COMMAND...
    local sentence=$1
    shift
    "$@" || fail "$sentence (\`$*\`)"
    say "ok  $sentence"
}

equals() { # equals SENTENCE WANTED FOUND
    [ "$2" = "$3" ] || fail "$1: wanted \`$2\`, found \`$3\`"
    say "ok  $1"
}

contains() { # contains SENTENCE PATTERN TEXT: an extended regular expression, any line, any case
    grep -qiE -- "$2" <<<"$3" || fail "$1: nothing like \`$2\` in: ${3:0:2000}"
    say "ok  $1"
}

lacks() { # lacks SENTENCE PATTERN TEXT
    ! grep -qiE -- "$2" <<<"$3" || fail "$1: \`$2\` is in: ${3:0:2000}"
    say "ok  $1"
}

# Polls, with a bound.
wait_for() { # wait_for SECONDS SENTENCE COMMAND...
    local deadline=$((SECONDS + $1)) sentence=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "$sentence did not happen in time (\`$*\`)"
        sleep 0.5
    done
    say "ok  $sentence"
}

json() { # json FILTER: the little of jq that is needed, over standard input; FILTER is Python over `it`
    python3 -c 'import json, sys; it = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1"
}

# ---- the stack

compose() {
    (cd "$stack" && docker-compose -f docker-compose.prod.yml "$@")
}

containers() { # containers SERVICE: ids of those that run
    docker ps --quiet --filter "label=com.docker.compose.project=$project" \
        --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False
}

all_containers() { # of the stack, whether they run or not; without those that end by themselves
    docker ps --all --quiet --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.oneoff=False |
        while read -r id; do
            [ "$(docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}}' "$id")" = migrate ] || echo "$id"
        done
}

state() { # state CONTAINER: healthy, starting, unhealthy, exited, ...
    docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' "$1"
}

all_healthy() {
    local id count=0
    for id in $(all_containers); do
        [ "$(state "$id")" = healthy ] || return 1
        count=$((count + 1))
    done
    [ "$count" -ge 7 ] # nginx, api 2, redis, worker-documents 2, worker-cleanup
}

# ---- asking through nginx

# curl as a client of the site: by its name, trusting the test's own authority alone.
client() {
    curl --silent --show-error --max-time "${CLIENT_MAX_TIME:-60}" --cacert "$work/authority.pem" \
        --resolve "$site:$https_port:127.0.0.1" --resolve "$site:$http_port:127.0.0.1" "$@"
}

api() { # api PATH [CURL ARGUMENTS]: with the administrator's key
    local path=$1
    shift
    client --header "Authorization: Bearer $(cat "$work/key")" "$@" "https://$site:$https_port$path"
}

status_of() { # status_of PATH [CURL ARGUMENTS]
    local path=$1
    shift
    api "$path" --output /dev/null --write-out '%{http_code}' "$@"
}

upload() { # upload FILE: prints the document's id
    api /api/v1/documents --fail-with-body --form "file=@$1" | json 'it["document_id"]'
}

document_state() {
    api "/api/v1/documents/$1/status" | json 'it["status"]'
}

is_in_state() { # is_in_state DOCUMENT STATE
    [ "$(document_state "$1")" = "$2" ]
}

finds() { # finds QUERY DOCUMENT: whether a search for it has that document among its hits
    api /api/v1/documents/search --json "$(python3 -c 'import json,sys; print(json.dumps({"query": sys.argv[1], "n_results": 100}))' "$1")" |
        json "any(hit['document_id'] == '$2' for hit in it['results'])" | grep -qx True
}

# ---- load (load.sh)

load=$work/load

start_load() {
    rm -rf "$load"
    log_lines=$(wc -l <"$stack/logs/nginx/access.log")
    "$repository/tests/deploy/load.sh" run "$load" "https://$site:$https_port" "$work/authority.pem" "$work/key" \
        "$site:$https_port:127.0.0.1" &
    load_pid=$!
    trap 'touch "$load/stop"' EXIT
    wait_for 30 "requests are made" grep -q '^events ' "$load/results"
}

# Waits until requests that began after this moment have succeeded, so that what was done is covered.
end_load() { # end_load SENTENCE [BROKEN]: with as many as that, of those a killed process had in hand, broken
    local code=0 marks broken=${2:-0} refused
    marks=$(($(wc -l <"$load/results") + 30))
    # shellcheck disable=SC2317 # by name, below
    more_results() { [ "$(wc -l <"$load/results")" -ge "$marks" ]; }
    wait_for 30 "requests go on" more_results
    touch "$load/stop"
    wait "$load_pid"
    "$repository/tests/deploy/load.sh" report "$load" "$broken" 2> >(tee -a "$work/failures" >&2) || code=1
    equals "$1: no request failed" 0 "$code"
    refused=$(tail -n "+$((log_lines + 1))" "$stack/logs/nginx/access.log" | grep -cE '"status":5[0-9][0-9],' || true)
    holds "$1: nginx answered none with 500 or above, beyond the $broken ($refused)" test "$refused" -le "$broken"
}

# ---- certificates

make_authority() {
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=authority of a test' -addext basicConstraints=critical,CA:TRUE \
        -keyout "$work/authority.key" -out "$work/authority.pem" 2>/dev/null
}

certificate() { # certificate NAME PREFIX: writes PREFIX.pem and PREFIX.key
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$2.key" -out "$2.csr" 2>/dev/null
    openssl x509 -req -in "$2.csr" -CA "$work/authority.pem" -CAkey "$work/authority.key" -CAcreateserial -days 20 \
        -extfile <(printf 'subjectAltName=DNS:%s' "$1") -out "$2.pem" 2>/dev/null
    rm -f "$2.csr"
}

# ---- what is managed elsewhere in production

start_cloud() {
    local cloud=$work/cloud
    mkdir -p "$cloud"
    certificate db.ids.test "$cloud/db"
    certificate s3.ids.test "$cloud/s3"
    # PostgreSQL's files: the role is an ordinary one, as a managed server's administrator would make it.
    cat >"$cloud/roles.sql" <<'SQL'
create role ids login password 'of-a-test' nosuperuser nobypassrls;
create database ids owner ids;
\connect ids
create extension vector;
SQL
    cat >"$cloud/stunnel.conf" <<'CONF'
foreground = yes
pid =
[postgres]
accept = 5432
connect = 127.0.0.1:5433
protocol = pgsql
cert = /cloud/db.pem
key = /cloud/db.key
[s3]
accept = 443
connect = ids-cloud-s3:8333
cert = /cloud/s3.pem
key = /cloud/s3.key
CONF
    printf '{"identities":[{"name":"ids","credentials":[{"accessKey":"of-a-test","secretKey":"secret-of-a-test"}],"actions":["Admin","Read","Write","List","Tagging"]}]}\n' \
        >"$cloud/identities.json"
    docker network inspect ids-cloud >/dev/null 2>&1 || docker network create ids-cloud >/dev/null
    docker run --detach --name ids-cloud-db --network ids-cloud --env POSTGRES_PASSWORD=of-a-superuser \
        --volume "$cloud/roles.sql:/docker-entrypoint-initdb.d/roles.sql:ro" \
        "$POSTGRES_IMAGE" postgres -c port=5433 -c max_connections=25 >/dev/null
    docker run --detach --name ids-cloud-tls --network container:ids-cloud-db --volume "$cloud:/cloud:ro" \
        --entrypoint stunnel "$POSTGRES_IMAGE" /cloud/stunnel.conf >/dev/null
    docker run --detach --name ids-cloud-s3 --network ids-cloud --volume "$cloud/identities.json:/identities.json:ro" \
        "$SEAWEEDFS_IMAGE" -logtostderr mini -dir=/data -ip.bind=0.0.0.0 -master.telemetry=false -webdav=false \
        -admin.ui=false -s3.port=8333 -s3.config=/identities.json -s3.iam=false -s3.port.iceberg=0 -s3.port.lance=0 >/dev/null
    wait_for 60 "the managed PostgreSQL answers" docker exec ids-cloud-db psql --no-psqlrc -h /tmp -p 5433 -U postgres -d ids -c 'select 1'
    # It listens on addresses of its network only.
    wait_for 60 "the bucket's server answers" bucket_exists_or_made
}

# Through a container in its network: the server has no port on this machine.
bucket_exists_or_made() {
    # shellcheck disable=SC2016 # for the inner shell
    [ "$(cloud_s3 --request PUT 'http://s3.ids.test:8333/documents' --output /dev/null --write-out '%{http_code}')" = 200 ]
}

cloud_s3() { # curl, signed, to the bucket's server
    local address
    address=$(docker inspect --format '{{(index .NetworkSettings.Networks "ids-cloud").IPAddress}}' ids-cloud-s3)
    curl --silent --max-time 20 --resolve "s3.ids.test:8333:$address" --aws-sigv4 aws:amz:us-east-1:s3 \
        --user of-a-test:secret-of-a-test "$@"
}

cloud_sql() { # cloud_sql STATEMENT: as the superuser, who sees all organizations
    docker exec ids-cloud-db psql --no-psqlrc --tuples-only --no-align -h /tmp -p 5433 -U postgres -d ids -c "$1"
}

# The stack's containers know the managed servers by the names that production would have.
join_cloud() {
    local network
    for network in edge egress; do
        docker network connect --alias db.ids.test --alias other.ids.test --alias s3.ids.test "${project}_$network" ids-cloud-db \
            2>/dev/null || true
    done
}

stop_cloud() {
    docker rm --force --volumes ids-cloud-tls ids-cloud-db ids-cloud-s3 >/dev/null 2>&1 || true
    docker network rm ids-cloud >/dev/null 2>&1 || true
}

# ---- the folder of a server

make_stack() { # make_stack VERSION
    mkdir -p "$stack"
    cp -r "$repository/deploy/." "$stack/"
    mkdir -p "$stack"/{ssl,ca,acme,backups,logs/nginx}
    certificate "$site" "$work/site"
    cp "$work/site.pem" "$stack/ssl/cert.pem"
    cp "$work/site.key" "$stack/ssl/key.pem"
    cp "$work/authority.pem" "$stack/ca/database.pem"
    chmod 0644 "$stack/ca/database.pem"
    (
        umask 077
        cat >"$stack/.env" <<ENV
IDS_IMAGE=$image
IDS_VERSION=$1
REDIS_PASSWORD=0123456789abcdef0123456789abcdef
HTTP_PORT=127.0.0.1:$http_port
HTTPS_PORT=127.0.0.1:$https_port
EDGE_SUBNET=172.29.242.0/24
ENV
        cat >"$stack/.env.prod" <<ENV
PUBLIC_URL=https://$site:$https_port
POSTGRES_HOST=db.ids.test
POSTGRES_USER=ids
POSTGRES_PASSWORD=of-a-test
POSTGRES_DB=ids
POSTGRES_SSL_MODE=verify-full
S3_BUCKET=documents
S3_REGION=us-east-1
S3_ENDPOINT=https://s3.ids.test
AWS_ACCESS_KEY=of-a-test
AWS_SECRET_KEY=secret-of-a-test
RATE_LIMIT_PER_MINUTE=6000
RATE_LIMIT_PER_ADDRESS_PER_MINUTE=6000
ENV
    )
}

# Redis first: that makes the networks, which the managed servers join before anybody looks for them.
up() {
    compose up -d redis >>"$work/compose.log" 2>&1 || { tail -n 20 "$work/compose.log" && fail "redis did not start"; }
    join_cloud
    compose up -d >>"$work/compose.log" 2>&1 || { tail -n 30 "$work/compose.log" && fail "the stack did not start"; }
    wait_for 120 "every container is healthy" all_healthy
}

down() {
    [ ! -e "$stack/.env" ] || compose down --volumes --remove-orphans >>"$work/compose.log" 2>&1 || true
}

# What each container uses now, without what the kernel would give back (caches of files), as `docker stats` counts.
memory_table() {
    docker stats --no-stream --format '{{.Name}}\t{{.MemUsage}}' |
        grep "^$project" | sort | sed "s/^${project}_//" | column -t -s "$(printf '\t')"
}
