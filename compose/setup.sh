#!/usr/bin/env bash
# Makes this machine able to build and run the lab: engine, Compose v2, Rust, secrets, and in
# `compose/.env` which images it runs on (build.sh makes them). It says what it does, changes nothing when all is
# there, and touches the system's packages only as root on Debian or Ubuntu.
# IMAGES=official|local overrides the choice of images.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=lib/machine.sh
. "$ROOT/compose/lib/machine.sh"
# shellcheck source-path=SCRIPTDIR source=lib/images.sh
. "$ROOT/compose/lib/images.sh"

ensure_secrets() {
    warn_of_old_volumes "$ROOT/compose/secrets"
    compose/secrets.sh compose/secrets
}

# Databases keep the passwords they were made with, and would refuse new ones.
warn_of_old_volumes() {
    local old name missing=no
    for name in {database,owner,server,replication}_password; do [[ -s $1/$name ]] || missing=yes; done
    [[ $missing == yes ]] || return 0
    old=$(docker volume ls --quiet | grep '^signup-lab_phase' | tr '\n' ' ') || return 0
    say "these volumes were made with other secrets, and will refuse the new ones: ${old% }. Mend: \`make down\` removes them with all that is in them; or put the old files into compose/secrets."
}

# What containers read as users of their own: configuration that is mounted, and what is copied into
# the local images; and the results, which monitoring shows. A clone under umask 077 has it for its owner
# only, and the balancer, the databases, Redis, RabbitMQ and Prometheus would restart for ever.
ensure_readable() {
    local closed places=(compose/{alone,haproxy,offline,postgres,rabbitmq,redis} monitoring/{grafana,prometheus,runs} results)
    closed=$(find "${places[@]}" \( -type d ! -perm -055 -o -type f ! -perm -044 \) -print | wc -l)
    ((closed > 0)) || return 0
    say "making $closed configuration files and folders readable for the containers' users"
    chmod -R go+rX "${places[@]}" ||
        die "cannot: they belong to somebody else. As their owner: chmod -R go+rX ${places[*]}"
}

# A rootless engine's socket is not where containers would look for it to read its metrics.
rootless_socket() {
    [[ $(docker info --format '{{.SecurityOptions}}') == *name=rootless* ]] || return 0
    docker context inspect --format 'DOCKER_SOCKET={{.Endpoints.docker.Host}}' | sed 's|=unix://|=|'
}

# By it `docker compose --profile phase1 up` takes these images.
write_env() {
    local images=$1 wanted
    wanted=$(
        cat <<END
# Written by compose/setup.sh and overwritten by it, except for lines like PHASE1_SERVER_PORT=9200, which
# give the lab another port: which images the lab runs on.
LAB_IMAGES=$images
END
        [[ $images == official ]] || local_settings
        rootless_socket
        # What a person has written there.
        [[ ! -f $ENV_FILE ]] || grep -E '^[A-Z0-9_]+_PORT=' "$ENV_FILE" || true
    )
    if [[ ! -f $ENV_FILE || $(<"$ENV_FILE") != "$wanted" ]]; then
        say "writing compose/.env for $images images"
        printf '%s\n' "$wanted" >"$ENV_FILE"
    fi
}

main() {
    cd "$ROOT"
    ensure_engine
    ensure_compose
    ensure_toolchain
    ensure_secrets
    ensure_readable
    check_engine
    local images
    images=$(choose_images)
    [[ $images == local ]] || ensure_buildx
    write_env "$images"
    check_ports
    say "ready (for $images images)"
}

main "$@"
