#!/usr/bin/env bash
# scripts/release.sh and scripts/changelog.sh, on a copy of this repository in which nothing can be broken: what must stop a release
# does stop it, and a release that is well comes to its tag. Nothing is built: a stand-in tells the version that the program would.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
    printf 'FAILED: %s\n' "$1" >&2
    [ ! -e "$work/said" ] || cat "$work/said" >&2
    exit 1
}

command -v ssh-keygen >/dev/null || scripts/install-packages.sh openssh-client
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone --quiet --no-hardlinks . "$work/copy"
# What is not committed yet is tried as well.
git diff --binary HEAD | git -C "$work/copy" apply --allow-empty
git ls-files --others --exclude-standard -z | xargs -0 --no-run-if-empty cp --parents --target-directory="$work/copy"
cd "$work/copy"
git remote remove origin
git config user.name 'a test'
git config user.email 'test@example.org'
git checkout --quiet -B main
git add --all
git commit --quiet --allow-empty --message 'What is tried'

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
# As scripts/release.sh --prepare leaves it, without a build.
released() { # released VERSION
    sed -i "/^\[workspace.package\]/,/^\[/s/^version = \".*\"$/version = \"$1\"/" Cargo.toml
    sed -i "s/^\( *newTag: *\).*/\1$1/" deploy/k8s/overlays/production/kustomization.yaml
    # What cargo would do, without asking it for a registry.
    awk -v version="$1" '
        function print_kept() { for (i = 1; i <= kept; i++) { line = lines[i]; if (ours && line ~ /^version = /) line = "version = \"" version "\""; print line } kept = 0 }
        /^\[\[package\]\]/ { print_kept(); ours = 1 }
        /^name = / && $0 !~ /^name = "(ids|bench|xtask)/ { ours = 0 }
        /^source = / { ours = 0 }
        { lines[++kept] = $0 }
        END { print_kept() }' Cargo.lock >Cargo.lock.new
    mv Cargo.lock.new Cargo.lock
    grep -q "^## $1 (" CHANGELOG.md || sed -i "0,/^## /s//## $1 (2026-11-30)\n\n### What you must do\nNothing.\n\n### Added\n- Something.\n\n## /" CHANGELOG.md
    mkdir -p "tests/upgrade/$1"
    [ -e "tests/upgrade/$1/embedded.tar.gz" ] || printf x | tee "tests/upgrade/$1/embedded.tar.gz" >"tests/upgrade/$1/server.sql.gz"
    git add --all
    git commit --quiet --allow-empty --message "Release $1"
}

passes() { # passes SENTENCE COMMAND...
    local sentence=$1
    shift
    "$@" >"$work/said" 2>&1 || fail "$sentence"
    printf '   ok  %s\n' "$sentence"
}

is_stopped() { # is_stopped SENTENCE PATTERN COMMAND...: it fails, and says that
    local sentence=$1 pattern=$2
    shift 2
    ! "$@" >"$work/said" 2>&1 || fail "$sentence: it was not stopped"
    grep -qE -- "$pattern" "$work/said" || fail "$sentence: it does not say so"
    printf '   ok  %s\n' "$sentence"
}

dry() {
    scripts/release.sh "$version" --dry-run --unsigned
}

released "$version"
# The version of the files is the last released one until the next is prepared: what is tried here is the moment before its tag.
[ -z "$(git tag --list "v$version")" ] || git tag --delete "v$version" >/dev/null
passes "a release that is well passes the checklist" dry

touch left-over
is_stopped "what is uncommitted stops it" 'WRONG.*uncommitted' dry
rm left-over
git checkout --quiet -b other
is_stopped "another branch stops it" 'WRONG.*cut from main' dry
git checkout --quiet main
is_stopped "who signs must be said" 'WRONG.*who signs' scripts/release.sh "$version" --dry-run
is_stopped "a version that is none" 'is no version' scripts/release.sh v1 --dry-run
is_stopped "another version than that of the files" 'WRONG.*Cargo.toml' scripts/release.sh 9.9.9 --dry-run --unsigned

