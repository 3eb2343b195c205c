#!/usr/bin/env bash
# Runs before all other containers of PHASE. Phases want the same public port, and a second one would
# come up half; so while another one answers this fails, and Compose starts none of them.
set -euo pipefail

# What has the public port in each phase, at 8080 in its container.
readonly ENTRIES=(phase1-server phase{2,3}-{balancer,listener})

answers() { timeout 2 bash -c "exec 3<>/dev/tcp/$1/8080" 2>/dev/null; }

for entry in "${ENTRIES[@]}"; do
    other=${entry%%-*}
    if [[ $other != "${PHASE:?}" ]] && answers "$entry"; then
        echo "$other is up, and phases share the public port. End it first: \`docker compose --profile $other down\` keeps its data, \`lab down $other\` removes it" >&2
        exit 1
    fi
done
