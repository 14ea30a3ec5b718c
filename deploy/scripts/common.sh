# shellcheck shell=bash disable=SC2034
# What the scripts of the server share. It is sourced, never run; messages are for the operators, who read Portuguese.
#
# The stack is the folder above this one: /opt/intelligent-document-search on a server, deploy/ in the repository.
set -euo pipefail

stack=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
cd "$stack"
# Files with secrets are made here; what others must read gets its mode said.
umask 077

readonly compose_file=docker-compose.prod.yml
readonly settings_file=.env.prod
readonly default_image=your-registry/intelligent-document-search

# ---- talking

# Where `say` and `run` also write to; scripts that keep a log set it with `open_log`.
log_file=/dev/null

say() {
    printf '%s\n' "$*"
    note "$*"
}

warn() {
    printf '⚠️  %s\n' "$*" >&2
    note "⚠️  $*"
}

note() { # into the log only
    printf '%s [%s] %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$$" "$*" >>"$log_file"
}

fail() { # fail MESSAGE [EXIT CODE]
    printf '❌ %s\n' "$1" >&2
    note "❌ $1"
    exit "${2:-1}"
}

usage_error() {
    printf '❌ %s\n   veja: %s --help\n' "$1" "$0" >&2
    exit 2
}

# Runs a command whose output also goes to the log. `tee -i`: Ctrl-C must not cut off what the command says last.
run() {
    note "+ $*"
    "$@" 2>&1 | tee -ia "$log_file"
}

open_log() { # open_log NAME
    mkdir -p logs
    # nginx, logrotate and people read here; what is written holds no secrets.
    chmod 0755 logs 2>/dev/null || true
    log_file=$stack/logs/$1.log
    (umask 022 && touch "$log_file") 2>/dev/null ||
        { log_file=/dev/null && fail "não posso escrever em logs/$1.log; use o usuário dono de $stack, ou root"; }
    # A run by root must not lock the owner of the folder out of the log.
    [ "$(id -u)" -ne 0 ] || chown --reference=logs "$log_file"
}

confirm() { # confirm QUESTION: asks, unless --yes was given
    local answer
    [ -z "${assume_yes:-}" ] || return 0
    [ -t 0 ] || fail "não há terminal para perguntar; confirme com --yes" 2
    read -r -p "$1 [s/N] " answer
    case ${answer,,} in
        s | sim | y | yes) ;;
        *) fail "cancelado; nada foi mudado" 1 ;;
    esac
}

# ---- settings

# The value of NAME in an env file, as Compose reads it: the last line wins, quotes around it are not part of it.
env_value() { # env_value FILE NAME
    local value
    [ -r "$1" ] || return 0
    value=$(sed -n "s/^[[:space:]]*\(export[[:space:]]\+\)\?$2=//p" "$1" | tail -n 1)
    value=${value%$'\r'}
    case $value in
        \"*\") value=${value#\"} value=${value%\"} ;;
        \'*\') value=${value#\'} value=${value%\'} ;;
    esac
    printf '%s' "$value"
}

# A setting of Compose: the environment wins over `.env`, as Compose itself has it.
stack_setting() { # stack_setting NAME [DEFAULT]
    local value=${!1:-}
    [ -n "$value" ] || value=$(env_value .env "$1")
    printf '%s' "${value:-${2:-}}"
}

# Writes NAME=VALUE pairs into `.env` in one step, so that a power cut leaves the old file or the new one.
write_stack_settings() { # write_stack_settings NAME=VALUE...
    local pair names='' new
    for pair in "$@"; do
        names+="${names:+\\|}${pair%%=*}"
    done
    new=$(mktemp .env.XXXXXX)
    {
        [ ! -e .env ] || grep -v "^\($names\)=" .env || true
        printf '%s\n' "$@"
    } >"$new"
    # The password of Redis stands in it.
    chmod 0600 "$new"
    [ "$(id -u)" -ne 0 ] || chown --reference=. "$new"
    sync "$new"
    mv -f "$new" .env
}

image_of() { # image_of VERSION
    printf '%s:%s' "$(stack_setting IDS_IMAGE "$default_image")" "$1"
}

