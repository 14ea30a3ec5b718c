#!/usr/bin/env bash
# Brings a backup back: into an empty stack, or in place of what is there.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

help() {
    cat <<'TEXT'
Uso: scripts/restore.sh ARQUIVO|latest [opções]

Restaura um backup de scripts/backup.sh. A API e os workers param enquanto isso (o nginx responde 503), e voltam no fim.
Uma biblioteca que não está vazia só é substituída com --replace.

  --from s3           busca o backup no bucket (BACKUP_S3_PREFIX) em vez de backups/
  --replace           apaga o que há no banco e põe o backup no lugar (faz um backup antes)
  --no-backup         com --replace: sem o backup de antes
  --with-redis        põe também o instantâneo do Redis de volta; sem isto ele começa vazio, e nada se perde: os
                      trabalhos estão no banco e são entregues de novo
  --config-to PASTA   extrai a configuração guardada (.env.prod, Compose, nginx) para PASTA, para comparar; nunca por
                      cima da que está em uso
  --yes               não pergunta
  --help              esta ajuda

O arquivo fica em backups/; um nome sem pasta é procurado lá. Para um arquivo cifrado, BACKUP_KEY em .env.prod deve ser a
mesma de quando ele foi feito.

Código de saída: 0 restaurado; 1 falhou; 2 uso incorreto; 3 outra operação está em andamento.
TEXT
}

stop_services() {
    local services
    mapfile -t services < <(compose config --services | grep -E '^(api|worker-.*)$')
    say "⏸️  Parando API e workers..."
    run compose stop "${services[@]}"
}

start_services() {
    say "▶️  Iniciando os serviços..."
    run compose up -d || fail "os serviços não começaram; veja acima"
    scripts/health-check.sh --wait 120 | tee -ia "$log_file" || fail "os dados foram restaurados, mas o serviço não está saudável"
}

# ids restores as a whole or not at all, so that what was there before is there still.
interrupted() { # interrupted EXIT_CODE
    trap '' INT TERM HUP
    warn "interrompido; a biblioteca é a de antes, se a restauração ainda não tinha terminado"
    [ -z "$stopped" ] || (start_services) || true
    exit "$1"
}

# Whether there are documents, or organizations beside the one that is always there.
holds_something() {
    local organizations
    organizations=$("${ids[@]}" -- organizations list --json 2>/dev/null | grep -o '"organization_id"' | wc -l)
    [ "$organizations" -le 1 ] || return 0
    "${ids[@]}" -- documents list --json 2>/dev/null | grep -q '"document_id"'
}

in_redis_volume() { # in_redis_volume SHELL_COMMAND: in a container of Redis with its volume; stdin goes through
    compose run --rm --no-deps -T --entrypoint sh redis -c "$1"
}

# With an append-only file there, Redis never looks at a snapshot; so it reads it without one, writes a new one, and stops.
restore_redis() { # restore_redis FILE
    local helper=$project-redis-restore begin=$SECONDS
    [ -s "$1" ] || fail "o backup não tem instantâneo do Redis"
    say "   Redis: restaurando o instantâneo..."
    run compose stop redis
    in_redis_volume 'umask 077 && rm -rf /data/appendonlydir /data/appendonly.aof* && cat >/data/dump.rdb' <"$1" >>"$log_file" 2>&1 || fail "o instantâneo não pôde ser entregue ao Redis"
    docker rm --force "$helper" >/dev/null 2>&1 || true
    # shellcheck disable=SC2016 # the shell inside expands it
    compose run -d --no-deps --name "$helper" --entrypoint sh redis -c 'umask 077
        printf "requirepass \"%s\"\n" "$REDIS_PASSWORD" >/run/redis/password.conf
        exec redis-server /usr/local/etc/redis/redis.conf --appendonly no' >>"$log_file" 2>&1
    restoring() {
        # shellcheck disable=SC2016 # the shell inside expands it
        docker exec "$helper" sh -c 'REDISCLI_AUTH=$REDIS_PASSWORD exec redis-cli --no-auth-warning "$@"' redis-cli "$@"
    }
    until [ "$(restoring ping 2>/dev/null)" = PONG ]; do
        [ "$((SECONDS - begin))" -lt 60 ] || fail "o Redis não leu o instantâneo; veja \`docker logs $helper\`"
        sleep 0.2
    done
    restoring config set appendonly yes >>"$log_file"
    until [ "$(restoring info persistence | tr -d '\r' | grep -c -E '^aof_enabled:1$|^aof_rewrite_(in_progress|scheduled):0$')" -eq 3 ]; do
        [ "$((SECONDS - begin))" -lt 120 ] || fail "o Redis não terminou de gravar o que leu"
        sleep 0.2
    done
    docker stop -t 30 "$helper" >>"$log_file"
    docker rm --force "$helper" >>"$log_file" 2>&1 || true
}

