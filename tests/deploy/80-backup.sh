#!/usr/bin/env bash
# backup.sh, and restore.sh into an empty stack: afterwards documents, searches and conversations are the same.
# shellcheck disable=SC2016 # for the shell inside
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

scripts=$stack/scripts
setting() { # setting NAME VALUE: in .env.prod
    sed -i "/^$1=/d" "$stack/.env.prod"
    printf '%s=%s\n' "$1" "$2" >>"$stack/.env.prod"
}

# ---- a library to lose

for number in 1 2 3 4 5; do
    # Of this run only: what an earlier part sent would make it a duplicate.
    printf 'Contrato de fornecimento %s/%s. A multa por atraso é de %s por cento ao dia, e o prazo de entrega é de %s dias.\n' \
        "$number" "$$" "$number" "$((number * 10))" >"$work/contrato-$number.txt"
    document=$(upload "$work/contrato-$number.txt")
    wait_for 120 "document $number is indexed" is_in_state "$document" completed
done
if [ -e "$corpus/handbook-pt-sect.apt-get.pdf" ]; then
    document=$(upload "$corpus/handbook-pt-sect.apt-get.pdf")
    is_read() { is_in_state "$document" completed || is_in_state "$document" duplicate; }
    wait_for 180 "a PDF is there" is_read
fi
api /api/v1/chat/ask --json '{"message": "Qual é a multa por atraso?"}' >"$work/answer.json"
session=$(json 'it["session_id"]' <"$work/answer.json")

# What a person would compare; times of the search itself differ from run to run.
portrait() {
    api '/api/v1/documents?limit=200&sort_by=created_at' | json '[(d["document_id"], d["title"], d["file_hash"], d["status"], d["total_chunks"], d["created_at"]) for d in it["documents"]]'
    for query in 'multa por atraso' 'prazo de entrega de trinta dias' 'instalar pacotes'; do
        api /api/v1/documents/search --json "{\"query\": \"$query\", \"n_results\": 20}" |
            json '[(hit["chunk_id"], hit["document_id"], hit["score"], hit["content"]) for hit in it["results"]]'
    done
    api /api/v1/chat/sessions
    api "/api/v1/chat/sessions/$session"
}
portrait >"$work/portrait.before"
holds "the library has something to compare" test "$(wc -c <"$work/portrait.before")" -gt 2000
documents_before=$(cloud_sql "select count(*) from documents")

# ---- the backup

said=$("$scripts/backup.sh" 2>&1) || fail "backup.sh: $said"
contains "backup.sh begins with the guide's words" '💾 Iniciando backup' "$said"
contains "backup.sh ends with the guide's words" '✅ Backup concluído!' "$said"
contains "it warns when backups are not encrypted" 'BACKUP_KEY não está definida' "$said"
contains "it warns when backups stay on this server" 'BACKUP_S3_PREFIX não está definida' "$said"
setting BACKUP_KEY "$(openssl rand -hex 32)"
setting BACKUP_S3_PREFIX backups/
begin=$SECONDS
said=$("$scripts/backup.sh" 2>&1) || fail "backup.sh, encrypted: $said"
say "a backup takes $((SECONDS - begin)) s"
lacks "with a key and a bucket it warns of nothing" '⚠️' "$said"
archive=$(basename "$(find "$stack/backups" -maxdepth 1 -name 'ids-*.tar.gz.age' | sort | tail -n 1)")
holds "the archive is encrypted" grep -q '^age-encryption.org' "$stack/backups/$archive"
holds "its checksum is right" bash -c "cd '$stack/backups' && sha256sum --check --status '${archive%.tar.gz*}.sha256'"
holds "it is not for everybody" test "$(stat -c %a "$stack/backups/$archive")" = 600
listed=$(compose run --rm --no-deps -T api backup list --from s3 </dev/null 2>/dev/null)
contains "a copy is in the bucket" "$archive" "$listed"
holds "nothing is left of the way there" test -z "$(find "$stack/backups" -maxdepth 1 -name '.staging*')"
code=0
flock "$stack/.backup.lock" "$scripts/backup.sh" >/dev/null 2>&1 || code=$?
equals "a second backup at the same time is refused with exit code 3" 3 "$code"
holds "a backup once more does no harm" "$scripts/backup.sh"

# ---- refusals

