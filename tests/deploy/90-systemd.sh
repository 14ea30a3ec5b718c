#!/usr/bin/env bash
# ids.service on a Debian 12 that really boots systemd: hardened as it is, it reads a PDF and a Word file in its sandboxed child,
# answers its health check, is backed up by its timer's service, and stops in order.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

command -v systemd-nspawn >/dev/null || "$repository/scripts/install-packages.sh" systemd-container
root=$work/systemd-root
maker=ids-test-systemd
remove() {
    docker rm --force "$maker" >/dev/null 2>&1 || true
    rm -rf "$root"
}
trap remove EXIT
remove

# ---- the machine: Debian, systemd, the program of the image

docker run --name "$maker" "$DEBIAN_IMAGE" sh -c \
    'apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet=2 --no-install-recommends systemd systemd-sysv dbus util-linux' \
    >"$work/systemd.log" 2>&1 || { tail -n 5 "$work/systemd.log" && fail "systemd could not be installed"; }
mkdir -p "$root"
docker export "$maker" | tar --extract --directory "$root" --exclude='dev/*'
docker rm --force "$maker" >/dev/null
docker create --name "$maker" "$image:${DEPLOY_TEST_VERSION:-1.0.0}" >/dev/null
for file in ids libpdfium.so; do docker cp "$maker:/usr/local/bin/$file" "$root/usr/local/bin/$file"; done

# As docs/deployment.md says.
chroot "$root" useradd --system --home-dir /var/lib/ids --shell /usr/sbin/nologin ids
install -d -m 0750 "$root/etc/ids"
install -m 0600 /dev/null "$root/etc/ids/ids.env"
cp "$repository"/deploy/systemd/ids*.service "$repository"/deploy/systemd/ids*.timer "$root/etc/systemd/system/"
chroot "$root" systemctl --quiet enable ids.service ids-backup.timer ids-health.timer

install -d -m 0755 "$root/corpus"
printf 'A multa por atraso é de dois por cento ao dia.\n' >"$root/corpus/contrato.txt"
for file in handbook-pt-sect.apt-get.pdf handbook-pt-apparmor.docx; do
    [ ! -e "$corpus/$file" ] || install -m 0644 "$corpus/$file" "$root/corpus/"
done
cat >"$root/usr/local/sbin/check" <<'CHECK'
#!/bin/bash
# Each line is a name and what was found; the test outside reads them.
exec >/check.log 2>/check.err
until ids healthcheck --url http://127.0.0.1:8000 >/dev/null 2>&1; do
    [ "$SECONDS" -lt 60 ] || { echo "healthcheck never passed" && break; }
    sleep 0.5
done
as_ids() { IDS_DATA_DIR=/var/lib/ids setpriv --reuid=ids --regid=ids --clear-groups "$@"; }
echo "active $(systemctl is-active ids.service)"
echo "ingest $(as_ids ids ingest /corpus --json)"
echo "search $(as_ids ids search 'multa por atraso' --json)"
systemctl start ids-health.service && echo "health ok"
ids backup --help >/dev/null 2>&1 && { systemctl start ids-backup.service && echo "backup ok" || echo "backup failed"; }
echo "exposure $(systemd-analyze security ids.service | tail -n 1 | grep -oE '[0-9]+\.[0-9]')"
systemctl stop ids.service
echo "result $(systemctl show --property=Result --value ids.service) $(systemctl show --property=ExecMainStatus --value ids.service)"
journalctl --unit=ids.service --unit=ids-backup.service --no-pager >/journal.log
echo done
CHECK
chmod 0755 "$root/usr/local/sbin/check"
cat >"$root/etc/systemd/system/check.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/check
ExecStopPost=/bin/systemctl poweroff --no-block
[Install]
WantedBy=graphical.target
UNIT
chroot "$root" systemctl --quiet enable check.service

timeout 240 systemd-nspawn --quiet --register=no --keep-unit --boot --private-network --machine="ids-test-$$" --directory="$root" \
    </dev/null >"$work/boot.log" 2>&1 || say "the machine ended with exit code $?"

found() { sed -n "s/^$1 //p" "$root/check.log"; }
lacks "the server answers its health check" 'never passed' "$(cat "$root/check.log")"
holds "the machine did all it should" grep -qx 'done' "$root/check.log"
equals "ids.service runs" active "$(found active)"
equals "the sandboxed child reads every file" "$(find "$root/corpus" -type f | wc -l)" "$(found ingest | json 'it["ingested"]')"
contains "they are found" 'multa por atraso' "$(found search)"
equals "ids-health.service is content" ok "$(found health)"
if grep -q '^backup ' "$root/check.log"; then
    equals "ids-backup.service makes a backup while ids serves" ok "$(found backup)"
fi
equals "it stops in order" 'success 0' "$(found result)"
say "systemd-analyze security: $(found exposure) of 10"
holds "that is well hardened" awk "BEGIN { exit !($(found exposure) <= 2) }"
lacks "nothing was refused by the filter of system calls" 'SIGSYS|status=31' "$(cat "$root/journal.log")"
