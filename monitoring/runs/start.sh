#!/bin/sh
# Becomes the Prometheus of the runs. Its data is made anew at each start, so that it is never older than
# that; after a `git pull`: docker compose up --detach --force-recreate run-series runs
set -eu

# On disk, not in memory: Prometheus reserves 128 MB and more for a file before it writes 2 MB of it.
rm -rf /runs/data /runs/tmp
mkdir /runs/data /runs/tmp
TMPDIR=/runs/tmp promtool tsdb create-blocks-from --quiet openmetrics /runs/runs.om /runs/data
exec prometheus "$@"
