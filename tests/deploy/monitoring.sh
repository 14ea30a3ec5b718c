#!/usr/bin/env bash
# deploy/monitoring, checked by Prometheus' own tool: `tests/deploy/monitoring.sh [IDS]`. With a program IDS, what it serves at
# /metrics is checked as well, in both text formats.
set -euo pipefail
cd "$(dirname "$0")/../.."

help() {
    sed -n '2,3s/^# //p' "$0"
}

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

download_prometheus() { # into this folder
    apt-get -qq -o APT::Sandbox::User=root download prometheus >&2
}

# Not by installing the package: Debian's would start a server that listens for everybody.
promtool_program() {
    local folder=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ids/promtool temporary lock
    if command -v promtool; then
        return
    fi
    if [ ! -x "$folder/usr/bin/promtool" ]; then
        mkdir -p "${folder%/*}"
        exec {lock}>"$folder.lock"
        flock "$lock"
        if [ ! -x "$folder/usr/bin/promtool" ]; then
            printf 'downloading promtool\n' >&2
            temporary=$(mktemp -d "$folder.XXXXXX")
            # `_apt` may not write to a folder of ours; as root it is told not to try.
            # Where apt knows no packages yet, it asks for them.
            (cd "$temporary" && { download_prometheus 2>/dev/null || { apt-get -qq update && download_prometheus; }; } && dpkg-deb -x prometheus_*.deb files) || {
                rm -rf "$temporary"
                fail "promtool (of the package \`prometheus\`) could not be downloaded; put one into PATH"
            }
            rm -rf "$folder"
            mv "$temporary/files" "$folder"
            rm -rf "$temporary"
        fi
        exec {lock}>&-
    fi
    printf '%s\n' "$folder/usr/bin/promtool"
}

# Both formats of a server with a document in it.
check_metrics() { # check_metrics IDS
    local ids=$1 place address
    ids=$(realpath "$ids")
    place=$(mktemp -d)
    # shellcheck disable=SC2064 # of now
    trap "kill \$server 2>/dev/null || true; wait 2>/dev/null || true; rm -rf '$place'" EXIT
    mkfifo "$place/ready"
    (cd "$place" && exec env -i HOME="$place" IDS_DATA_DIR="$place/library" "$ids" serve --port 0 >"$place/ready" 2>"$place/log") &
    server=$!
    read -r -t 60 _ _ _ _ address <"$place/ready" || fail "the server does not start: $(tail -n 5 "$place/log")"
    printf 'Um texto curto.\n' >"$place/a.txt"
    curl --silent --fail --max-time 10 -F "file=@$place/a.txt" "$address/api/v1/documents" >/dev/null
    curl --silent --max-time 10 "$address/api/v1/documents/nobody" >/dev/null
    curl --silent --fail --max-time 10 "$address/metrics" | "$promtool" check metrics
    curl --silent --fail --max-time 10 -H 'accept: application/openmetrics-text' "$address/metrics" | tail -n 1 | grep -qx '# EOF' ||
        fail "OpenMetrics has no end"
    kill "$server"
    wait "$server" || true
}

[ "${1:-}" != --help ] || {
    help
    exit 0
}
server=
promtool=$(promtool_program)
cd deploy/monitoring
"$promtool" check rules alerts.yml
"$promtool" check config --syntax-only prometheus.yml
"$promtool" test rules alerts.test.yml
# An alert that no case names is an alert that nobody has seen firing.
while IFS= read -r alert; do
    [ "$(grep -c "alertname: $alert\$" alerts.test.yml)" -ge 2 ] || fail "alerts.test.yml has no two cases of \`$alert\`"
done < <(sed -n 's/^ *- alert: //p' alerts.yml)
python3 -m json.tool grafana-dashboard.json >/dev/null || fail "grafana-dashboard.json is no JSON"
cd ../..
if [ -n "${1:-}" ]; then
    check_metrics "$1"
fi
printf 'monitoring is well\n'
