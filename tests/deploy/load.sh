#!/usr/bin/env bash
# Constant load through nginx, as clients are: connections kept and new ones, HTTP/1.1 and 2, searches, pages, uploads, event
# streams. Every request leaves one line; one that did not succeed is a failure, and none is repeated. The one exception is
# a kept connection that the server had closed before the request: every client sends that again on a new one. curl does so
# by itself, but for HTTP/2 in the version of Debian 12, which gives up (16) without having sent anything; those are
# counted apart. nginx's own log shows the same from the other side: no answer of 500 and above.
#
#   load.sh run FOLDER URL CA KEY_FILE RESOLVE   until FOLDER/stop is there (RESOLVE: host:port:address, as curl takes it)
#   load.sh report FOLDER [BROKEN]               counts; exit code 1 when anything failed, or a kind of request is missing. As many
#                                                uploads and streams as BROKEN may have broken off: a process that is killed
#                                                takes what it had in hand along, and no proxy has an upload to send again.
set -euo pipefail

# Five a second of each kind: on two cores the load must not become what is measured.
readonly rate=5
readonly pause=0.2

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

# One line a request: kind, protocol, status, curl's exit code, seconds, connections made for it, bytes of the reply's head, what
# went wrong.
outcome() {
    printf '%s %%{http_version} %%{http_code} %%{exitcode} %%{time_total} %%{num_connects} %%{size_header} %%{errormsg}\\n' "$1"
}

common() { # the part of a curl configuration that all have
    printf 'silent\nshow-error\nmax-time = 60\ncacert = "%s"\nresolve = "%s"\nnoproxy = "*"\n' "$ca" "$resolve"
    printf 'header = "Authorization: Bearer %s"\n' "$(cat "$key_file")"
}

transfer() { # transfer KIND PROTOCOL PATH [BODY]
    printf '%s\noutput = /dev/null\nwrite-out = "%s"\nurl = "%s%s"\n' "$2" "$(outcome "$1")" "$url" "$3"
    [ -z "${4:-}" ] || printf 'header = "content-type: application/json"\ndata = "%s"\n' "${4//\"/\\\"}"
}

# One process, one connection, many requests.
kept() { # kept PROTOCOL_OPTION NAME
    local config=$folder/kept-$2.conf number
    for ((number = 0; number < 60; number++)); do
        [ "$number" -eq 0 ] || printf 'next\n'
        common
        case $((number % 3)) in
            0) transfer "search-kept" "$1" /api/v1/documents/search '{"query": "multa por atraso"}' ;;
            1) transfer "list-kept" "$1" '/api/v1/documents?limit=5' ;;
            2) transfer "page-kept" "$1" / ;;
        esac
    done >"$config"
    # `rate` counts for the whole process, so it stands in front.
    while [ ! -e "$folder/stop" ]; do
        curl --rate "$rate/s" --config "$config" >>"$folder/results" 2>>"$folder/errors" || true
    done
}

# A connection for each request.
fresh() { # fresh PROTOCOL_OPTION NAME
    local config=$folder/fresh-$2.conf
    { common && transfer search-fresh "$1" /api/v1/documents/search '{"query": "prazo de entrega"}'; } >"$config"
    while [ ! -e "$folder/stop" ]; do
        curl --config "$config" >>"$folder/results" 2>>"$folder/errors" || true
        sleep "$pause"
    done
}

