#!/usr/bin/env bash
# docs/deployment*.md name what is there: scripts and their options, commands of ids and their options, files, variables.
# shellcheck disable=SC2013 # words are what is wanted
# shellcheck source=tests/deploy/lib.sh
. "$(dirname "$0")/lib.sh"

pages=("$repository/docs/deployment.md" "$repository/docs/deployment.pt.md")

# Everything in code: boxes and what stands between backticks, without the lines that only show what appears.
code() {
    awk '/^ *```/ { inside = !inside; next } inside && !/^ *#/ { print; next }
        { line = $0; while (match(line, /`[^`]+`/)) { print substr(line, RSTART + 1, RLENGTH - 2); line = substr(line, RSTART + RLENGTH) } }' "${pages[@]}" |
        sed 's/ # .*//'
}
code >"$work/code"
holds "there is something to check" test "$(wc -l <"$work/code")" -gt 50

options_of() { grep -oE -- '(^|[[:space:]])--[a-z][a-z-]*' | tr -d ' \t' | sort -u; }

# Scripts, by their own help.
checked=0
for script in $(grep -oE '(^|[ /])(scripts/)?[a-z-]+\.sh' "$work/code" | grep -oE '[a-z-]+\.sh' | sort -u); do
    holds "$script is there" test -x "$stack/scripts/$script"
    help=$("$stack/scripts/$script" --help)
    for option in $(grep -F "$script" "$work/code" | sed "s/.*$script//" | options_of); do
        holds "$script has $option" grep -q -- "$option" <<<"$help"
        checked=$((checked + 1))
    done
done
holds "options of scripts were found ($checked)" test "$checked" -ge 6

# Commands of ids, by the program in the image.
ids_help() { # ids_help WORDS...
    docker run --rm --network none "$image:${DEPLOY_TEST_VERSION:-1.0.0}" "$@" --help 2>/dev/null
}
commands=$(ids_help | sed -n 's/^  \([a-z-]*\) .*/\1/p')
checked=0
while IFS= read -r line; do
    read -ra words <<<"$line"
    path=()
    for word in "${words[@]:0:2}"; do
        [[ $word =~ ^[a-z-]+$ ]] || break
        path+=("$word")
    done
    [ "${#path[@]}" -gt 0 ] || continue
    grep -qx -- "${path[0]}" <<<"$commands" || fail "the pages name \`ids ${path[0]}\`, which is no command"
    help=$(ids_help "${path[@]}") || help=$(ids_help "${path[0]}") || fail "\`ids ${path[*]}\` is no command"
    checked=$((checked + 1))
    for option in $(options_of <<<"$line"); do
        holds "ids ${path[*]} has $option" grep -q -- "$option" <<<"$help"
    done
    # In SQL it is the name of a database.
done < <(grep -v database "$work/code" | grep -oE '(^|[ /])ids [a-z].*' | sed 's/^[ /]*ids //')
holds "commands of ids were found ($checked)" test "$checked" -ge 5

# Files of the stack and units of systemd.
for unit in $(grep -oE 'ids[a-z@_-]*\.(service|timer)' "$work/code" | sed 's/@[a-z_]*/@/' | sort -u); do
    holds "$unit is there" test -e "$repository/deploy/systemd/$unit"
done
for file in docker-compose.prod.yml redis.conf nginx/nginx.conf .env.example .env.prod.example; do
    holds "$file is there" test -e "$repository/deploy/$file"
done

# Variables are those that ids knows, or Compose's own.
known=$(cat "$repository"/docs/configuration.md "$repository"/deploy/.env*.example "$repository"/deploy/scripts/*.sh)
for name in $(grep -oE '\b(POSTGRES|S3|AWS|AI|BACKUP|RATE|IDS|REDIS|WORKER|MAX|PUBLIC|TRUSTED)_[A-Z_]+[A-Z]\b' "$work/code" | sort -u); do
    holds "$name is documented" grep -qw "$name" <<<"$known"
done
