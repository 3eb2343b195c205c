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

# Initialises beside PGDATA's final state: a marker written last tells a finished
# initialisation from one that was killed half way.
initialise() {
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA"
    find "$PGDATA" -mindepth 1 -delete
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

if [[ $1 == postgres && ! -f $PGDATA/.initialised ]]; then
    initialise
fi
exec "$@"
