#!/usr/bin/env bash
# Makes all images the lab runs on, after setup.sh has chosen how (LAB_IMAGES in compose/.env): those of
# others, and the lab's own programs.
# Usage: compose/build.sh [lab|broken|peer]. `lab` builds the load harness beside them, in target/release;
# `broken` builds the phases that have one with the defects the ledger must convict, each as a
# separate image with the tag `broken`; `peer` builds the peer in Go and nothing else.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=lib/images.sh
. "$ROOT/compose/lib/images.sh"

# Programs, each of which becomes the image signup-lab/PROGRAM. Named as their packages, or else with
# the package in front: PACKAGE/PROGRAM.
readonly PHASES=(phase1-monolith phase2-replicated phase3-buffered/phase3-{gateway,writer} signup-listener/listener)
# Those with a feature `broken`.
readonly BREAKABLE=(phase1-monolith)
# For Prometheus: what the containers use, and the runs.
readonly MONITORING=(container-exporter lab-publish/run-series)
# The name of a defect: in a broken program, and never in an honest one.
readonly DEFECT=ack-before-commit
# The peer: not the lab's own program, compiled in a container.
readonly PEER=$ROOT/phases/examples/go
# Cargo's profile; each image says it in this label, and each run records it.
readonly PROFILE=release
readonly PROFILE_LABEL=signup-lab.profile
# Compiled programs on their way into an image; git-ignored.
readonly BUILD_DIR=$ROOT/compose/.build

# Compiles on the host. Always the same set of packages, so that the libraries' features, and with them
# the compiled libraries, are the same in every build here. Only the programs that are wanted: linking
# each takes a minute, and the lab two.
compile() {
    local program packages=(--package lab) bins=()
    for program in "${PHASES[@]}" "${MONITORING[@]}"; do
        packages+=(--package "${program%/*}")
        bins+=(--bin "${program##*/}")
    done
    cargo build --profile "$PROFILE" --locked "${packages[@]}" "${bins[@]}" "$@" 2>&1 |
        counted "$(crates "${packages[@]}")"
}

# How many crates cargo compiles for these packages, each once.
crates() { cargo tree --locked "$@" --edges normal,build --prefix none --format '{p}' | sed 's| (\*)$||' | sort -u | wc -l; }

# Cargo's lines with how far it is: its own bar shows on a terminal only. (Not awk: Debian's reads ahead,
# and shows nothing for minutes.)
counted() {
    local all=$1 compiled=0 line
    while IFS= read -r line; do
        if [[ $line == *' Compiling '* ]]; then
            compiled=$((compiled + 1))
            line="build: compiling $compiled of $all: ${line##*Compiling }"
        fi
        printf '%s\n' "$line"
    done >&2
}

# Copies PROGRAM out of cargo's folder, where the next build overwrites it, to .build/NAME.
keep() {
    local program=$1 name=$2
    mkdir -p "$BUILD_DIR/$name"
    install -m 0755 "${CARGO_TARGET_DIR:-$ROOT/target}/$PROFILE/$program" "$BUILD_DIR/$name/$program"
}

# An honest image with a defect in it would make every published number a lie.
check_honesty() {
    local file=$1 expected=$2 found=honest
    ! grep -q "$DEFECT" "$file" || found=broken
    [[ $found == "$expected" ]] || die "$file is $found, but should be $expected; nothing was built from it."
}

# Puts .build/NAME/PROGRAM on the local base as IMAGE, unless the image holds that very program.
package() {
    local program=$1 name=$2 image=$3 base dockerfile=$ROOT/compose/offline/program.Dockerfile digest
    base=$(docker image inspect --format '{{.Id}}' "$BASE_LOCAL")
    digest=$(digest_of "$BUILD_DIR/$name" "$dockerfile" "$base" "$PROFILE_LABEL=$PROFILE")
    image_is_current "$image" "$digest" && return
    say "building $image"
    quiet_build --file "$dockerfile" --build-arg "BASE=$BASE_LOCAL" --build-arg "PROGRAM=$program" \
        --label "$INPUTS_LABEL=$digest" --label "$PROFILE_LABEL=$PROFILE" --tag "$image" "$BUILD_DIR/$name"
}

