#!/bin/sh
# only-when-live.sh COLOR START FOLDER COMMAND…: runs COMMAND while COLOR is the live colour, and alone.
#
# It is the first process of a slot's beat container. START is the gateway's start file, which names the live colour and
# is replaced by rename at each flip; FOLDER is shared by both colours. COMMAND runs only while FOLDER/lock is held, and it
# holds the lock itself too: two never run at once, whoever is killed. When the colour is no longer live, COMMAND gets a
# TERM, its end is waited for, and the lock is let go. A COMMAND that ends by itself ends this, for Docker to start anew.
#
# While it waits and while it runs, $TMPDIR/only-when-live is written, at least each five seconds: the time, and "waiting",
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

# tell ROLE: at each change of it, and each five turns: a process each second is more than an idle colour should cost.
told='' turns=0
tell() {
  turns=$((turns + 1))
  [ "$1" != "$told" ] || [ "$turns" -ge 5 ] || return 0
  told=$1 turns=0
  echo "$(date +%s) $1" >"$turn"
}

# A signal ends it.
pause() {
  sleep 1 9>&- &
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
  tell stopping
  kill -TERM "$child" 2>/dev/null || :
  {
    sleep 30
    kill -KILL "$child" 2>/dev/null
  } 9>&- &
  killer=$!
  await_child
  kill "$killer" 2>/dev/null || :
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
    pause
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
    pause
  }
done
