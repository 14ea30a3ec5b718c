#!/usr/bin/env bash
# Asks nginx, Redis and the queue how they are, as people reach them: through nginx with TLS, on this machine.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

help() {
    cat <<'TEXT'
Uso: scripts/health-check.sh [--json] [--wait SEGUNDOS]

Verifica a API (pelo nginx, com TLS, nesta máquina), o Redis e a fila.

  --json            imprime uma linha de JSON em vez de texto
  --wait SEGUNDOS   repete até estar tudo bem, no máximo por esse tempo (padrão: pergunta uma vez)
  --help            esta ajuda

Código de saída: 0 tudo bem; 1 algo falhou; 2 uso incorreto.
TEXT
}

# One entry a service: what it is called in JSON, its name in messages, and what is wrong ('' when nothing is).
names=(api redis queue)
declare -A titles=([api]=API [redis]=Redis [queue]=Queue) wrong=()

# Which name and ports nginx answers by. A certificate that is not valid yet or any more is not what is asked here, and
# nobody can stand between: the address is this machine's own. `ids doctor` looks at the certificate.
ask_nginx() { # ask_nginx PATH: the body; fails on 4xx and 5xx
    curl --silent --show-error --fail --insecure --max-time 10 --noproxy '*' \
        --resolve "$host:$port:127.0.0.1" "https://$host:$port$1"
}

# The last line of what a program said about its failure, without what would end a string of JSON.
reason() {
    tail -n 1 <<<"$1" | tr -d '\r"\134' | cut -c1-200
}

check_api() {
    local reply
    reply=$(ask_nginx /health 2>&1) || {
        wrong[api]="https://$host:$port/health não respondeu bem por 127.0.0.1: $(reason "$reply")"
        return
    }
}

check_redis() {
    local reply
    reply=$(redis_cli ping 2>&1) || true
    grep -q '^PONG' <<<"$reply" || wrong[redis]="não respondeu PONG: $(reason "$reply")"
}

check_queue() {
    local reply
    reply=$(ask_nginx /api/v1/queue/health 2>&1) || true
    if ! grep -q '"status":"healthy"' <<<"$reply"; then
        wrong[queue]="/api/v1/queue/health: $(reason "$reply")"
    elif grep -q '"document_processing":0' <<<"${reply#*\"workers\"}"; then
        wrong[queue]="nenhum worker-documents está vivo; veja \`docker compose logs worker-documents\`"
    fi
}

check_all() {
    wrong=()
    check_api
    check_redis
    check_queue
    [ "${#wrong[@]}" -eq 0 ]
}

print_text() {
    local name
    for name in "${names[@]}"; do
        if [ -z "${wrong[$name]:-}" ]; then
            printf '✅ %s: OK\n' "${titles[$name]}"
        else
            printf '❌ %s: FALHOU\n' "${titles[$name]}"
            printf '   %s\n' "${wrong[$name]}" >&2
        fi
    done
    [ "${#wrong[@]}" -gt 0 ] || printf '✅ Todos os serviços OK!\n'
}

print_json() {
    local name state separator=''
    printf '{"status":"%s","services":{' "$([ "${#wrong[@]}" -eq 0 ] && printf healthy || printf unhealthy)"
    for name in "${names[@]}"; do
        state=healthy
        [ -z "${wrong[$name]:-}" ] || state=unhealthy
        printf '%s"%s":{"status":"%s","error":' "$separator" "$name" "$state"
        if [ "$state" = healthy ]; then
            printf 'null}'
        else
            printf '"%s"}' "$(tr -d '"\134' <<<"${wrong[$name]}")"
        fi
        separator=,
    done
    printf '},"timestamp":"%s"}\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
}

as_json='' patience=0
while [ "$#" -gt 0 ]; do
    case $1 in
        --json) as_json=1 ;;
        --wait)
            [[ ${2:-} =~ ^[0-9]+$ ]] || usage_error "--wait espera um número de segundos"
            patience=$2
            shift
            ;;
        -h | --help)
            help
            exit 0
            ;;
        *) usage_error "opção desconhecida: $1" ;;
    esac
    shift
done

[ -n "$as_json" ] || echo "🏥 Verificando saúde dos serviços..."
need_docker
command -v curl >/dev/null || fail "curl não está instalado; rode scripts/setup-server.sh"
host=$(env_value "$settings_file" PUBLIC_URL)
host=${host#*://} host=${host%%/*}
# PUBLIC_URL may name the port people use; nginx may be published at another one, behind a balancer.
port=$(stack_setting HTTPS_PORT 443)
port=${port##*:}
host=${host%%:*}
[ -n "$host" ] || fail "PUBLIC_URL não está em $stack/$settings_file (ou o arquivo não pode ser lido por $(id -un))"

until check_all; do
    [ "$SECONDS" -lt "$patience" ] || break
    sleep 1
done

if [ -n "$as_json" ]; then
    print_json
else
    print_text
fi
[ "${#wrong[@]}" -eq 0 ]
