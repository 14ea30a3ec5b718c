#!/usr/bin/env bash
# Cuts a release: the checklist, as a program. `--help` says how.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

help() {
    cat <<'TEXT'
scripts/release.sh VERSION [OPTIONS]

Two steps, with a commit between them:

  scripts/release.sh 0.2.0 --prepare   writes the version into Cargo.toml, Cargo.lock and deploy/k8s, gives "Unreleased" in CHANGELOG.md
                                       its number and day, builds, writes stored data of this version for the upgrade tests of all
                                       later ones (tests/upgrade), and commits all that. Look at the commit before you go on.
  scripts/release.sh 0.2.0             goes through the checklist, runs CI, builds, packs into dist/VERSION, tries the packages, signs,
                                       tags. It ends by printing what to push; it pushes nothing itself.

  --dry-run         only what can be looked at: changes nothing, builds nothing, runs no tests; says all that is wrong, not the first
  --check-tag       in the pipeline: that HEAD is the tag of this version and all of it agrees; nothing else
  --sign KEY        an SSH key (its private half) that signs the tag, and SHA256SUMS into SHA256SUMS.sig
  --unsigned        a tag without a signature, where there is no key
  --ci COMMAND      what must pass (default: .ci/run)
  --ci-passed       it has passed for this very commit; not run again
  --program FILE    a built program of this very commit, instead of building one
  --branch NAME     what is released from (default: main)

The pipeline (.github/workflows/release.yml) builds everything anew from the tag and publishes its own files; what this script
packs is for looking at, and for places without that pipeline.
TEXT
}

wrong=0
found_wrong() {
    printf '   WRONG  %s\n' "$1" >&2
    wrong=$((wrong + 1))
}

fail() {
    printf 'error: %s\n' "$1" >&2
    exit 1
}

step() {
    printf '\n==== %s\n' "$1"
}

holds() { # holds SENTENCE COMMAND...
    local sentence=$1
    shift
    if "$@" >/dev/null 2>&1; then
        printf '   ok  %s\n' "$sentence"
    else
        found_wrong "$sentence"
    fi
}

is() { # is SENTENCE WANTED FOUND
    if [ "$2" = "$3" ]; then
        printf '   ok  %s\n' "$1"
    else
        found_wrong "$1: wanted $2, found ${3:-nothing}"
    fi
}

# ---- what is looked at

workspace_version() {
    sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml
}

# Of our own crates, which have no source.
lock_versions() {
    awk -F'"' '
        /^\[\[package\]\]/ { if (name != "" && ours) print version; name = $0; ours = 1 }
        /^name = / { name = $2; if (name !~ /^(ids|bench|xtask)/) ours = 0 }
        /^version = / { version = $2 }
        /^source = / { ours = 0 }
        END { if (ours) print version }' Cargo.lock | sort -u | paste -sd' '
}

k8s_version() {
    sed -n 's/^ *newTag: *//p' deploy/k8s/overlays/production/kustomization.yaml
}

# The newest release before this one, by its tag; nothing where there is none.
tag_before() {
    git tag --list 'v[0-9]*' --merged HEAD --sort=version:refname | grep -vx "v$version" | tail -n 1 || true
}

check_versions() {
    is "Cargo.toml has the version" "$version" "$(workspace_version)"
    is "Cargo.lock has it for all our crates" "$version" "$(lock_versions)"
    is "deploy/k8s has it" "$version" "$(k8s_version)"
    holds "CHANGELOG.md has it, with a day and what an upgrader must do" scripts/changelog.sh --check "$version"
    holds "stored data of this version is there for the upgrade tests of later ones" test -s "tests/upgrade/$version/embedded.tar.gz" -a -s "tests/upgrade/$version/server.sql.gz"
}

