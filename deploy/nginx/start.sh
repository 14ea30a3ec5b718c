#!/bin/sh
# Runs nginx, and tells it which API processes can work: those that Docker's DNS names and whose /ready says so. A new
# process gets requests from the moment it is ready, one that is asked to stop gets none from the moment it says that
# it drains (it goes on for three seconds more), one that hangs or has a new address after a crash is noticed within
# seconds. So nobody has to reload nginx after a deploy; `nginx -s reload` by hand does no harm.
# A renewed certificate is taken without a reload too.
#
# Written for the shell and the wget of Alpine's busybox and of Debian.
set -eu

conf=/etc/nginx/ids/nginx.conf
list=/run/nginx-api/servers.conf
certificate=/etc/nginx/ssl/cert.pem
seen=/run/nginx-api

mkdir -p "$seen" /var/cache/nginx

say() {
    printf '%s [start.sh] %s\n' "$(date -u +%Y/%m/%d' '%H:%M:%S)" "$1" >&2
}

for file in "$certificate" /etc/nginx/ssl/key.pem; do
    if [ ! -r "$file" ]; then
        say "\`ssl/${file##*/}\` is not there; put the certificate (setup-server.sh makes a first one) beside docker-compose.prod.yml"
        exit 1
    fi
done

# Addresses that scripts/deploy.sh takes away from nginx before it stops what listens there.
left_out=/etc/nginx/ids/left-out

# A file and the form around it, as the API counts: the two limits are one.
printf 'client_max_body_size %sm;\n' "$((${MAX_FILE_SIZE_MB:-100} + 1))" >"$seen/largest-upload.conf"

addresses() { # of all API containers, whether they can work or not
    nslookup -type=a api 127.0.0.11 2>/dev/null | awk '
        /^Name:/ { answer = 1 }
        answer && /^Address/ { sub(/^Address[^:]*:[ \t]*/, ""); print $1 }' | sort -u |
        if [ -s "$left_out" ]; then grep -vxF -f "$left_out"; else cat; fi
}

# Asks all at once: one that hangs must not keep the news of the others back.
ready() { # prints the addresses, of those given, that can work
    rm -f "$seen"/ready.*
    for address in "$@"; do
        (wget -q -T 2 -O /dev/null "http://$address:8000/ready" 2>/dev/null && : >"$seen/ready.$address") &
        asked="${asked:-} $!"
    done
    for process in ${asked:-}; do
        wait "$process" || :
    done
    asked=
    for address in "$@"; do
        [ ! -e "$seen/ready.$address" ] || printf '%s\n' "$address"
    done
}

write_list() { # the addresses as nginx reads them; fails where nothing changed
    {
        if [ "$#" -eq 0 ]; then
            # Nobody listens there: the answer is 503, at once.
            printf 'server 127.0.0.1:1;\n'
        fi
        for address in "$@"; do
            printf 'server %s:8000 max_fails=0;\n' "$address"
        done
    } >"$list.new"
    if cmp -s "$list.new" "$list"; then
        return 1
    fi
    mv "$list.new" "$list"
}

certificate_sum() {
    cksum <"$certificate" 2>/dev/null || :
}

# shellcheck disable=SC2046 # addresses are words
write_list $(ready $(addresses)) || :
sum=$(certificate_sum)

nginx -c "$conf" -g 'daemon off;' &
server=$!
stopping=
trap 'stopping=1' TERM QUIT INT

while [ -z "$stopping" ] && kill -0 "$server" 2>/dev/null; do
    changed=
    # shellcheck disable=SC2046 # addresses are words
    found=$(ready $(addresses))
    # With none ready the last ones stay: they may answer that they are busy better than nginx can.
    # shellcheck disable=SC2086 # addresses are words
    if [ -n "$found" ] && write_list $found; then
        changed="requests go to $(printf '%s' "$found" | tr '\n' ' ')"
    fi
    now=$(certificate_sum)
    if [ "$now" != "$sum" ]; then
        sum=$now
        changed="${changed:+$changed; }the certificate was renewed"
    fi
    if [ -n "$changed" ]; then
        if nginx -t -q -c "$conf"; then
            say "$changed"
            kill -HUP "$server"
        else
            say "not taken, since nginx refuses the configuration: $changed"
        fi
    fi
    sleep 1 &
    wait $! || :
done
# Asked to stop: what is in hand is finished first. Gone by itself: so is this, and Docker starts both anew.
kill -QUIT "$server" 2>/dev/null || :
wait "$server"
