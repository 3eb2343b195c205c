# Shared by the scripts in compose/: where the repository is, how to speak, and which package
# manager (if any) may be used to mend the machine. Sourced, never run.
# shellcheck shell=bash

# First of all, because nothing after it would work: neither the scripts nor the lab itself.
if [[ $(uname -s) != Linux ]]; then
    echo "The lab needs Linux (its cgroups, /proc and timers), and this is $(uname -s): use a Linux machine, a Linux virtual machine with Docker inside it, or WSL2. What works here: reading, and \`cargo test -p signup-domain -p lab-truth -p lab-publish\`." >&2
    exit 1
fi

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# What holds on this machine only. ../../.env is committed, and the same everywhere.
ENV_FILE=$ROOT/compose/.env
# The label that says which inputs an image was made from.
INPUTS_LABEL=signup-lab.inputs

SCRIPT=$(basename "$0" .sh)

# Compose believes the shell before it believes compose/.env: another project, other files or profiles, another
# image or port, a part of a phase left out. What is run must not depend on who runs it. The Makefile has the
# same names, and compose/tests/scripts.sh looks for ones that neither has.
forget_shell() {
    local name
    while read -r name; do unset "$name"; done < <(env | sed -n 's/^\([A-Z0-9_]*_IMAGE\)=.*/\1/p')
    unset "${!COMPOSE_@}" "${!PHASE@}" BATCH BROKEN CACHE QUEUE REPLICA DOCKER_SOCKET \
        IMAGES_PULL PROGRAM_DOCKERFILE OFFICIAL_PROFILE \
        PUBLIC_PORT PROMETHEUS_PORT RUNS_PORT CONTAINER_EXPORTER_PORT CADVISOR_PORT GRAFANA_PORT
}
forget_shell

say() { printf '%s: %s\n' "$SCRIPT" "$*"; }
die() {
    say "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# The distribution's id (debian, ubuntu, fedora, …), or `unknown`.
distribution() {
    if [[ -r /etc/os-release ]]; then
        # shellcheck source=/dev/null
        (. /etc/os-release && printf '%s' "${ID:-unknown}")
    else
        printf unknown
    fi
}

# Whether this script may install packages: root on Debian or Ubuntu. Everywhere else it says
# what is missing and leaves the machine to its owner.
may_install() {
    [[ $(id -u) == 0 ]] && have apt-get && [[ $(distribution) =~ ^(debian|ubuntu)$ ]]
}

# Installs distribution packages, with fresh lists (a new machine's may be empty or stale).
install_packages() {
    say "installing $* from the distribution"
    apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# The main archive this machine already uses, so that a local mirror is respected.
debian_mirror() {
    # shellcheck disable=SC2016  # the $(…) are apt's own placeholders
    apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' |
        awk '$2 == "Debian" && $4 == "main" && $3 !~ /-/ { print $1; exit }'
}

# One value of compose/.env, or nothing.
env_value() {
    [[ -f $ENV_FILE ]] || return 0
    sed -n "s/^$1=//p" "$ENV_FILE"
}

have_image() { docker image inspect "$1" >/dev/null 2>&1; }

# Whether the image exists and was made from these inputs.
image_is_current() {
    [[ $(docker image inspect --format "{{ index .Config.Labels \"$INPUTS_LABEL\" }}" "$1" 2>/dev/null) == "$2" ]]
}

# A digest over the names and contents of files and folders, plus any further words: the same
# digest means the same inputs, so nothing is built again.
digest_of() {
    local path files=() words=()
    for path in "$@"; do
        if [[ -e $path ]]; then files+=("$path"); else words+=("$path"); fi
    done
    {
        printf '%s\n' "${words[@]:-}"
        find "${files[@]}" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sed "s|$ROOT/||"
    } | sha256sum | cut -c1-32
}
