#!/usr/bin/env bash
# The production compose file, unchanged, with its limits: up, healthy, closed where it must be closed.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

make_authority
make_stack "${DEPLOY_TEST_VERSION:-1.0.0}"
start_cloud
begin=$SECONDS
up
say "the stack was up after $((SECONDS - begin)) s"

compose exec -T api ids keys create --organization default --scopes admin --json </dev/null |
    json 'it["key"]' >"$work/key"
equals "the site answers over TLS" 200 "$(status_of /health)"
equals "a key is needed" 401 "$(client --output /dev/null --write-out '%{http_code}' "https://$site:$https_port/api/v1/documents")"

limit() { # limit SERVICE: MB, as the kernel enforces it
    local id
    id=$(containers "$1" | head -n 1)
    docker exec "$id" sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max' |
        awk '{ print $1 / 1048576 }'
}
for pair in api:1024 worker-documents:1024 worker-cleanup:256 redis:512 nginx:128; do
    equals "${pair%%:*} may use ${pair##*:} MB" "${pair##*:}" "$(limit "${pair%%:*}")"
done
equals "there are two api" 2 "$(containers api | wc -l)"
equals "there are two worker-documents" 2 "$(containers worker-documents | wc -l)"

for id in $(all_containers); do
    name=$(docker inspect --format '{{.Name}}' "$id")
    equals "$name: read only, no capability kept, no new privileges, 10 MB of log three times" \
        'true [ALL] [no-new-privileges:true] map[max-file:3 max-size:10m] unless-stopped' \
        "$(docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{.HostConfig.LogConfig.Config}} {{.HostConfig.RestartPolicy.Name}}' "$id")"
done

redis=$(containers redis)
lacks "the password of Redis stands in no list of processes" 0123456789abcdef "$(docker top "$redis" -eo pid,args)"
equals "Redis publishes no port" 'map[]' "$(docker inspect --format '{{.HostConfig.PortBindings}}' "$redis")"
equals "the network of Redis has no way out" true "$(docker network inspect --format '{{.Internal}}' "${project}_jobs")"
nginx=$(containers nginx)
holds "nginx cannot reach Redis" bash -c "! docker exec $nginx nslookup -type=a redis 127.0.0.11 | grep -qE 'Address.*: *172'"
redis_answer() {
    # shellcheck disable=SC2016 # for the inner shell
    docker exec "$redis" sh -c "REDISCLI_AUTH=\$REDIS_PASSWORD redis-cli $1" | tail -n 1
}
equals "Redis keeps every change" yes "$(redis_answer 'config get appendonly')"
equals "Redis throws nothing away" noeviction "$(redis_answer 'config get maxmemory-policy')"
contains "Redis asks for the password" NOAUTH "$(docker exec "$redis" redis-cli ping)"

equals "the database is spoken to by TLS, as an ordinary role" 'f f' \
    "$(cloud_sql "select rolsuper, rolbypassrls from pg_roles where rolname = 'ids'" | tr '|' ' ')"
connections=$(cloud_sql "select count(*) from pg_stat_activity where usename = 'ids'")
holds "PostgreSQL has $connections connections at rest, of 22" test "$connections" -le 22

refused=$(compose run --rm -T --no-deps -e POSTGRES_HOST=other.ids.test migrate migrate </dev/null 2>&1 || true)
contains "a server of another name than its certificate is refused" 'certificate not valid for name' "$refused"

doctor=$(compose exec -T api ids doctor </dev/null 2>&1 || true)
printf '%s\n' "$doctor" >"$work/doctor.txt"
say "ids doctor says:" && sed 's/^/        /' "$work/doctor.txt"
