# Tests of what runs inside containers, with programs of the tests' own in the place of databases; and
# of what the Compose files say of all of them. Sourced by scripts.sh.
# shellcheck shell=bash

# PostgreSQL's programs, as far as the entrypoint uses them.
# shellcheck disable=SC2016  # these programs expand it, not this file
fake_postgres() {
    export PGDATA=$WORK/data POSTGRES_PASSWORD=x
    program initdb <<<'mkdir "$PGDATA/base" && echo 17 >"$PGDATA/PG_VERSION" && : >"$PGDATA/pg_hba.conf"'
    program pg_ctl <<<"[ ! -e $WORK/killed ] || exit 137"
    program psql <<<'cat >/dev/null'
    program postgres <<<'echo "started on $(ls -A "$PGDATA" | tr "\n" " ")"'
    mkdir "$PGDATA"
}

start_postgres() { in_copy bash compose/offline/postgres/entrypoint.sh -c fsync=on; }

test_a_database_is_initialised_once() {
    fake_postgres
    start_postgres
    [[ $(<"$WORK/output") == "started on .initialised PG_VERSION base pg_hba.conf " ]] || die "$(<"$WORK/output")"
    echo row >"$PGDATA/base/row"
    start_postgres
    [[ $(<"$PGDATA/base/row") == row ]] || die "the row is gone"
}

test_an_initialisation_that_was_killed_is_begun_again() {
    fake_postgres
    touch "$WORK/killed"
    refuses bash compose/offline/postgres/entrypoint.sh postgres --
    [[ ! -e $PGDATA/PG_VERSION ]] || die "half a data directory looks like a whole one"
    # And one that was killed while the folder was moved.
    mv "$PGDATA/initialising/base" "$PGDATA/base"
    rm "$WORK/killed"
    start_postgres
    [[ -f $PGDATA/.initialised && ! -e $PGDATA/initialising ]] || die "$(ls -A "$PGDATA")"
}

test_data_of_another_image_is_refused_and_kept() {
    fake_postgres
    mkdir "$PGDATA/base"
    echo 17 >"$PGDATA/PG_VERSION"
    echo row >"$PGDATA/base/row"
    refuses bash compose/offline/postgres/entrypoint.sh postgres -- "another image" IMAGES=official "make down"
    [[ $(<"$PGDATA/base/row") == row ]] || die "the row is gone"
    rm "$PGDATA/PG_VERSION"
    refuses bash compose/offline/postgres/entrypoint.sh postgres -- "no data of PostgreSQL" "make down"
    [[ $(<"$PGDATA/base/row") == row ]] || die "what is not PostgreSQL's was deleted"
}

test_metrics_of_another_version_are_refused_and_kept() {
    local entrypoint=$COPY/compose/offline/prometheus/entrypoint.sh
    program prometheus <<<'echo started'
    mkdir "$WORK/data"
    sed -i "s|/usr/bin/prometheus|prometheus|; s|=/prometheus|=$WORK/data|g" "$entrypoint"
    in_copy bash "$entrypoint"
    touch "$WORK/data/wal"
    in_copy bash "$entrypoint"
    said started
    rm "$WORK/data/.version-2"
    refuses bash "$entrypoint" -- "not made by this image" IMAGES=official "make down"
    [[ -e $WORK/data/wal ]] || die "the data is gone"
}

test_a_phase_comes_up_alone_or_not_at_all() {
    # In the place of the connection to the other phase's public port.
    program timeout <<<'case "$*" in */phase1-server/*) exit 0 ;; esac; exit 1'
    refuses env PHASE=phase2 bash compose/alone/alone.sh -- "phase1 is up" "docker compose --profile phase1 down"
    in_copy env PHASE=phase1 bash compose/alone/alone.sh
}

# The Compose files, with what they extend. Needs Compose, and no engine.
configuration() {
    local files=$COMPOSE_FILES:compose/offline.yaml
    (cd "$ROOT" && COMPOSE_FILE=$files docker compose --env-file /dev/null "$@")
}

test_every_container_has_its_limit_of_open_files() {
    local services limits
    services=$(configuration --profile '*' config --services | wc -l)
    limits=$(configuration --profile '*' config | grep -c '^ *nofile:')
    [[ $services -gt 20 && $services == "$limits" ]] || die "$limits of $services have one"
}

# Whatever waits for nothing else waits for the one that looks whether it is alone.
test_nothing_of_a_phase_starts_before_it_is_alone() {
    local phase early
    for phase in phase1 phase2 phase3; do
        early=$(configuration --profile "$phase" config | awk '
            /^  [a-z]/ { if (name ~ /^phase/ && !waits) print name; name = $1; waits = 0 }
            /^    depends_on:/ { waits = 1 }
            /^[a-z]/ && name != "" { exit }')
        [[ -z $early ]] || die "$early starts at once"
        configuration --profile "$phase" config | grep -q service_completed_successfully || die "nothing waits in $phase"
    done
}

test_whoever_names_no_profile_is_told_which_there_are() {
    in_copy env IMAGES=local compose/setup.sh
    grep -q '^COMPOSE_PROFILES=choose$' "$COPY/.env" || die "nothing is started without a profile"
    [[ $(configuration --profile choose config) == *"--profile phase1 up"* ]] || die "nobody tells"
}
