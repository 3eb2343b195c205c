#!/usr/bin/env bash
# Makes the secrets that are missing in FOLDER, and gives each service a folder with those it may read.
# Two run it: set-up, and the service `secrets`, in a container before all others, for whoever only types
# `docker compose up`. Compose's own file secrets would have to be there before any container is made.
# What the container costs: it is root with three capabilities for a moment; and until then the folder, which the
# engine has made, is open to others, with nothing in it.
# Usage: compose/secrets.sh FOLDER
set -euo pipefail

SELF=$(realpath "${BASH_SOURCE[0]}")
mkdir -p "$1"
# The folder is closed to others and what is in it is readable: a container's own user (65532, 999) must be able
# to read what is mounted, while on the host nobody else can pass the folder.
{ cd "$1" && chmod 0700 .; } 2>/dev/null || {
    echo "secrets: $1 belongs to somebody else. Mend: sudo chown -R $(id -u) $1" >&2
    exit 1
}

# Writes TEXT to FILE, unless that is what it holds. Without a newline: readers disagree on whether to trim it.
write() {
    [[ ! -f $1 || $(<"$1") != "$2" ]] || return 0
    printf '%s' "$2" >"$1"
    chmod 0644 "$1"
}

# 256 bits as hexadecimal.
make() {
    local name made=()
    for name in "$@"; do
        [[ ! -s $name ]] || continue
        write "$name" "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
        made+=("$name")
    done
    [[ ${#made[@]} == 0 ]] || echo "secrets: made ${made[*]}"
}

# What the services in this role find in /run/secrets. Usage: give ROLE NAME…
give() {
    local role=for/$1 name
    mkdir -p "$role"
    chmod 0755 for "$role"
    shift
    for name in "$@"; do write "$role/$name" "$(<"$name")"; done
}

# RabbitMQ and Redis read no password from a file of its own. The users of the queue: an operator, who
# publishes, and who consumes; what each may do is in rabbitmq/permissions.json.
queue_users() {
    user() { printf '{"name": "%s", "password": "%s", "tags": [%s]}' "$1" "$(<"$2_password")" "$3"; }
    printf '{"users": [%s, %s, %s]}' "$(user signup queue '"administrator"')" \
        "$(user gateway gateway '')" "$(user writer writer '')"
}

# Of the operator of each database; those of the roles that postgres/roles.sql makes; and the replica's. Of
# the queue's operator, of who publishes and who consumes.
make {database,owner,server,replication,queue,gateway,writer,redis,grafana}_password receipt_key organiser_token
give server {server,owner}_password receipt_key organiser_token
give gateway {server,owner,gateway}_password receipt_key organiser_token
give writer {server,owner,writer}_password
give database {database,owner,server}_password
give primary {database,owner,server,replication}_password
give replica replication_password
give grafana grafana_password
give queue
write for/queue/users.json "$(queue_users)"
give redis
write for/redis/operator.conf "user operator on >$(<redis_password) ~* &* +@all -@admin"
# Made by root, they are for the owner of the clone all the same, who runs the lab.
[[ $(id -u) != 0 ]] || chown -R --reference="$SELF" .
