#!/usr/bin/env bash
# Lets replicas in: run once by the image's entrypoint (/docker-entrypoint-initdb.d), when the data
# directory of a primary is new.
set -euo pipefail

# psql reads the secret itself, so that it is in no argument; statements are not logged.
psql --set=ON_ERROR_STOP=1 --no-psqlrc --quiet --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
\set password `cat /run/secrets/replication_password`
CREATE ROLE replicator REPLICATION LOGIN PASSWORD :'password';
SQL

# `all` in the line for databases does not mean replication. Only from the container's own network.
echo 'host replication replicator samenet scram-sha-256' >>"$PGDATA/pg_hba.conf"
