#!/bin/sh
# Runs once, when the Postgres container creates its data directory. Two owners beside the superuser: one
# for Quayside, who may create the three roles that do the work, and one for the Temporal server, who
# creates its own two databases.
set -eu
psql -v ON_ERROR_STOP=1 -U postgres \
  -v quayside="$QUAYSIDE_OWNER_PASSWORD" -v temporal="$TEMPORAL_DB_PASSWORD" <<'SQL'
create role quayside login createrole password :'quayside';
create role temporal login createdb password :'temporal';
create database quayside owner quayside encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8' template template0;
SQL
