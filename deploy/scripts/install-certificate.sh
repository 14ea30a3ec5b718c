#!/usr/bin/env bash
# certbot's deploy hook: puts a new certificate where nginx reads it, and reloads nginx. setup-server.sh installs it.
set -euo pipefail

readonly stack=/opt/intelligent-document-search

help() {
    cat <<'TEXT'
Uso: RENEWED_LINEAGE=/etc/letsencrypt/live/NOME scripts/install-certificate.sh

Copia o certificado que o certbot obteve para ssl/, confere que chave e certificado são um par, e recarrega o nginx.
O certbot chama este script sozinho depois de cada renovação.
TEXT
}

fail() {
    printf '❌ %s\n' "$1" >&2
    exit "${2:-1}"
}

case ${1:-} in
    -h | --help)
        help
        exit 0
        ;;
    '') ;;
    *) fail "opção desconhecida: $1 (veja --help)" 2 ;;
esac
target=${STACK_DIR:-$stack}
[ -n "${RENEWED_LINEAGE:-}" ] || fail "RENEWED_LINEAGE não está definida; veja --help" 2
for file in fullchain.pem privkey.pem; do
    [ -s "$RENEWED_LINEAGE/$file" ] || fail "não há certificado em $RENEWED_LINEAGE ($file)"
done

# A pair that does not fit would stop nginx at its next start.
public_key() { openssl pkey -pubout -in "$1" 2>/dev/null; }
[ "$(openssl x509 -noout -pubkey -in "$RENEWED_LINEAGE/fullchain.pem")" = "$(public_key "$RENEWED_LINEAGE/privkey.pem")" ] ||
    fail "o certificado e a chave de $RENEWED_LINEAGE não são um par; nada foi mudado"

install -m 0600 "$RENEWED_LINEAGE/privkey.pem" "$target/ssl/key.pem.new"
install -m 0644 "$RENEWED_LINEAGE/fullchain.pem" "$target/ssl/cert.pem.new"
chown --reference="$target/ssl" "$target/ssl/key.pem.new" "$target/ssl/cert.pem.new"
mv -f "$target/ssl/key.pem.new" "$target/ssl/key.pem"
mv -f "$target/ssl/cert.pem.new" "$target/ssl/cert.pem"

project=$(sed -n 's/^COMPOSE_PROJECT_NAME=//p' "$target/.env" 2>/dev/null | tail -n 1)
nginx=$(docker ps --quiet --filter "label=com.docker.compose.project=${project:-$(basename "$target")}" \
    --filter label=com.docker.compose.service=nginx | head -n 1)
if [ -n "$nginx" ]; then
    docker exec "$nginx" nginx -t -q && docker exec "$nginx" nginx -s reload
    printf '✅ Certificado instalado, nginx recarregado\n'
else
    printf '✅ Certificado instalado; o nginx não está no ar\n'
fi
