#!/bin/sh
# Tests of the sample application against a real Postgres and Redis in throw-away containers on a network of their own.
# The exit code and the last line are pytest's. Arguments are passed on:  sample/api/test.sh tests/unit -k settings
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
name=sample-test-$$
made='' network=''
work=$(mktemp -d)

# Removes what was made, by id, however this ends.
clean() {
    code=$?
    trap - EXIT INT TERM
    # shellcheck disable=SC2086 # a list of ids
    [ -z "$made" ] || docker rm --force --volumes $made >/dev/null 2>&1 || true
    [ -z "$network" ] || docker network rm "$network" >/dev/null 2>&1 || true
    rm -rf "$work"
    exit "$code"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Creates and starts a container; its id goes to the list before it runs. Arguments: docker create's.
start() {
    id=$(docker create --network "$network" --label bluegreen.project=bluegreen --label bluegreen.stack=sample-test "$@")
    made="$made $id"
    docker start "$id" >/dev/null
}

# Waits until a command in a container succeeds. Arguments: seconds, container, command…
await() {
    left=$(($1 * 5)) container=$2
    shift 2
    until docker exec "$container" "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        if [ "$left" -le 0 ]; then
            echo "$container did not get ready; its last lines:" >&2
            docker logs --tail 20 "$container" >&2
            exit 1
        fi
        sleep 0.2
    done
}

echo 'building the test stage'
docker build --quiet --target test --tag bluegreen-sample-api-test "$here" >"$work/image" 2>"$work/build" || {
    cat "$work/build" >&2
    exit 1
}

# Secrets as files: readable for the containers' users, under a directory that only its owner enters.
chmod 0700 "$work"
mkdir -p "$work/secrets"
for secret in database_password redis_password; do
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$work/secrets/$secret"
done
{ printf 'requirepass '; cat "$work/secrets/redis_password"; printf '\nsave ""\n'; } >"$work/secrets/redis.conf"
chmod 0755 "$work/secrets"
chmod 0644 "$work/secrets"/*

echo 'starting Postgres and Redis'
network=$(docker network create --internal "$name")
start --name "$name-postgres" --volume "$work/secrets:/run/secrets:ro" --tmpfs /var/lib/postgresql \
    --env POSTGRES_USER=app --env POSTGRES_DB=app --env POSTGRES_PASSWORD_FILE=/run/secrets/database_password postgres:18
start --name "$name-redis" --volume "$work/secrets:/run/secrets:ro" redis:8 redis-server /run/secrets/redis.conf
# Over TCP: the first start's own server, while it makes the database, listens on a socket only.
await 60 "$name-postgres" pg_isready --quiet --host 127.0.0.1 --username app
await 20 "$name-redis" sh -c 'redis-cli ping | grep -q NOAUTH'

# As in production: read-only root, no capabilities, secrets as files.
id=$(docker create --network "$network" --name "$name-pytest" --label bluegreen.project=bluegreen \
    --label bluegreen.stack=sample-test --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges:true \
    --volume "$work/secrets:/run/secrets:ro" \
    --env DATABASE_HOST="$name-postgres" --env DATABASE_NAME=app --env DATABASE_USER=app --env REDIS_HOST="$name-redis" \
    bluegreen-sample-api-test python -m pytest -q "$@")
made="$made $id"
docker start --attach "$id"
