#!/usr/bin/env bash
# Tries the files of a release: packs a program twice (as an older version and as this one), looks into the archives, then boots a
# Debian 12 with systemd in which the package is installed, upgraded, broken off, taken back, removed and purged
# (tests/packages/inside.sh). Needs root on Debian or its kin; 2 minutes.
#
#   --program FILE   a built `ids`; built now without it
#   --keep           leave the folder, and say where it is
#   --make-base      only the Debian that the machine is made of
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    printf 'FAILED: %s\n' "$1" >&2
    exit 1
}

say() {
    printf '   %s\n' "$*"
}

holds() { # holds SENTENCE COMMAND...
    local sentence=$1
    shift
    "$@" || fail "$sentence (\`$*\`)"
    say "ok  $sentence"
}

equals() { # equals SENTENCE WANTED FOUND
    [ "$2" = "$3" ] || fail "$1: wanted \`$2\`, found \`$3\`"
    say "ok  $1"
}

cache=${XDG_CACHE_HOME:-$HOME/.cache}/ids/test-packages
base=$cache/bookworm.tar

# A Debian 12 with systemd, made once.
make_base() {
    local log
    [ ! -e "$base" ] || return 0
    mkdir -p "$cache"
    log=$(mktemp)
    mmdebstrap --quiet --variant=minbase --format=tar --include=systemd,systemd-sysv,dbus,util-linux,adduser,ca-certificates,procps,iproute2 \
        bookworm "$base.new" >"$log" 2>&1 || { tail -n 5 "$log" >&2 && fail "Debian could not be installed into a folder"; }
    rm -f "$log"
    mv "$base.new" "$base"
}

program='' keep='' only_base=''
while [ "$#" -gt 0 ]; do
    case $1 in
        --program)
            program=$(readlink -f "${2:?--program needs a file}")
            shift
            ;;
        --keep) keep=1 ;;
        --make-base) only_base=1 ;;
        -h | --help)
            sed -n '2,8s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        *)
            printf 'error: unknown option %s; --help lists them\n' "$1" >&2
            exit 2
            ;;
    esac
    shift
done
[ "$(id -u)" -eq 0 ] || fail "a machine can be booted by root only; run it as root"
missing=()
command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
command -v systemd-nspawn >/dev/null || missing+=(systemd-container)
command -v dpkg-deb >/dev/null || missing+=(dpkg)
command -v objdump >/dev/null || missing+=(binutils)
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
scripts/install-packages.sh "${missing[@]}"
if [ -n "$only_base" ]; then
    make_base
    exit
fi
[ -n "$program" ] || program=$(scripts/build.sh)

work=$(mktemp -d /var/tmp/ids-packages.XXXXXX)
finish() {
    local outcome=$?
    if [ -n "$keep" ]; then
        printf 'left in %s\n' "$work"
    else
        rm -rf "$work"
    fi
    exit "$outcome"
}
trap finish EXIT

# ---- the files

# A copy: a build that goes on beside this would give each of them another program.
mkdir -p "$work/program"
cp "$program" "$work/program/ids"
program=$work/program/ids
# Of one commit, whatever is committed meanwhile.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH
pack() {
    scripts/package.sh --program "$program" "$@" >"$work/pack.log" 2>&1 || { tail -n 5 "$work/pack.log" >&2 && fail "the files could not be made"; }
}

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
# Never released: below whatever this version is.
older=0.0.1
pack --to "$work/new" --fast
pack --to "$work/old" --fast --version "$older" --only deb
pack --to "$work/again" --only archive

target=$("$program" --version | sed -n 's/^built for: \([^ ]*\) .*/\1/p')
architecture=$(dpkg --print-architecture)
name=ids-$version-$target
equals "a release has all its files" \
    "SHA256SUMS ids-$version-deploy.tar.gz $name.tar.gz ids-$version.spdx.json ids_${version}_$architecture.deb" \
    "$(find "$work/new" -type f -printf '%f\n' | LC_ALL=C sort | paste -sd' ')"
(cd "$work/new" && sha256sum --check --strict --quiet SHA256SUMS) || fail "the checksums are not of the files"
say "ok  the checksums are of the files"
for file in "$name.tar.gz" "ids-$version-deploy.tar.gz" "ids-$version.spdx.json"; do
    holds "$file is the same when it is made again" cmp "$work/new/$file" "$work/again/$file"
done
tar --extract --gzip --file "$work/new/$name.tar.gz" --directory "$work"
for file in ids libpdfium.so LICENSE THIRD_PARTY.md CHANGELOG.md sbom.spdx.json man/ids.1 man/ids-backup-verify.1 \
    completions/ids.bash completions/_ids completions/ids.fish systemd/ids.service systemd/ids-worker@.service; do
    holds "the archive has $file" test -s "$work/$name/$file"
done
equals "units of the archive start the program where it goes by hand" 0 "$(grep -h '^ExecStart=' "$work/$name"/systemd/* | grep -vc '^ExecStart=/usr/local/bin/ids ' || true)"
printf 'A multa por atraso é de dois por cento ao dia.\n' >"$work/contrato.txt"
corpus=${TESTDATA_DIR:-../shared}/corpus
pdf=$corpus/handbook-pt-sect.apt-get.pdf
files=("$work/contrato.txt")
[ ! -e "$pdf" ] || files+=("$pdf")
equals "the program of the archive reads documents with the library beside it" "${#files[@]}" \
    "$(env -i HOME="$work" "$work/$name/ids" ingest --data-dir "$work/library" --json "${files[@]}" | python3 -c 'import json,sys; print(json.load(sys.stdin)["ingested"])')"
