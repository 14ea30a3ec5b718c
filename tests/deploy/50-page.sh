#!/usr/bin/env bash
# The page in a real browser, through nginx, under the policy that is really sent.
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

"$repository/scripts/browser-tools.sh"
SITE_UNDER_TEST="https://$site:$https_port" SITE_KEY=$(cat "$work/key") node --test "$repository/tests/deploy/page.test.mjs"
