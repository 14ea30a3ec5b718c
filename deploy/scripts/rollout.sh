# shellcheck shell=bash disable=SC2034,SC2154
# How one version takes the place of another without a failed request. Sourced by deploy.sh and rollback.sh.
#
#   1. New api containers start beside the old ones; nginx gives them requests once they say that they are ready.
#   2. Once they are healthy nginx leaves the old ones out; what was begun there ends there.
#   3. They are asked through nginx, and the workers are replaced (SIGTERM: they give their jobs back).
#   4. Only when all that is well, and nginx has let go of them, are the old api containers stopped.
#
# Until 4 the old containers run, so that going back takes a second. What is under way stands in `.rollout`: after a killed
# script or a power cut the next one puts things right before it begins.

# Addresses that nginx gives no requests to; nginx/start.sh reads it every second.
readonly left_out_file=nginx/left-out
readonly nginx_servers=/run/nginx-api/servers.conf
readonly nginx_conf=/etc/nginx/ids/nginx.conf
readonly rollout_file=.rollout
# The default of a stop is 10 s; ids takes up to 30 to finish what it has begun.
readonly stop_patience=40

start_patience=120 # seconds until new containers must be healthy
drain_patience=30  # seconds that requests begun before the switch may take before the old version is asked to stop

# Compose takes a second to say what the files mean; it is asked once.
resolved_config() {
    [ -n "${resolved:-}" ] || resolved=$(IDS_VERSION=${new_version:-$(stack_setting IDS_VERSION)} compose config)
    printf '%s\n' "$resolved"
}

services() {
    resolved_config | awk '/^[^ ]/ { section = $1 } section == "services:" && /^  [^ ]/ { sub(/:$/, "", $1); print $1 }'
}

services_of_workers() {
    services | grep '^worker-' || true
}

# How many containers a service has by the compose file.
replicas_of() { # replicas_of SERVICE
    resolved_config | awk -v service="$1" '
        /^[^ ]/ { section = $1 }
        section == "services:" && /^  [^ ]/ { current = $1 }
        current == service ":" && $1 ~ /^(replicas|scale):$/ { found = $2 }
        END { print found ? found : 1 }'
}

# ---- nginx

nginx_container() {
    containers nginx | head -n 1
}

in_nginx() {
    docker exec "$(nginx_container)" "$@"
}

# Takes these out of nginx's sight, and returns when no process of nginx gives them a new request. All others stay in.
leave_out() { # leave_out CONTAINER...
    local container address pids begin=$SECONDS lines=''
    for container in "$@"; do
        # One that crashes again and again has none now, and nothing to be left out of.
        address=$(address_of "$container")
        [ -z "$address" ] || lines+=$address$'\n'
    done
    pids=$(serving_processes) || return 1
    write_left_out "$lines"
    # None of them ever got a request: then nginx has nothing to reload.
    in_nginx cat "$nginx_servers" | grep -qwF -f <(printf '%s' "${lines:-none}") || return 0
    while in_nginx cat "$nginx_servers" | grep -qwF -f <(printf '%s' "$lines"); do
        [ "$((SECONDS - begin))" -lt 20 ] || { warn "o nginx não deixou de usar os contêineres antigos; veja \`docker compose logs nginx\`"; return 1; }
        sleep 0.2
    done
    # Its list is written a moment before it is reloaded.
    until [ -z "$(comm -12 <(sort <<<"$pids") <(serving_processes | sort) | grep . || true)" ]; do
        [ "$((SECONDS - begin))" -lt 25 ] || { warn "o nginx não recarregou; veja \`docker compose logs nginx\`"; return 1; }
        sleep 0.2
    done
}

leave_none_out() {
    rm -f "$left_out_file"
}

write_left_out() { # write_left_out LINES
    (umask 022 && printf '%s' "$1" >"$left_out_file.new")
    [ "$(id -u)" -ne 0 ] || chown --reference=. "$left_out_file.new"
    mv -f "$left_out_file.new" "$left_out_file"
}

# Waits until nginx gives requests to all of these.
wait_routed() { # wait_routed CONTAINER...
    local container address begin=$SECONDS
    for container in "$@"; do
        address=$(address_of "$container")
        [ -n "$address" ] || { warn "$(name_of "$container") não tem endereço na rede do nginx" && return 1; }
        until in_nginx grep -qwF "$address" "$nginx_servers"; do
            [ "$((SECONDS - begin))" -lt 30 ] || { warn "o nginx não passou a usar $(name_of "$container") ($address)"; return 1; }
            sleep 0.2
        done
    done
}

# The address in the network that nginx shares with it; nothing where it has none.
address_of() { # address_of CONTAINER
    # shellcheck disable=SC2016 # variables of Docker's templates
    local networks='{{range $name, $network := .NetworkSettings.Networks}}{{$name}} {{$network.IPAddress}}{{"\n"}}{{end}}'
    join <(docker inspect --format "$networks" "$1" | sed '/^$/d' | sort) \
        <(docker inspect --format "$networks" "$(nginx_container)" | sed '/^$/d' | sort) | awk 'NR == 1 { print $2 }'
}

serving_processes() {
    docker top "$(nginx_container)" -eo pid,args | awk '/nginx: worker process/ && !/shutting down/ { print $1 }'
}

# Waits until nothing begun before the last change is left, but not for ever: an event stream may last for hours.
drain_nginx() {
    local begin=$SECONDS
    while docker top "$(nginx_container)" -eo pid,args | grep -q 'worker process is shutting down'; do
        if [ "$((SECONDS - begin))" -ge "$drain_patience" ]; then
            note "requests begun before the switch still run after $drain_patience s"
            return
        fi
        sleep 0.5
    done
}

# A changed nginx.conf: looked at before it is taken.
reload_nginx() {
    local said
    said=$(in_nginx nginx -t -q -c "$nginx_conf" 2>&1) || fail "nginx/nginx.conf não é válido: $said"
    in_nginx nginx -c "$nginx_conf" -s reload >>"$log_file" 2>&1 || fail "o nginx não recarregou; veja \`docker compose logs nginx\`"
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
    wait_routed "${new_api[@]}" || { take_back && return 1; }
    leave_out "${old_api[@]}" || { take_back && return 1; }
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
    # Only now: another container may get the address that was left out.
    leave_none_out
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
    local container alive=() extra=() running=()
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
    mapfile -t running < <(containers api | grep -xF -f <(printf '%s\n' "${extra[@]:-none}"))
    # In this order the old ones are back before the new ones go.
    leave_none_out
    wait_routed "${alive[@]}" || true
    if [ "${#running[@]}" -gt 0 ]; then
        leave_out "${running[@]}" || true
        drain_nginx
    fi
    [ "${#extra[@]}" -eq 0 ] || stop_containers "${extra[@]}"
    leave_none_out
    replace_workers "$old_version" || warn "os workers da versão $old_version não ficaram saudáveis"
    forget
    trap - INT TERM HUP
    shielded=''
}
