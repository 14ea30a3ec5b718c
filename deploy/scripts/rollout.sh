# shellcheck shell=bash disable=SC2034,SC2154
# How one version takes the place of another without a failed request. Sourced by deploy.sh and rollback.sh.
#
#   1. New api containers start beside the old ones. nginx does not know them yet.
#   2. Once they are healthy nginx is pointed at them and reloaded; what was begun ends at the old ones.
#   3. They are asked through nginx, and the workers are replaced (SIGTERM: they give their jobs back).
#   4. Only when all that is well, and nginx has let go of them, are the old api containers stopped.
#
# Until 4 the old containers run, so that going back is a reload of nginx. What is under way stands in `.rollout`: after a
# killed script or a power cut the next one puts things right before it begins.

readonly upstream_file=nginx/upstream/api.conf
readonly rollout_file=.rollout
# The default of a stop is 10 s; ids takes up to 30 to finish what it has begun.
readonly stop_patience=40

start_patience=120 # seconds until new containers must be healthy
drain_patience=60  # seconds that requests begun before the switch may still take

services_of_workers() {
    compose config --services | grep '^worker-' || true
}

# How many containers a service has by the compose file.
replicas_of() { # replicas_of SERVICE
    compose config | awk -v service="$1" '
        /^[^ ]/ { section = $1 }
        section == "services:" && /^  [^ ]/ { current = $1 }
        current == service ":" && $1 ~ /^(replicas|scale):$/ { found = $2 }
        END { print found ? found : 1 }'
}

# ---- nginx

# nginx knows the API by name, which Docker's DNS answers with every container there is. While versions change it knows
# the right ones by address; the name stays as the last resort, should the addresses be gone after a restart.
route_to() { # route_to CONTAINER...: point nginx at these only
    local container address lines=''
    for container in "$@"; do
        address=$(address_of "$container") || return 1
        lines+="server $address:8000 max_fails=0;"$'\n'
    done
    write_upstream "${lines}server api:8000 backup;"
}

route_by_name() {
    write_upstream "server api:8000 max_fails=0;"
}

write_upstream() { # write_upstream LINES
    mkdir -p "${upstream_file%/*}"
    (umask 022 && printf '# Written by scripts/deploy.sh; included in the upstream of nginx.conf.\n%s\n' "$1" >"$upstream_file.new")
    chmod 0755 nginx "${upstream_file%/*}"
    [ "$(id -u)" -ne 0 ] || chown --reference=. nginx "${upstream_file%/*}" "$upstream_file.new"
    mv -f "$upstream_file.new" "$upstream_file"
}

# The address in the network that nginx shares with it.
address_of() { # address_of CONTAINER
    # shellcheck disable=SC2016 # variables of Docker's templates
    local networks='{{range $name, $network := .NetworkSettings.Networks}}{{$name}} {{$network.IPAddress}}{{"\n"}}{{end}}'
    local address
    address=$(join <(docker inspect --format "$networks" "$1" | sed '/^$/d' | sort) \
        <(docker inspect --format "$networks" "$(nginx_container)" | sed '/^$/d' | sort) | awk 'NR == 1 { print $2 }')
    [ -n "$address" ] || fail "o nginx não tem rede em comum com $(name_of "$1")"
    printf '%s' "$address"
}

nginx_container() {
    containers nginx | head -n 1
}

# Reloads, and returns when the processes that know the old addresses take no more requests.
reload_nginx() {
    local before pid begin=$SECONDS nginx
    nginx=$(nginx_container)
    docker exec "$nginx" nginx -t -q >>"$log_file" 2>&1 ||
        { docker exec "$nginx" nginx -t 2>&1 | tail -n 5 >&2 || true; fail "a configuração do nginx não é válida"; }
    before=$(serving_processes "$nginx")
    docker exec "$nginx" nginx -s reload >>"$log_file" 2>&1
    for pid in $before; do
        while serving_processes "$nginx" | grep -qx "$pid"; do
            [ "$((SECONDS - begin))" -lt 20 ] || fail "o nginx não recarregou; veja \`docker compose logs nginx\`"
            sleep 0.1
        done
    done
}

serving_processes() { # serving_processes CONTAINER
    docker top "$1" -eo pid,args | awk '/nginx: worker process/ && !/shutting down/ { print $1 }'
}

# Waits until nothing begun before the last reload is left, but not for ever: an event stream may last for hours.
drain_nginx() {
    local nginx begin=$SECONDS
    nginx=$(nginx_container)
    while docker top "$nginx" -eo pid,args | grep -q 'worker process is shutting down'; do
        if [ "$((SECONDS - begin))" -ge "$drain_patience" ]; then
            note "requests begun before the switch still run after $drain_patience s"
            return
        fi
        sleep 0.5
    done
}

# ---- what is under way

remember() { # remember PHASE
    printf 'phase=%s\nversion=%s\nprevious=%s\nold_api=%s\n' "$1" "$new_version" "$old_version" "${old_api[*]}" \
        >"$rollout_file.new"
    sync "$rollout_file.new"
    mv -f "$rollout_file.new" "$rollout_file"
    phase=$1
}

forget() {
    rm -f "$rollout_file"
    phase=''
}

# After a script that was killed: ends what it had decided, or takes back what it had begun.
settle_interrupted() {
    [ -e "$rollout_file" ] || return 0
    new_version=$(env_value "$rollout_file" version)
    old_version=$(env_value "$rollout_file" previous)
    read -ra old_api <<<"$(env_value "$rollout_file" old_api)"
    phase=$(env_value "$rollout_file" phase)
    warn "uma troca para a versão $new_version foi interrompida; deixo tudo em ordem antes de continuar"
    if [ "$phase" = committed ]; then
        finish
    else
        take_back
    fi
}

# ---- the change of versions

