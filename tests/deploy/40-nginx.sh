#!/usr/bin/env bash
# What nginx promises: TLS, versions of HTTP, headers, limits, large uploads, long streams, the caller's address.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

base=https://$site:$https_port
nginx=$(containers nginx)
access=$stack/logs/nginx/access.log
raw() {
    python3 "$repository/tests/deploy/nginx_raw.py" "$https_port" "$work/authority.pem" "$site" "$1"
}

# ---- headers
for path in / /health /api/v1/documents /metrics /nothing-here; do
    headers=$(client --head --request GET "$base$path")
    for header in 'strict-transport-security: max-age=31536000' 'x-content-type-options: nosniff' 'x-frame-options: DENY' \
        'referrer-policy: no-referrer' 'permissions-policy: camera=' 'content-security-policy: default-src '; do
        contains "$path: $header" "^$header" "$headers"
    done
    equals "$path: each of them once" '' "$(cut -d: -f1 <<<"$headers" | tr -d '\r' | grep -iE 'security|x-|polic' | sort | uniq -d)"
    lacks "$path: no version of a server, no X-XSS-Protection" 'nginx/|x-xss-protection|x-powered' "$headers"
done
contains "the page may load its own files only" "content-security-policy: default-src 'self'" "$(client --head --request GET "$base/")"

# ---- http, and versions of it
redirect=$(client --output /dev/null --write-out '%{http_code} %{redirect_url}' "http://$site:$http_port/some/where?q=1")
equals "http leads to https" "301 https://$site/some/where?q=1" "$redirect"
mkdir -p "$stack/acme/.well-known/acme-challenge"
printf 'of-a-test' >"$stack/acme/.well-known/acme-challenge/token"
equals "certificates can be renewed over http" of-a-test "$(client "http://$site:$http_port/.well-known/acme-challenge/token")"
equals "HTTP/2 is spoken" 2 "$(client --http2 --output /dev/null --write-out '%{http_version}' "$base/health")"
equals "HTTP/1.1 is spoken" 1.1 "$(client --http1.1 --output /dev/null --write-out '%{http_version}' "$base/health")"
equals "metrics are not for the world" 404 "$(client --output /dev/null --write-out '%{http_code}' "$base/metrics")"
equals "not with a key either" 404 "$(status_of /metrics)"

# ---- TLS
handshake() { # handshake OPENSSL ARGUMENTS: the version that was agreed on
    openssl s_client -connect "127.0.0.1:$https_port" -servername "$site" -CAfile "$work/authority.pem" -verify_return_error "$@" \
        </dev/null 2>/dev/null | sed -n 's/^ *Protocol *: *//p; s/^New, \(TLSv[0-9.]*\), Cipher is.*/\1/p' | head -n 1
}
equals "TLS 1.3 is taken" TLSv1.3 "$(handshake -tls1_3)"
equals "TLS 1.2 is taken" TLSv1.2 "$(handshake -tls1_2)"
refuses() {
    ! openssl s_client -connect "127.0.0.1:$https_port" -servername "$site" "$@" </dev/null 2>/dev/null | grep -q 'BEGIN CERTIFICATE'
}
# At its lowest level of security this client would speak them.
holds "TLS 1.1 is refused" refuses -tls1_1 -cipher 'ALL:@SECLEVEL=0'
holds "TLS 1.0 is refused" refuses -tls1 -cipher 'ALL:@SECLEVEL=0'
holds "TLS 1.2 without forward secrecy is refused" refuses -tls1_2 -cipher 'AES128-GCM-SHA256:AES256-SHA:@SECLEVEL=0'
holds "TLS 1.2 with CBC is refused" refuses -tls1_2 -cipher 'ECDHE-RSA-AES128-SHA:@SECLEVEL=0'
equals "TLS 1.2 with forward secrecy is taken" TLSv1.2 "$(handshake -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256)"

# ---- requests that are not what they seem
for pair in both-lengths:400 two-lengths:400 unknown-coding:501 bad-chunk:400 two-hosts:400 no-host:400 nul:400 space-in-name:400; do
    equals "${pair%%:*} is refused, and nothing behind it is read as a request" "${pair##*:} 1" "$(raw "${pair%%:*}")"
done
equals "headers of 12 kB pass" '200 1' "$(raw large-header)"
equals "headers of 80 kB are refused" '400 1' "$(raw too-large-header)"
raw slow >"$work/slow" &
slow=$!

# ---- the page's own files
asset=$(client "$base/" | grep -oE '/assets/[0-9a-f]+/[a-z./-]+\.js' | head -n 1)
for _ in 1 2; do
    headers=$(client --head --request GET --compressed "$base$asset")
done
contains "the page's files are kept by browsers" 'cache-control: .*immutable' "$headers"
contains "they are compressed" 'content-encoding: gzip' "$headers"
equals "nginx has them without asking the API" '""' \
    "$(grep -F "\"path\":\"$asset\"" "$access" | tail -n 1 | grep -oE '"upstream":"[^"]*"' | cut -d: -f2-)"

# ---- who asks
network=${project}_edge
# Another machine, as it were.
elsewhere() { # elsewhere SHELL COMMAND
    local gate
    gate=$(docker inspect --format "{{(index .NetworkSettings.Networks \"$network\").IPAddress}}" "$nginx")
    docker run --rm --network "$network" --add-host "$site:$gate" --entrypoint sh "$NGINX_IMAGE" -c "$1"
}
# It claims to be a third one.
visitor=$(elsewhere "wget -q --no-check-certificate --header 'X-Forwarded-For: 203.0.113.9' -O /dev/null https://$site/api/v1/queue/health?of-a-visitor; hostname -i")
entry=$(grep -F '"path":"/api/v1/queue/health"' "$access" | tail -n 1)
contains "the log of nginx has the address of who asks" "\"client\":\"$visitor\"" "$entry"
lacks "it has no query, which may say what people look for" 'of-a-visitor' "$entry"

