#!/usr/bin/env bash
# Initialises the data directory once, then becomes the server: the part of the official
# image's entrypoint that the Compose files use. Runs as the user postgres, never as root.
set -euo pipefail

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

password() {
    if [[ -n ${POSTGRES_PASSWORD_FILE:-} ]]; then
        cat "$POSTGRES_PASSWORD_FILE"
    else
        printf '%s' "${POSTGRES_PASSWORD:?POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE must be set}"
    fi
}

# In a folder of its own, which is moved to its place when all is done, and PG_VERSION last: so where
# that is, is a whole data directory, of which nothing is ever deleted.
initialise() {
    local target=$PGDATA
    local -x PGDATA=$PGDATA/initialising
    must_be_empty "$target"
    # What is there beside an unfinished folder had been moved out of it.
    find "$target" -mindepth 1 -delete
    mkdir -p "$PGDATA"
    chmod 0700 "$target" "$PGDATA"
    initdb --username="$user" --pwfile=<(password) --auth-local=trust --auth-host=scram-sha-256 \
        --encoding=UTF8 >/dev/null
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    # A private server, on the socket only: nobody can connect before all is done.
    pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start >/dev/null
    if [[ $database != postgres ]]; then
        psql --username="$user" --dbname=postgres --no-psqlrc --quiet \
            --set=database="$database" <<<'CREATE DATABASE :"database";'
    fi
    run_init_files
    pg_ctl -D "$PGDATA" -m fast -w stop >/dev/null
    touch "$PGDATA/.initialised"
    find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$target" {} +
    sync "$target"
    mv "$PGDATA/PG_VERSION" "$target"
    rmdir "$PGDATA"
}

must_be_empty() {
    local found
    [[ ! -d $1/initialising ]] || return 0
    found=$(find "$1" -mindepth 1 -maxdepth 1 -print -quit)
    [[ -z $found ]] ||
        refuse "there is something in the volume that is no data of PostgreSQL ($found)"
}

# Not a word of this image's own: with another one the volume may be just right.
refuse() {
    echo "entrypoint: $1. Nothing was changed. Take the images it was made with (IMAGES=official make images), or remove it with all that is in it: make down" >&2
    exit 1
}

run_init_files() {
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
        *.sh) bash "$file" ;;
        *.sql) psql --set=ON_ERROR_STOP=1 --username="$user" --dbname="$database" --no-psqlrc --file="$file" ;;
        esac
    done
}

# `-c …` alone means: the server with these settings.
[[ ${1:-} != -* ]] || set -- postgres "$@"

if [[ $1 == postgres ]]; then
    if [[ ! -f $PGDATA/PG_VERSION ]]; then
        initialise
    elif [[ ! -f $PGDATA/.initialised ]]; then
        refuse "the data in this volume was made by another image of PostgreSQL, and sorted by locales that this one does not have"
    fi
fi
exec "$@"
