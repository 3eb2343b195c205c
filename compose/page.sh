#!/usr/bin/env bash
# Tests the page that a participant uses in headless Chromium, against phase 1 on a real PostgreSQL. Gets
# the browser as root on Debian; elsewhere it says what to install.
# Usage: compose/page.sh [TEST…]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

# The driver finds the browser by itself, and must be of its version. Ubuntu's packages of these names
# hold nothing but a call of snap.
ensure_browser() {
    local advice="Install a browser and the chromedriver of its version (Debian: chromium chromium-driver; Fedora: chromium chromedriver; Ubuntu: snap install chromium, or Google Chrome with its chromedriver)."
    if have chromedriver && { have chromium || have google-chrome; }; then return; fi
    if [[ $(distribution) != debian ]] || ! may_install; then
        die "chromedriver, or its browser, is missing. $advice"
    fi
    install_packages chromium chromium-driver
}

main() {
    cd "$ROOT"
    ensure_browser
    compose/with-test-services.sh cargo test --locked --package phase1-monolith --test page "$@"
}

main "$@"
