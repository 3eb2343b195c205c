#!/usr/bin/env bash
# Makes this machine able to build and run the lab: engine, Compose v2, Rust, secrets, and in `.env`
# which images it runs on (build.sh makes them). It says what it does, changes nothing when all is
# there, and touches the system's packages only as root on Debian or Ubuntu.
# IMAGES=official|local overrides the choice of images.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=lib/machine.sh
. "$ROOT/compose/lib/machine.sh"
# shellcheck source-path=SCRIPTDIR source=lib/images.sh
. "$ROOT/compose/lib/images.sh"

# The directory is closed to others and the files in it are readable: Compose ignores uid and
# mode for file secrets and bind-mounts the file itself, so a container's own user (65532, 999)
# must be able to read it, while on the host nobody else can pass the directory.
ensure_secrets() {
    local directory=$ROOT/compose/secrets name
    mkdir -p "$directory"
    chmod 0700 "$directory"
    warn_of_old_volumes "$directory"
    for name in {database,owner,server,replication,queue,gateway,writer,redis,grafana}_password receipt_key organiser_token; do
        [[ -s $directory/$name ]] && continue
        say "generating the secret compose/secrets/$name"
        # 256 bits as hexadecimal, without a newline: readers disagree on whether to trim it.
        od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$directory/$name"
        chmod 0644 "$directory/$name"
    done
    write_queue_users "$directory"
    write_redis_operator "$directory"
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

# RabbitMQ and Redis read no password from a file of its own. The users of the queue: an operator, who
# publishes, and who consumes; what each may do is in rabbitmq/permissions.json.
write_queue_users() {
    local directory=$1
    user() { printf '{"name": "%s", "password": "%s", "tags": [%s]}' "$1" "$(<"$directory/$2_password")" "$3"; }
    write_secret "$directory/queue_users.json" \
        "{\"users\": [$(user signup queue '"administrator"'), $(user gateway gateway ''), $(user writer writer '')]}"
}

write_redis_operator() {
    write_secret "$1/redis_operator.conf" "user operator on >$(<"$1/redis_password") ~* &* +@all -@admin"
}

# Writes TEXT to FILE, unless that is what it holds.
write_secret() {
    local file=$1 text=$2
    [[ -f $file && $(<"$file") == "$text" ]] && return
    say "writing ${file#"$ROOT"/}"
    printf '%s\n' "$text" >"$file"
    chmod 0644 "$file"
}

# The variables by which the Compose files take another image than the official one.
local_image_variables() {
    local image
    for image in "${LOCAL_IMAGES[@]}"; do
        printf '%s_IMAGE=%s\n' "$(short_name "$image" | tr '[:lower:]' '[:upper:]')" "$image"
    done
}

# A rootless engine's socket is not where containers would look for it to read its metrics.
rootless_socket() {
    [[ $(docker info --format '{{.SecurityOptions}}') == *name=rootless* ]] || return 0
    docker context inspect --format 'DOCKER_SOCKET={{.Endpoints.docker.Host}}' | sed 's|=unix://|=|'
}

# `.env` makes `docker compose --profile phase1 up` work from the root of the repository.
write_env() {
    local images=$1 wanted
    wanted=$(
        cat <<END
# Written by compose/setup.sh and overwritten by it, except for lines like PHASE1_SERVER_PORT=9200, which
# give the lab another port: which images the lab runs on.
LAB_IMAGES=$images
END
        if [[ $images == local ]]; then
            printf 'COMPOSE_FILE=%s\n' "$COMPOSE_FILES:compose/offline.yaml"
            local_image_variables
        else
            printf 'COMPOSE_FILE=%s\n' "$COMPOSE_FILES"
        fi
        # For whoever names none: says which there are.
        printf 'COMPOSE_PROFILES=choose\n'
        rootless_socket
        # What a person has written there.
        [[ ! -f $ENV_FILE ]] || grep -E '^[A-Z0-9_]+_PORT=' "$ENV_FILE" || true
    )
    if [[ ! -f $ENV_FILE || $(<"$ENV_FILE") != "$wanted" ]]; then
        say "writing .env for $images images"
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
