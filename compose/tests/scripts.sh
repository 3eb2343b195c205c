#!/usr/bin/env bash
# Tests of the scripts, without an engine: in a copy of the repository, with a `docker` that only
# writes down with which words and which environment it was called.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/images.sh
. "$ROOT/compose/lib/images.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/machine.sh
. "$ROOT/compose/lib/machine.sh"
# shellcheck source-path=SCRIPTDIR source=machines.sh
. "$ROOT/compose/tests/machines.sh"
# shellcheck source-path=SCRIPTDIR source=containers.sh
. "$ROOT/compose/tests/containers.sh"

# A copy in which set-up may write, and which knows nothing of this machine's `compose/.env`.
make_copy() {
    COPY=$WORK/copy
    rm -rf "${WORK:?}"/*
    mkdir -p "$COPY" "$WORK"/{bin,answers}
    tar -C "$ROOT" --exclude=compose/secrets --exclude=compose/.build --exclude=compose/.env -c .env Makefile compose monitoring results/schema.json | tar -C "$COPY" -x
    program docker <<END
{ echo "docker \$*"; env; } >>"$WORK/calls"
cat "$WORK/answers/\$1" 2>/dev/null
[ "\$1" != buildx ] || [ ! -e "$WORK/no-buildx" ]
END
    answers compose 2.26.1
    answers info true true
    # Something of the lab is up: what listens on this machine is not asked.
    answers ps 0123456789ab
}

# A program of the tests' own, before the machine's: NAME, with its text on standard input.
program() {
    { echo '#!/bin/sh' && cat; } >"$WORK/bin/$1"
    chmod 0755 "$WORK/bin/$1"
}

# What `docker COMMAND …` prints from now on.
answers() { echo "${*:2}" >"$WORK/answers/$1"; }

# Not root, who would install what is missing.
as_somebody() { program id <<<'echo 1000'; }

# Whether a command in the copy fails and says all these WORDS. Usage: refuses COMMAND… -- WORDS…
refuses() {
    local command=()
    while [[ $1 != -- ]]; do command+=("$1") && shift; done
    shift
    if in_copy "${command[@]}" >/dev/null; then die "'${command[*]}' did not fail"; fi
    said "$@"
}

# Whether the last command's output has all these words.
said() {
    local word
    for word in "$@"; do
        grep -qF -- "$word" "$WORK/output" || die "it did not say '$word', but: $(<"$WORK/output")"
    done
}

# Runs a command in the copy, as if from a new shell.
in_copy() { (cd "$COPY" && PATH=$WORK/bin:$PATH "$@" >"$WORK/output" 2>&1) || { cat "$WORK/output" && return 1; }; }

# Variables by which the Compose files, or Compose itself, would make something else of the lab.
compose_variables() {
    printf '%s\n' COMPOSE_PROJECT_NAME COMPOSE_PROFILES COMPOSE_FILE COMPOSE_ENV_FILES
    # Those that are put into the text, ${NAME…}, and those passed on as they are: NAME with nothing
    # after it.
    # shellcheck disable=SC2016  # Compose expands these, not bash
    cat "$ROOT"/compose/*.yaml | grep -oE '\$\{[A-Z0-9_]+|^ +[A-Z0-9_]+:$' | tr -d '${ :'
}

# A command must hand on none of them, whoever starts it.
hands_on_nothing() {
    local name leaked='' settings=()
    for name in $(compose_variables); do settings+=("$name=astray"); done
    [[ ${#settings[@]} -gt 10 ]] || die "the variables of the Compose files were not found"
    in_copy env -u MAKEFLAGS -u MAKELEVEL "${settings[@]}" "$@"
    [[ -s $WORK/calls ]] || die "'$*' never called docker"
    leaked=$(sed -n 's/^\(.*\)=astray$/\1/p' "$WORK/calls" | sort -u | tr '\n' ' ')
    [[ -z $leaked ]] || die "'$*' follows these of the shell: $leaked"
}

test_scripts_do_not_follow_the_shell() { hands_on_nothing env IMAGES=local compose/setup.sh; }

test_make_does_not_follow_the_shell() { hands_on_nothing make down; }

test_setup_opens_configuration_to_the_containers() {
    local closed
    chmod -R go-rwx "$COPY"
    in_copy env IMAGES=local compose/setup.sh
    # What the Compose files mount from the repository.
    closed=$(cd "$COPY/compose" && grep -ohE -- '- \.\.?/[^:]+' ./*.yaml | cut -c3- | sort -u | while read -r mounted; do
        find "$mounted" ! -perm -044
    done)
    [[ -z $closed ]] || die "containers cannot read: $closed"
    [[ $(stat -c %a "$COPY/compose/secrets") == 700 ]] || die "the folder of the secrets is open to others"
}

test_a_second_setup_says_and_changes_nothing() {
    in_copy env IMAGES=local compose/setup.sh
    in_copy env IMAGES=local compose/setup.sh
    [[ $(<"$WORK/output") == "setup: ready (for local images)" ]] || die "it said: $(<"$WORK/output")"
}

test_the_base_image_is_made_where_devices_work() {
    # The real probe needs root; which folders it refuses is not the question here.
    takes_devices() { [[ $1 == */good ]]; }
    mkdir -p "$WORK"/{nodev,good}
    local place
    place=$(place_for_tree "$WORK/missing" "$WORK/nodev" "$WORK/good" /tmp)
    [[ $place == "$WORK/good" ]] || die "it would be made in $place"
    ! place_for_tree "$WORK/nodev" || die "it would be made where no device works"
}

test_rabbitmq_starts_with_the_plugins_it_uses() {
    local installed=$WORK/rabbitmq plugin found
    rm -rf "$installed"
    mkdir -p "$installed"/{sbin,escript} "$installed"/plugins/{ra-2.14.0,rabbit-4.0.5,rabbit_common-4.0.5}
    mkdir -p "$installed"/plugins/rabbitmq_{prelaunch,prometheus,management_agent,web_dispatch,management,federation_prometheus}-4.0.5
    # It only writes down where it would look.
    cat >"$installed/sbin/rabbitmq-server" <<'END'
#!/bin/sh
ls "$RABBITMQ_SCRIPTS_DIR/../plugins"
END
    chmod 0755 "$installed/sbin/rabbitmq-server"
    found=" $(TMPDIR=$WORK/tmp PATH=$installed/sbin:$PATH sh "$ROOT/compose/rabbitmq/start.sh" | tr '\n' ' ')"
    for plugin in ra rabbit rabbit_common rabbitmq_{prelaunch,management_agent,web_dispatch} \
        $(grep -oE '[a-z_]+' "$ROOT/compose/rabbitmq/enabled_plugins"); do
        [[ $found == *" $plugin-"* ]] || die "$plugin is missing: $found"
    done
    [[ $found != *management-* && $found != *federation* ]] || die "unused ones are there: $found"
}

main() {
    local name failed=0 status
    WORK=$(mktemp -d)
    trap 'rm -rf "$WORK"' EXIT
    for name in $(declare -F | awk '$3 ~ /^test_/ { print $3 }'); do
        # Not as a condition: that would switch `set -e` off within.
        set +e
        (
            set -e
            make_copy
            "$name"
        )
        status=$?
        set -e
        [[ $status == 0 ]] || failed=$((failed + 1))
        say "$name: $([[ $status == 0 ]] && echo ok || echo FAILED)"
    done
    [[ $failed == 0 ]] || die "$failed tests failed"
}

main
