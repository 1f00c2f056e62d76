#!/bin/sh
# only-when-live.sh COLOR START FOLDER COMMAND…: runs COMMAND while COLOR is the live colour, and alone.
#
# It is the first process of a slot's beat container. START is the gateway's start file, which names the live colour and
# is replaced by rename at each flip; FOLDER is shared by both colours. COMMAND runs only while FOLDER/lock is held, and it
# holds the lock itself too: two never run at once, whoever is killed. When the colour is no longer live, COMMAND gets a
# TERM, its end is waited for, and the lock is let go. A COMMAND that ends by itself ends this, for Docker to start anew.
#
# While it waits and while it runs, $TMPDIR/only-when-live is written at each turn, once a second: the time, and "waiting",
# "running" or "stopping". Read-only images need a tmpfs there.
set -eu
color=${1:?blue or green} start=${2:?the gateway\'s start file} folder=${3:?the folder that both colours share}
shift 3
[ "$#" -gt 0 ] || {
  echo "only-when-live: no command was given" >&2
  exit 2
}
turn=${TMPDIR:-/tmp}/only-when-live
# Whoever it is that runs here, a release with another user must be able to go on with the same files.
umask 0
stop='' child=''
trap 'stop=yes' TERM INT

say() { echo "only-when-live: $*" >&2; }

# Without a start file nobody is live yet.
is_live() {
  while read -r key value; do
    [ "$key" != live ] || [ "$value" != "$color" ] || return 0
  done 2>/dev/null <"$start"
  return 1
}

tell() { echo "$(date +%s) $1" >"$turn"; }

# pause SECONDS: a signal ends it. Not every sleep knows fractions.
pause() {
  { sleep "$1" 2>/dev/null || sleep 1; } 9>&- &
  wait "$!" || :
}

# The child's exit code in $code; a trapped signal ends a wait before the child ends.
await_child() {
  code=0
  wait "$child" || code=$?
  while kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
  done
  child=''
}

# A command that does not end would keep the other colour's from beginning, for ever.
end_child() {
  kill -TERM "$child" 2>/dev/null || :
  left=150
  while kill -0 "$child" 2>/dev/null && [ "$left" -gt 0 ]; do
    tell stopping
    pause 0.2
    left=$((left - 1))
  done
  [ "$left" -gt 0 ] || {
    say "no end within 30 s: killing it"
    kill -KILL "$child" 2>/dev/null || :
  }
  await_child
}

run() {
  say "$color is live: starting"
  "$@" &
  child=$!
  while [ -z "$stop" ] && kill -0 "$child" 2>/dev/null; do
    if ! is_live; then
      say "$color is no longer live: stopping"
      end_child
      return 0
    fi
    tell running
    pause 1
  done
  if [ -n "$stop" ]; then
    end_child
  else
    await_child
    say "the command ended by itself, with exit code $code"
    exit "$((code > 0 ? code : 1))"
  fi
}

while [ -z "$stop" ]; do
  if is_live; then
    exec 9>>"$folder/lock"
    # The other colour's may still be ending.
    if flock -n 9; then
      # Between the look and the lock there may have been a flip back.
      ! is_live || run "$@"
    fi
    exec 9>&-
  fi
  [ -n "$stop" ] || {
    tell waiting
    pause 1
  }
done