stopped='' archive='' from=() replace='' no_backup='' with_redis='' config_to='' assume_yes=''
while [ "$#" -gt 0 ]; do
    case $1 in
        --from)
            [ "${2:-}" = s3 ] || usage_error "--from aceita só s3; arquivos locais ficam em backups/"
            from=(--from s3)
            shift
            ;;
        --replace) replace=1 ;;
        --no-backup) no_backup=1 ;;
        --with-redis) with_redis=1 ;;
        --config-to)
            [ -n "${2:-}" ] || usage_error "--config-to espera uma pasta"
            config_to=$2
            shift
            ;;
        --yes) assume_yes=1 ;;
        -h | --help)
            help
            exit 0
            ;;
        -*) usage_error "opção desconhecida: $1" ;;
        *)
            [ -z "$archive" ] || usage_error "só um arquivo por vez"
            archive=$1
            ;;
    esac
    shift
done
[ -n "$archive" ] || usage_error "informe o arquivo a restaurar, ou latest"

open_log restore
say "♻️  Iniciando restauração..."
need_docker
take_lock deploy "outra implantação ou restauração"
[ -n "$(stack_setting IDS_VERSION)" ] ||
    fail "IDS_VERSION não está em .env; escreva lá a versão a usar, ou rode antes scripts/deploy.sh" 2
[ -r "$settings_file" ] || fail "$settings_file não pode ser lido por $(id -un)" 2
[ -z "$config_to" ] || [ ! -e "$config_to" ] || fail "$config_to já existe; informe uma pasta nova" 2
[ -d backups ] || install -d -m 0750 backups

name=$archive
if [ "$archive" != latest ] && [ "${#from[@]}" -eq 0 ]; then
    name=$(basename "$archive")
    [ -r "backups/$name" ] || fail "$stack/backups/$name não existe; copie o arquivo (com .sha256, .originals e a pasta originals/) para lá" 2
    archive=/backups/$name
elif [ "${#from[@]}" -eq 0 ]; then
    from=(--from /backups)
fi

staging=$(mktemp -d backups/.staging.XXXXXX)
trap 'rm -rf "$staging"' EXIT
trap 'interrupted 130' INT
trap 'interrupted 143' TERM HUP
owner=$(stat -c %u:%g backups)
[ "$(id -u)" -ne 0 ] || chown "$owner" "$staging"
inside=/backups/${staging#backups/}
ids=(ids_once --user "$owner" --volume "$stack/backups:/backups" -e "TMPDIR=$inside")

# Looked at as a whole before anything is stopped.
say "🔎 Conferindo o backup..."
"${ids[@]}" -- backup verify "$archive" "${from[@]}" 2>&1 | tee -ia "$log_file" ||
    fail "o backup não está íntegro, ou BACKUP_KEY não é a dele; nada foi mudado"

if [ -n "$replace" ]; then
    confirm "O que há no banco será APAGADO e substituído por $name. Continuar?"
    if [ -z "$no_backup" ] && [ -n "$(containers api)" ]; then
        # `latest` must go on meaning what was looked at above.
        [ "$name" != latest ] || fail "com --replace informe o nome do arquivo, não latest: um backup novo é feito antes" 2
        scripts/backup.sh || fail "o backup de antes falhou; nada foi mudado (--no-backup restaura sem ele)"
    fi
else
    # ids refuses it, too, but only after everything was stopped.
    if [ -n "$(containers api)" ] && holds_something; then
        fail "a biblioteca não está vazia; use --replace para pôr o backup no lugar dela. Nada foi mudado"
    fi
    confirm "Restaurar $name?"
fi

# Of what Redis knew of the library before, ids restore empties it.
[ -n "$(containers redis)" ] || run compose up -d --no-deps redis
wait_healthy 60 "$(containers redis --all | head -n 1)" || fail "o Redis não está saudável; nada foi mudado"
stopped=1
stop_services
"${ids[@]}" -- restore "$archive" "${from[@]}" ${replace:+--replace} --yes --included-to "$inside/included" 2>&1 | tee -ia "$log_file" || {
    warn "a restauração falhou (veja acima); a biblioteca é a de antes"
    (start_services) || true
    exit 1
}
if [ -n "$with_redis" ]; then
    restore_redis "$(find "$staging/included" -name redis.rdb | head -n 1)"
fi
if [ -n "$config_to" ]; then
    cp -R "$(find "$staging/included" -type d -name config | head -n 1)" "$config_to"
    chmod -R go= "$config_to"
    say "   configuração do backup em $config_to"
fi
start_services
say "✅ Restauração concluída!"
