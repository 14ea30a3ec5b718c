#!/bin/sh
# The part of the real image's entry point that our compose files need: a first start makes the database, and runs
# the files of /docker-entrypoint-initdb.d.
set -eu

if [ "$(id -u)" -eq 0 ]; then
    exec setpriv --reuid=999 --regid=999 --clear-groups "$0" "$@"
fi
user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?must be set}"
    printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
    initdb --username="$user" --pwfile=/tmp/password --auth-host=scram-sha-256 --auth-local=trust \
        --locale-provider=builtin --locale=C.UTF-8 >/dev/null
    rm -f /tmp/password
    printf 'host all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    pg_ctl --silent --wait --options="-c listen_addresses= -c unix_socket_directories=/tmp" start
    export PGHOST=/tmp PGUSER="$user"
    [ "$database" = postgres ] || psql --no-psqlrc --quiet --dbname=postgres --command="create database \"$database\""
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
            *.sh) sh "$file" ;;
            *.sql) psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname="$database" --file="$file" ;;
        esac
    done
    pg_ctl --silent --wait --mode=fast stop
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/tmp
