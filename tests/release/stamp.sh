#!/usr/bin/env bash
# What crates/ids/build.rs writes into the program of the commit it is built from: in a repository, from an archive of `git archive`,
# where a builder names it, and where nobody knows. The same bytes each time, and nothing to build again while nothing has changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
    printf 'FAILED: %s\n' "$1" >&2
    exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A repository of one commit of a known day, with nothing but what the script looks at.
repository=$work/repository
mkdir -p "$repository"/{crates/ids,assets}
cp crates/ids/build.rs "$repository/crates/ids/"
# As it is in the tree, not as an archive has filled it in.
printf '%s\n' "\$Format:%H %ct\$" >"$repository/crates/ids/commit.txt"
cp .gitattributes assets.lock "$repository/"
echo /assets >"$repository/.gitignore"
: >"$repository/assets/e5-small-enpt-q4.bin"
git -C "$repository" init --quiet
git -C "$repository" add --all
GIT_COMMITTER_DATE='951782400 -0300' git -C "$repository" -c user.name=t -c user.email=t@example.org commit --quiet --message one
commit=$(git -C "$repository" rev-parse --short=12 HEAD)

build() { # build FOLDER: the script, as cargo compiles it for that folder
    CARGO_MANIFEST_DIR=$1/crates/ids rustc --edition 2024 -o "$1/build-script" "$1/crates/ids/build.rs"
}

says() { # says FOLDER [VARIABLE=VALUE...]: what the script says there
    local folder=$1
    shift
    (cd "$folder/crates/ids" && env -u IDS_BUILD_COMMIT TARGET=a-machine "$@" "$folder/build-script")
}

stamped() { # stamped SENTENCE WANTED FOLDER [VARIABLE=VALUE...]
    local sentence=$1 wanted=$2 found
    shift 2
    found=$(says "$@" | sed -n 's/^cargo::rustc-env=IDS_BUILD_STAMP=//p')
    [ "$found" = "$wanted" ] || fail "$sentence: wanted $wanted, found $found"
    printf '   ok  %s\n' "$sentence"
}

build "$repository"
stamped "a release build tells its commit, and the day in UTC" "$commit 2000-02-29" "$repository" PROFILE=release
stamped "a debug build does not ask" 'debug build' "$repository" PROFILE=debug
stamped "what a builder names wins" 'ffffffffffff 1970-01-01' "$repository" PROFILE=release "IDS_BUILD_COMMIT=ffffffffffffffffffffffffffffffffffffffff 0"
stamped "what is no commit is none" 'debug build' "$repository" PROFILE=debug 'IDS_BUILD_COMMIT=unknown 0'
while IFS= read -r watched; do
    (cd "$repository/crates/ids" && [ -e "$watched" ]) || fail "$watched is watched and not there: cargo would build anew each time"
done < <(says "$repository" PROFILE=release | sed -n 's/^cargo::rerun-if-changed=//p')
printf '   ok  only what is there is watched\n'
says "$repository" PROFILE=debug | grep -q '\.git' && fail "a debug build is made anew after each commit"

mkdir "$work/archive"
git -C "$repository" archive HEAD | tar --extract --directory "$work/archive"
mkdir "$work/archive/assets" && : >"$work/archive/assets/e5-small-enpt-q4.bin"
build "$work/archive"
stamped "an archive without git knows it too" "$commit 2000-02-29" "$work/archive" PROFILE=release
printf '%s\n' "\$Format:%H %ct\$" >"$work/archive/crates/ids/commit.txt"
stamped "a folder of sources tells of nothing" 'commit unknown' "$work/archive" PROFILE=release
git init --quiet "$work"
git -C "$work" -c user.name=t -c user.email=t@example.org commit --quiet --allow-empty --message other
stamped "nor of somebody else's repository around it" 'commit unknown' "$work/archive" PROFILE=release
grep -q 'crates/ids/commit.txt export-subst' .gitattributes || fail ".gitattributes does not fill crates/ids/commit.txt in"
says "$repository" PROFILE=debug | grep -qE '^cargo::rustc-env=IDS_BUILD_PDFIUM=PDFium [0-9]+\.' || fail "assets.lock does not tell the version of PDFium"
printf 'the stamp is well\n'
