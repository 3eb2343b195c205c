#!/usr/bin/env bash
# `make fuzz`: looks for an input that breaks a promise, one target after the other, SECONDS each (60 when left
# out). `name`, `address`, `body` and `time` are properties that `cargo test` tries on their corpora
# and for a second more; here libFuzzer looks on, led by which code an input reaches. `phase1` to `phase3` are
# brought up, and schemathesis asks them what their OpenAPI document allows, and what it does not. What
# breaks a property is kept beside its corpus, where `cargo test` tries it again: commit it with the mend.
# Usage: compose/fuzz.sh [SECONDS [TARGET…]]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=lib/tools.sh
. "$ROOT/compose/lib/tools.sh"

readonly TARGETS=(name address body time phase1 phase2 phase3)

# The package of a property, its test, and the folder of its corpora.
declare -rA PROPERTIES=(
    [name]="signup-domain name::tests::a_name_is_kept_verbatim_can_be_seen_and_hides_nothing shared/domain/src"
    [address]="signup-domain email::tests::an_address_is_one_participant_in_every_spelling shared/domain/src/email"
    [body]="signup-service body::tests::a_body_is_read_as_what_it_is shared/service/src/body"
    [time]="signup-service body::tests::a_time_is_one_that_can_be_stored_and_said_again shared/service/src/body"
)

# Without a sanitizer, which would take a nightly compiler: `unsafe_code` is forbidden here. What was found new
# goes into target/, so that the corpora that are committed stay small.
fuzz_property() {
    local seconds=$1 package test folder new=$ROOT/target/fuzz/corpus/$2
    read -r package test folder <<<"${PROPERTIES[$2]}"
    mkdir -p "$new"
    cargo_bolero test --package "$package" --sanitizer NONE -T "${seconds}s" --corpus-dir "$new" \
        --engine-args="$ROOT/$folder/__fuzz__/${test//::/__}/corpus" "$test"
}

fuzz_phase() {
    local seconds=$1 phase=$2 port lab=${CARGO_TARGET_DIR:-target}/release/lab
    [[ -z $(docker compose --profile "$phase" ps --quiet) ]] ||
        die "$phase is up, and would lose its data: \`lab down $phase\` first."
    port=$(env_value PUBLIC_PORT)
    # shellcheck disable=SC2064  # these, whatever they are at the end
    trap "'$lab' down $phase" EXIT
    "$lab" up "$phase"
    ORGANISER_TOKEN=$(<compose/secrets/organiser_token) schemathesis \
        --config-file compose/fuzz/schemathesis.toml run "http://127.0.0.1:${port:-8080}/openapi.json" \
        --max-time "$seconds" --continue-on-failure --generation-database none --request-timeout 30
}

# In a subshell with `set -e` of its own, as a check of check.sh.
fuzz() {
    local kind=property
    [[ $2 != phase* ]] || kind=phase
    (
        set -e
        "fuzz_$kind" "$@"
    )
}

main() {
    cd "$ROOT"
    exec 3>&1
    local seconds=${1:-60} target status failed=() wanted=("${@:2}")
    [[ $seconds =~ ^[1-9][0-9]*$ ]] || die "'$seconds' is no number of seconds. Usage: compose/fuzz.sh [SECONDS [TARGET…]]"
    [[ ${#wanted[@]} -gt 0 ]] || wanted=("${TARGETS[@]}")
    for target in "${wanted[@]}"; do
        [[ " ${TARGETS[*]} " == *" $target "* ]] || die "there is no target '$target'; there are: ${TARGETS[*]}"
    done
    for target in "${wanted[@]}"; do
        say "$target, for $seconds s"
        set +e
        fuzz "$seconds" "$target"
        status=$?
        set -e
        [[ $status == 0 ]] || failed+=("$target")
    done
    [[ ${#failed[@]} == 0 ]] || die "found something: ${failed[*]}"
    say "nothing found in ${#wanted[@]} targets, $seconds s each"
}

main "$@"
