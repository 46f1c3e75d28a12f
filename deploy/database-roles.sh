#!/usr/bin/env bash
# Runs once, when the database container makes its cluster: the role that owns and migrates, and the role that
# the portal works under, which owns nothing. Its rights on tables come from `manage.py prepare`.
set -euo pipefail

psql --set=ON_ERROR_STOP=1 --set=owner_password="$OWNER_PASSWORD" --set=application_password="$APPLICATION_PASSWORD" \
    --username "$POSTGRES_USER" --dbname postgres --no-psqlrc <<'SQL'
CREATE ROLE portal_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE portal LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'application_password';
CREATE DATABASE portal OWNER portal_owner;
REVOKE ALL ON DATABASE portal FROM PUBLIC;
GRANT CONNECT ON DATABASE portal TO portal;
SQL
