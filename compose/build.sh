#!/usr/bin/env bash
# Builds the lab's own programs into images, after setup.sh has chosen how (LAB_IMAGES in .env).
# Usage: compose/build.sh [broken]. `broken` builds phase 1 with the defects the ledger must
# convict, as the separate image signup-lab/phase1-monolith:broken.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source-path=SCRIPTDIR source=lib/images.sh
. "$ROOT/compose/lib/images.sh"

# The name of a defect: in a broken program, and never in an honest one.
readonly DEFECT=ack-before-commit
# Compiled programs on their way into an image; git-ignored.
readonly BUILD_DIR=$ROOT/compose/.build

# Compiles on the host. Always the same set of packages, so that the libraries' features, and
# with them the compiled libraries, are the same for the honest and the broken build.
compile() {
    cargo build --release --locked --package phase1-monolith --package container-exporter "$@"
}

# Copies PROGRAM out of cargo's folder, where the next build overwrites it, to .build/NAME.
keep() {
    local program=$1 name=$2
    mkdir -p "$BUILD_DIR/$name"
    install -m 0755 "${CARGO_TARGET_DIR:-$ROOT/target}/release/$program" "$BUILD_DIR/$name/$program"
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
    digest=$(digest_of "$BUILD_DIR/$name" "$dockerfile" "$base")
    image_is_current "$image" "$digest" && return
    say "building $image"
    quiet_build --file "$dockerfile" --build-arg "BASE=$BASE_LOCAL" --build-arg "PROGRAM=$program" \
        --label "$INPUTS_LABEL=$digest" --tag "$image" "$BUILD_DIR/$name"
}

build_local() {
    compile
    keep phase1-monolith phase1-monolith
    keep container-exporter container-exporter
    check_honesty "$BUILD_DIR/phase1-monolith/phase1-monolith" honest
    package phase1-monolith phase1-monolith signup-lab/phase1-monolith:latest
    package container-exporter container-exporter signup-lab/container-exporter:latest
}

build_local_broken() {
    compile --features phase1-monolith/broken
    keep phase1-monolith phase1-monolith-broken
    # Puts the honest program back in cargo's folder (both are in its cache, so it takes no time).
    compile --quiet
    check_honesty "$BUILD_DIR/phase1-monolith-broken/phase1-monolith" broken
    package phase1-monolith phase1-monolith-broken signup-lab/phase1-monolith:broken
}

# In a container, with the multi-stage Dockerfile; its cache mounts need BuildKit.
build_official() {
    local image=$1 features=$2
    docker buildx version >/dev/null 2>&1 ||
        die "docker buildx is missing (package docker-buildx-plugin, or part of Docker Desktop)."
    say "building $image"
    quiet_build --file "$ROOT/compose/Dockerfile" --build-arg PACKAGE=phase1-monolith \
        --build-arg "FEATURES=$features" --build-arg "DEFECT=$DEFECT" --tag "$image" "$ROOT"
}

main() {
    cd "$ROOT"
    local variant=${1:-honest}
    case $(env_value LAB_IMAGES)/$variant in
    local/honest) build_local ;;
    local/broken) build_local_broken ;;
    official/honest) build_official signup-lab/phase1-monolith:latest "" ;;
    official/broken) build_official signup-lab/phase1-monolith:broken broken ;;
    /*) die ".env is missing: run compose/setup.sh first." ;;
    *) die "usage: compose/build.sh [broken]" ;;
    esac
    # Only what this script replaced: untagged images that carry its label.
    docker image prune --force --filter "label=$INPUTS_LABEL" >/dev/null
}

main "$@"
