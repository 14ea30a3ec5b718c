#!/usr/bin/env bash
# The same files and scripts under Compose 2, which most servers have by now: both files are valid, a stack that Compose 1
# made is taken over, a version changes without a failed request, and an empty server comes up.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

scripts=$stack/scripts
load=$work/load2
base=${DEPLOY_TEST_VERSION:-1.0.0}

# As a word of docker, and under no other name.
plugins=$work/docker-config/cli-plugins
mkdir -p "$plugins" "$work/no-hyphen"
ln -sf "$("$repository/scripts/deploy-engine.sh" compose2)" "$plugins/docker-compose"
export DOCKER_CONFIG=$work/docker-config
printf '#!/bin/sh\necho "docker-compose was called" >&2\nexit 1\n' >"$work/no-hyphen/docker-compose"
chmod 0755 "$work/no-hyphen/docker-compose"
export PATH=$work/no-hyphen:$PATH
contains "docker compose is Compose 2" '^2\.' "$(docker compose version --short)"
compose() {
    (cd "$stack" && docker compose -f docker-compose.prod.yml "$@")
}

for file in docker-compose.yml docker-compose.prod.yml; do
    said=$(cd "$stack" && docker compose -f "$file" config --quiet 2>&1) || fail "$file: $said"
    equals "$file is valid, and nothing is remarked on" '' "$said"
done

# ---- a stack that Compose 1 made

equals "what runs was made by Compose 1" 1.29.2 \
    "$(docker inspect --format '{{index .Config.Labels "com.docker.compose.version"}}' "$(containers nginx)")"
printf 'FROM %s:%s\nLABEL of.a.test=compose2\n' "$image" "$base" | docker build --quiet --tag "$image:1.2.0" - >/dev/null
# What the parts before restored has a key of its own.
rm -rf "$load"
log_lines=$(wc -l <"$stack/logs/nginx/access.log")
"$repository/tests/deploy/load.sh" run "$load" "https://$site:$https_port" "$work/authority.pem" "$work/key" "$site:$https_port:127.0.0.1" &
load_pid=$!
trap 'touch "$load/stop"' EXIT
wait_for 30 "requests are made" grep -q '^events ' "$load/results"
said=$("$scripts/deploy.sh" 1.2.0 --no-pull --no-backup --drain 4 2>&1) || fail "deploy.sh under Compose 2: $said"
equals "deploy.sh brings a version up" 1.2.0 "$(sed -n 's/^IDS_VERSION=//p' "$stack/.env")"
said=$("$scripts/rollback.sh" --drain 4 2>&1) || fail "rollback.sh under Compose 2: $said"
equals "rollback.sh goes back" "$base" "$(sed -n 's/^IDS_VERSION=//p' "$stack/.env")"
marks=$(($(wc -l <"$load/results") + 30))
more_results() { [ "$(wc -l <"$load/results")" -ge "$marks" ]; }
wait_for 30 "requests go on" more_results
touch "$load/stop"
wait "$load_pid"
holds "no request failed meanwhile" "$repository/tests/deploy/load.sh" report "$load"
equals "nginx answered none with 500 or above" 0 \
    "$(tail -n "+$((log_lines + 1))" "$stack/logs/nginx/access.log" | grep -cE '"status":5[0-9][0-9],' || true)"
equals "two api run" 2 "$(containers api | wc -l)"
holds "health-check.sh is content" "$scripts/health-check.sh" --wait 30
holds "backup.sh makes a backup" "$scripts/backup.sh"

# ---- an empty server

down
up
equals "two api run" 2 "$(containers api | wc -l)"
equals "two worker-documents run" 2 "$(containers worker-documents | wc -l)"
for pair in api:1024 worker-documents:1024 worker-cleanup:256 redis:512 nginx:128; do
    id=$(containers "${pair%%:*}" | head -n 1)
    equals "${pair%%:*} may use ${pair##*:} MB" "$((${pair##*:} * 1048576))" "$(docker inspect --format '{{.HostConfig.Memory}}' "$id")"
done
holds "health-check.sh is content" "$scripts/health-check.sh" --wait 60
printf 'A taxa de iluminação pública é de onze reais por mês (%s).\n' "$$" >"$work/taxa.txt"
document=$(upload "$work/taxa.txt")
wait_for 120 "a document is indexed" is_in_state "$document" completed
holds "and found" finds 'taxa de iluminação pública' "$document"