# ---- a long stream, over both versions, while nginx is told to read its configuration anew
containers worker-documents | xargs docker pause >/dev/null
printf '# Espera\n\nEste documento espera por quem o leia. %s\n' "$RANDOM" >"$work/waits.md"
waiting=$(upload "$work/waits.md")
begin=$SECONDS
for version in --http1.1 --http2; do
    CLIENT_MAX_TIME=300 api "/api/v1/documents/$waiting/events" "$version" --no-buffer |
        while IFS= read -r line; do printf '%s %s\n' "$((SECONDS - begin))" "$line"; done >"$work/stream$version" &
done
streams=$(jobs -p | tail -n 2)
wait_for 5 "the state now comes at once" grep -q '^[0-3] data:' "$work/stream--http2"
docker exec "$nginx" nginx -s reload -c /etc/nginx/ids/nginx.conf 2>/dev/null
wait_for 100 "the stream is kept alive for 75 s, across a reload" grep -qE '^(7[5-9]|8[0-9]|9[0-9]) :' "$work/stream--http2"
equals "who sends headers without end is cut off after 15 s" 15 "$(wait "$slow"; awk '{ print ($1 >= 14 && $1 <= 18) ? 15 : $1 }' "$work/slow")"
containers worker-documents | xargs docker unpause >/dev/null
for process in $streams; do
    wait "$process" || true
done
for version in --http1.1 --http2; do
    comments=$(grep -cE '^[0-9]+ :' "$work/stream$version")
    holds "events came one by one over ${version#--} ($comments comments)" test "$(cut -d' ' -f1 "$work/stream$version" | sort -u | wc -l)" -ge 5
    contains "the last one tells the end" '"status":"completed"' "$(grep ' data:' "$work/stream$version" | tail -n 1)"
done

# ---- a large file: settings of this moment, so that the stack is as before afterwards
cp "$stack/.env.prod" "$work/env.prod.before"
cp "$stack/.env" "$work/env.before"
printf 'MAX_FILE_SIZE_MB=1100\n' >>"$stack/.env"
printf 'RATE_LIMIT_PER_ADDRESS_PER_MINUTE=300\n' >>"$stack/.env.prod"
compose up -d --no-deps api nginx >>"$work/compose.log" 2>&1
nginx=$(containers nginx)
wait_for 90 "the API is there with its new settings" all_healthy
wait_for 10 "nginx knows its new processes" client --fail "$base/ready"
begin=$SECONDS
large() {
    python3 "$repository/tests/deploy/upload_large.py" "$https_port" "$work/authority.pem" "$site" "$(cat "$work/key")" "$1"
}
large 1024 >"$work/large" &
large=$!
most=0
while kill -0 "$large" 2>/dev/null; do
    now=$(docker exec "$nginx" sh -c 'du -sk /tmp /var/cache/nginx 2>/dev/null' | awk '{ sum += $1 } END { print sum }')
    [ "${now:-0}" -le "$most" ] || most=$now
done
wait "$large"
contains "a file of 1 GB is taken ($((SECONDS - begin)) s)" '^202 ' "$(cat "$work/large")"
holds "nginx never had it ($most kB in its folders at most)" test "$most" -lt 4096
large_document=$(sed 's/^202 //' "$work/large" | json 'it["document_id"]')
equals "the API knows its size" $((1024 * 1024 * 1024 + 9)) "$(api "/api/v1/documents/$large_document" | json 'it.get("size_bytes") or it.get("file_size")')"
refusal=$(large 1200)
contains "one over MAX_FILE_SIZE_MB is refused" '^413 .*FILE_TOO_LARGE' "$refusal"
equals "it is deleted" 2 "$(status_of "/api/v1/documents/$large_document" --request DELETE | cut -c1)"

# ---- limits, of nginx and of the API, each by the caller's own address
codes() { # codes COUNT: of so many requests at once
    client --parallel --parallel-max 60 --output /dev/null --write-out '%{http_code}\n' \
        "$base/api/v1/documents?[1-$1]" 2>/dev/null | sort | uniq -c | awk '{ print $2 "x" $1 }' | paste -sd' '
}
first=$(codes 350)
contains "who asks too often without a key is told so by the API" '429x' "$first"
contains "others are served meanwhile" '200' "$(elsewhere "wget -q -S --no-check-certificate --header 'Authorization: Bearer $(cat "$work/key")' -O /dev/null https://$site/api/v1/documents 2>&1 | grep HTTP/")"
second=$(client --parallel --parallel-max 100 --output /dev/null --write-out '%{http_code}\n' "$base/api/v1/queue/health?[1-900]" 2>/dev/null | sort | uniq -c | awk '{ print $2 "x" $1 }' | paste -sd' ')
contains "a flood is cut off by nginx" '429x' "$second"
refusal=$(for _ in $(seq 300); do printf 'url=%s/api/v1/queue/health\noutput=-\n' "$base"; done | client --parallel --parallel-max 100 --config - 2>/dev/null || true)
contains "in the shape of the API's errors" 'RATE_LIMITED' "$refusal"

cp "$work/env.before" "$stack/.env"
cp "$work/env.prod.before" "$stack/.env.prod"
compose up -d --no-deps api nginx >>"$work/compose.log" 2>&1
wait_for 90 "the API is there with its own settings" all_healthy
wait_for 30 "the site answers again" client --fail "$base/health"
