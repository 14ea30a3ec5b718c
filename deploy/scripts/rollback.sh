#!/usr/bin/env bash
# Goes back to the version before, or to a named one, the same way as deploy.sh goes forward: without a failed request.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"
# shellcheck source-path=SCRIPTDIR source=rollout.sh
. scripts/rollout.sh

help() {
    cat <<'TEXT'
Uso: scripts/rollback.sh [VERSÃO] [--timeout SEG] [--drain SEG]

Volta à versão anterior (IDS_PREVIOUS_VERSION em .env), ou à VERSÃO, sem perder pedidos. O banco de dados fica como está:
cada versão trabalha com o esquema da seguinte. Para voltar também os dados, veja scripts/restore.sh.

  --timeout SEG    prazo para os contêineres ficarem saudáveis (padrão 120)
  --drain SEG      quanto um pedido já começado ainda pode durar na versão atual antes que ela seja parada (padrão 30)
  --help           esta ajuda

Código de saída: o de deploy.sh.
TEXT
}

version=''
while [ "$#" -gt 0 ]; do
    case $1 in
        --timeout | --drain)
            [[ ${2:-} =~ ^[0-9]{1,4}$ ]] || usage_error "$1 espera um número de segundos"
            if [ "$1" = --timeout ]; then start_patience=$2; else drain_patience=$2; fi
            shift
            ;;
        -h | --help)
            help
            exit 0
            ;;
        -*) usage_error "opção desconhecida: $1" ;;
        *)
            [ -z "$version" ] || usage_error "só uma versão por vez"
            version=$1
            ;;
    esac
    shift
done

unset IDS_VERSION
[ -n "$version" ] || version=$(env_value .env IDS_PREVIOUS_VERSION)
[ -n "$version" ] || usage_error "não há versão anterior em .env; informe a versão"
check_version_name "$version"

open_log deploy
say "↩️  Iniciando rollback para a versão $version..."
need_docker
take_lock deploy "outra implantação"
settle_interrupted
resolved=$(IDS_VERSION=$version compose config) || fail "$compose_file não é válido (veja acima)" 2
[ -n "$(containers api)" ] || fail "nada está no ar; use scripts/deploy.sh $version" 2
# Usually here still: deploy.sh keeps the image of the version before.
docker image inspect "$(image_of "$version")" >/dev/null 2>&1 || run docker pull --quiet "$(image_of "$version")" ||
    fail "a imagem $(image_of "$version") não está aqui nem pôde ser baixada; nada foi mudado"
roll_to "$version" ||
    fail "a versão $version não ficou saudável; a versão $(stack_setting IDS_VERSION) continua no ar"
say "   versão $version no ar"
say "✅ Rollback concluído!"
