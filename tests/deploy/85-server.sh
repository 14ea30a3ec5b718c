#!/usr/bin/env bash
# setup-server.sh, twice, on an empty Debian 12: a container with a network of its own, so that the firewall is real. There
# is no systemd in it: units are enabled, not started.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

server=ids-test-server
remove() { docker rm --force "$server" >/dev/null 2>&1 || true; }
trap remove EXIT
remove
docker run --detach --name "$server" --cap-add NET_ADMIN --cap-add NET_RAW --volume "$repository/deploy:/release:ro" \
    "$DEBIAN_IMAGE" sleep infinity >/dev/null
inside() { docker exec "$server" "$@"; }
# What every Debian server has, and this image has not.
inside sh -c 'apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends systemd openssh-server >/dev/null 2>&1 &&
    mkdir -p ~/.ssh && echo "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZvciBhIHRlc3Qgb25seSwgb2Ygbm8gb3RoZXIgdXNl admin" >~/.ssh/authorized_keys' ||
    fail "the packages of a Debian server could not be installed"

code=0
said=$(inside su nobody -s /bin/sh -c 'bash /release/scripts/setup-server.sh' 2>&1) || code=$?
equals "it wants to be root: exit code 2" 2 "$code"
contains "it says so" 'como root' "$said"

begin=$SECONDS
said=$(inside bash /release/scripts/setup-server.sh --swap 0 2>&1) || fail "setup-server.sh: $said"
say "setup-server.sh takes $((SECONDS - begin)) s"
contains "it ends with the guide's words" '✅ Servidor configurado!' "$said"

stack_there=/opt/intelligent-document-search
for command in docker docker-compose curl certbot logrotate unattended-upgrade; do
    holds "$command is installed" inside sh -c "command -v $command"
done
rules=$(inside ufw status)
contains "the firewall is on" 'Status: active' "$rules"
for port in 22 80 443; do contains "port $port is open" "^$port/tcp +ALLOW" "$rules"; done
equals "and no other" 6 "$(grep -c ALLOW <<<"$rules")"
contains "the user may speak to Docker" docker "$(inside id deploy)"
contains "the user has root's keys" 'for a test|AAAAC3' "$(inside sh -c 'cat ~deploy/.ssh/authorized_keys')"
equals "settings are for the user alone" '600 deploy' "$(inside stat -c '%a %U' "$stack_there/.env.prod")"
equals "so are those of Compose" '600 deploy' "$(inside stat -c '%a %U' "$stack_there/.env")"
holds "the password of Redis is a fresh one" inside grep -qE '^REDIS_PASSWORD=[0-9a-f]{48}$' "$stack_there/.env"
holds "backups have a key" inside grep -qE '^BACKUP_KEY=[0-9a-f]{64}$' "$stack_there/.env.prod"
holds "there is a first certificate" inside openssl x509 -noout -in "$stack_there/ssl/cert.pem"
holds "logrotate takes its file" inside logrotate --debug /etc/logrotate.d/intelligent-document-search
holds "the kernel's settings are laid down" inside grep -q 'vm.overcommit_memory = 1' /etc/sysctl.d/60-intelligent-document-search.conf
for timer in ids-docker-backup ids-docker-health; do
    equals "$timer.timer is enabled" enabled "$(inside systemctl is-enabled "$timer.timer")"
done
holds "systemd has nothing against our units" inside sh -c "cp /bin/true /usr/local/bin/ids && cp /release/systemd/ids*.service /release/systemd/ids*.timer /tmp/ &&
    useradd --system ids && systemd-analyze verify /tmp/ids.service /tmp/ids-api.service /tmp/ids-worker@.service /tmp/ids-backup.timer /tmp/ids-health.timer /tmp/ids-docker-backup.timer /tmp/ids-docker-health.timer"
exposure=$(inside systemd-analyze security --offline=true /tmp/ids.service | tail -n 1 | grep -oE '[0-9]+\.[0-9]')
holds "ids.service is hardened (exposure $exposure of 10)" test "${exposure%.*}" -le 2

# Again: what people changed stays, and nothing else moves.
inside sh -c "echo 'PUBLIC_URL=https://of.a.test' >>$stack_there/.env.prod && echo '# ours' >>$stack_there/redis.conf"
state() { inside sh -c "find $stack_there /etc -xdev -type f ! -name '*.novo' ! -path '/etc/ufw/*' -exec sha256sum {} + | sort; stat -c '%a %U %n' $stack_there/* $stack_there/.env*"; }
before=$(state)
said=$(inside bash /release/scripts/setup-server.sh --swap 0 2>&1) || fail "setup-server.sh for the second time: $said"
holds "a second run changes nothing" cmp <(printf '%s\n' "$before") <(state | grep -v '\.novo$')
contains "what was changed by hand is named" 'redis.conf foi mudado por você' "$said"
holds "and the new one lies beside it" inside cmp "$stack_there/redis.conf.novo" /release/redis.conf
equals "the firewall has the same rules" "$rules" "$(inside ufw status)"

# A key that is not Docker's is not trusted, whatever server hands it out.
inside sh -c 'gpg --batch --quiet --passphrase "" --quick-generate-key someone@else.test default default never 2>/dev/null; gpg --batch --armor --export someone@else.test >/tmp/other.asc'
code=0
said=$(inside env DOCKER_KEY_URL=file:///tmp/other.asc bash /release/scripts/setup-server.sh --swap 0 --no-upgrade --docker docker 2>&1) || code=$?
equals "another key than Docker's is refused: exit code 1" 1 "$code"
contains "with both fingerprints" 'não é a da Docker \(esperada 9DC8' "$said"
holds "and no source is added" inside test ! -e /etc/apt/sources.list.d/docker.sources
