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

# What Compose makes of a fresh clone, and of one that is set up for local images. Needs no engine.
fresh_clone() { (cd "$ROOT" && COMPOSE_FILE=$COMPOSE_FILES docker compose --env-file /dev/null "$@"); }
configuration() {
    local_settings >"$WORK/settings"
    (cd "$ROOT" && COMPOSE_FILE=$COMPOSE_FILES docker compose --env-file "$WORK/settings" "$@")
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

# Both as somebody types it, and as the lab and grown.yaml do, who name the files.
test_compose_reads_what_set_up_wrote() {
    local files
    in_copy env IMAGES=local compose/setup.sh
    echo PUBLIC_PORT=8081 >>"$COPY/compose/.env"
    for files in "" "COMPOSE_FILE=$COMPOSE_FILES:compose/grown.yaml"; do
        (cd "$COPY" && env ${files:+"$files"} docker compose --profile phase2 config) >"$WORK/output"
        said signup-lab/postgres:17 'published: "8081"' "pull_policy: never"
        ! grep -q grafana "$WORK/output" || die "Grafana, which has no local image, would start"
    done
}

test_whoever_names_no_profile_is_told_which_there_are() {
    [[ $(fresh_clone config --services) == secrets ]] || die "it starts $(fresh_clone config --services)"
    [[ $(fresh_clone config) == *"--profile phase1 up"*phase2*phase3* ]] || die "nobody tells"
}

# Of each service the file it is built from, when its image is missing: its program, or a sentence.
built_from() { "$@" --profile '*' config | awk '/^  [a-z]/ { name = $1 } $1 == "dockerfile:" { print name, $2 }'; }

test_an_image_that_is_missing_is_built_or_somebody_says_what_makes_it() {
    local services programs
    services=$(fresh_clone --profile '*' config --services | wc -l)
    programs=$(fresh_clone --profile '*' config | grep -c '^    image: signup-lab/')
    [[ $(built_from fresh_clone | grep -c 'compose/Dockerfile$') == "$programs" ]] || die "$(built_from fresh_clone)"
    [[ $(built_from fresh_clone | grep -c 'missing.Dockerfile$') == $((services - programs)) ]] || die "$(built_from fresh_clone)"
    ! built_from configuration | grep compose/Dockerfile || die "without a registry something would be compiled in a container"
    grep -q '^COPY.*`make images`' "$ROOT/compose/missing.Dockerfile" || die "nobody says what makes it"
}

test_each_service_has_its_own_secrets() {
    local folder mounted
    in_copy compose/secrets.sh secrets
    mounted=$(fresh_clone --profile '*' config | sed -n 's|.*source: .*/compose/secrets/||p' | sort -u)
    [[ $mounted == *for/gateway*for/writer* ]] || die "they are not mounted: $mounted"
    for folder in $mounted; do
        [[ -n $(ls "$COPY/secrets/$folder") ]] || die "$folder is empty"
    done
    [[ $(cd "$COPY/secrets/for" && echo {gateway,writer}/*) == "gateway/gateway_password gateway/organiser_token gateway/owner_password gateway/receipt_key gateway/server_password writer/owner_password writer/server_password writer/writer_password" ]] ||
        die "a gateway, or the writer, reads what is not its own: $(ls "$COPY"/secrets/for/*)"
    grep -q "$(<"$COPY/secrets/writer_password")" "$COPY/secrets/for/queue/users.json" || die "the queue knows another writer"
}

test_secrets_are_made_once() {
    local before
    in_copy compose/secrets.sh secrets
    before=$(cd "$COPY/secrets" && find . -type f -exec sha256sum {} + | sort)
    rm "$COPY/secrets/for/replica/replication_password"
    in_copy compose/secrets.sh secrets
    [[ ! -s $WORK/output && $before == "$(cd "$COPY/secrets" && find . -type f -exec sha256sum {} + | sort)" ]] ||
        die "they changed: $(<"$WORK/output")"
}
