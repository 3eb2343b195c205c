#!/usr/bin/env bash
# `make check`: all that can be found wrong without starting a stack. Every check runs, whatever the
# others say; the exit code is 1 if one failed. A check that cannot run has failed, and says why. Tools
# that are missing are got (lib/tools.sh).
# Usage: compose/check.sh [CHECK…]. Without a name all but `advisories`, which asks the network what is
# known against the crates in use, so that the same commit may pass today and fail tomorrow.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=lib/images.sh
. "$ROOT/compose/lib/images.sh"
# shellcheck source-path=SCRIPTDIR source=lib/tools.sh
. "$ROOT/compose/lib/tools.sh"

# Cheap ones first.
readonly CHECKS=(format shell scripts compose prometheus haproxy spelling unused dependencies clippy doc)
readonly EXTRA=(advisories)

check_format() { cargo fmt --all -- --check; }

check_clippy() { cargo clippy --locked --workspace --all-targets -- -D warnings; }

# Private items too: nobody uses these crates from outside, so their readers are those of the code.
check_doc() { RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --document-private-items; }

# What may be built in, under which licence, from where: .deny.toml.
check_dependencies() { cargo_deny --locked check bans licenses sources; }

check_advisories() { cargo_deny --locked check advisories; }

check_unused() { cargo_machete "$ROOT"; }

check_spelling() { typos --config "$ROOT/.typos.toml" "$ROOT"; }

# The scripts of the repository, committed or about to be.
check_shell() {
    ensure_shellcheck
    git ls-files -z --cached --others --exclude-standard -- '*.sh' .ci/run | xargs -0 shellcheck --external-sources
}

check_scripts() { "$ROOT/compose/tests/scripts.sh"; }

# Each profile, and each with every file that can be laid over, with official images and with local ones.
check_compose() {
    local files settings profiles profile here=$LOG.env
    local_settings >"$here"
    profiles=$(compose "$COMPOSE_FILES" /dev/null config --profiles)
    for files in "$COMPOSE_FILES"{,:compose/grown.yaml,:compose/without-balancer.yaml,:compose/with-balancer.yaml,:compose/with-go-server.yaml}; do
        for settings in /dev/null "$here"; do
            for profile in $profiles '*'; do
                printf '%s, profile %s, settings %s\n' "$files" "$profile" "$settings"
                compose "$files" "$settings" --profile "$profile" config --quiet
            done
        done
    done
}

# With these Compose files and settings, and not with those of this machine.
compose() { COMPOSE_FILE=$1 docker compose --env-file "$2" "${@:3}"; }

# Runs a program of the image with this short name on FOLDER, which it finds at TARGET. More
# `docker run` options may follow before `--`, the program's arguments after it.
# Usage: in_image IMAGE PROGRAM FOLDER TARGET [OPTION…] -- ARGUMENT…
in_image() {
    local name=$1 program=$2 folder=$3 target=$4 image options=()
    shift 4
    while [[ $1 != -- ]]; do options+=("$1") && shift; done
    shift
    image=$(provide "$name")
    docker run --rm --network none --read-only --cap-drop ALL --volume "$ROOT/$folder:$target:ro" \
        ${options[@]+"${options[@]}"} --entrypoint "$program" "$image" "$@"
}

# Makes or pulls the image with this short name as the lab does, and prints its whole one.
provide() {
    local kind image images
    kind=$(env_value LAB_IMAGES)
    case $kind in
    local) images=${LOCAL_IMAGES[*]} ;;
    official) images=$(official_images) ;;
    *) die "compose/.env is missing: run compose/setup.sh first." ;;
    esac
    for image in $images; do
        [[ $(short_name "$image") == "$1" ]] || continue
        if [[ $kind == local ]]; then
            provide_base >&3
            build_local_image "$image" "$ROOT/compose/offline/$1" >&3
        else
            pull_image "$image" >&3
        fi
        printf '%s' "$image"
    done
}

# The rule files too, which the configuration names, and what they say of made-up series.
check_prometheus() {
    local tests=(monitoring/prometheus/tests/*.yml)
    in_image prometheus promtool monitoring/prometheus /etc/prometheus -- \
        check config --lint-fatal /etc/prometheus/prometheus.yml
    in_image prometheus promtool monitoring/prometheus /etc/prometheus --tmpfs /tmp -- \
        test rules "${tests[@]/#monitoring//etc}"
}

# Warnings count (-dW). The values are phase2.yaml's; as many files as HAProxy needs for maxconn.
check_haproxy() {
    in_image haproxy haproxy compose/haproxy /usr/local/etc/haproxy --user 99:99 --ulimit nofile=16384:16384 \
        --env BALANCER_THREADS=1 --env SERVER_CONNECTIONS=300 \
        --env SERVER_1=phase2-server-1:9100 --env SERVER_2=phase2-server-2:9100 -- \
        -c -dW -f /usr/local/etc/haproxy/haproxy.cfg
}

# In a subshell with `set -e` of its own: a check ends at its first error, and ends nothing else.
run_check() {
    local name=$1 begun=$SECONDS status
    set +e
    (
        set -e
        "check_$name"
    ) >"$LOG" 2>&1 </dev/null
    status=$?
    set -e
    if [[ $status == 0 ]]; then
        say "ok      $name, $((SECONDS - begun)) s"
    else
        FAILED+=("$name")
        cat "$LOG"
        say "FAILED  $name, $((SECONDS - begun)) s"
    fi
}

main() {
    cd "$ROOT"
    exec 3>&1
    local name wanted=("$@")
    [[ $# -gt 0 ]] || wanted=("${CHECKS[@]}")
    for name in "${wanted[@]}"; do
        [[ " ${CHECKS[*]} ${EXTRA[*]} " == *" $name "* ]] ||
            die "there is no check '$name'; there are: ${CHECKS[*]} ${EXTRA[*]}"
    done
    FAILED=()
    LOG=$(mktemp)
    trap 'rm -f "$LOG"*' EXIT
    for name in "${wanted[@]}"; do run_check "$name"; done
    [[ ${#FAILED[@]} == 0 ]] || die "${#FAILED[@]} of ${#wanted[@]} checks failed: ${FAILED[*]}"
    say "all ${#wanted[@]} checks passed in $SECONDS s"
}

main "$@"
