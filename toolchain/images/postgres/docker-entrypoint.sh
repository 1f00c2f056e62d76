#!/bin/bash
# Makes the cluster on the first start, as the official image does, with one thing more: the cluster is made in a folder
# beside PGDATA and renamed when it is whole, so that a start that was cut off leaves nothing to be taken for a database.
set -Eeo pipefail

fail() {
  echo "postgres: $*" >&2
  exit 1
}

# value NAME DEFAULT: from NAME, or from the file that NAME_FILE names; both at once is a mistake.
value() {
  local name=$1 file="${1}_FILE"
  if [ -n "${!name:-}" ] && [ -n "${!file:-}" ]; then fail "both $name and $file are set: keep one"; fi
  if [ -n "${!file:-}" ]; then
    [ -r "${!file}" ] || fail "$file names ${!file}, which cannot be read by uid $(id -u)"
    cat "${!file}"
  else
    printf '%s' "${!name:-${2:-}}"
  fi
}

run_init_files() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh) if [ -x "$file" ]; then "$file"; else
        # shellcheck disable=SC1090
        . "$file"
      fi ;;
      *.sql) "${psql[@]}" -f "$file" ;;
      *.sql.gz) gunzip -c "$file" | "${psql[@]}" ;;
      *) continue ;;
    esac
    echo "postgres: ran $file"
  done
}

make_cluster() {
  local final=$PGDATA user password database method
  user=$(value POSTGRES_USER postgres)
  password=$(value POSTGRES_PASSWORD)
  database=$(value POSTGRES_DB "$user")
  method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
  if [ -z "$password" ] && [ "$method" != trust ]; then
    fail "no password: set POSTGRES_PASSWORD_FILE to a file that holds the superuser's password"
  fi

  # From here to the rename, everything happens in a folder that the next start throws away.
  export PGDATA="$final.unfinished"
  rm -rf "$PGDATA"
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA"
  # The password goes through a pipe: not on a command line and not on a disk.
  # shellcheck disable=SC2086
  initdb --username="$user" --pwfile=<(printf '%s\n' "${password:-none}") ${POSTGRES_INITDB_ARGS:-}
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"

  # No network until it is whole: a health check that asks over TCP does not pass too early.
  PGUSER="$user" pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p ${PGPORT:-5432}" -w start
  psql=(psql -v ON_ERROR_STOP=1 --no-psqlrc --username "$user" --no-password)
  if [ "$database" != postgres ]; then
    "${psql[@]}" --dbname postgres --set db="$database" <<<'CREATE DATABASE :"db";'
  fi
  psql+=(--dbname "$database")
  export POSTGRES_USER="$user" POSTGRES_DB="$database"
  run_init_files
  PGUSER="$user" pg_ctl -D "$PGDATA" -m fast -w stop

  sync
  rmdir "$final" 2>/dev/null || true
  mv -T "$PGDATA" "$final"
  sync
  export PGDATA="$final"
  echo "postgres: the database was made and is ready to start"
}

if [ "${1#-}" != "${1:-}" ]; then set -- postgres "$@"; fi

if [ "${1:-}" = postgres ]; then
  if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chown -R postgres:postgres "$(dirname "$PGDATA")" /var/run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$0" "$@"
  fi
  if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -n "$(ls -A "$PGDATA" 2>/dev/null)" ]; then fail "$PGDATA is not empty and holds no database: empty it, or set PGDATA"; fi
    make_cluster
  fi
fi

exec "$@"
