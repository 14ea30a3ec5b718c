#!/usr/bin/env bash
# From an empty Debian 12 (or Ubuntu 24.04) to a server on which deploy.sh can be run. Safe to run again at any time.
set -euo pipefail

source_folder=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
readonly source_folder
readonly stack=/opt/intelligent-document-search
# https://docs.docker.com/engine/install/debian/ names this fingerprint; a key with another one is not used.
readonly docker_key_fingerprint=9DC858229FC7DD38854AE2D88D81803C0EBFCD88

help() {
    cat <<'TEXT'
Uso: scripts/setup-server.sh [opções]        (como root)

Prepara um servidor Debian 12 ou Ubuntu 24.04 vazio: atualizações automáticas, Docker e Compose, firewall (SSH, HTTP e HTTPS),
swap, hora certa, ajustes do kernel para o Redis, o usuário de deploy, /opt/intelligent-document-search, logrotate e os
timers de backup e de saúde. Pode ser rodado de novo: o que já está certo fica como está, e .env.prod nunca é tocado.

  --user NOME         usuário que implanta (padrão: deploy)
  --ssh-key ARQUIVO   chaves públicas dele (padrão: as de root, se houver)
  --swap TAMANHO      arquivo de swap, como 2G; 0 para nenhum (padrão: 2G)
  --docker ORIGEM     debian: pacotes da distribuição (padrão); docker: repositório assinado da Docker, com a chave conferida
  --no-upgrade        não atualiza os pacotes já instalados
  --no-firewall       não mexe no firewall
  --help              esta ajuda

Código de saída: 0 pronto; 1 falhou; 2 uso incorreto.
TEXT
}

say() { printf '%s\n' "$*"; }
warn() { printf '⚠️  %s\n' "$*" >&2; }
fail() {
    printf '❌ %s\n' "$1" >&2
    exit "${2:-1}"
}

# Inside an image that is being built, or a chroot, services are enabled and begin with the machine.
has_systemd() { [ -d /run/systemd/system ]; }

# Writes stdin to FILE if it says something else, and answers whether it did.
put() { # put FILE MODE
    local new
    new=$(mktemp "$(dirname "$1")/.new.XXXXXX")
    cat >"$new"
    chmod "$2" "$new"
    if cmp -s "$new" "$1"; then
        rm -f "$new"
        return 1
    fi
    mv -f "$new" "$1"
}

check_system() {
    local ID='' VERSION_ID='' PRETTY_NAME=''
    [ "$(id -u)" -eq 0 ] || fail "rode como root (sudo scripts/setup-server.sh)" 2
    # shellcheck disable=SC1091 # of the machine this runs on
    [ ! -r /etc/os-release ] || . /etc/os-release
    distribution=$ID
    case $ID:$VERSION_ID in
        debian:12 | ubuntu:24.04) ;;
        debian:* | ubuntu:*) warn "feito para Debian 12 e Ubuntu 24.04; este é ${PRETTY_NAME}, e não foi testado" ;;
        *) fail "feito para Debian 12 e Ubuntu 24.04; este é ${PRETTY_NAME:-um sistema desconhecido}" ;;
    esac
    say "🔧 Configurando ${PRETTY_NAME}..."
}

# ---- packages

install_packages() { # install_packages NAME...: those that are missing
    local name missing=()
    for name in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
    done
    [ "${#missing[@]}" -eq 0 ] && return
    say "   instalando ${missing[*]}"
    apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}" >/dev/null
}

base_packages() {
    say "📦 Pacotes..."
    export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a
    apt-get update --quiet=2
    # Answers already given in configuration files stay.
    [ -n "$no_upgrade" ] || apt-get upgrade --yes --quiet=2 -o Dpkg::Options::=--force-confold >/dev/null
    # procps: `docker top`, by which deploy.sh sees that nginx has let go of the old version. certbot: certificates.
    install_packages ca-certificates curl gnupg procps logrotate ufw unattended-upgrades apt-listchanges certbot openssl cron
    if ! command -v chronyd >/dev/null && ! command -v ntpd >/dev/null; then
        install_packages systemd-timesyncd
    fi
}

# ---- Docker

