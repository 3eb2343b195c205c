#!/usr/bin/env bash
# Makes the roles of a phase's database (roles.sql): run once by the image's entrypoint
# (/docker-entrypoint-initdb.d), when the data directory is new. A data directory from before has no such
# roles, and the services say that the password of signup_owner is wrong; once by hand mends it:
#   docker compose exec phase1-database bash /docker-entrypoint-initdb.d/roles.sh
set -euo pipefail

# psql reads the secrets itself, so that they are in no argument; statements are not logged.
psql --set=ON_ERROR_STOP=1 --no-psqlrc --quiet --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" <<'SQL'
\set owner `cat /run/secrets/owner_password`
\set server `cat /run/secrets/server_password`
SELECT set_config('roles.signup_owner', :'owner', false), set_config('roles.signup_server', :'server', false)
\g /dev/null
\include /etc/postgresql/roles.sql
SQL
