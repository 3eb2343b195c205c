# The images the lab stands on: official ones from a registry, or, where none can be reached,
# ones made here from Debian packages that offer the same interface. Sourced by setup.sh, which
# chooses, and by build.sh, which makes them.
# shellcheck shell=bash

# The tag stands for the recipe in provide_base: whoever changes one changes the other.
BASE_LOCAL=signup-lab/base:trixie
# Each is made from the folder of its name in compose/offline.
LOCAL_IMAGES=(signup-lab/postgres:17 signup-lab/redis:8 signup-lab/rabbitmq:4.0 signup-lab/haproxy:3.0 signup-lab/prometheus:2)
COMPOSE_FILES=$(sed -n 's/^COMPOSE_FILE=//p' "$ROOT/.env")

# The images the Compose files name when no variable is set. The lab's own are built, not fetched, and
# cAdvisor's is fetched by Compose for who asks for its profile.
official_images() {
    (cd "$ROOT" && COMPOSE_FILE=$COMPOSE_FILES \
        docker compose --env-file /dev/null --profile '*' config --images) |
        grep -v -e '^signup-lab/' -e '/cadvisor:' | sort -u
}

# signup-lab/redis:8 → redis
short_name() {
    local name=${1##*/}
    printf '%s' "${name%%:*}"
}

# By these the Compose files take the local images, and nothing else: no registry is asked, no program is compiled
# in a container, and what has no local image does not start.
local_settings() {
    local image
    printf '%s\n' IMAGES_PULL=never PROGRAM_DOCKERFILE=compose/missing.Dockerfile OFFICIAL_PROFILE=never
    for image in "${LOCAL_IMAGES[@]}"; do
        printf '%s_IMAGE=%s\n' "$(short_name "$image" | tr '[:lower:]' '[:upper:]')" "$image"
    done
}

have_official_images() {
    local image
    for image in $(official_images); do have_image "$image" || return 1; done
}

have_local_images() {
    local image
    for image in "${LOCAL_IMAGES[@]}"; do have_image "$image" || return 1; done
}

# A few seconds decide: a registry that is slower than that would make every later step a wait.
registry_answers() {
    timeout 8 docker manifest inspect postgres:17 >/dev/null 2>&1
}

# Prints `official` or `local`. What was chosen before stays chosen while its images are there,
# so that a registry that comes and goes does not change what is measured.
choose_images() {
    case ${IMAGES:-} in
    official | local) printf '%s' "$IMAGES" && return ;;
    '') ;;
    *) die "IMAGES is '$IMAGES'; it may be official or local." ;;
    esac
    if [[ $(env_value LAB_IMAGES) == local ]] && have_local_images; then
        printf local
    elif have_official_images || registry_answers; then
        printf official
    else
        say "no image registry answers: images are made from Debian packages" >&2
        printf local
    fi
}

pull_image() {
    have_image "$1" && return
    say "pulling $1"
    docker pull --quiet "$1" >/dev/null || die "cannot pull $1. IMAGES=local makes images from Debian packages instead."
}

provide_official_images() {
    local image
    for image in $(official_images); do pull_image "$image"; done
}

provide_local_images() {
    provide_base
    local image
    for image in "${LOCAL_IMAGES[@]}"; do
        build_local_image "$image" "$ROOT/compose/offline/$(short_name "$image")"
    done
}

# debootstrap makes devices and runs programs in its folder, so that must not be mounted nodev or
# noexec; it tries the same.
takes_devices() {
    local probe works=1
    probe=$(mktemp -d "$1/probe.XXXXXX") || return
    mknod "$probe/null" c 1 3 && : >"$probe/null" &&
        printf '#!/bin/sh\n' >"$probe/run" && chmod 0700 "$probe/run" && "$probe/run" || works=0
    rm -rf "$probe"
    [[ $works == 1 ]]
} 2>/dev/null

# The first of PLACES where debootstrap can work. /tmp comes last: Debian 13 mounts it nodev, and in
# memory.
place_for_tree() {
    local place
    for place in "$@"; do
        [[ -d $place ]] && takes_devices "$place" && printf '%s' "$place" && return
    done
    return 1
}

# Debian trixie as debootstrap makes it, once: its packages are as old as the image.
provide_base() {
    have_image "$BASE_LOCAL" && return
    if ! have debootstrap; then
        may_install || die "debootstrap is missing, and without it no image can be made here. Install it, run as root, or use IMAGES=official where a registry answers."
        install_packages debootstrap
    fi
    [[ $(id -u) == 0 ]] || die "making the base image needs root (debootstrap)."
    say "making $BASE_LOCAL with debootstrap (about a minute)"
    local places=("$ROOT/compose/.build" /var/tmp /tmp) place tree log mirror=()
    mkdir -p "${places[0]}"
    log=${places[0]}/debootstrap.log
    place=$(place_for_tree "${places[@]}") ||
        die "debootstrap needs a folder that is mounted neither nodev nor noexec; none of these is: ${places[*]}"
    # A Debian host's own mirror; elsewhere the one debootstrap knows.
    [[ $(distribution) != debian ]] || mirror=("$(debian_mirror)")
    tree=$(mktemp -d "$place/base.XXXXXX")
    debootstrap --variant=minbase trixie "$tree" ${mirror[@]+"${mirror[@]}"} >"$log" || {
        rm -rf "$tree"
        die "debootstrap failed; its output is in $log"
    }
    # Package lists and caches are 90 MB that every image on top would carry.
    rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/* "$tree"/usr/share/{doc,man,locale}/*
    tar -C "$tree" -c . | docker import - "$BASE_LOCAL" >/dev/null
    rm -rf "$tree" "$log"
}

# Builds IMAGE from FOLDER, unless it was already made from the same files on the same base.
build_local_image() {
    local image=$1 folder=$2 base digest
    base=$(docker image inspect --format '{{.Id}}' "$BASE_LOCAL")
    digest=$(digest_of "$folder" "$base")
    image_is_current "$image" "$digest" && return
    say "building $image"
    quiet_build --build-arg "BASE=$BASE_LOCAL" --label "$INPUTS_LABEL=$digest" --tag "$image" "$folder"
}

# `docker build`, silent unless it fails. The classic builder is asked for where there is no
# buildx, since a client without it would otherwise only warn.
quiet_build() {
    local log buildkit=1
    docker buildx version >/dev/null 2>&1 || buildkit=0
    log=$(mktemp)
    if ! DOCKER_BUILDKIT=$buildkit docker build "$@" >"$log" 2>&1; then
        cat "$log" >&2
        die "docker build failed (arguments: $*)"
    fi
    rm -f "$log"
}
