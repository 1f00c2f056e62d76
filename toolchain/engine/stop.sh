#!/bin/sh
# Stops the Docker engine that start.sh started, and no other: by its pid file, if that process is still a dockerd.
# Usage: stop.sh FOLDER
set -eu

file=$1/dockerd.pid
limit_seconds=60

[ -s "$file" ] || exit 0
pid=$(cat "$file")
if [ "$(cat "/proc/$pid/comm" 2>/dev/null || true)" != dockerd ]; then
  rm -f "$file"
  exit 0
fi

kill -TERM "$pid"
passed=0
while kill -0 "$pid" 2>/dev/null; do
  if [ "$passed" -ge "$limit_seconds" ]; then
    echo "dockerd (pid $pid) did not stop within $limit_seconds s" >&2
    exit 1
  fi
  sleep 1
  passed=$((passed + 1))
done
rm -f "$file"