check_version_name() {
    [[ $1 =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || usage_error "\`$1\` não é nome de versão de imagem"
    [ "$1" != latest ] ||
        usage_error "\`latest\` muda sem aviso e não permite voltar; informe uma versão, como 1.4.0"
}

# ---- Docker and Compose, with and without the hyphen

need_docker() {
    command -v docker >/dev/null || fail "docker não está instalado; rode scripts/setup-server.sh"
    docker version >/dev/null 2>&1 ||
        fail "o Docker não responde; veja \`systemctl status docker\`, e se este usuário está no grupo docker"
    [ -r "$compose_file" ] || fail "$stack/$compose_file não existe; copie a pasta deploy/ inteira para $stack"
    if [ -n "${COMPOSE_COMMAND:-}" ]; then
        read -ra compose_command <<<"$COMPOSE_COMMAND"
    elif docker compose version >/dev/null 2>&1; then
        compose_command=(docker compose)
    elif command -v docker-compose >/dev/null; then
        compose_command=(docker-compose)
    else
        fail "nem \`docker compose\` nem \`docker-compose\` existem; rode scripts/setup-server.sh"
    fi
    project=$(stack_setting COMPOSE_PROJECT_NAME "$(basename "$stack")")
    project=$(printf '%s' "${project,,}" | tr -cd 'a-z0-9_-')
    export COMPOSE_PROJECT_NAME=$project
}

# In a session of its own when `shielded` is set: Ctrl-C then reaches the script alone, and Compose finishes what it does.
compose() {
    ${shielded:+setsid --wait} "${compose_command[@]}" -f "$compose_file" "$@"
}

containers() { # containers SERVICE [docker ps ARGUMENTS]: their ids, oldest first, one-off containers left out
    local service=$1
    shift
    docker ps --quiet --no-trunc --filter "label=com.docker.compose.project=$project" \
        --filter "label=com.docker.compose.service=$service" --filter label=com.docker.compose.oneoff=False "$@" | tac
}

version_of() { # version_of CONTAINER
    local image
    image=$(docker inspect --format '{{.Config.Image}}' "$1")
    printf '%s' "${image##*:}"
}

name_of() {
    docker inspect --format '{{.Name}}' "$1" 2>/dev/null | tr -d /
}

# starting, healthy, unhealthy; without a health check running counts; anything else is how it ended.
state_of() { # state_of CONTAINER
    docker inspect --format \
        '{{if ne .State.Status "running"}}{{.State.Status}}{{else if .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}' \
        "$1" 2>/dev/null || printf 'gone'
}

# Asks a container what its own health check asks. Docker's first answer comes after a whole interval, 30 s for a worker.
is_well() { # is_well CONTAINER
    local check
    mapfile -t check < <(docker inspect --format '{{if .Config.Healthcheck}}{{range .Config.Healthcheck.Test}}{{println .}}{{end}}{{end}}' "$1" 2>/dev/null)
    case ${check[0]:-} in
        CMD) docker exec "$1" "${check[@]:1:${#check[@]}-2}" >/dev/null 2>&1 ;;
        CMD-SHELL) docker exec "$1" sh -c "${check[1]}" >/dev/null 2>&1 ;;
        *) return 1 ;;
    esac
}

restarts_of() { # restarts_of CONTAINER: how often Docker has started it again; it may have crashed last week, and be well
    docker inspect --format '{{.RestartCount}}' "$1" 2>/dev/null || printf 0
}

# Waits until all are healthy. Fails as soon as one cannot become it any more, with the end of its log.
wait_healthy() { # wait_healthy SECONDS CONTAINER...
    local deadline=$((SECONDS + $1)) container state pending
    local -A restarts=()
    shift
    for container in "$@"; do
        restarts[$container]=$(restarts_of "$container")
    done
    while :; do
        pending=
        for container in "$@"; do
            state=$(state_of "$container")
            [ "$(restarts_of "$container")" = "${restarts[$container]}" ] || state='terminou e foi reiniciado'
            case $state in
                healthy) ;;
                starting) is_well "$container" || pending=$container ;;
                created) pending=$container ;;
                *)
                    explain "$container" "$state"
                    return 1
                    ;;
            esac
        done
        [ -n "$pending" ] || return 0
        if [ "$SECONDS" -ge "$deadline" ]; then
            explain "$pending" "ainda \`$(state_of "$pending")\` no fim do prazo"
            return 1
        fi
        # Docker's own checks run every few seconds; a second is soon enough.
        sleep 1
    done
}

explain() { # explain CONTAINER STATE
    warn "o contêiner $(name_of "$1") não ficou saudável: $2; o fim do seu log:"
    docker logs --tail 15 "$1" 2>&1 | sed 's/^/      /' | tee -ia "$log_file" >&2 || true
}

# ---- one at a time

# Holds a lock as long as the script lives. What it starts inherits it: a Compose that goes on after a killed script counts.
take_lock() { # take_lock NAME WHAT
    local holder
    exec {lock_fd}>>".$1.lock"
    if ! flock --nonblock "$lock_fd"; then
        holder=$(tail -n 1 ".$1.lock" 2>/dev/null || true)
        fail "$2 já está em andamento${holder:+ ($holder)}; espere terminar" 3
    fi
    [ "$(id -u)" -ne 0 ] || chown --reference=. ".$1.lock"
    printf 'processo %s, desde %s\n' "$$" "$(date '+%d/%m/%Y %H:%M:%S')" >".$1.lock"
}

# ---- Redis

# The password stays inside the container: neither this machine's process list nor a log shows it.
redis_cli() {
    # shellcheck disable=SC2016 # the shell inside expands it
    compose exec -T redis sh -c 'REDISCLI_AUTH=${REDIS_PASSWORD:-} exec redis-cli --no-auth-warning "$@"' redis-cli "$@" </dev/null
}

# ---- ids in a container that goes away when it is done

# As the owner of backups/, so that what it writes belongs to the people who may read it.
ids_once() { # ids_once [docker-compose run OPTIONS --] ARGUMENTS
    local options=()
    while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    compose run --rm --no-deps -T "${options[@]}" api "$@" </dev/null
}
