# What has to be installed on the machine itself: the Docker engine, Compose v2, Rust and a C
# compiler. Sourced by setup.sh. Each function returns at once when the thing is there.
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

compose_answers() { docker compose version >/dev/null 2>&1; }

ensure_compose() {
    compose_answers && return
    local advice="Install the Docker Compose v2 plugin (package docker-compose-plugin or docker-compose-v2; part of Docker Desktop). docker-compose 1.x is not enough."
    may_install || die "$advice"
    if [[ $(distribution) == debian ]]; then
        install_compose_of_trixie
    else
        install_packages docker-compose-v2 || die "$advice"
    fi
    compose_answers || die "the Compose plugin was installed but does not run here. $advice"
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

ensure_toolchain() {
    have cargo || die "Rust is missing. Install it with rustup or your distribution; version 1.95 or newer."
    have cc && return
    # Some libraries (blake3, the TLS of the load generator) compile C.
    may_install || die "a C compiler is missing. Install gcc or clang (Debian, Ubuntu: build-essential; macOS: xcode-select --install)."
    install_packages build-essential
}