# An upload, and the stream of its events until it ends. A stream that ends before the work is taken up again, as browsers do
# by themselves: a version that goes ends what it still has after a while. Each of its requests must succeed.
uploads() { # uploads PROTOCOL_OPTION NAME
    local config=$folder/upload-$2.conf reply=$folder/upload-$2.json number=0 document state tries
    while [ ! -e "$folder/stop" ]; do
        sleep "$pause"
        number=$((number + 1))
        printf 'Contrato %s-%s-%s: a multa por atraso na entrega é de %s por cento ao dia.\n' "$2" "$BASHPID" "$(date +%s%N)" "$number" >"$folder/$2.txt"
        {
            common
            printf '%s\noutput = "%s"\nwrite-out = "%s"\nurl = "%s/api/v1/documents"\nform = "file=@%s;filename=carga-%s-%s.txt"\n' \
                "$1" "$reply" "$(outcome upload)" "$url" "$folder/$2.txt" "$2" "$number"
        } >"$config"
        rm -f "$reply"
        curl --config "$config" >>"$folder/results" 2>>"$folder/errors" || continue
        document=$(sed -n 's/.*"document_id":"\([^"]*\)".*/\1/p' "$reply")
        [ -n "$document" ] || continue
        {
            common
            printf '%s\nno-buffer\nmax-time = 180\noutput = "%s"\nwrite-out = "%s"\nurl = "%s/api/v1/documents/%s/events"\n' \
                "$1" "$folder/events-$2" "$(outcome events)" "$url" "$document"
        } >"$config"
        state=nothing
        for ((tries = 0; tries < 10; tries++)); do
            curl --config "$config" >>"$folder/results" 2>>"$folder/errors" || true
            state=$(sed -n 's/^data:.*"status":"\([a-z_]*\)".*/\1/p' "$folder/events-$2" | tail -n 1)
            case $state in completed | failed | duplicate | cancelled) break ;; esac
        done
        [ "$state" = completed ] || printf 'events - 000 1 0 0 0 the work on %s ended as %s\n' "$document" "$state" >>"$folder/results"
    done
}

run() {
    mkdir -p "$folder"
    rm -f "$folder/stop" "$folder/results"
    : >"$folder/results"
    kept http1.1 http1 &
    kept http2 http2 &
    fresh http1.1 http1 &
    fresh http2 http2 &
    uploads http1.1 http1 &
    uploads http2 http2 &
    wait
}

# A request that never left: nginx had said (GOAWAY) that the connection takes no more, and curl tried it all the same. A kept one, or
# on a busy machine a new one that was being made while nginx reloaded; of those, only what may be asked twice.
# shellcheck disable=SC2016 # of awk
readonly never_sent='$2 == 0 && $3 == "000" && $4 == 16 && $7 == 0 && ($6 == 0 || $1 != "upload")'

report() {
    local kind failed=0 broken=${2:-0}
    [ -s "$1/results" ] || fail "no request was made"
    awk "$never_sent"' { unsent++; next } { kind = $1 " HTTP/" $2; total[kind]++; requests++ }
        $3 !~ /^2/ || $4 != 0 { bad[kind]++; failed++; if (failed <= 20) print "   failed: " $0 > "/dev/stderr" }
        END { for (kind in total) printf "   %-24s %6d requests, %d failed\n", kind, total[kind], bad[kind] | "sort"
            close("sort")
            printf "   %-24s %6d requests, %d failed; %d found their connection closed\n", "together", requests, failed, unsent }' "$1/results"
    for kind in 'search-kept 1.1' 'search-kept 2' 'page-kept 1.1' 'page-kept 2' 'search-fresh 1.1' 'search-fresh 2' 'upload 1.1' 'upload 2' 'events 1.1' 'events 2'; do
        grep -q "^$kind " "$1/results" || { printf '   no request of the kind %s\n' "$kind" >&2 && failed=1; }
    done
    awk -v broken="$broken" "$never_sent"' { unsent++; next } ($1 == "upload" || $1 == "events") && $2 != "-" && ($3 !~ /^2/ || $4 != 0) { in_hand++; next }
        $3 !~ /^2/ || $4 != 0 { bad++ } END { exit bad > 0 || in_hand > broken || unsent > 20 }' "$1/results" || failed=1
    return "$failed"
}

case ${1:-} in
    run)
        [ "$#" -eq 6 ] || fail "load.sh run FOLDER URL CA KEY_FILE RESOLVE"
        folder=$2 url=$3 ca=$4 key_file=$5 resolve=$6
        run
        ;;
    report) report "${2:?which folder}" "${3:-0}" ;;
    *) fail "run or report" ;;
esac
