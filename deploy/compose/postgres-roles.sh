#!/bin/sh
# Runs once, when the database is made: a role and a schema for each service, so that none reads another's tables.
set -eu
for service in auth deploy mailer; do
    psql -v ON_ERROR_STOP=1 -v role="$service" -v password="$INVOKER_DATABASE_PASSWORD" \
        -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE SCHEMA :"role" AUTHORIZATION :"role";
SQL
done
