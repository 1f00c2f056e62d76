#!/bin/sh
# Starts a Docker engine that outlives this shell, and waits until it answers. Nothing happens if one answers already.
# Usage: start.sh FOLDER   (root; the pid file and the log go to FOLDER)
set -eu

folder=$1
limit_seconds=60
mkdir -p "$folder"

if docker info >/dev/null 2>&1; then exit 0; fi

# All three streams are turned away: a caller that waits for the end of our output must not wait for the engine.
setsid dockerd --pidfile "$folder/dockerd.pid" >>"$folder/dockerd.log" 2>&1 </dev/null &
engine=$!

passed=0
until docker info >/dev/null 2>&1; do
  if ! kill -0 "$engine" 2>/dev/null && ! [ -s "$folder/dockerd.pid" ]; then
    echo "dockerd ended; its last lines:" >&2
    tail -n 15 "$folder/dockerd.log" >&2
    exit 1
  fi
  if [ "$passed" -ge "$limit_seconds" ]; then
    echo "dockerd does not answer after $limit_seconds s; its log is $folder/dockerd.log" >&2
    exit 1
  fi
  sleep 1
  passed=$((passed + 1))
done