broken() { # broken SENTENCE PATTERN SED FILE: with this change committed
    sed -i "$3" "$4"
    git commit --quiet --all --message broken
    is_stopped "$1" "$2" dry
    git reset --quiet --hard HEAD~1
}
broken "a lock file of another version" 'WRONG.*Cargo.lock' '/^name = "ids-core"/{n;s/".*"/"0.0.7"/}' Cargo.lock
broken "manifests of another version" 'WRONG.*deploy/k8s' 's/newTag: .*/newTag: 0.0.7/' deploy/k8s/overlays/production/kustomization.yaml
broken "a changelog without the version" 'WRONG.*CHANGELOG' "s/^## $version (.*/## 0.0.7/" CHANGELOG.md
broken "a changelog that does not say what must be done" 'WRONG.*CHANGELOG' '/^### What you must do/d' CHANGELOG.md
broken "a changelog without the day" 'WRONG.*CHANGELOG' "s/^## $version (.*/## $version/" CHANGELOG.md
git rm --quiet "tests/upgrade/$version/server.sql.gz" && git commit --quiet --message broken
is_stopped "no stored data of the version" 'WRONG.*stored data' dry
git reset --quiet --hard HEAD~1

# ---- up to the tag, with a program that only tells its version, and packing left out

cat >"$work/ids" <<'PROGRAM'
#!/bin/sh
echo "ids VERSION (COMMIT 2026-11-30)"
PROGRAM
told() { # told VERSION
    sed -e "s/VERSION/$1/" -e "s/COMMIT/$(git rev-parse --short=12 HEAD)/" "$work/ids" >"$work/ids-told"
    chmod +x "$work/ids-told"
}
for name in package test-packages; do
    printf '#!/bin/sh\nmkdir -p dist/%s && echo "sum  file" >dist/%s/SHA256SUMS\n' "$version" "$version" >"scripts/$name.sh"
done
echo /dist >>.git/info/exclude
git commit --quiet --all --message 'Without packing'
ssh-keygen -q -t ed25519 -N '' -f "$work/key"
told 0.0.7
is_stopped "a program of another version" 'says which version' scripts/release.sh "$version" --sign "$work/key" --ci true --program "$work/ids-told"
told "$version"
is_stopped "CI that fails" 'nothing was tagged' scripts/release.sh "$version" --sign "$work/key" --ci false --program "$work/ids-told"
[ -z "$(git tag --list "v$version")" ] || fail "there is a tag"
passes "a release comes to its tag" scripts/release.sh "$version" --sign "$work/key" --ci true --program "$work/ids-told"
grep -q "git push origin main v$version" "$work/said" || fail "it does not say what to push"
printf 'release@ids %s\n' "$(cat "$work/key.pub")" >"$work/signers"
passes "the signature of the tag holds" git -c gpg.format=ssh -c "gpg.ssh.allowedSignersFile=$work/signers" tag --verify "v$version"
passes "and that of the checksums" sh -c "ssh-keygen -Y verify -f '$work/signers' -I release@ids -n ids-release -s 'dist/$version/SHA256SUMS.sig' <'dist/$version/SHA256SUMS'"
passes "the pipeline finds the tag right" scripts/release.sh "$version" --check-tag
is_stopped "a version is not released twice" "WRONG.*no tag v$version yet" scripts/release.sh "$version" --dry-run --unsigned

# ---- the next one

next=${version%.*}.$((${version##*.} + 1))
released "$next"
is_stopped "the pipeline sees that the tag is another commit" 'WRONG.*HEAD is the tag' scripts/release.sh "$version" --check-tag
passes "a patch passes" scripts/release.sh "$next" --dry-run --unsigned
echo '-- more' >crates/ids-sqlite/migrations/9001_more.sql
git add --all && git commit --quiet --message 'A migration'
is_stopped "a patch with a migration" 'WRONG.*within one minor version' scripts/release.sh "$next" --dry-run --unsigned
major=${version%%.*} minor=${version#*.} minor=${minor%%.*}
wider=$major.$((minor + 1)).0
released "$wider"
passes "a minor version may have one" scripts/release.sh "$wider" --dry-run --unsigned
echo '-- changed' >>crates/ids-postgres/migrations/0001_create_library.sql
git commit --quiet --all --message 'A change of the past'
is_stopped "a released migration that was changed" 'WRONG.*has changed' scripts/release.sh "$wider" --dry-run --unsigned
printf 'the checklist of a release is well\n'
