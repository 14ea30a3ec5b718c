#!/usr/bin/env bash
# Brings a version of the stack up: without a failed request, and back to the one before when it does not come up.
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"
# shellcheck source-path=SCRIPTDIR source=rollout.sh
. scripts/rollout.sh

help() {
    cat <<'TEXT'
Uso: scripts/deploy.sh [VERSÃO] [opções]

Implanta a VERSÃO da imagem; sem ela, de novo a versão atual (para aplicar mudanças em .env.prod).
Verifica o servidor, faz backup, baixa a imagem, migra o banco, e troca os contêineres sem perder pedidos. Se a versão nova
não ficar saudável, a anterior continua no ar. Ctrl-C no meio faz o mesmo. Tudo fica registrado em logs/deploy.log.

  --force          implanta mesmo se o estado atual não está saudável
  --no-backup      sem backup antes
  --no-pull        usa a imagem que já está neste servidor
  --infra          recria também nginx e Redis se a definição deles mudou (interrupção de alguns segundos)
  --timeout SEG    prazo para os contêineres novos ficarem saudáveis (padrão 120)
  --drain SEG      quanto um pedido já começado ainda pode durar na versão anterior antes
                   que ela seja parada (padrão 30; depois a própria API ainda espera 30)
  --help           esta ajuda

Código de saída: 0 implantado; 1 falhou, e a versão anterior continua no ar; 2 uso ou configuração incorretos, nada
foi mudado; 3 outra implantação está em andamento; 130 interrompido, e a versão anterior continua no ar.
TEXT
}

readonly disk_needed_mb=2048
readonly first_deploy_file=.first-deploy
# Without these nothing starts in production; the others have defaults.
readonly required=(PUBLIC_URL POSTGRES_HOST POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB POSTGRES_SSL_MODE S3_BUCKET)

# ---- preflight

check_disk() {
    local folder free
    for folder in "$stack" "$(docker info --format '{{.DockerRootDir}}')"; do
        free=$(df --output=avail -m "$folder" 2>/dev/null | tail -n 1 | tr -cd 0-9)
        [ -z "$free" ] || [ "$free" -ge "$disk_needed_mb" ] ||
            fail "só $free MB livres em $folder; são necessários $disk_needed_mb (veja \`docker system df\` e backups/)" 2
    done
}

check_settings() {
    local name value mode problems=()
    [ -n "$(stack_setting REDIS_PASSWORD)" ] || problems+=("REDIS_PASSWORD não está em .env (openssl rand -hex 24)")
    [ -r "$settings_file" ] || fail "$settings_file não pode ser lido; copie .env.prod.example para ele e preencha" 2
    mode=$(stat -c %a "$settings_file")
    case $mode in
        600 | 400 | 640 | 440) ;;
        *) fail "$settings_file tem modo $mode, e senhas dentro; rode: chmod 600 $settings_file" 2 ;;
    esac
    for name in "${required[@]}"; do
        [ -n "$(env_value "$settings_file" "$name")" ] || problems+=("$name não está definida")
    done
    # Compose 1 and 2 read these characters differently, so that a password would be one today and another tomorrow.
    while IFS='=' read -r name value; do
        case $value in
            *\$* | *\"* | *\'* | *\`* | *' #'*) problems+=("$name tem \$, aspas ou ' #', que o Compose não lê sempre igual; troque o valor") ;;
            *your-domain.com* | *your-*-here* | *CHANGE-ME*) problems+=("$name ainda tem o valor do exemplo") ;;
        esac
    done < <(grep -E '^[A-Za-z_][A-Za-z0-9_]*=' "$settings_file")
    [ -n "$no_pull" ] || [ "$(stack_setting IDS_IMAGE "$default_image")" != "$default_image" ] ||
        problems+=("IDS_IMAGE em .env ainda é a do exemplo; escreva onde está a sua imagem, ou use --no-pull")
    if [ "${#problems[@]}" -gt 0 ]; then
        printf '   - %s\n' "${problems[@]}" >&2
        fail "a configuração está incompleta" 2
    fi
}

check_image() {
    [ -z "$no_pull" ] || docker image inspect "$(image_of "$version")" >/dev/null 2>&1 ||
        fail "a imagem $(image_of "$version") não está neste servidor (--no-pull)" 2
}

check_current_state() {
    local reply
    ! is_first_deploy || return 0
    reply=$(scripts/health-check.sh --wait 10 2>&1) && return 0
    printf '   %s\n' "${reply//$'\n'/$'\n'   }" >&2
    [ -n "$force" ] || fail "o estado atual não está saudável; resolva antes, ou use --force" 2
    warn "o estado atual não está saudável; continuo por causa de --force"
}

preflight() {
    say "🔎 Verificando o servidor..."
    check_disk
    new_version=$version
    resolved=$(IDS_VERSION=$version compose config) || fail "$compose_file não é válido (veja acima)" 2
    check_settings
    check_image
    check_current_state
}

# ---- parts

