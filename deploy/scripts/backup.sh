#!/usr/bin/env bash
# A backup of everything: the library by `ids backup`, the snapshot of Redis, and the configuration, in one archive.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

help() {
    cat <<'TEXT'
Uso: scripts/backup.sh [--keep-days N] [--no-verify] [--no-redis]

Guarda em backups/ um arquivo com todas as tabelas, os originais, o instantâneo do Redis e a configuração (.env.prod,
Compose, nginx, redis.conf), confere o arquivo lendo-o inteiro, e o copia para o S3 quando BACKUP_S3_PREFIX está definida.
Com BACKUP_KEY em .env.prod o arquivo é cifrado (recomendado: dentro dele estão as senhas).

  --keep-days N   apaga backups locais com mais de N dias (padrão 7); o mais novo nunca é apagado
  --no-verify     não lê o arquivo de novo no fim
  --no-redis      sem o instantâneo do Redis (nenhum documento ou trabalho depende dele)
  --help          esta ajuda

Código de saída: 0 feito; 1 falhou; 2 uso incorreto; 3 outro backup está em andamento.
TEXT
}

snapshot_patience=300

redis_field() { # redis_field NAME
    redis_cli info persistence | tr -d '\r' | sed -n "s/^$1://p"
}

# BGSAVE only begins a snapshot. It is done when LASTSAVE has moved and none is running, and good when Redis says so.
snapshot_redis() { # snapshot_redis FILE
    local before reply deadline=$((SECONDS + snapshot_patience)) container
    before=$(redis_cli lastsave | tr -cd 0-9)
    [ -n "$before" ] || fail "o Redis não respondeu a LASTSAVE; veja scripts/health-check.sh, ou use --no-redis"
    # LASTSAVE counts whole seconds: within the same one a new snapshot could not be told from the last.
    while [ "$(redis_cli time | head -n 1 | tr -cd 0-9)" -le "$before" ]; do sleep 0.2; done
    until reply=$(redis_cli bgsave) && [[ $reply == *"Background saving started"* ]]; do
        # One is running already, or the append-only file is being rewritten.
        [ "$SECONDS" -lt "$deadline" ] || fail "o Redis não começou o instantâneo: $reply"
        sleep 1
    done
    until [ "$(redis_field rdb_bgsave_in_progress)" = 0 ]; do
        [ "$SECONDS" -lt "$deadline" ] || fail "o instantâneo do Redis não terminou em $snapshot_patience s"
        sleep 0.2
    done
    [ "$(redis_field rdb_last_bgsave_status)" = ok ] ||
        fail "o Redis não conseguiu gravar o instantâneo; veja \`docker compose logs redis\` e o espaço em disco"
    [ "$(redis_cli lastsave | tr -cd 0-9)" -gt "$before" ] || fail "o Redis não gravou um instantâneo novo"
    container=$(containers redis | head -n 1)
    docker cp --quiet "$container:/data/dump.rdb" "$1" 2>/dev/null || docker cp "$container:/data/dump.rdb" "$1" >/dev/null
    [ "$(head -c 5 "$1")" = REDIS ] || fail "o instantâneo do Redis não tem o formato esperado"
    say "   Redis: instantâneo de $(stat -c %s "$1") bytes"
}

# Configuration as it is used, under the names it has on the server.
stage_configuration() { # stage_configuration FOLDER
    local path
    for path in "$settings_file" .env "$compose_file" redis.conf nginx ca logs/deploy.log; do
        [ ! -e "$path" ] || cp -R --parents "$path" "$1/" || fail "não posso ler $path"
    done
}

keep_days=7 verify=1 with_redis=1
while [ "$#" -gt 0 ]; do
    case $1 in
        --keep-days)
            [[ ${2:-} =~ ^[1-9][0-9]{0,4}$ ]] || usage_error "--keep-days espera um número de dias, 1 ou mais"
            keep_days=$2
            shift
            ;;
        --no-verify) verify='' ;;
        --no-redis) with_redis='' ;;
        -h | --help)
            help
            exit 0
            ;;
        *) usage_error "opção desconhecida: $1" ;;
    esac
    shift
done

open_log backup
say "💾 Iniciando backup..."
need_docker
take_lock backup "outro backup"
[ -n "$(stack_setting IDS_VERSION)" ] || fail "IDS_VERSION não está em .env; nada foi implantado ainda"
[ -r "$settings_file" ] || fail "$settings_file não pode ser lido por $(id -un)"
[ -n "$(env_value "$settings_file" BACKUP_KEY)" ] ||
    warn "BACKUP_KEY não está definida: o backup NÃO é cifrado, e as senhas de $settings_file estão dentro dele"

[ -d backups ] || install -d -m 0750 backups
staging=$(mktemp -d backups/.staging.XXXXXX)
trap 'rm -rf "$staging"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$staging/config"
stage_configuration "$staging/config"
include=(--include /backups/"${staging#backups/}"/config)
if [ -n "$with_redis" ]; then
    snapshot_redis "$staging/redis.rdb"
    include+=(--include /backups/"${staging#backups/}"/redis.rdb)
fi

# The archive belongs to whom backups/ belongs, and the container reads what was laid out here as the same user.
owner=$(stat -c %u:%g backups)
[ "$(id -u)" -ne 0 ] || chown -R "$owner" "$staging"
# The root of a container is read-only and its /tmp is memory: what is written on the way goes here, too.
ids=(ids_once --user "$owner" --volume "$stack/backups:/backups" -e "TMPDIR=/backups/${staging#backups/}")
reply=$("${ids[@]}" -- backup --to /backups --keep-days "$keep_days" "${include[@]}" --json) || {
    printf '%s\n' "$reply" >&2
    fail "o backup falhou"
}
note "$reply"
archive=$(sed -n 's/.*"file":"\([^"]*\)".*/\1/p' <<<"$reply" | tail -n 1)
archive=${archive##*/}
[ -s "backups/${archive:-none}" ] || fail "o backup não deixou arquivo em $stack/backups"
# What was written is what its name says, on this disk, before anything trusts it.
(cd backups && sha256sum --check --status "${archive%.tar.gz*}.sha256") || fail "a soma de verificação de $archive não confere"
if [ -n "$verify" ]; then
    "${ids[@]}" -- backup verify "/backups/$archive" >>"$log_file" ||
        fail "o arquivo $archive foi gravado, mas não pode ser restaurado; veja logs/backup.log"
fi
[ -n "$(env_value "$settings_file" BACKUP_S3_PREFIX)" ] ||
    warn "BACKUP_S3_PREFIX não está definida: o backup fica só neste servidor"
say "   $archive: $(stat -c %s "backups/$archive") bytes${verify:+, conferido}"
say "✅ Backup concluído!"
