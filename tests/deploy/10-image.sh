#!/usr/bin/env bash
# The image: the whole Dockerfile once, its size, and what it promises.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

version=${DEPLOY_TEST_VERSION:-1.0.0}
tag=$image:$version
begin=$SECONDS
if [ -n "${DEPLOY_TEST_PROGRAM:-}" ]; then
    # For a person who works on the rest: a program that is there, without the ten minutes of building it.
    context=$work/context
    mkdir -p "$context/dist" "$context/deploy"
    cp "$DEPLOY_TEST_PROGRAM" "$context/dist/ids"
    cp "$repository"/{assets/libpdfium.so,THIRD_PARTY.md} "$context/dist/"
    cp "$repository"/{Cargo.lock,assets.lock,LICENSE} "$context/"
    cp "$repository/deploy/sbom.sh" "$context/deploy/"
    strip "$context/dist/ids"
    arguments=(--build-arg PROGRAM=given "$context")
else
    arguments=("$repository")
fi
docker build --quiet --file "$repository/deploy/Dockerfile" --build-arg DEBIAN_IMAGE --build-arg RUST_IMAGE \
    --build-arg "VERSION=$version" --build-arg "REVISION=$(git -C "$repository" rev-parse HEAD)" \
    --build-arg "COMMIT=$(git -C "$repository" log -1 --format='%H %ct')" \
    --tag "$tag" "${arguments[@]}" >"$work/build.log" 2>&1 || {
    tail -n 60 "$work/build.log"
    fail "the image could not be built"
}
say "the image was built in $((SECONDS - begin)) s"

# ---- size: the compressed layers above the base
layers() { # layers IMAGE: their checksums
    docker image inspect --format '{{range .RootFS.Layers}}{{println .}}{{end}}' "$1" | grep .
}
docker save "$tag" | tar --extract --directory "$(mkdir -p "$work/layers" && echo "$work/layers")" --file -
above=0
below=0
for layer in $(python3 -c 'import json,sys; print("\n".join(json.load(open(sys.argv[1] + "/manifest.json"))[0]["Layers"]))' "$work/layers"); do
    bytes=$(gzip --stdout "$work/layers/$layer" | wc -c)
    if layers "$DEBIAN_IMAGE" | grep -qx "sha256:$(sha256sum "$work/layers/$layer" | cut -d' ' -f1)"; then
        below=$((below + bytes))
    else
        above=$((above + bytes))
    fi
done
rm -rf "$work/layers"
say "compressed: the base $((below / 1000000)) MB, on top of it $((above / 1000000)) MB"
holds "the base was told apart" test "$below" -gt 0
holds "at most 120 MB compressed on top of the base" test "$above" -le 120000000

# ---- what it is
inspect() {
    docker image inspect --format "$1" "$tag"
}
equals "it does not run as root" 10001:10001 "$(inspect '{{.Config.User}}')"
equals "it asks itself how it is" '[CMD ids healthcheck --url http://127.0.0.1:8000]' "$(inspect '{{.Config.Healthcheck.Test}}')"
equals "its label has the version" "$version" "$(inspect '{{index .Config.Labels "org.opencontainers.image.version"}}')"
equals "its label has the commit" "$(git -C "$repository" rev-parse HEAD)" "$(inspect '{{index .Config.Labels "org.opencontainers.image.revision"}}')"
within() { # within SHELL COMMAND: as production has it
    docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --network none --tmpfs /tmp --entrypoint sh "$tag" -c "$1"
}
contains "the program runs" '^ids [0-9]' "$(within 'ids --version')"
[ -n "${DEPLOY_TEST_PROGRAM:-}" ] || contains "it says its commit" "$(git -C "$repository" rev-parse --short=12 HEAD)" "$(within 'ids -V')"
equals "text recognition knows Portuguese and English" 'eng osd por' "$(within 'tesseract --list-langs | tail -n +2 | sort | paste -sd" "')"
contains "it is Tesseract 5" '^tesseract 5' "$(within 'tesseract --version 2>&1')"
equals "there is neither curl nor wget nor a compiler" '' "$(within 'command -v curl wget gcc cc cargo python3; true')"
equals "the PDF engine lies beside the program" /usr/local/bin/libpdfium.so "$(within 'ls /usr/local/bin/libpdfium.so')"
equals "the program is stripped" '' "$(docker create "$tag" >"$work/container" && docker cp "$(cat "$work/container"):/usr/local/bin/ids" "$work/ids-of-image" && nm "$work/ids-of-image" 2>/dev/null | head -n 1)"
docker rm "$(cat "$work/container")" >/dev/null
rm -f "$work/ids-of-image"
within 'cat /usr/share/doc/ids/sbom.spdx.json' >"$work/sbom.json"
equals "its bill of materials is SPDX" SPDX-2.3 "$(json 'it["spdxVersion"]' <"$work/sbom.json")"
for package in tokio libpdfium e5-small-enpt-q4 tesseract-ocr libc6; do
    equals "it names $package" True "$(json "any(p['name'] == '$package' for p in it['packages'])" <"$work/sbom.json")"
done
say "bill of materials: $(json 'len(it["packages"])' <"$work/sbom.json") packages"
