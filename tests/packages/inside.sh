#!/bin/bash
# What happens inside the machine that scripts/test-packages.sh boots. Each line it prints is `NAME VALUE`: a fact, which the test
# outside compares; nothing is judged here. /debs has old.deb, new.deb and broken.deb, /corpus some documents.
set -u
exec >/facts 2>/errors

fact() {
    printf '%s %s\n' "$1" "${*:2}"
}

as_ids() {
    IDS_DATA_DIR=/var/lib/ids setpriv --reuid=ids --regid=ids --clear-groups "$@"
}

there() { # how many of these are there
    local count=0 path
    for path in "$@"; do
        [ ! -e "$path" ] || count=$((count + 1))
    done
    echo "$count"
}

answers() { # until it does, a minute at most
    local deadline=$((SECONDS + 60))
    until as_ids ids healthcheck --url http://127.0.0.1:8000 >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

active() {
    systemctl is-active "$1"
}

finds() { # how many hits that name the contract
    as_ids ids search 'multa por atraso' --json | grep -o '"file_name": *"contrato.txt"\|contrato' | wc -l
}

install_package() { # install_package NAME FILE: with nobody to answer, and the administrator's settings kept
    DEBIAN_FRONTEND=noninteractive dpkg --force-confold --force-downgrade --install "/debs/$2.deb" >"/log.$1" 2>&1 </dev/null
    fact "$1.exit" "$?"
}

process() {
    systemctl show --property=MainPID --value ids.service
}

export PAGER=cat SYSTEMD_PAGER=cat

# ---- the first installation
install_package first old
fact first.version "$(dpkg-query --show --showformat='${Version}' ids)"
answers && fact first.answers yes
for unit in ids.service ids-backup.timer ids-health.timer; do
    fact "first.$unit" "$(active $unit) $(systemctl is-enabled $unit)"
done
for unit in ids-api.service ids-worker@document_processing.service; do
    fact "first.$unit" "$(active $unit) $(systemctl is-enabled $unit)"
done
fact first.user "$(getent passwd ids | cut -d: -f6,7)"
fact first.listens "$(ss --listening --tcp --numeric --no-header | awk '{ print $4 }' | grep ':8000$')"
fact first.runs-as "$(ps -o user= -p "$(process)")"
fact first.library "$(stat --format='%U:%G %a' /var/lib/ids)"
fact first.settings "$(stat --format='%U:%G %a' /etc/ids/ids.env)"
fact first.program "$(stat --format='%U:%G %a' /usr/bin/ids) $(command -v ids)"
fact first.pdf "$(ids --version | sed -n 's/^pdf: .*, //p')"
fact first.pages "$(find /usr/share/man/man1 -name 'ids*.1.gz' | wc -l)"
fact first.completions "$(there /usr/share/bash-completion/completions/ids /usr/share/zsh/vendor-completions/_ids /usr/share/fish/vendor_completions.d/ids.fish)"
fact first.licenses "$(there /usr/share/doc/ids/copyright /usr/share/doc/ids/THIRD_PARTY.md /usr/share/doc/ids/sbom.spdx.json)"
fact first.units "$(systemd-analyze verify /usr/lib/systemd/system/ids*.service /usr/lib/systemd/system/ids*.timer 2>&1 | grep -c .)"
fact first.ingest "$(as_ids ids ingest /corpus --json | grep -o '"ingested": *[0-9]*' | grep -o '[0-9]*')"
fact first.finds "$(finds)"
systemctl start ids-backup.service
fact first.backup "$(systemctl show --property=Result --value ids-backup.service) $(find /var/lib/ids/backups -name 'ids-*.tar.gz' | wc -l)"

# ---- an upgrade, with settings of one's own and a timer that was switched off
echo 'LOG_LEVEL=warn' >>/etc/ids/ids.env
systemctl disable --quiet --now ids-health.timer
before=$(process)
install_package upgrade new
answers && fact upgrade.answers yes
fact upgrade.version "$(dpkg-query --show --showformat='${Version}' ids)"
fact upgrade.active "$(active ids.service)"
[ "$(process)" != "$before" ] && fact upgrade.restarted yes
fact upgrade.stopped-in-order "$(journalctl --unit=ids.service --no-pager | grep -c 'Failed with result')"
fact upgrade.finds "$(finds)"
fact upgrade.settings "$(grep -c '^LOG_LEVEL=warn$' /etc/ids/ids.env)"
fact upgrade.timer "$(active ids-health.timer) $(systemctl is-enabled ids-health.timer)"
fact upgrade.other-timer "$(active ids-backup.timer)"
fact upgrade.left "$(there /run/ids-package.stopped)"

# ---- one that fails before it begins: what ran goes on
install_package broken broken
answers && fact broken.answers yes
fact broken.active "$(active ids.service)"
fact broken.finds "$(finds)"

# ---- what does not run is not started by an upgrade
systemctl stop ids.service
install_package stopped new
fact stopped.active "$(active ids.service)"
systemctl start ids.service

# ---- back to the version before
install_package back old
answers && fact back.answers yes
fact back.version "$(dpkg-query --show --showformat='${Version}' ids)"
fact back.finds "$(finds)"

# ---- removed: the library stays
dpkg --remove ids >/log.remove 2>&1
fact remove.exit "$?"
fact remove.program "$(there /usr/bin/ids /usr/lib/ids/libpdfium.so)"
fact remove.process "$(pgrep -c -x ids)"
fact remove.library "$(there /var/lib/ids/library.db)"
fact remove.settings "$(ls /etc/ids/ids.env)"

# ---- and is found again
install_package again new
answers && fact again.answers yes
fact again.finds "$(finds)"
fact again.timer "$(systemctl is-enabled ids-health.timer)"

# ---- purged: nothing is left but the user
dpkg --purge ids >/log.purge 2>&1
fact purge.exit "$?"
fact purge.left "$(there /var/lib/ids /etc/ids /usr/lib/ids /usr/share/doc/ids /run/ids-package.stopped)"
fact purge.links "$(find /etc/systemd/system /var/lib/systemd/deb-systemd-helper-enabled -name 'ids*' | wc -l)"
fact purge.user "$(getent passwd ids | cut -d: -f1)"
fact purge.failed "$(systemctl list-units --failed --plain --no-legend 'ids*' | wc -l)"
fact purge.questions "$(cat /log.* | grep -ciE '\[y/n\]|default=n')"
journalctl --unit='ids*' --no-pager >/journal
fact end reached
