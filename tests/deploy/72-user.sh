#!/usr/bin/env bash
# The scripts as the user `deploy` of docs/deployment.md runs them: not root, in Docker's group, owner of the stack's folder.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

scripts=$stack/scripts
user=10777
socket=${DOCKER_HOST#unix://}
owners=$work/owners
# Of root again afterwards, for the parts that follow. nginx and Redis own what they write.
find "$stack" -user root >"$owners"
give_back() { find "$stack" -user "$user" -exec chown root:root {} +; }
trap give_back EXIT
xargs --arg-file="$owners" --delimiter='\n' chown "$user:$user"
# The way to it: the folder of the tests is root's alone.
chmod o+x "$work"
as_user() {
    setpriv --reuid="$user" --regid="$user" --groups="$(stat -c %g "$socket")" \
        env HOME="$stack" DOCKER_CONFIG="$stack/.docker" "$@"
}

holds "the user may speak to Docker" as_user docker version --format '{{.Server.Version}}'
holds "the user is not root" test "$(as_user id -u)" = "$user"
holds "health-check.sh is content" as_user "$scripts/health-check.sh"
said=$(as_user "$scripts/backup.sh" 2>&1) || fail "backup.sh as the user: $said"
contains "backup.sh makes a backup" '✅ Backup concluído!' "$said"
archive=$(find "$stack/backups" -maxdepth 1 -name 'ids-*.tar.gz' | sort | tail -n 1)
equals "which belongs to the user" "$user" "$(stat -c %u "$archive")"
running=$(sed -n 's/^IDS_VERSION=//p' "$stack/.env")
said=$(as_user "$scripts/deploy.sh" "$running" --no-pull --drain 4 2>&1) || fail "deploy.sh as the user: $said"
contains "deploy.sh deploys" 'Deploy concluído' "$said"
for file in .env .env.prod logs/deploy.log; do
    equals "$file belongs to the user" "$user" "$(stat -c %u "$stack/$file")"
done
code=0
said=$(setpriv --reuid="$user" --regid="$user" --clear-groups env HOME="$stack" "$scripts/deploy.sh" "$running" --no-pull 2>&1) || code=$?
equals "who is not in Docker's group is told so: exit code 1" 1 "$code"
contains "with what to do" 'grupo docker' "$said"
holds "everything is well" as_user "$scripts/health-check.sh" --wait 30
