#!/bin/sh
# Says which versions of the application's password open the database:
#
#   logins.sh allow  CONTAINER VERSION…   each of them logs in, whichever others do; their roles are made if need be
#   logins.sh retire CONTAINER VERSION…   no other one does any more, and nobody is connected with another
#
# Version 1 is the role `app`, which owns everything; version N is the role `app_N`, which acts as `app` from its first
# statement on. So two passwords open the same database while a release with the new one takes over, and no request is
# lost. The container reads each password from its own file: none is on a command line or in the server's log.
# Safe to cut off and to run again.
set -eu

verb=$1 container=$2
shift 2

fail() {
  echo "logins: $*" >&2
  exit 1
}

psql() { # user, then psql's own words
  user=$1
  shift
  # The socket inside the container is open to who may run commands there, the host's root.
  timeout 60 docker exec --interactive "$container" psql --no-psqlrc --quiet --no-align --tuples-only \
    --set ON_ERROR_STOP=1 --username "$user" --dbname app "$@"
}

# A superuser without a password, so that it logs in through the socket only: `app` itself will be closed one day.
if ! psql bluegreen --command 'SELECT' >/dev/null 2>&1; then
  psql app >/dev/null <<'SQL' || fail "the database in $container lets nobody in; is it running?"
SELECT 'CREATE ROLE bluegreen SUPERUSER LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bluegreen') \gexec
SQL
fi

role_of() { # version
  if [ "$1" -eq 1 ]; then echo app; else echo "app_$1"; fi
}

allow() { # version
  role=$(role_of "$1")
  if [ "$1" -eq 1 ]; then
    psql bluegreen --command 'ALTER ROLE app LOGIN'
    return
  fi
  # A statement that fails would be written to the server's log, with the password in it.
  psql bluegreen --set role="$role" <<SQL
SET client_min_messages = warning;
SET log_min_error_statement = panic;
SET log_statement = none;
SET log_min_duration_statement = -1;
\\set password \`cat /run/secrets/database_password_$1\`
SELECT format('CREATE ROLE %I', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \\gexec
BEGIN;
GRANT app TO :"role";
ALTER ROLE :"role" SET role = 'app';
ALTER ROLE :"role" LOGIN PASSWORD :'password';
COMMIT;
SQL
}

retire() { # versions
  allowed=
  for version in "$@"; do allowed="$allowed${allowed:+,}$(role_of "$version")"; done
  psql bluegreen --set allowed="$allowed" <<'SQL'
SELECT format('ALTER ROLE %I NOLOGIN', rolname) FROM pg_roles
  WHERE rolname ~ '^app(_[0-9]+)?$' AND rolcanlogin AND rolname <> ALL (string_to_array(:'allowed', ',')) \gexec
SELECT format('logins: closed %s connections of %s', count(pg_terminate_backend(pid)), usename) FROM pg_stat_activity
  WHERE backend_type = 'client backend' AND usename ~ '^app(_[0-9]+)?$' AND usename <> ALL (string_to_array(:'allowed', ',')) GROUP BY usename;
SQL
}

case $verb in
  allow) for version in "$@"; do allow "$version"; done ;;
  retire) retire "$@" ;;
  *) fail "cannot \"$verb\"; known are allow and retire" ;;
esac
