#!/bin/sh
# Prints what the image consists of, as SPDX 2.3 JSON: the crates that are linked into the program, the files of assets.lock, and
# the packages of Debian. It runs inside the image while that is built: `sbom.sh VERSION FOLDER`, the folder with Cargo.lock,
# assets.lock and THIRD_PARTY.md, which tells which crates are linked, and their licenses; without it all crates of the lock file
# are named, also those that only tests need. `sbom.sh VERSION FOLDER program` leaves the machine's packages out: for a release's
# archives. With SOURCE_DATE_EPOCH it is the same each time.
set -eu

version=$1
folder=$2
scope=${3:-image}
case $scope in
    image | program) ;;
    *)
        echo "sbom.sh: there is no \`$scope\`: image or program" >&2
        exit 2
        ;;
esac
created=$(date --utc --date="@${SOURCE_DATE_EPOCH:-$(date +%s)}" +%Y-%m-%dT%H:%M:%SZ)

# NAME, VERSION, LICENSE of each line of the table of crates; an old way to write "or" is put into SPDX's.
linked_crates() {
    [ -e "$folder/THIRD_PARTY.md" ] || return 0
    awk -F' *[|] *' '
        /^## / { in_crates = $0 == "## Crates" }
        in_crates && $2 != "crate" && $3 ~ /^[0-9]/ { gsub(/ ?\/ ?/, " OR ", $4); printf "%s\t%s\t%s\n", $2, $3, $4 }
    ' "$folder/THIRD_PARTY.md"
}

packages() {
    # NAME, VERSION, SHA256 or nothing, LICENSE or nothing, PURL; one a line, parted by tabs.
    LINKED=$(linked_crates) awk -F'"' '
        BEGIN {
            linked = ENVIRON["LINKED"]
            for (i = split(linked, lines, "\n"); i > 0; i--) { split(lines[i], cells, "\t"); license[cells[1] " " cells[2]] = cells[3] }
        }
        /^\[\[package\]\]/ { name = version = sum = source = "" }
        /^name = / { name = $2 }
        /^version = / { version = $2 }
        /^source = / { source = $2 }
        /^checksum = / && (linked == "" || (name " " version) in license) {
            printf "%s\t%s\t%s\t%s\tpkg:cargo/%s@%s\n", name, version, $2, license[name " " version], name, version
        }
    ' "$folder/Cargo.lock"
    awk -F'"' '
        function flush() { if (name != "") printf "%s\t%s\t%s\t%s\tpkg:pypi/%s@%s\n", name, version, sum, license, package, version }
        /^\[\[asset\]\]/ { flush(); name = $0; sum = "" }
        /^name = / { name = $2 }
        /^package = / { split($2, parts, /:|==/); package = parts[2]; version = parts[3] }
        /^license = / { license = $2 }
        /^member_sha256 = / && sum == "" { sum = $2 }
        END { flush() }
    ' "$folder/assets.lock"
    [ "$scope" = image ] || return 0
    dpkg-query --show --showformat='${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\n' |
        awk -F'\t' '/^ii/ { printf "%s\t%s\t\t\tpkg:deb/debian/%s@%s?arch=%s\n", $2, $3, $2, $3, $4 }'
}

packages | awk -F'\t' -v version="$version" -v created="$created" -v scope="$scope" '
    function text(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); return "\"" s "\"" }
    function url(s) { gsub(/\+/, "%2B", s); gsub(/:/, "%3A", s); return s }
    BEGIN {
        printf "{\"spdxVersion\":\"SPDX-2.3\",\"dataLicense\":\"CC0-1.0\",\"SPDXID\":\"SPDXRef-DOCUMENT\","
        printf "\"name\":%s,", text("intelligent-document-search-" version)
        printf "\"documentNamespace\":%s,", text("urn:ids:" scope ":" version ":" created)
        printf "\"creationInfo\":{\"created\":%s,\"creators\":[\"Tool: deploy/sbom.sh\"]},", text(created)
        printf "\"packages\":[\n{\"SPDXID\":\"SPDXRef-ids\",\"name\":\"intelligent-document-search\",\"versionInfo\":%s,", text(version)
        printf "\"downloadLocation\":\"NOASSERTION\",\"filesAnalyzed\":false,\"licenseConcluded\":\"MIT\",\"licenseDeclared\":\"MIT\",\"copyrightText\":\"NOASSERTION\"}"
    }
    {
        purl = $5; at = index(purl, "@"); rest = substr(purl, at + 1); query = ""
        if ((mark = index(rest, "?")) > 0) { query = substr(rest, mark); rest = substr(rest, 1, mark - 1) }
        purl = "pkg:" substr(purl, 5, at - 5) "@" url(rest) query
        license = $4 == "" ? "NOASSERTION" : $4
        printf ",\n{\"SPDXID\":\"SPDXRef-%d\",\"name\":%s,\"versionInfo\":%s,\"downloadLocation\":\"NOASSERTION\",\"filesAnalyzed\":false,", NR, text($1), text($2)
        printf "\"licenseConcluded\":\"NOASSERTION\",\"licenseDeclared\":%s,\"copyrightText\":\"NOASSERTION\",", text(license)
        if ($3 != "") printf "\"checksums\":[{\"algorithm\":\"SHA256\",\"checksumValue\":%s}],", text($3)
        printf "\"externalRefs\":[{\"referenceCategory\":\"PACKAGE-MANAGER\",\"referenceType\":\"purl\",\"referenceLocator\":%s}]}", text(purl)
        related[NR] = 1
    }
    END {
        printf "\n],\"relationships\":[\n{\"spdxElementId\":\"SPDXRef-DOCUMENT\",\"relationshipType\":\"DESCRIBES\",\"relatedSpdxElement\":\"SPDXRef-ids\"}"
        for (i = 1; i <= NR; i++) printf ",\n{\"spdxElementId\":\"SPDXRef-ids\",\"relationshipType\":\"DEPENDS_ON\",\"relatedSpdxElement\":\"SPDXRef-%d\"}", i
        printf "\n]}\n"
    }'