# The images of others are made meanwhile: that is mostly downloading, and leaves the processor to
# the compiler. ARGUMENTS are for cargo.
build_local() {
    local program providing
    provide_local_images &
    providing=$!
    compile "$@" || {
        wait "$providing" || true
        die "the programs do not compile; cargo says why above."
    }
    wait "$providing" || die "no images to put the programs on; why is said above, between cargo's lines."
    for program in "${PHASES[@]}" "${MONITORING[@]}"; do
        program=${program#*/}
        keep "$program" "$program"
        check_honesty "$BUILD_DIR/$program/$program" honest
        package "$program" "$program" "signup-lab/$program:latest"
    done
}

build_local_broken() {
    local program arguments=()
    provide_local_images
    for program in "${BREAKABLE[@]}"; do arguments+=(--features "${program%/*}/broken"); done
    compile "${arguments[@]}"
    for program in "${BREAKABLE[@]}"; do keep "${program#*/}" "${program#*/}-broken"; done
    # Puts the honest programs back in cargo's folder (both are in its cache, so it takes no time).
    compile --quiet
    for program in "${BREAKABLE[@]}"; do
        program=${program#*/}
        check_honesty "$BUILD_DIR/$program-broken/$program" broken
        package "$program" "$program-broken" "signup-lab/$program:broken"
    done
}

# The multi-stage Dockerfile as this machine can build it: only BuildKit, by buildx, has cache mounts.
# Without them everything is compiled at each build.
dockerfile() {
    if docker buildx version >/dev/null 2>&1; then
        cat compose/Dockerfile
    else
        sed 's/--mount=[^ ]* *//g' compose/Dockerfile
    fi
}

# In a container, with the multi-stage Dockerfile. Compose does the same for whoever only types
# `docker compose up`; here each has its line, and one that is there is built again when its code changed.
build_official() {
    local tag=$1 features=$2 program package
    shift 2
    provide_official_images
    mkdir -p "$BUILD_DIR"
    dockerfile >"$BUILD_DIR/Dockerfile"
    for program in "$@"; do
        package=${program%/*} program=${program#*/}
        say "building signup-lab/$program:$tag"
        quiet_build --file "$BUILD_DIR/Dockerfile" --build-arg "PACKAGE=$package" \
            --build-arg "PROGRAM=$program" --build-arg "FEATURES=$features" --build-arg "DEFECT=$DEFECT" \
            --build-arg "PROFILE=$PROFILE" --tag "signup-lab/$program:$tag" "$ROOT"
    done
}

build_peer() {
    say "building signup-lab/phase1-go"
    quiet_build "$@" --label "$PROFILE_LABEL=$PROFILE" --tag signup-lab/phase1-go:latest "$PEER"
}

main() {
    cd "$ROOT"
    local variant=${1:-honest}
    case $(env_value LAB_IMAGES)/$variant in
    local/honest) build_local ;;
    local/lab) build_local --bin lab ;;
    local/broken) build_local_broken ;;
    official/honest) build_official latest "" "${PHASES[@]}" "${MONITORING[@]}" ;;
    official/lab)
        build_official latest "" "${PHASES[@]}" "${MONITORING[@]}"
        cargo build --profile "$PROFILE" --locked --package lab 2>&1 | counted "$(crates --package lab)"
        ;;
    local/peer)
        provide_base
        build_peer --build-arg "BASE=$BASE_LOCAL"
        ;;
    official/peer) build_peer ;;
    official/broken) build_official broken broken "${BREAKABLE[@]}" ;;
    /*) die "compose/.env is missing: run compose/setup.sh first." ;;
    *) die "usage: compose/build.sh [lab|broken|peer]" ;;
    esac
    # Only what this script replaced: untagged images that carry its label.
    docker image prune --force --filter "label=$INPUTS_LABEL" >/dev/null
}

main "$@"
