#!/usr/bin/env bash
# Makes what a release consists of, of a program that is built. `--help` says how.
#
# The same program and the same commit give the same bytes: times are the commit's, owners are root, lists are sorted.
set -euo pipefail

repository=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
# Debian 12; whoever has an older one cannot start the program.
newest_glibc=2.36

help() {
    cat <<'TEXT'
scripts/package.sh [OPTIONS]

  --program FILE    a built `ids` (default: built now, by scripts/build.sh)
  --version TEXT    what the files are called by (default: the version of Cargo.toml)
  --to DIR          where they go (default: dist); files of the same names are replaced
  --only KIND       deb, archive or sums; may be given again (default: all)
  --fast            a package that is larger and made in a tenth of the time, for tests
  --any-glibc       do not refuse a program that needs a newer glibc than Debian 12's, for tests on newer systems

Written are ids-VERSION-TARGET.tar.gz (program, libpdfium.so, manual pages, completions, units, licenses), ids_VERSION_ARCH.deb,
ids-VERSION-deploy.tar.gz (the folder deploy/ of a server with containers, and Kubernetes), ids-VERSION.spdx.json (what is inside),
and SHA256SUMS of all of them.
TEXT
}

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

say() {
    printf '%s\n' "$*" >&2
}

workspace_version() {
    sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$repository/Cargo.toml"
}

# Of the commit; of an archive without git, what stands in the file that `git archive` filled in.
commit_seconds() {
    git -C "$repository" log -1 --format=%ct 2>/dev/null || sed -n 's/^[0-9a-f]\{40\} \([0-9]*\)$/\1/p' "$repository/crates/ids/commit.txt"
}

# The newest glibc that a file asks for.
needed_glibc() { # needed_glibc FILE
    objdump -T "$1" | grep -oE 'GLIBC_[0-9]+\.[0-9]+' | sed 's/^GLIBC_//' | sort -uV | tail -n 1
}

check_glibc() {
    local file needed
    for file in "$@"; do
        needed=$(needed_glibc "$file")
        [ -n "$needed" ] || fail "\`$file\` asks for no glibc at all; is it a program for Linux?"
        if [ "$(printf '%s\n' "$needed" "$newest_glibc" | sort -V | tail -n 1)" != "$newest_glibc" ]; then
            [ -n "$any_glibc" ] || fail "\`${file##*/}\` needs glibc $needed, and Debian 12 has $newest_glibc; build it on Debian 12"
        fi
    done
}

# ---- what goes in