pull() {
    [ -z "$no_pull" ] || return 0
    say "📦 Baixando $(image_of "$version")..."
    run docker pull --quiet "$(image_of "$version")" || fail "a imagem não pôde ser baixada; nada foi mudado"
}

# Forward only, and made so that the version before goes on working: an old API serves while this runs.
migrate() {
    say "🗄️  Migrando o banco de dados..."
    IDS_VERSION=$version run compose run --rm --no-deps -T migrate </dev/null ||
        fail "a migração falhou (veja acima); a versão anterior continua no ar"
}

# nginx and Redis stay as they are while versions of ids change; a change of their own definition interrupts for seconds.
update_infrastructure() {
    local service wanted running hashes
    hashes=$(IDS_VERSION=$version compose config --hash '*')
    for service in redis nginx; do
        running=$(containers "$service" | head -n 1)
        if [ -z "$running" ]; then
            IDS_VERSION=$version run compose up -d --no-deps "$service"
            continue
        fi
        wanted=$(awk -v service="$service" '$1 == service { print $2 }' <<<"$hashes")
        [ "$wanted" != "$(docker inspect --format '{{index .Config.Labels "com.docker.compose.config-hash"}}' "$running")" ] || continue
        if [ -n "$with_infrastructure" ]; then
            say "🔧 Recriando $service..."
            IDS_VERSION=$version run compose up -d --no-deps "$service"
            wait_healthy "$start_patience" "$(containers "$service" | head -n 1)" || fail "$service não ficou saudável"
        else
            warn "a definição de $service mudou; rode com --infra para aplicar (interrompe por alguns segundos)"
        fi
    done
    reload_nginx
}

# Until it has been well once, there is nothing to keep up, and nothing to go back to.
is_first_deploy() {
    [ -e "$first_deploy_file" ] || [ -z "$(containers api)" ]
}

first_deploy() {
    local all_services service all=()
    trap 'say "interrompido; rode de novo para continuar"; exit 130' INT
    trap 'exit 143' TERM HUP
    : >"$first_deploy_file"
    export IDS_VERSION=$version
    run compose up -d --no-deps redis
    wait_healthy "$start_patience" "$(containers redis --all | head -n 1)" || fail "o Redis não ficou saudável"
    migrate
    leave_none_out
    write_stack_settings "IDS_VERSION=$version" IDS_PREVIOUS_VERSION=
    say "▶️  Iniciando os serviços..."
    run compose up -d --remove-orphans || fail "os serviços não começaram (veja acima)"
    # `migrate` is done and has ended.
    mapfile -t all_services < <(services | grep -vx migrate)
    for service in "${all_services[@]}"; do
        mapfile -t -O "${#all[@]}" all < <(containers "$service" --all)
    done
    wait_healthy "$start_patience" "${all[@]}" ||
        fail "a primeira implantação não ficou saudável; corrija e rode de novo"
    scripts/health-check.sh --wait 60 | tee -ia "$log_file" ||
        fail "a primeira implantação não ficou saudável; corrija e rode de novo"
    rm -f "$first_deploy_file"
    trap - INT TERM HUP
}

# A small server has no room for every version there ever was. What is in use, and the one to go back to, stay.
remove_old_images() {
    local tag repository
    [ -z "$no_pull" ] || return 0
    repository=$(stack_setting IDS_IMAGE "$default_image")
    for tag in $(docker image ls --format '{{.Tag}}' "$repository"); do
        case $tag in
            "$(stack_setting IDS_VERSION)" | "$(stack_setting IDS_PREVIOUS_VERSION)" | '<none>') ;;
            *) docker image rm "$repository:$tag" >>"$log_file" 2>&1 || true ;;
        esac
    done
}

# ---- in order

version='' force='' no_backup='' no_pull='' with_infrastructure=''
while [ "$#" -gt 0 ]; do
    case $1 in
        --force) force=1 ;;
        --no-backup) no_backup=1 ;;
        --no-pull) no_pull=1 ;;
        --infra) with_infrastructure=1 ;;
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

# What Compose reads from the environment must not win over what this script decides.
[ -n "$version" ] || version=$(env_value .env IDS_VERSION)
unset IDS_VERSION
[ -n "$version" ] || usage_error "informe a versão a implantar"
check_version_name "$version"

open_log deploy
say "🚀 Iniciando deploy..."
need_docker
take_lock deploy "outra implantação"
begin=$SECONDS
settle_interrupted
note "version $version, before: $(stack_setting IDS_VERSION none)"
preflight
if is_first_deploy; then
    pull
    first_deploy
else
    [ -n "$no_backup" ] || scripts/backup.sh || fail "o backup falhou; nada foi mudado (--no-backup implanta sem ele)"
    pull
    update_infrastructure
    migrate
    roll_to "$version" ||
        fail "a versão $version não ficou saudável; a versão $(stack_setting IDS_VERSION) continua no ar"
fi
remove_old_images
say "   versão $version no ar, em $((SECONDS - begin)) s"
say "✅ Deploy concluído!"
