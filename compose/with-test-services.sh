#!/usr/bin/env bash
# Runs a command while PostgreSQL (127.0.0.1:15432), a replica of it (15433), Redis (16379) and
# RabbitMQ (15673) are up for tests, and ends with that command's exit code. Removes them afterwards,
# whatever happened, unless all four were up before.
# Usage: compose/with-test-services.sh COMMAND [ARGUMENT…]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

readonly SERVICES=(test-database test-replica test-redis test-queue)
readonly WAIT_SECONDS=180

compose() { docker compose --progress quiet --profile test "$@"; }

are_up() { [[ $(compose ps --status running --quiet "${SERVICES[@]}" | wc -l) -eq ${#SERVICES[@]} ]]; }

# Streaming says that the database answers too, and over TCP: while its data directory is
# initialised, it listens on its socket only.
replica_streams() {
    [[ $(compose exec --no-TTY test-replica psql --username=postgres --no-psqlrc --tuples-only \
        --no-align --command='SELECT status FROM pg_stat_wal_receiver' 2>/dev/null) == streaming ]]
}

redis_answers() { compose exec --no-TTY test-redis redis-cli --user operator --pass test ping >/dev/null 2>&1; }

# An open port says nothing, because the engine's proxy opens it at once. RabbitMQ listens as the last
# thing of its start, and answers this header with a method frame (1).
queue_answers() (
    exec 3<>/dev/tcp/127.0.0.1/15673 && printf 'AMQP\0\0\11\1' >&3 || return
    IFS='' read -r -n 1 -t 1 frame <&3 && [[ $frame == $'\1' ]]
) 2>/dev/null

# `--volumes`: the anonymous volumes go with the containers.
remove() { compose rm --stop --force --volumes "${SERVICES[@]}" >/dev/null 2>&1 || true; }

stop() {
    say "stopping the test services"
    remove
}

# Always from nothing: a replica of a database that was made anew would never follow it.
start() {
    say "starting the test services"
    remove
    compose up --detach "${SERVICES[@]}"
    local turn
    for ((turn = 0; turn < WAIT_SECONDS * 5; turn++)); do
        replica_streams && redis_answers && queue_answers && return
        sleep 0.2
    done
    compose logs --tail 20 "${SERVICES[@]}" >&2 || true
    die "the test services did not answer within $WAIT_SECONDS s."
}

main() {
    [[ $# -gt 0 ]] || die "usage: compose/with-test-services.sh COMMAND [ARGUMENT…]"
    cd "$ROOT"
    if ! are_up; then
        trap stop EXIT
        start
    fi
    "$@"
}

main "$@"
