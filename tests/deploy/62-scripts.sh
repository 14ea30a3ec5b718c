#!/usr/bin/env bash
# What holds for each script of the server by itself: help, usage, refusals that change nothing.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

# Comes with Compose 2 only in the name of the command; whatever is said here is said by either.
scripts=$stack/scripts

command -v shellcheck >/dev/null || "$repository/scripts/install-packages.sh" shellcheck
cd "$repository"
holds "shellcheck has nothing to say about the scripts of the server" shellcheck -x deploy/scripts/*.sh
holds "shellcheck has nothing to say about these tests" shellcheck -x tests/deploy/*.sh

for name in setup-server deploy rollback backup restore health-check install-certificate; do
    holds "$name.sh can be run" test -x "$scripts/$name.sh"
    help=$("$scripts/$name.sh" --help)
    contains "$name.sh --help says how it is used" '^Uso: .*scripts/'"$name.sh" "$help"
    equals "$name.sh keeps to set -euo pipefail" 1 "$(cat "$scripts/$name.sh" "$scripts/common.sh" | grep -c '^set -euo pipefail$' | awk '{ print ($1 > 0) }')"
    set +e
    said=$("$scripts/$name.sh" --sem-essa-opcao 2>&1)
    code=$?
    set -e
    equals "$name.sh refuses an unknown option with exit code 2" 2 "$code"
    contains "$name.sh names the option it does not know" 'sem-essa-opcao' "$said"
done

refused() { # refused CODE WORDS SENTENCE COMMAND...
    local wanted=$1 words=$2 sentence=$3 said code=0
    shift 3
    said=$("$@" 2>&1) || code=$?
    equals "$sentence: exit code $wanted" "$wanted" "$code"
    contains "$sentence: says why" "$words" "$said"
}

before=$(cd "$stack" && sha256sum .env .env.prod)
running=$(all_containers | sort)

refused 2 'latest' "deploy.sh takes no tag that moves" "$scripts/deploy.sh" latest
refused 2 'nome de vers' "deploy.sh takes no name that is none" "$scripts/deploy.sh" '../x'
refused 2 'não está neste servidor' "deploy.sh --no-pull wants the image here" "$scripts/deploy.sh" 9.9.9 --no-pull
chmod 0644 "$stack/.env.prod"
refused 2 'chmod 600' "deploy.sh refuses passwords that all may read" "$scripts/deploy.sh" --no-pull
chmod 0600 "$stack/.env.prod"

edited() { # edited SED_EXPRESSION COMMAND...: with another .env.prod, which is put back
    local kept=$work/env.kept code=0
    cp -p "$stack/.env.prod" "$kept"
    sed -i "$1" "$stack/.env.prod"
    shift
    "$@" || code=$?
    cp -p "$kept" "$stack/.env.prod"
    return "$code"
}
edited '/^S3_BUCKET=/d' refused 2 'S3_BUCKET não está definida' "deploy.sh names what is missing" "$scripts/deploy.sh" --no-pull
# shellcheck disable=SC2016 # it is the dollar that is tested
edited 's/^POSTGRES_PASSWORD=.*/POSTGRES_PASSWORD=a$b/' refused 2 'POSTGRES_PASSWORD tem' \
    "deploy.sh refuses a value that Compose 1 and 2 read differently" "$scripts/deploy.sh" --no-pull
cp "$stack/docker-compose.prod.yml" "$work/compose.kept"
printf 'services: [\n' >"$stack/docker-compose.prod.yml"
refused 2 'não é válido' "deploy.sh refuses a compose file that is none" "$scripts/deploy.sh" --no-pull
cp "$work/compose.kept" "$stack/docker-compose.prod.yml"
refused 2 'informe o arquivo' "restore.sh wants to know what" "$scripts/restore.sh"
refused 2 'não existe' "restore.sh names a file that is not there" "$scripts/restore.sh" ids-20200101T000000Z.tar.gz --yes
refused 2 'versão anterior' "rollback.sh says that there is no version before" env -u IDS_VERSION "$scripts/rollback.sh"

equals "none of this changed a setting" "$before" "$(cd "$stack" && sha256sum .env .env.prod)"
equals "none of this changed a container" "$running" "$(all_containers | sort)"
lacks "no secret stands in the log" 'of-a-test|0123456789abcdef' "$(cat "$stack"/logs/*.log)"

# The hook of certbot.
mkdir -p "$work/lineage"
certificate "$site" "$work/renewed"
cp "$work/renewed.pem" "$work/lineage/fullchain.pem"
cp "$work/site.key" "$work/lineage/privkey.pem"
refused 1 'não são um par' "a certificate that does not fit its key is not installed" \
    env STACK_DIR="$stack" RENEWED_LINEAGE="$work/lineage" "$scripts/install-certificate.sh"
cp "$work/renewed.key" "$work/lineage/privkey.pem"
holds "a renewed certificate is installed" env STACK_DIR="$stack" RENEWED_LINEAGE="$work/lineage" "$scripts/install-certificate.sh"
served() {
    openssl s_client -connect "127.0.0.1:$https_port" -servername "$site" </dev/null 2>/dev/null | openssl x509 -noout -serial
}
serves_renewed() { [ "$(served)" = "$(openssl x509 -noout -serial -in "$work/renewed.pem")" ]; }
wait_for 15 "nginx serves the renewed certificate" serves_renewed
