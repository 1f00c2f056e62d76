#!/bin/sh
# Removes what an `up` that was killed left on the engine before its state knew of it:
#
#   clear.sh container NAME PROJECT STACK
#   clear.sh network NAME PROJECT STACK
#
# Asked just before the engine makes NAME, so whatever has that name now is unknown to the state. Only what carries this
# stack's labels is removed, and a network only when nothing uses it: then the state was lost, not cut off.
set -eu
kind=$1 name=$2 project=$3 stack=$4

refuse() {
  echo "clear: $*" >&2
  exit 1
}

case $kind in
  container) labels=.Config.Labels ;;
  network) labels=.Labels ;;
  *) refuse "cannot clear a \"$kind\"; known are container and network" ;;
esac

owner=$(docker inspect --type "$kind" --format \
  "{{index $labels \"bluegreen.project\"}}/{{index $labels \"bluegreen.stack\"}}" "$name" 2>/dev/null) || exit 0
[ "$owner" = "$project/$stack" ] ||
  refuse "the $kind $name exists and is not this stack's; rename or remove it: docker $kind rm $name"

case $kind in
  container)
    echo "clear: removing $name, left behind by a run that was cut off" >&2
    # With its own grace first: a database that is killed has to recover at its next start.
    docker stop "$name" >/dev/null
    docker rm --force "$name" >/dev/null
    ;;
  network)
    users=$(docker ps --all --filter "network=$name" --format '{{.Names}}' | tr '\n' ' ')
    [ -z "$users" ] ||
      refuse "${users}run on the network $name, but this stack's state does not know them: it was lost, or another" \
        "checkout or user keeps it. Use that one, or remove what runs here first (data stays in its volumes):" \
        "docker rm --force $users&& docker network rm $name"
    docker network rm "$name" >/dev/null
    ;;
esac