stage() { # into $stage
    mkdir -p "$stage"/{man,completions,systemd,doc}
    install -m 0755 "$program" "$stage/ids"
    # What is left of names for debuggers is of no use without the sources' lines.
    strip --strip-unneeded "$stage/ids"
    install -m 0644 "$repository/assets/libpdfium.so" "$stage/"
    check_glibc "$stage/ids" "$stage/libpdfium.so"
    install -m 0644 "$repository/deploy/packages/ids.env" "$stage/"

    "$stage/ids" man "$stage/man"
    for shell in bash zsh fish; do
        "$stage/ids" completions "$shell" >"$stage/completions/$shell"
    done
    mv "$stage/completions/bash" "$stage/completions/ids.bash"
    mv "$stage/completions/zsh" "$stage/completions/_ids"
    mv "$stage/completions/fish" "$stage/completions/ids.fish"

    # Where a package puts the program. Those of the containers belong to deploy/.
    for unit in "$repository"/deploy/systemd/ids*.{service,timer}; do
        case ${unit##*/} in ids-docker-*) continue ;; esac
        # The first lines of ids.service tell how to install it by hand.
        sed -e 's|/usr/local/bin/ids|/usr/bin/ids|' -e '/^# *useradd /d; /^# *install /d; /^# *systemctl enable --now ids.service/d' \
            "$unit" >"$stage/systemd/${unit##*/}"
    done

    cp "$repository"/{LICENSE,THIRD_PARTY.md,CHANGELOG.md,README.md} "$repository/docs/configuration.md" "$repository/docs/packages.md" "$stage/doc/"
    SOURCE_DATE_EPOCH=$seconds sh "$repository/deploy/sbom.sh" "$version" "$repository" program >"$stage/doc/sbom.spdx.json"
    find "$stage" -exec touch --no-dereference --date="@$seconds" {} +
}

# A tar that is the same wherever it is made.
archive() { # archive FILE FOLDER NAME
    tar --create --sort=name --mtime="@$seconds" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --format=gnu \
        --directory="$2" "$3" | gzip --no-name --best >"$1"
}

make_archive() {
    local name="ids-$version-$target" tree
    tree=$work/tree
    mkdir -p "$tree/$name"
    cp -r "$stage/ids" "$stage/libpdfium.so" "$stage/man" "$stage/completions" "$stage/systemd" "$tree/$name/"
    cp "$stage"/doc/* "$tree/$name/"
    # By hand it goes where the units in deploy/systemd look for it.
    sed -i 's|/usr/bin/ids|/usr/local/bin/ids|' "$tree/$name"/systemd/*
    archive "$to/$name.tar.gz" "$tree" "$name"
    say "$to/$name.tar.gz"

    name="ids-$version-deploy"
    mkdir -p "$tree/$name"
    # What git knows, so that a password in a `.env` beside it stays where it is.
    if git -C "$repository" rev-parse --git-dir >/dev/null 2>&1; then
        git -C "$repository" ls-files -z -- deploy | (cd "$repository" && xargs -0 cp --parents --target-directory="$tree/$name")
    else
        cp -r "$repository/deploy" "$tree/$name/"
    fi
    archive "$to/$name.tar.gz" "$tree" "$name"
    say "$to/$name.tar.gz"
    install -m 0644 "$stage/doc/sbom.spdx.json" "$to/ids-$version.spdx.json"
}

make_deb() {
    local folder=$work/target/release file architecture
    mkdir -p "$folder"
    cp -r "$stage" "$folder/package"
    mv "$folder/package/ids" "$folder/ids"
    gzip --no-name --best "$folder"/package/man/*
    gzip --no-name --best "$folder/package/doc/CHANGELOG.md"
    # dpkg has the terms of the package itself in `copyright`.
    rm "$folder/package/doc/LICENSE"
    architecture=$(dpkg --print-architecture)
    file=$to/ids_${version}_$architecture.deb
    rm -f "$file"
    # A version before a release sorts below it: 0.2.0~rc.1.
    (cd "$repository" && CARGO_TARGET_DIR=$work/target SOURCE_DATE_EPOCH=$seconds "$repository/scripts/cargo-deb.sh" --quiet --package ids \
        --no-build --no-strip --deb-version "${version/-/\~}" --output "$file" ${fast:+--fast} >&2)
}

make_sums() {
    (cd "$to" && find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%P\0' | sort -z | xargs -0 sha256sum >SHA256SUMS.new && mv SHA256SUMS.new SHA256SUMS)
    say "$to/SHA256SUMS"
}

# ---- in order

program='' version='' to=dist only=() fast='' any_glibc=''
while [ "$#" -gt 0 ]; do
    case $1 in
        --program | --version | --to | --only)
            [ -n "${2:-}" ] || fail "$1 needs a value"
            case $1 in
                --program) program=$(readlink -f "$2") ;;
                --version) version=$2 ;;
                --to) to=$2 ;;
                --only) only+=("$2") ;;
            esac
            shift
            ;;
        --fast) fast=1 ;;
        --any-glibc) any_glibc=1 ;;
        -h | --help)
            help
            exit 0
            ;;
        *) fail "unknown option \`$1\`; --help lists them" ;;
    esac
    shift
done
[ "${#only[@]}" -gt 0 ] || only=(archive deb sums)
[ -n "$version" ] || version=$(workspace_version)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || fail "\`$version\` is no version such as 0.1.0"
[ -n "$program" ] || program=$("$repository/scripts/build.sh")
[ -x "$program" ] || fail "there is no program \`$program\`"
missing=()
command -v objdump >/dev/null || missing+=(binutils)
command -v xz >/dev/null || missing+=(xz-utils)
[ "${#missing[@]}" -eq 0 ] || "$repository/scripts/install-packages.sh" "${missing[@]}"

seconds=${SOURCE_DATE_EPOCH:-$(commit_seconds)}
[ -n "$seconds" ] || fail "the time of the commit is not known; set SOURCE_DATE_EPOCH"
target=$("$program" --version | sed -n 's/^built for: \([^ ]*\) .*/\1/p')
[ -n "$target" ] || fail "\`$program\` does not say what it is built for"
mkdir -p "$to"
to=$(cd "$to" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/stage
umask 022
stage
for kind in "${only[@]}"; do
    case $kind in
        archive) make_archive ;;
        deb) make_deb ;;
        sums) make_sums ;;
        *) fail "there is no kind \`$kind\`: archive, deb, sums" ;;
    esac
done