code=0
said=$("$scripts/restore.sh" "$archive" --yes 2>&1) || code=$?
equals "a library that is not empty is not overwritten: exit code 1" 1 "$code"
portrait >"$work/portrait.now"
holds "and it serves on as before" cmp "$work/portrait.before" "$work/portrait.now"
code=0
"$scripts/restore.sh" "$archive" --replace --no-backup </dev/null >/dev/null 2>&1 || code=$?
equals "where nobody can be asked, --yes is needed: exit code 2" 2 "$code"
cp -p "$stack/backups/$archive" "$work/archive.kept"
printf 'x' | dd of="$stack/backups/$archive" bs=1 seek=5000 conv=notrunc status=none
code=0
"$scripts/restore.sh" "$archive" --replace --no-backup --yes >/dev/null 2>&1 || code=$?
equals "a damaged archive is seen before anything is stopped: exit code 1" 1 "$code"
holds "and everything still runs" all_healthy
cp -p "$work/archive.kept" "$stack/backups/$archive"

# ---- everything is lost

empty_database() {
    docker exec ids-cloud-db psql --no-psqlrc --quiet -h /tmp -p 5433 -U postgres -d postgres \
        -c 'drop database ids with (force)' -c 'create database ids owner ids'
    cloud_sql 'create extension vector' >/dev/null
}
down
empty_database
# An empty bucket, too: originals come from the backup.
cloud_s3 --request PUT http://s3.ids.test:8333/restored --output /dev/null
setting S3_BUCKET restored
compose up -d redis >>"$work/compose.log" 2>&1
join_cloud

begin=$SECONDS
"$scripts/restore.sh" "$archive" --yes --config-to "$work/config" >"$work/restore.out" 2>&1 || { cat "$work/restore.out" && fail "restore.sh into an empty stack"; }
say "a restore takes $((SECONDS - begin)) s, until all is healthy"
portrait >"$work/portrait.after"
holds "documents, searches and conversations are the same" cmp "$work/portrait.before" "$work/portrait.after"
equals "no document is more or less" "$documents_before" "$(cloud_sql "select count(*) from documents")"
contains "originals are in the new bucket" '<Key>originals/' "$(cloud_s3 'http://s3.ids.test:8333/restored?list-type=2&prefix=originals%2F')"
holds "the configuration was taken out" test -s "$work/config/.env.prod"
holds "nobody else may read it" test "$(stat -c %a "$work/config/.env.prod")" = 600
document=$(upload "$work/contrato-1.txt")
wait_for 120 "a document that is there is a duplicate" is_in_state "$document" duplicate

# ---- in place of what is there, with Redis

compose exec -T redis sh -c 'REDISCLI_AUTH=$REDIS_PASSWORD redis-cli set of-a-test before' </dev/null >/dev/null
"$scripts/backup.sh" >/dev/null 2>&1 || fail "backup.sh after a restore"
archive=$(basename "$(find "$stack/backups" -maxdepth 1 -name 'ids-*.tar.gz.age' | sort | tail -n 1)")
portrait >"$work/portrait.before"
compose exec -T redis sh -c 'REDISCLI_AUTH=$REDIS_PASSWORD redis-cli set of-a-test after' </dev/null >/dev/null
printf 'Um documento que veio depois do backup.\n' >"$work/depois.txt"
document=$(upload "$work/depois.txt")
wait_for 120 "a later document is indexed" is_in_state "$document" completed
"$scripts/restore.sh" "$archive" --replace --with-redis --yes >"$work/restore.out" 2>&1 || { cat "$work/restore.out" && fail "restore.sh --replace"; }
portrait >"$work/portrait.after"
holds "it is as it was at the backup" cmp "$work/portrait.before" "$work/portrait.after"
equals "Redis, too" before "$(compose exec -T redis sh -c 'REDISCLI_AUTH=$REDIS_PASSWORD redis-cli get of-a-test' </dev/null | tr -d '\r')"
equals "Redis keeps every change again" 1 "$(compose exec -T redis sh -c 'REDISCLI_AUTH=$REDIS_PASSWORD redis-cli info persistence' </dev/null | tr -d '\r' | sed -n 's/^aof_enabled://p')"

# ---- from the bucket alone

down
empty_database
rm -rf "${stack:?}/backups"
compose up -d redis >>"$work/compose.log" 2>&1
join_cloud
"$scripts/restore.sh" latest --from s3 --yes >"$work/restore.out" 2>&1 || { cat "$work/restore.out" && fail "restore.sh --from s3"; }
api '/api/v1/documents?limit=1' >/dev/null || fail "the key of before does not open the library restored from the bucket"
holds "a library restored from the bucket serves" "$scripts/health-check.sh"
lacks "no secret stands in the logs" 'secret-of-a-test|0123456789abcdef' "$(cat "$stack"/logs/*.log)"
