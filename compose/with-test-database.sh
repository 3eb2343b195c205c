#!/usr/bin/env bash
# Runs a command while the test database is up at 127.0.0.1:15432, and ends with that command's
# exit code. Stops the database afterwards, whatever happened, unless it was up before.
# Usage: compose/with-test-database.sh COMMAND [ARGUMENT…]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

readonly SERVICE=test-database
readonly WAIT_SECONDS=60

compose() { docker compose --progress quiet --profile test "$@"; }

# Asks over TCP: while the data directory is initialised, the server listens on its socket only.
answers() { compose exec --no-TTY "$SERVICE" pg_isready --quiet --host=127.0.0.1 >/dev/null 2>&1; }

# `--volumes`: its anonymous volume goes with it.
stop() {
    say "stopping the test database"
    compose rm --stop --force --volumes "$SERVICE" >/dev/null 2>&1 || true
}

start() {
    compose up --detach "$SERVICE"
    local second
    for ((second = 0; second < WAIT_SECONDS; second++)); do
        answers && return
        sleep 1
    done
    compose logs --tail 20 "$SERVICE" >&2 || true
    die "the test database did not answer within $WAIT_SECONDS s."
}

main() {
    [[ $# -gt 0 ]] || die "usage: compose/with-test-database.sh COMMAND [ARGUMENT…]"
    cd "$ROOT"
    if [[ -z $(compose ps --status running --quiet "$SERVICE") ]]; then
        say "starting the test database"
        trap stop EXIT
    fi
    start
    "$@"
}

main "$@"