check_migrations() {
    local before changed
    before=$(tag_before)
    if [ -z "$before" ]; then
        printf '   ok  no release before this one whose migrations could have changed\n'
        return
    fi
    changed=$(git diff --name-only --diff-filter=MDR "$before" HEAD -- 'crates/*/migrations/*' | paste -sd' ')
    is "no migration that was released in $before has changed" '' "$changed"
    # 0.1.3 and 0.1.2: the way back within one minor version is to start the older program.
    if [ "${before%.*}" = "v${version%.*}" ]; then
        changed=$(git diff --name-only --diff-filter=A "$before" HEAD -- 'crates/*/migrations/*' | paste -sd' ')
        is "within one minor version there is no new migration, so that $before can go on with the data" '' "$changed"
    fi
}

check_tree() {
    is "nothing is uncommitted" '' "$(git status --porcelain | head -n 3 | paste -sd';')"
    is "it is cut from $branch" "$branch" "$(git symbolic-ref --short HEAD 2>/dev/null || true)"
    holds "there is no tag v$version yet" test -z "$(git tag --list "v$version")"
    if git rev-parse --verify --quiet "origin/$branch" >/dev/null; then
        holds "nothing on origin/$branch is missing here" git merge-base --is-ancestor "origin/$branch" HEAD
    fi
}

check_signing() {
    if [ -n "$sign" ]; then
        holds "the key that signs is there" test -r "$sign"
        holds "and is a private key of SSH" ssh-keygen -y -P '' -f "$sign"
    elif [ -z "$unsigned" ]; then
        found_wrong "who signs? --sign KEY, or --unsigned"
    fi
}

# ---- the first step

set_versions() {
    local before
    before=$(workspace_version)
    sed -i "/^\[workspace.package\]/,/^\[/s/^version = \".*\"$/version = \"$version\"/" Cargo.toml
    sed -i "s/^\( *newTag: *\).*/\1$version/" deploy/k8s/overlays/production/kustomization.yaml
    # Of our crates in the lock file alone.
    cargo update --quiet --workspace --offline
    printf '   %s becomes %s\n' "$before" "$version"
}

set_changelog() {
    if grep -q "^## $version (" CHANGELOG.md; then
        printf '   CHANGELOG.md has it already\n'
        return
    fi
    grep -qx '## Unreleased' CHANGELOG.md || fail "CHANGELOG.md has neither \`## $version (day)\` nor \`## Unreleased\`"
    awk -v version="$version" -v day="$(date --utc +%Y-%m-%d)" '
        $0 == "## Unreleased" && !done {
            print "## Unreleased\n\n### What you must do\nNothing.\n\n## " version " (" day ")"
            done = 1
            next
        }
        { print }' CHANGELOG.md >CHANGELOG.md.new
    mv CHANGELOG.md.new CHANGELOG.md
    scripts/changelog.sh --check "$version"
}

prepare() {
    step "the version"
    [ -z "$(git status --porcelain)" ] || fail "something is uncommitted; the commit of a release holds nothing else"
    set_versions
    set_changelog
    step "stored data of this version"
    scripts/write-upgrade-data.sh --version "$version" ${program:+--program "$program"}
    git add Cargo.toml Cargo.lock CHANGELOG.md deploy/k8s tests/upgrade
    git commit --quiet --message "Release $version" --message "CHANGELOG.md says what is new, and what an upgrader must do."
    printf '\ncommitted; look at it (git show), then: scripts/release.sh %s\n' "$version"
}

# ---- the second step

run_ci() {
    step "CI"
    if [ -n "$ci_passed" ]; then
        printf '   taken on trust for %s\n' "$(git rev-parse --short=12 HEAD)"
        return
    fi
    bash -c "$ci" || fail "\`$ci\` failed; nothing was tagged"
    is "CI has changed nothing" '' "$(git status --porcelain | head -n 3 | paste -sd';')"
}

build() {
    step "the program"
    [ -n "$program" ] || program=$(scripts/build.sh)
    holds "it says which version and commit it is" grep -qF "ids $version ($(git rev-parse --short=12 HEAD) " <("$program" -V)
    [ "$wrong" -eq 0 ] || fail "\`$program\` says: $("$program" -V)"
}