equals "the bill of materials has a license for each part" 0 \
    "$(python3 -c 'import json,sys; print(sum(p["licenseDeclared"] == "NOASSERTION" for p in json.load(open(sys.argv[1]))["packages"]))' "$work/new/ids-$version.spdx.json")"
equals "no secret of a server is in the archive of deploy/" 0 "$(tar --list --file "$work/new/ids-$version-deploy.tar.gz" | grep -cE '/\.env(\.prod)?$' || true)"
holds "that archive has what a server needs" grep -q "/deploy/scripts/deploy.sh$" <(tar --list --file "$work/new/ids-$version-deploy.tar.gz")

# ---- the machine

make_base
root=$work/root
mkdir -p "$root"
tar --extract --file "$base" --directory "$root" --exclude='./dev/*'
install -d -m 0755 "$root/debs" "$root/corpus"
cp "$work/old/ids_${older}_$architecture.deb" "$root/debs/old.deb"
cp "$work/new/ids_${version}_$architecture.deb" "$root/debs/new.deb"
# One whose first script fails: dpkg goes back to what was there.
dpkg-deb --raw-extract "$root/debs/new.deb" "$work/broken"
printf '#!/bin/sh\nexit 1\n' >"$work/broken/DEBIAN/preinst"
dpkg-deb --build -Znone "$work/broken" "$root/debs/broken.deb" >/dev/null
install -m 0644 "${files[@]}" "$root/corpus/"
install -m 0755 tests/packages/inside.sh "$root/usr/local/sbin/inside"
cat >"$root/etc/systemd/system/inside.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/inside
ExecStopPost=/bin/systemctl poweroff --no-block
[Install]
WantedBy=graphical.target
UNIT
chroot "$root" systemctl --quiet enable inside.service
begin=$SECONDS
timeout 400 systemd-nspawn --quiet --register=no --keep-unit --boot --private-network --machine="ids-packages-$$" --directory="$root" \
    </dev/null >"$work/boot.log" 2>&1 || say "the machine ended with exit code $?"
say "the machine ran $((SECONDS - begin)) s"

fact() {
    sed -n "s/^$1 //p" "$root/facts"
}
if [ "$(fact end)" != reached ]; then
    cat "$root/facts" "$root/errors"
    tail -n 20 "$root"/log.* 2>/dev/null
    fail "the machine did not come to the end of its list"
fi
while IFS='|' read -r fact wanted sentence; do
    [ -n "$fact" ] || continue
    [ "$(fact "$fact")" = "$wanted" ] || {
        tail -n 12 "$root/log.${fact%%.*}" "$root/errors" "$root/journal" 2>/dev/null
        fail "$sentence ($fact): wanted \`$wanted\`, found \`$(fact "$fact")\`"
    }
    say "ok  $sentence"
done <<FACTS
first.exit|0|it installs
first.version|$older|as the version it says
first.answers|yes|the service answers
first.ids.service|active enabled|the service runs and is enabled
first.ids-backup.timer|active enabled|so is the timer of backups
first.ids-health.timer|active enabled|and that of health
first.ids-api.service|inactive disabled|the API of the server shape is there, not enabled
first.ids-worker@document_processing.service|inactive disabled|workers of the server shape, too
first.user|/var/lib/ids:/usr/sbin/nologin|the user cannot log in
first.listens|127.0.0.1:8000|it listens on this machine only
first.runs-as|ids|it runs as its user
first.library|ids:ids 700|nobody else reads the library
first.settings|root:root 600|nobody else reads the settings
first.program|root:root 755 /usr/bin/ids|the program lies where programs lie
first.pdf|/usr/lib/ids/libpdfium.so|the PDF engine is found
first.pages|$(find "$work/$name/man" -name '*.1' | wc -l)|each manual page is installed
first.completions|3|completions for three shells are installed
first.licenses|3|licenses and the bill of materials are installed
first.units|0|systemd has nothing to say against the units
first.ingest|${#files[@]}|documents are read
first.backup|success 1|the backup of the night works
upgrade.exit|0|it upgrades
upgrade.version|$version|to the newer version
upgrade.answers|yes|the service answers after it
upgrade.active|active|the service runs after it
upgrade.restarted|yes|as a new process
upgrade.stopped-in-order|0|the old one ended in order
upgrade.finds|$(fact first.finds)|what was found before is found after
upgrade.settings|1|the administrator's settings stay
upgrade.timer|inactive disabled|what was switched off stays off
upgrade.other-timer|active|what was on goes on
upgrade.left|0|nothing of the upgrade is left
broken.exit|1|an upgrade that fails says so
broken.answers|yes|the service answers after a failed upgrade
broken.active|active|it was started again
broken.finds|$(fact first.finds)|with all that was in it
stopped.exit|0|an upgrade of a stopped service works
stopped.active|inactive|and does not start it
back.exit|0|it goes back
back.version|$older|to the older version
back.answers|yes|which answers
back.finds|$(fact first.finds)|with all that was in it
remove.exit|0|it is removed
remove.program|0|the program is gone
remove.process|0|nothing of it runs
remove.library|1|the library stays
remove.settings|/etc/ids/ids.env|the settings stay
again.exit|0|it is installed again
again.answers|yes|and answers
again.finds|$(fact first.finds)|with the library of before
again.timer|disabled|what was switched off is still off
purge.exit|0|it is purged
purge.left|0|library, settings and files are gone
purge.links|0|no link to a unit is left
purge.user|ids|its user stays
purge.failed|0|no unit of it is left as failed
purge.questions|0|nothing was ever asked
FACTS
holds "something was found" test "$(fact first.finds)" -gt 0
printf 'packages are well\n'
