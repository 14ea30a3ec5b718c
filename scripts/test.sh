#!/usr/bin/env bash
# `make test`: everything that must hold. Runs all parts even when one fails, then prints what each took; the exit
# code is 0 only when all passed.
set -euo pipefail
cd "$(dirname "$0")/.."

rows=()
failed=0

part() { # part NAME COMMAND...
    local name=$1 begin=$SECONDS outcome=ok
    shift
    printf '\n==== %s\n' "$name"
    if ! "$@"; then
        outcome=FAILED
        failed=1
    fi
    rows+=("$(printf '%-12s %6d s   %s' "$name" "$((SECONDS - begin))" "$outcome")")
}

summary() {
    printf '\n==== summary\n'
    printf '%s\n' "${rows[@]}"
    printf '%-12s %6d s\n' total "$SECONDS"
}

unit_and_integration() {
    local passed=0
    IDS_TESTS_WITHOUT_DATA=$(mktemp)
    export IDS_TESTS_WITHOUT_DATA
    run_tests || passed=$?
    if [ -s "$IDS_TESTS_WITHOUT_DATA" ]; then
        printf 'note: the shared test data is not there (../shared, or TESTDATA_DIR): %s looks for it went without\n' \
            "$(wc -c <"$IDS_TESTS_WITHOUT_DATA")"
    fi
    rm -f "$IDS_TESTS_WITHOUT_DATA"
    unset IDS_TESTS_WITHOUT_DATA
    return "$passed"
}

run_tests() {
    if command -v cargo-nextest >/dev/null; then
        cargo nextest run --locked --workspace --no-fail-fast
    else
        cargo test --locked --workspace --tests --no-fail-fast
    fi
}

# Parts of the Rust installation that a minimal one lacks.
rust_components() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return
    if command -v rustup >/dev/null && rustup component add rustfmt clippy; then
        return
    fi
    echo "error: rustfmt and clippy are needed; install those that belong to this Rust" >&2
    return 1
}

# Examples in documentation are compiled crate by crate, which is slow, so only when there are some.
has_doc_tests() {
    grep -rqsE '^[[:space:]]*//[/!] ```[[:space:]]*(rust)?$' crates/*/src
}

# Without these nothing can be built, so there is no point in going on.
part bootstrap scripts/bootstrap.sh --for-tests
[ "$failed" -eq 0 ] && part components rust_components
[ "$failed" -eq 0 ] && part services scripts/test-services.sh install
[ "$failed" -eq 0 ] && part model scripts/test-model.sh install
[ "$failed" -eq 0 ] && part assets cargo run --quiet --locked -p xtask -- assets
if [ "$failed" -ne 0 ]; then
    summary
    exit 1
fi

part format cargo fmt --all --check
part clippy cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
part tests unit_and_integration
if has_doc_tests; then
    part doctests cargo test --quiet --locked --workspace --doc
fi
part chaos scripts/chaos.sh --short
# The program that the tests before were run against: another build of it would take minutes.
part browser scripts/test-browser.sh "$(scripts/target-dir.sh)/debug/ids"
part clients scripts/test-clients.sh "$(scripts/target-dir.sh)/debug/ids"
part monitoring tests/deploy/monitoring.sh "$(scripts/target-dir.sh)/debug/ids"
part workflows scripts/lint-workflows.sh
part kubernetes scripts/lint-k8s.sh
part release tests/release/checklist.sh
part stamp tests/release/stamp.sh
part tidy cargo run --quiet --locked -p xtask -- tidy
part deny scripts/cargo-deny.sh

summary
exit "$failed"