pack() {
    step "the files"
    rm -rf "dist/$version"
    scripts/package.sh --program "$program" --version "$version" --to "dist/$version"
    step "the packages, tried"
    if [ "$(id -u)" -eq 0 ]; then
        scripts/test-packages.sh --program "$program" || fail "a package does not do what it should; nothing was tagged"
    else
        fail "scripts/test-packages.sh boots a machine, as root only; run the release as root"
    fi
}

sign_and_tag() {
    local options=(--annotate)
    step "signature and tag"
    if [ -n "$sign" ]; then
        ssh-keygen -q -Y sign -f "$sign" -n ids-release "dist/$version/SHA256SUMS" 2>/dev/null
        # Looked at as whoever gets it will, with the public half.
        printf 'release@ids %s\n' "$(ssh-keygen -y -P '' -f "$sign")" >"dist/$version/allowed_signers"
        ssh-keygen -q -Y verify -f "dist/$version/allowed_signers" -I release@ids -n ids-release -s "dist/$version/SHA256SUMS.sig" <"dist/$version/SHA256SUMS" >/dev/null ||
            fail "the signature of SHA256SUMS does not hold"
        options=(--sign)
        git_sign=(-c gpg.format=ssh -c "user.signingkey=$sign" -c "gpg.ssh.allowedSignersFile=$PWD/dist/$version/allowed_signers")
    fi
    git "${git_sign[@]}" tag "${options[@]}" --message "ids $version" --message "$(scripts/changelog.sh "$version")" --cleanup=whitespace "v$version"
    [ -z "$sign" ] || git "${git_sign[@]}" tag --verify "v$version" >/dev/null 2>&1 || fail "the signature of the tag does not hold"
    printf '   tagged v%s%s\n' "$version" "${sign:+, signed}"
}

# ---- in order

version='' mode=release sign='' unsigned='' ci=.ci/run ci_passed='' program='' branch=main git_sign=()
while [ "$#" -gt 0 ]; do
    case $1 in
        --prepare) mode=prepare ;;
        --dry-run) mode=dry-run ;;
        --check-tag) mode=check-tag ;;
        --unsigned) unsigned=1 ;;
        --ci-passed) ci_passed=1 ;;
        --sign | --ci | --program | --branch)
            [ -n "${2:-}" ] || fail "$1 needs a value"
            case $1 in
                --sign) sign=$(readlink -f "$2") ;;
                --ci) ci=$2 ;;
                --program) program=$(readlink -f "$2") ;;
                --branch) branch=$2 ;;
            esac
            shift
            ;;
        -h | --help)
            help
            exit 0
            ;;
        -*) fail "unknown option \`$1\`; --help lists them" ;;
        *)
            [ -z "$version" ] || fail "one version at a time"
            version=$1
            ;;
    esac
    shift
done
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$ ]] || fail "\`$version\` is no version such as 0.1.0; --help says more"

if [ "$mode" = prepare ]; then
    prepare
    exit
fi
step "the checklist of $version"
check_versions
check_migrations
if [ "$mode" = check-tag ]; then
    is "HEAD is the tag of this version" "$(git rev-parse HEAD)" "$(git rev-parse --verify --quiet "v$version^{commit}" || true)"
else
    check_tree
    check_signing
fi
[ "$wrong" -eq 0 ] || fail "$wrong of the above must be put right first"
case $mode in
    check-tag) exit ;;
    dry-run)
        printf '\nall is well; without --dry-run: %s, a build, dist/%s, the packages tried, a tag\n' "${ci_passed:+no }CI" "$version"
        exit
        ;;
esac
run_ci
build
pack
sign_and_tag
printf '\nReady. Look into dist/%s, then push, which starts the pipeline that publishes:\n\n  git push origin %s v%s\n' "$version" "$branch" "$version"