install_docker() {
    say "🐳 Docker..."
    if [ "$docker_source" = docker ]; then
        docker_repository
        install_packages docker-ce docker-ce-cli containerd.io docker-compose-plugin
    elif command -v docker >/dev/null && { docker compose version || docker-compose version; } >/dev/null 2>&1; then
        say "   já instalado: $(docker --version)"
    elif apt-cache show docker-compose-v2 >/dev/null 2>&1; then
        install_packages docker.io docker-compose-v2
    else
        install_packages docker.io docker-compose
    fi
    # Also of containers that Compose does not know: no log grows without an end.
    mkdir -p /etc/docker
    if [ -e /etc/docker/daemon.json ]; then
        say "   /etc/docker/daemon.json já existe e fica como está"
    else
        put /etc/docker/daemon.json 0644 <<'JSON'
{
  "log-driver": "json-file",
  "log-opts": { "max-size": "10m", "max-file": "3" },
  "live-restore": true
}
JSON
        ! has_systemd || systemctl restart docker || fail "o Docker não começou; veja \`journalctl -u docker\`"
    fi
    enable docker.service
}

# Docker's own packages, newer than the distribution's. Its key is kept in a file of its own and signs this source only.
docker_repository() {
    local key=/etc/apt/keyrings/docker.asc new found
    install -d -m 0755 /etc/apt/keyrings
    new=$(mktemp)
    curl --fail --silent --show-error --location --proto '=https,file' --output "$new" \
        "${DOCKER_KEY_URL:-https://download.docker.com/linux/$distribution/gpg}" || fail "a chave da Docker não pôde ser baixada"
    # Every key in the file, so that none comes along with the right one.
    found=$(gpg --batch --show-keys --with-colons "$new" 2>/dev/null | awk -F: '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { print $10; primary = 0 }')
    if [ "$found" != "$docker_key_fingerprint" ]; then
        rm -f "$new"
        fail "a chave baixada não é a da Docker (esperada $docker_key_fingerprint, veio ${found:-nenhuma}); nada foi instalado"
    fi
    put "$key" 0644 <"$new" || true
    rm -f "$new"
    # shellcheck disable=SC1091 # of the machine this runs on
    put /etc/apt/sources.list.d/docker.sources 0644 <<SOURCES || return 0
Types: deb
URIs: https://download.docker.com/linux/$distribution
Suites: $(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
Components: stable
Architectures: $(dpkg --print-architecture)
Signed-By: $key
SOURCES
    apt-get update --quiet=2
}

enable() { # enable UNIT: from now on, and now where systemd runs
    systemctl enable --quiet "$1"
    ! has_systemd || systemctl start "$1" || warn "$1 não começou; veja \`systemctl status $1\`"
}

# ---- the machine

automatic_updates() {
    say "🔄 Atualizações automáticas de segurança..."
    put /etc/apt/apt.conf.d/20auto-upgrades 0644 <<'CONF' || true
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
CONF
    # A kernel takes effect with a restart only; at this hour nobody asks, and everything comes back by itself.
    put /etc/apt/apt.conf.d/52intelligent-document-search 0644 <<'CONF' || true
Unattended-Upgrade::Automatic-Reboot "true";
Unattended-Upgrade::Automatic-Reboot-Time "04:30";
Unattended-Upgrade::Remove-Unused-Dependencies "true";
CONF
    enable unattended-upgrades.service
}

ssh_ports() {
    local ports=''
    ! command -v sshd >/dev/null || ports=$({ mkdir -p /run/sshd && sshd -T; } 2>/dev/null | awk '$1 == "port" { print $2 }' | sort -u)
    printf '%s\n' "${ports:-22}"
}

# ufw does not see what Docker publishes: only nginx publishes ports, 80 and 443, and the compose file keeps it so.
firewall() {
    local port
    [ -z "$no_firewall" ] || return 0
    say "🧱 Firewall..."
    # The port by which one is logged in comes first.
    for port in $(ssh_ports); do ufw allow "$port/tcp" comment ssh >/dev/null; done
    ufw allow 80/tcp comment http >/dev/null
    ufw allow 443/tcp comment https >/dev/null
    ufw default deny incoming >/dev/null
    ufw default allow outgoing >/dev/null
    ufw --force enable >/dev/null || fail "o firewall não pôde ser ligado (sem netfilter neste sistema?); use --no-firewall se outro o substitui"
    enable ufw.service
    ufw status | sed 's/^/   /'
}

swap_file() {
    local file=/swapfile
    [ "$swap" != 0 ] || return 0
    say "💽 Swap..."
    if [ -n "$(swapon --show=NAME --noheadings 2>/dev/null)" ]; then
        say "   já há: $(swapon --show=NAME,SIZE --noheadings | tr -s ' \n' ' ')"
    else
        if [ ! -e "$file" ]; then
            (umask 077 && fallocate --length "$swap" "$file.new") || { rm -f "$file.new" && fail "não há espaço para $swap de swap"; }
            mkswap "$file.new" >/dev/null
            mv "$file.new" "$file"
        fi
        swapon "$file" 2>/dev/null || warn "o swap só começa com a máquina (este sistema não permite ligá-lo agora)"
    fi
    if [ -e "$file" ] && ! grep -q "^$file " /etc/fstab 2>/dev/null; then
        printf '%s none swap sw 0 0\n' "$file" >>/etc/fstab
    fi
}

kernel_settings() {
    say "⚙️  Kernel..."
    put /etc/sysctl.d/60-intelligent-document-search.conf 0644 <<'CONF' || true
# Redis saves from a forked copy of itself, which shares its memory; without this the kernel may refuse the fork.
vm.overcommit_memory = 1
# Swap is for what sleeps, not for what answers.
vm.swappiness = 10
net.core.somaxconn = 1024
CONF
    sysctl --quiet --load /etc/sysctl.d/60-intelligent-document-search.conf 2>/dev/null ||
        warn "os ajustes do kernel só valem a partir do próximo início"
}

clock() {
    say "🕒 Hora..."
    if command -v chronyd >/dev/null || command -v ntpd >/dev/null; then
        say "   já sincronizada por outro serviço"
    else
        enable systemd-timesyncd.service
    fi
}

deploy_user() {
    local keys=$ssh_key home missing
    say "👤 Usuário $user..."
    id "$user" >/dev/null 2>&1 || useradd --create-home --shell /bin/bash "$user"
    # Whoever may speak to Docker is as good as root; this user has no password, and is reached by key only.
    usermod --append --groups docker "$user"
    home=$(getent passwd "$user" | cut -d: -f6)
    [ -n "$keys" ] || keys=~root/.ssh/authorized_keys
    if [ -s "$keys" ]; then
        install -d -m 0700 -o "$user" -g "$user" "$home/.ssh"
        touch "$home/.ssh/authorized_keys"
        # Those that are missing; a key somebody added stays.
        missing=$(grep -vxF -f "$home/.ssh/authorized_keys" "$keys" || true)
        [ -z "$missing" ] || printf '%s\n' "$missing" >>"$home/.ssh/authorized_keys"
        chown "$user:" "$home/.ssh/authorized_keys"
        chmod 0600 "$home/.ssh/authorized_keys"
    else
        warn "sem chave SSH para $user: dê uma com --ssh-key"
    fi
}

# ---- the stack

# Program files follow the release. What people change is theirs: a new one of ours lies beside it as NAME.novo.
copy_release() {
    local path
    [ "$source_folder" != "$stack" ] || return 0
    mkdir -p "$stack/nginx"
    for path in docker-compose.prod.yml .env.example .env.prod.example nginx/start.sh scripts systemd; do
        [ ! -e "$source_folder/$path" ] || cp -R --no-target-directory "$source_folder/$path" "$stack/$path"
    done
    (cd "$source_folder" && find redis.conf nginx -type f) | while IFS= read -r path; do
        mkdir -p "$stack/$(dirname "$path")"
        if [ ! -e "$stack/$path" ]; then
            cp "$source_folder/$path" "$stack/$path"
        elif ! cmp -s "$source_folder/$path" "$stack/$path" && [ "$path" != nginx/start.sh ]; then
            cp "$source_folder/$path" "$stack/$path.novo"
            warn "$stack/$path foi mudado por você; o desta versão está em $path.novo"
        fi
    done
    chmod 0755 "$stack"/scripts/*.sh
}

folders() {
    local folder
    say "📁 $stack..."
    install -d -m 0755 -o "$user" -g "$user" "$stack"
    copy_release
    for folder in logs logs/nginx nginx scripts acme ca; do
        install -d -m 0755 -o "$user" -g "$user" "$stack/$folder"
    done
    install -d -m 0750 -o "$user" -g "$user" "$stack/backups"
    install -d -m 0750 -o "$user" -g "$user" "$stack/ssl"
    first_settings
    chown -R "$user:$user" "$stack/scripts" "$stack/nginx" "$stack/docker-compose.prod.yml" "$stack/.env.example" "$stack/.env.prod.example" "$stack/redis.conf" 2>/dev/null || true
    first_certificate
}

# The examples, with fresh secrets where they ask for any; nobody has to invent a password.
first_settings() {
    local file
    for file in .env .env.prod; do
        if [ ! -e "$stack/$file" ]; then
            (umask 077 && sed -e "s/^REDIS_PASSWORD=$/REDIS_PASSWORD=$(openssl rand -hex 24)/" \
                -e "s/^#\?BACKUP_KEY=$/BACKUP_KEY=$(openssl rand -hex 32)/" \
                -e 's|^#\?BACKUP_S3_PREFIX=$|BACKUP_S3_PREFIX=backups/|' "$stack/$file.example" >"$stack/$file")
            chown "$user:$user" "$stack/$file"
            say "   $file criado, com segredos novos; veja o que falta preencher"
        fi
        chmod 0600 "$stack/$file"
    done
}

# nginx does not start without one. Browsers warn about it until certbot has brought the real one.
first_certificate() {
    [ ! -e "$stack/ssl/cert.pem" ] || return 0
    (umask 077 && openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=intelligent-document-search \
        -keyout "$stack/ssl/key.pem" -out "$stack/ssl/cert.pem" 2>/dev/null)
    chown "$user:$user" "$stack/ssl/cert.pem" "$stack/ssl/key.pem"
    say "   certificado provisório em ssl/ (30 dias); veja docs/deployment.md para o definitivo"
}

log_rotation() {
    say "🧾 logrotate..."
    put /etc/logrotate.d/intelligent-document-search 0644 <<CONF || true
$stack/logs/*.log $stack/logs/nginx/*.log {
    daily
    rotate 30
    maxsize 50M
    compress
    delaycompress
    missingok
    notifempty
    copytruncate
    su root root
}
CONF
}

timers() {
    local unit
    say "⏰ Timers..."
    for unit in ids-docker-backup.service ids-docker-backup.timer ids-docker-health.service ids-docker-health.timer; do
        sed "s/^User=deploy$/User=$user/" "$stack/systemd/$unit" | put "/etc/systemd/system/$unit" 0644 || true
    done
    ! has_systemd || systemctl daemon-reload
    # They do nothing until there is something deployed (ConditionPathExists).
    enable ids-docker-backup.timer
    enable ids-docker-health.timer
}

# The certificate is renewed by certbot's own timer; this puts it where nginx reads it.
renewal_hook() {
    install -d -m 0755 /etc/letsencrypt/renewal-hooks/deploy
    install -m 0755 "$stack/scripts/install-certificate.sh" /etc/letsencrypt/renewal-hooks/deploy/intelligent-document-search
}

user=deploy ssh_key='' swap=2G docker_source=debian no_upgrade='' no_firewall='' distribution=''
while [ "$#" -gt 0 ]; do
    case $1 in
        --user | --ssh-key | --swap | --docker)
            [ -n "${2:-}" ] || fail "$1 espera um valor" 2
            case $1 in
                --user) user=$2 ;;
                --ssh-key) ssh_key=$2 ;;
                --swap) swap=$2 ;;
                --docker) docker_source=$2 ;;
            esac
            shift
            ;;
        --no-upgrade) no_upgrade=1 ;;
        --no-firewall) no_firewall=1 ;;
        -h | --help)
            help
            exit 0
            ;;
        *) fail "opção desconhecida: $1 (veja --help)" 2 ;;
    esac
    shift
done
[[ $user =~ ^[a-z_][a-z0-9_-]{0,30}$ ]] || fail "\`$user\` não é nome de usuário" 2
[[ $swap =~ ^(0|[0-9]+[MG])$ ]] || fail "--swap espera um tamanho como 2G, ou 0" 2
[[ $docker_source =~ ^(debian|docker)$ ]] || fail "--docker aceita debian ou docker" 2
[ -z "$ssh_key" ] || [ -r "$ssh_key" ] || fail "$ssh_key não pode ser lido" 2

check_system
base_packages
install_docker
automatic_updates
firewall
swap_file
kernel_settings
clock
deploy_user
folders
log_rotation
timers
renewal_hook
say "✅ Servidor configurado!"
say "   Agora, como $user: preencha $stack/.env.prod e rode $stack/scripts/deploy.sh VERSÃO"