phase='' new_version='' old_version='' old_api=() new_api=()

# From what runs to VERSION. Returns 1 after it has gone back, with everything as before.
roll_to() { # roll_to VERSION
    local count
    new_version=$1
    old_version=$(stack_setting IDS_VERSION)
    remove_dead_api
    mapfile -t old_api < <(containers api)
    remember started

    # From here on Ctrl-C and any failure lead back.
    trap 'interrupted 130' INT
    trap 'interrupted 143' TERM HUP
    count=$(replicas_of api)
    say "▶️  Iniciando $count contêineres da versão $new_version ao lado dos atuais..."
    start_api "$new_version" "$((${#old_api[@]} + count))" || { take_back && return 1; }
    mapfile -t new_api < <(containers api | grep -vxF -f <(printf '%s\n' "${old_api[@]:-none}"))
    [ "${#new_api[@]}" -ge "$count" ] || { warn "só ${#new_api[@]} de $count contêineres começaram" && take_back && return 1; }
    wait_healthy "$start_patience" "${new_api[@]}" || { take_back && return 1; }

    say "🔀 Passando os pedidos para a versão $new_version..."
    route_to "${new_api[@]}" || { take_back && return 1; }
    (reload_nginx) || { take_back && return 1; }
    ask_through_nginx api || { take_back && return 1; }

    say "🔁 Trocando os workers..."
    replace_workers "$new_version" || { take_back && return 1; }
    scripts/health-check.sh --wait 30 >>"$log_file" 2>&1 || { warn "health-check.sh falhou com a versão nova; veja o log" && take_back && return 1; }

    # The point of no return: all of the new version is well. From here on it is finished, whatever comes.
    trap '' INT TERM HUP
    shielded=1
    remember committed
    finish
    trap - INT TERM HUP
    shielded=''
}

start_api() { # start_api VERSION COUNT
    IDS_VERSION=$1 run compose up -d --no-deps --no-recreate --scale "api=$2" api
}

# Containers that have ended count for Compose, and would be started again in the wrong version.
remove_dead_api() {
    local dead
    mapfile -t dead < <(containers api --all --filter status=exited --filter status=created --filter status=dead)
    [ "${#dead[@]}" -eq 0 ] || docker rm --force "${dead[@]}" >>"$log_file"
}

ask_through_nginx() {
    local reply=''
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        reply=$(scripts/health-check.sh --json 2>/dev/null || true)
        grep -q '"api":{"status":"healthy"' <<<"$reply" && return 0
        sleep 1
    done
    warn "a API não responde pelo nginx: $reply"
    return 1
}

replace_workers() { # replace_workers VERSION
    local workers container all=()
    mapfile -t workers < <(services_of_workers)
    [ "${#workers[@]}" -gt 0 ] || return 0
    IDS_VERSION=$1 run compose up -d --no-deps --timeout "$stop_patience" "${workers[@]}" || return 1
    for container in "${workers[@]}"; do
        mapfile -t -O "${#all[@]}" all < <(containers "$container" --all)
    done
    wait_healthy "$start_patience" "${all[@]}"
}

# The end of a change that is decided.
finish() {
    local container before alive=()
    for container in "${old_api[@]}"; do
        [ "$(state_of "$container")" = gone ] || alive+=("$container")
    done
    # The same version again (with other settings) leaves the way back as it was.
    before=$old_version
    [ "$before" != "$new_version" ] || before=$(stack_setting IDS_PREVIOUS_VERSION)
    write_stack_settings "IDS_VERSION=$new_version" "IDS_PREVIOUS_VERSION=$before"
    if [ "${#alive[@]}" -gt 0 ]; then
        drain_nginx
        say "⏹️  Parando a versão anterior..."
        stop_containers "${alive[@]}"
    fi
    route_by_name
    (reload_nginx) || warn "o nginx ainda usa os endereços desta troca; rode de novo quando ele estiver bem"
    forget
}

stop_containers() { # stop_containers CONTAINER...: all at the same time; SIGTERM lets them end what they have begun
    docker stop -t "$stop_patience" "$@" >>"$log_file" 2>&1 || true
    docker rm --force "$@" >>"$log_file" 2>&1 || true
}

interrupted() { # interrupted EXIT_CODE
    trap '' INT TERM HUP
    warn "interrompido"
    take_back
    say "↩️  A versão ${old_version:-anterior} continua no ar; nada mudou."
    exit "$1"
}

# Back to the containers that ran before: nginx first, so that no request sees what goes away.
take_back() {
    local container alive=() extra=()
    trap '' INT TERM HUP
    shielded=1
    say "↩️  Voltando à versão ${old_version}..."
    for container in "${old_api[@]}"; do
        [ "$(state_of "$container")" = gone ] || alive+=("$container")
    done
    mapfile -t extra < <(containers api --all | grep -vxF -f <(printf '%s\n' "${alive[@]:-none}"))
    if [ "${#alive[@]}" -eq 0 ]; then
        # Only after a restart in the middle that removed them: then whatever runs goes on until the old version does.
        start_api "$old_version" "$((${#extra[@]} + $(replicas_of api)))" || true
        mapfile -t alive < <(containers api | grep -vxF -f <(printf '%s\n' "${extra[@]:-none}"))
        wait_healthy "$start_patience" "${alive[@]}" || warn "a versão $old_version também não ficou saudável"
    fi
    { route_to "${alive[@]}" && (reload_nginx); } || true
    if [ "${#extra[@]}" -gt 0 ]; then
        drain_nginx
        stop_containers "${extra[@]}"
    fi
    replace_workers "$old_version" || warn "os workers da versão $old_version não ficaram saudáveis"
    route_by_name
    (reload_nginx) || true
    forget
    trap - INT TERM HUP
    shielded=''
}
