# The tools of check.sh and fuzz.sh: got when they are missing, at the versions named here. Sourced by them.
# shellcheck shell=bash

# Apart from the machine's own tools, one folder a version; deleting it costs minutes, nothing else.
readonly TOOLS=${XDG_CACHE_HOME:-$HOME/.cache}/signup-lab

# Past the log of a check, which is shown only when it fails.
announce() { say "$*" >&3; }

ensure_shellcheck() {
    have shellcheck && return
    may_install || die "shellcheck is missing. Install it (Debian, Ubuntu, Fedora, Homebrew: package shellcheck)."
    install_packages shellcheck >&3
}

# Builds a cargo tool from crates.io if this version is not there: in a folder of its own, because two
# checkouts may do so at once. The trap is the calling check's, which is a subshell.
# Usage: ensure_cargo_tool NAME VERSION [OPTION…]
ensure_cargo_tool() {
    local name=$1 version=$2 folder=$TOOLS/$1-$2
    shift 2
    [[ ! -x $folder/bin/$name ]] || return 0
    announce "building $name $version from crates.io"
    mkdir -p "$TOOLS"
    BUILD=$(mktemp -d "$TOOLS/build.XXXXXX")
    trap 'rm -rf "$BUILD"' EXIT
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root "$folder" \
        --target-dir "$BUILD" "$@" "$name@$version"
}

# Runs one, after building it. Usage: cargo_tool NAME VERSION ARGUMENT…
cargo_tool() {
    local name=$1 version=$2
    shift 2
    ensure_cargo_tool "$name" "$version"
    "$TOOLS/$name-$version/bin/$name" "$@"
}

cargo_deny() { cargo_tool cargo-deny 0.20.2 "$@"; }

cargo_machete() { cargo_tool cargo-machete 0.9.2 "$@"; }

# With libFuzzer alone of its engines: the others are C programs to be built.
cargo_bolero() {
    local version=0.13.5
    ensure_cargo_tool cargo-bolero "$version" --no-default-features --features libfuzzer
    cargo_tool cargo-bolero "$version" "$@"
}

# Debian's Python comes without the part that makes environments.
ensure_python() {
    local advice="Install Python 3 with its module venv (Debian, Ubuntu: package python3-venv)."
    python3 -c 'import ensurepip, venv' 2>/dev/null && return
    may_install || die "$advice"
    install_packages python3-venv >&3
    python3 -c 'import ensurepip, venv' || die "$(command -v python3) still has no venv. $advice"
}

# From PyPI, where typos is a program for all usual platforms: nothing is compiled.
typos() {
    local version=1.52.0
    local folder=$TOOLS/typos-$version
    if [[ ! -x $folder/bin/typos ]]; then
        ensure_python
        announce "fetching typos $version from PyPI"
        python3 -m venv "$folder"
        "$folder/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "typos==$version"
    fi
    "$folder/bin/typos" "$@"
}

# From PyPI, with all that it stands on, at the versions of compose/fuzz/requirements.txt.
schemathesis() {
    local requirements=$ROOT/compose/fuzz/requirements.txt folder
    folder=$TOOLS/schemathesis-$(digest_of "$requirements")
    if [[ ! -x $folder/bin/schemathesis ]]; then
        ensure_python
        announce "fetching schemathesis from PyPI"
        python3 -m venv "$folder"
        "$folder/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --requirement "$requirements"
    fi
    "$folder/bin/schemathesis" "$@"
}
