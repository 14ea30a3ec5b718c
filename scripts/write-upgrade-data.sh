#!/usr/bin/env bash
# Writes what a library of this version looks like, in both shapes, into tests/upgrade/VERSION: the tests of all later versions open it
# (crates/ids/tests/it/upgrade.rs). Run once for a release, by scripts/release.sh --prepare, and never again for that version: the point
# is that it was written by the program of then.
#
#   --version TEXT   the version; refused where it has been released
#   --program FILE   a built `ids` of it; built now without it
#
# embedded.tar.gz is the data directory, server.sql.gz what pg_dump says of the database, expected.json what that program found in
# either: documents, the best passage of some queries, a conversation.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

version='' program=''
while [ "$#" -gt 0 ]; do
    case $1 in
        --version) version=${2:?--version needs a value} && shift ;;
        --program) program=$(readlink -f "${2:?--program needs a file}") && shift ;;
        -h | --help) sed -n '2,11s/^# \{0,1\}//p' "$0" && exit ;;
        *) fail "unknown option \`$1\`; --help lists them" ;;
    esac
    shift
done
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || fail "--version must be a version such as 0.1.0"
folder=tests/upgrade/$version
# What a released version wrote stays; before its release it may still change.
! git rev-parse --verify --quiet "v$version" >/dev/null || fail "v$version is released; its data is written once"
[ -n "$program" ] || program=$(scripts/build.sh)

work=$(mktemp -d)
worker=''
finish() {
    [ -z "$worker" ] || kill "$worker" 2>/dev/null || true
    wait
    rm -rf "$work"
}
trap finish EXIT
mkdir "$work/new"

# ---- some documents, small and of several kinds

mkdir "$work/documents"
cat >"$work/documents/contrato.md" <<'TEXT'
# Contrato de fornecimento

## Cláusula primeira

A multa por atraso é de dois por cento ao dia. O prazo de entrega é de trinta dias.

## Cláusula segunda

O pagamento é feito até o décimo dia útil de cada mês.
TEXT
cat >"$work/documents/garden.html" <<'TEXT'
<html><head><title>Garden notes</title></head><body><h1>Soil</h1>
<p>Tomatoes want soil that drains well and six hours of sun.</p></body></html>
TEXT
cat >"$work/documents/estoque.csv" <<'TEXT'
produto,quantidade
parafuso sextavado,1200
arruela de pressão,800
TEXT

# ---- what is done and asked, the same in both shapes

# told FILE: asks the library that `ids` speaks to, and writes what it says.
told() {
    python3 - "$1" "$program" <<'PYTHON'
import json, subprocess, sys

target, program = sys.argv[1:]


def ids(*arguments):
    run = subprocess.run([program, *arguments, "--json"], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"`ids {' '.join(arguments)}` failed: {run.stdout}{run.stderr}")
    return json.loads(run.stdout)


def best(query, mode):
    hit = ids("search", query, "--mode", mode)["results"][0]
    return {key: hit[key] for key in ("document_id", "source", "page", "content", "start", "end")}


queries = [("multa por atraso", "hybrid"), ("soil for tomatoes", "hybrid"), ("arruela", "keyword"), ("quando se paga", "semantic")]
answer = ids("ask", "Qual é a multa por atraso?")
second = ids("ask", "E o prazo de entrega?", "--session", answer["session_id"])
documents = ids("documents", "list")
json.dump(
    {
        "documents": sorted(({"document_id": it["document_id"], "title": it["title"]} for it in documents["documents"]), key=lambda it: it["title"]),
        "searches": [{"query": query, "mode": mode, "best": best(query, mode)} for query, mode in queries],
        "session": {"session_id": answer["session_id"], "answers": [answer["response"], second["response"]]},
    },
    open(target, "w", encoding="utf-8"),
    ensure_ascii=False,
    indent=1,
)
PYTHON
}

export IDS_DATA_DIR=$work/library
cd "$work"
"$program" ingest documents --collection contratos --tags 2026 >/dev/null
told "$work/embedded.json"
[ ! -e "$work/library/library.db-wal" ] || fail "the library was not closed in order"
rm -f "$work/library/lock" "$work/library"/*.sock
tar --create --sort=name --owner=0 --group=0 --numeric-owner --directory="$work" library | gzip --no-name --best >"$work/new/embedded.tar.gz"
cd - >/dev/null

# ---- the server shape: the rows are in PostgreSQL; bytes stay in a folder, nothing that is asked later needs them

registry=${IDS_TEST_SERVICES_DIR:-${TMPDIR:-/tmp}/ids-services-$(id -u)}
mkdir -p "$registry"
exec 9<>"$registry/postgres.users"
flock --shared 9
scripts/test-services.sh install postgres >/dev/null
connection=$(scripts/test-services.sh up postgres)
of() {
    python3 -c 'import json,sys; print(json.loads(sys.argv[1])[sys.argv[2]])' "$connection" "$1"
}
bin=$(dirname "$(find "${XDG_CACHE_HOME:-$HOME/.cache}/ids/test-services" -path '*/bin/pg_dump' | sort | tail -n 1)")
database=upgrade_$$
export PGHOST PGPORT PGUSER PGPASSWORD
PGHOST=$(of host) PGPORT=$(of port) PGUSER=$(of superuser) PGPASSWORD=$(of superuser_password)
"$bin/psql" --no-psqlrc --quiet --dbname=postgres --command="create database $database owner ids"
"$bin/psql" --no-psqlrc --quiet --dbname="$database" --command='create extension vector'
mkdir -m 0700 "$work/server"
export IDS_DATA_DIR=$work/server POSTGRES_SSL_MODE=disable POSTGRES_DB=$database
POSTGRES_HOST=$(of host) POSTGRES_PORT=$(of port) POSTGRES_USER=$(of user) POSTGRES_PASSWORD=$(of password)
export POSTGRES_HOST POSTGRES_PORT POSTGRES_USER POSTGRES_PASSWORD
(cd "$work" && exec "$program" worker --all --name upgrade-data 9>&-) >"$work/worker.log" 2>&1 &
worker=$!
(cd "$work" && "$program" ingest documents --collection contratos --tags 2026 >/dev/null && told "$work/server.json") ||
    { tail -n 5 "$work/worker.log" >&2 && fail "the server shape does not work"; }
kill "$worker"
wait "$worker" || fail "the worker did not end in order"
worker=''
# Owners stay in it: tables belong to the ordinary role `ids`, which the servers of tests have. A fixed key, so that no two are different.
"$bin/pg_dump" --dbname="$database" --no-privileges --restrict-key=ids | gzip --no-name --best >"$work/new/server.sql.gz"
"$bin/psql" --no-psqlrc --quiet --dbname=postgres --command="drop database $database with (force)"

python3 - "$work" "$version" >"$work/new/expected.json" <<'PYTHON'
import json, sys

work, version = sys.argv[1:]
json.dump({"version": version, **{shape: json.load(open(f"{work}/{shape}.json")) for shape in ("embedded", "server")}}, sys.stdout, ensure_ascii=False, indent=1)
print()
PYTHON
mkdir -p tests/upgrade
rm -rf "$folder"
mv "$work/new" "$folder"
printf '%s: %s\n' "$folder" "$(du -ch "$folder"/* | tail -n 1 | cut -f1)"
