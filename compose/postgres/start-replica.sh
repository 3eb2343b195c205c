#!/usr/bin/env bash
# Starts PostgreSQL as a streaming replica of PRIMARY_HOST; with an empty volume it first takes a
# base backup, again and again until the primary gives one. The arguments are the server's.
#
# A replica that cannot follow any more (see max_slot_wal_keep_size in postgresql.conf) is rebuilt
# by starting it with an empty volume:
#   docker compose rm --stop --force phase2-replica
#   docker volume rm signup-lab_phase2-replica
#   docker compose --profile phase2 up --detach phase2-replica
set -euo pipefail

# In memory (tmpfs), written at each start: so the password is in no argument, no log and no file
# of the volume, where the connection's other settings are kept.
readonly PASSFILE=/tmp/passfile
readonly CONNECTION="host=${PRIMARY_HOST:?} user=replicator passfile=$PASSFILE connect_timeout=2"
readonly SLOT=replica

say() { printf 'start-replica: %s\n' "$*"; }

write_passfile() {
    local password
    password=$(</run/secrets/replication_password)
    (umask 077 && printf '*:*:*:replicator:%s\n' "$password" >"$PASSFILE")
}

# The slot is made anew with each backup: an old one could hold back WAL that nobody asks for, or
# have lost WAL that somebody would.
drop_slot() {
    psql --dbname="$CONNECTION dbname=postgres" --no-psqlrc --quiet --output=/dev/null --command="
        SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
        WHERE slot_name = '$SLOT' AND NOT active"
}

# Into a folder beside PGDATA, renamed when it is whole and on disk: a backup that was broken off
# is never taken for data.
base_backup() {
    local incoming=$PGDATA.incoming
    rm -rf "$incoming"
    # A fast checkpoint: a spread one takes minutes.
    drop_slot &&
        pg_basebackup --dbname="$CONNECTION" --pgdata="$incoming" --write-recovery-conf \
            --wal-method=stream --create-slot --slot="$SLOT" --checkpoint=fast &&
        mv "$incoming" "$PGDATA"
}

write_passfile
if [[ ! -d $PGDATA ]]; then
    # As the first process of its container, bash would ignore these otherwise.
    trap 'exit 143' INT TERM
    say "taking a base backup of $PRIMARY_HOST"
    # Asked first, so that a primary that is just starting is not reported as an error each time.
    until pg_isready --quiet --host="$PRIMARY_HOST" && base_backup; do
        sleep 1
    done
    say "base backup is complete"
fi
exec postgres "$@"
