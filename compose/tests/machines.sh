# Tests of what set-up and the build make of machines that differ. Sourced by scripts.sh.
# shellcheck shell=bash

test_elsewhere_than_on_linux_the_first_line_says_what_is_needed() {
    local entry
    program uname <<<'echo Darwin'
    for entry in compose/setup.sh compose/build.sh compose/check.sh "compose/with-test-services.sh true" \
        "make --no-print-directory setup" "make --no-print-directory lab" "make --no-print-directory test"; do
        # shellcheck disable=SC2086  # words of a command
        refuses env -u MAKEFLAGS -u MAKELEVEL $entry -- "Linux virtual machine" WSL2 "cargo test -p"
        [[ $(head -n 1 "$WORK/output") == "The lab needs Linux"* ]] || die "'$entry' said first: $(head -n 1 "$WORK/output")"
    done
    [[ ! -e $WORK/calls ]] || die "something was begun: $(<"$WORK/calls")"
}

test_a_compose_that_is_too_old_is_named_with_its_mend() {
    as_somebody
    answers compose 2.20.2+ds1
    refuses compose/setup.sh -- "2.24.6 or newer" docker-compose-plugin
}

test_an_engine_that_cannot_cap_is_refused() {
    answers info false true
    refuses env IMAGES=local compose/setup.sh -- "cannot cap CPU" "Delegate=cpu"
}

test_files_are_labelled_where_selinux_decides() {
    answers info "[name=seccomp name=selinux]"
    program chcon <<<"echo chcon \"\$@\" >>$WORK/calls"
    in_copy env IMAGES=local compose/setup.sh
    grep -q '^chcon -R -t container_file_t compose monitoring results$' "$WORK/calls" || die "nothing was labelled"
}

test_a_rootless_engine_is_read_at_its_own_socket() {
    answers info "[name=seccomp name=rootless]"
    answers context DOCKER_SOCKET=unix:///run/user/1000/docker.sock
    in_copy env IMAGES=local compose/setup.sh
    grep -q '^DOCKER_SOCKET=/run/user/1000/docker.sock$' "$COPY/compose/.env" || die "$(<"$COPY/compose/.env")"
}

test_a_port_that_somebody_has_is_named_and_may_be_another() {
    local said
    : >"$WORK/answers/ps"
    # shellcheck disable=SC2317  # check_ports calls it
    is_taken() { [[ $1 == 9100 ]]; }
    # shellcheck disable=SC2034  # env_value reads it
    ENV_FILE=$COPY/compose/.env
    said=$(cd "$COPY" && PATH=$WORK/bin:$PATH check_ports)
    [[ $said == *": 9100 (PHASE1_SERVER_PORT)."*NAME=PORT* ]] || die "it said: $said"
    echo PHASE1_SERVER_PORT=9200 >"$COPY/compose/.env"
    said=$(cd "$COPY" && PATH=$WORK/bin:$PATH check_ports)
    [[ -z $said ]] || die "it said: $said"
}

test_setup_keeps_the_ports_that_a_person_wrote() {
    printf 'PHASE1_SERVER_PORT=9200\nPOSTGRES_IMAGE=mine\n' >"$COPY/compose/.env"
    in_copy env IMAGES=official compose/setup.sh
    in_copy env IMAGES=local compose/setup.sh
    [[ $(grep -c '^PHASE1_SERVER_PORT=9200$' "$COPY/compose/.env") == 1 ]] || die "the port is gone"
    ! grep -q mine "$COPY/compose/.env" || die "an image that set-up did not choose is still there"
}

test_volumes_of_other_secrets_are_named_when_secrets_are_made() {
    answers volume signup-lab_phase1-database
    in_copy env IMAGES=local compose/setup.sh
    said signup-lab_phase1-database "make down" "put the old files into compose/secrets"
    in_copy env IMAGES=local compose/setup.sh
    [[ $(<"$WORK/output") == "setup: ready (for local images)" ]] || die "it said: $(<"$WORK/output")"
}

test_compose_and_the_build_look_for_the_same_defect() {
    grep -q "^readonly DEFECT=$(sed -n 's/^ARG DEFECT=//p' "$ROOT/compose/Dockerfile")$" "$ROOT/compose/build.sh" ||
        die "the Dockerfile would take a broken program for an honest one"
}

# Official images, as they are built with buildx and without.
build_official_images() {
    echo LAB_IMAGES=official >"$COPY/compose/.env"
    rm -f "$WORK/calls"
    in_copy compose/build.sh
    grep -q "^docker build --file $COPY/compose/.build/Dockerfile" "$WORK/calls" || die "nothing was built"
}

test_programs_are_built_with_buildx_and_without() {
    build_official_images
    grep -q '^DOCKER_BUILDKIT=1$' "$WORK/calls" || die "buildx was not used"
    grep -q -- --mount=type=cache "$COPY/compose/.build/Dockerfile" || die "nothing is kept between builds"
    touch "$WORK/no-buildx"
    build_official_images
    grep -q '^DOCKER_BUILDKIT=0$' "$WORK/calls" || die "a builder was asked for that is not there"
    ! grep -q -- --mount= "$COPY/compose/.build/Dockerfile" || die "the classic builder knows no --mount"
}
