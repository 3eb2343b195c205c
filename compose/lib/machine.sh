# What has to be on the machine itself: the Docker engine, Compose v2, buildx, Rust and a C compiler. Sourced by setup.sh. Each function returns at once when the thing is there.
# shellcheck shell=bash

engine_answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

ensure_engine() {
    engine_answers && return
    if ! may_install; then
        have docker || die "Docker is missing. Install Docker Engine 20.10 or newer (or Docker Desktop)."
        die "the Docker engine does not answer. Start it (Linux: systemctl start docker), or give this user access to it (group docker)."
    fi
    have dockerd || install_packages docker.io
    # From Debian 13 on the client is a package of its own.
    have docker || install_packages docker-cli
    start_engine
}

start_engine() {
    say "starting the Docker engine"
    if [[ -d /run/systemd/system ]]; then
        systemctl start docker
    else
        # No init system (a container, a minimal virtual machine): start it by hand, detached, so
        # that it outlives this script.
        setsid nohup dockerd >/var/log/dockerd.log 2>&1 </dev/null &
    fi
    local second
    for ((second = 0; second < 60; second++)); do
        engine_answers && return
        sleep 1
    done
    die "the Docker engine did not start within 60 s; see /var/log/dockerd.log or journalctl -u docker."
}

# The first Compose that reads compose/.env beside the .env that names the files.
readonly LEAST_COMPOSE=2.24.6

# Whether Compose is there, and new enough.
compose_answers() {
    local version
    version=$(docker compose version --short 2>/dev/null) || return
    version=${version#v}
    # A build of somebody's own.
    [[ $version == [0-9]* ]] || return 0
    [[ $(printf '%s\n' "$LEAST_COMPOSE" "${version%%[!0-9.]*}" | sort --version-sort | head -n 1) == "$LEAST_COMPOSE" ]]
}

ensure_compose() {
    compose_answers && return
    local advice="Install the Docker Compose plugin $LEAST_COMPOSE or newer (package docker-compose-plugin or docker-compose-v2; part of Docker Desktop). docker-compose 1.x is not enough."
    may_install || die "$advice"
    if [[ $(distribution) == debian ]]; then
        install_compose_of_trixie
    else
        install_packages docker-compose-v2 || die "$advice"
    fi
    compose_answers || die "the Compose plugin was installed, but does not run here or is too old. $advice"
}

# Debian 12 has only Compose 1.29. The plugin in Debian 13's package needs nothing but glibc 2.34,
# so it is taken out of the package: neither the sources nor the packages of this machine change.
install_compose_of_trixie() {
    say "fetching the Compose v2 plugin from Debian trixie"
    local work mirror plugins=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins
    mirror=$(debian_mirror)
    [[ -n $mirror ]] || die "no Debian mirror found in apt's sources; install the Compose v2 plugin by hand."
    work=$(mktemp -d)
    mkdir -p "$work"/{lists/partial,cache/archives/partial,tree}
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' "$mirror" >"$work/sources.list"
    local options=(
        -qq
        -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache"
        # The unprivileged download user cannot write to a private temporary directory.
        -o APT::Sandbox::User=root
    )
    apt-get "${options[@]}" update
    (cd "$work" && apt-get "${options[@]}" download docker-compose)
    dpkg -x "$work"/docker-compose_*.deb "$work/tree"
    mkdir -p "$plugins"
    install -m 0755 "$(find "$work/tree" -type f -name docker-compose -path '*cli-plugins*')" "$plugins/docker-compose"
    rm -rf "$work"
}

# Only the multi-stage Dockerfile gains by it: with its cache, a change is compiled, and not everything.
ensure_buildx() {
    docker buildx version >/dev/null 2>&1 && return
    # Once: a machine whose distribution has none is not asked at each set-up.
    if may_install && [[ $(env_value LAB_IMAGES) != official ]]; then
        # Of Docker's own packages, or of the distribution's.
        install_packages docker-buildx-plugin 2>/dev/null || install_packages docker-buildx 2>/dev/null || true
        docker buildx version >/dev/null 2>&1 && return
    fi
    say "docker buildx is missing: every build will compile everything. Mend: install docker-buildx-plugin or docker-buildx."
}

# What the engine can do, in one line each.
check_engine() {
    local caps selinux
    caps=$(docker info --format '{{.CPUCfsQuota}} {{.MemoryLimit}}')
    [[ $caps != *false* ]] ||
        die "this engine cannot cap CPU or memory. Rootless: write \`[Service]\` and \`Delegate=cpu cpuset io memory pids\` into /etc/systemd/system/user@.service.d/delegate.conf, and log in again."
    selinux=$(docker info --format '{{.SecurityOptions}}')
    [[ $selinux != *name=selinux* ]] || label_configuration
}

# What SELinux lets containers read.
label_configuration() {
    local type=container_file_t
    [[ $(stat --format %C compose/secrets compose/postgres/* monitoring results | grep -cv "$type") == 0 ]] && return
    say "labelling compose, monitoring and results for SELinux, so that containers may read them"
    chcon -R -t "$type" compose monitoring results ||
        die "cannot. As their owner or root: chcon -R -t $type compose monitoring results"
}

# Ports that somebody has, though nothing of the lab is up.
check_ports() {
    local variable port taken=()
    [[ -z $(docker ps --quiet --filter label=com.docker.compose.project=signup-lab) ]] || return 0
    while read -r variable port; do
        port=$(env_value "$variable" | grep . || echo "$port")
        ! is_taken "$port" || taken+=("$port ($variable)")
    done < <(cat compose/*.yaml | grep -oE '\$\{[A-Z0-9_]+_PORT:-[0-9]+' | cut -c 3- | sed 's/:-/ /' | sort -u)
    [[ ${#taken[@]} == 0 ]] ||
        say "somebody has ports that the lab wants: ${taken[*]}. Mend: stop them (\`ss -ltnp\` tells who), or write another number into compose/.env: NAME=PORT"
}

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

ensure_toolchain() {
    have cargo || die "Rust is missing. Install it with rustup or your distribution; version 1.95 or newer."
    have cc && return
    # Some libraries (blake3, the TLS of the load generator) compile C.
    may_install || die "a C compiler is missing. Install gcc or clang (Debian, Ubuntu: build-essential)."
    install_packages build-essential
}
