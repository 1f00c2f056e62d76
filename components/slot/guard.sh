#!/usr/bin/env bash
# guard.sh DIR COLOR DRAIN_SECONDS: asked before a slot's containers are replaced or removed.
#
# The host has the last word: whatever a state file says, a colour that visitors are sent to is refused (exit 1).
# Otherwise it waits until nobody uses the colour any more (WebSockets and streams included), at most until
# DRAIN_SECONDS after the colour stopped being live.
set -euo pipefail
dir=${1:?the stack\'s directory on the host} color=${2:?blue or green} drain_seconds=${3:?seconds}
# shellcheck source=components/gateway/common.sh
. "$(dirname "$0")/common.sh"
case $color in blue | green) ;; *) die "colour is \"$color\", allowed are blue, green" ;; esac
[ -d "$dir" ] || exit 0 # nothing was ever set up here

# refuse_if_used: the dictionary knows; where no gateway answers, the start file says where it will go on.
refuse_if_used() {
  local state='' start='' source live canary release
  [ ! -f "$dir/gateway/conf/start" ] || start=$(<"$dir/gateway/conf/start")
  if state=$(control /state 2>/dev/null); then
    source="the gateway"
    state=$(state_lines "$state")
    # A flip that was killed between file and dictionary would send a restarted gateway to this colour.
    if [ "$start" != "$state" ] && [ "$(value live "$state")" != none ]; then
      say "the start file said live $(value live "$start"), the gateway says $(value live "$state"): put the file right"
      write_start "$state"
    fi
  else
    source="the gateway does not answer, and its start file"
    state=$start
  fi
  live=$(value live "$state") canary=$(value canary "$state") release=$(value "release.$color" "$state")
  if [ "$live" = "$color" ]; then
    die "$source says $color is live: it is not touched. Release onto the other colour, or flip first"
  fi
  if [ "${canary:-0}" != 0 ] && [ "$release" != none ] && [ "${live:-none}" != none ]; then
    die "$source sends $canary % of visitors to $color: it is not touched. Set the canary to 0 first"
  fi
}

# A switch that a killed run left behind may be about to flip to this colour: wait for it, then look.
look() {
  take_lock 120
  refuse_if_used
  drop_lock
}

look
stopped=$EPOCHSECONDS
if [ -f "$dir/gateway/flips" ]; then
  while read -r at from _; do
    [ "$from" != "$color" ] || stopped=$at
  done <"$dir/gateway/flips"
fi
deadline=$((stopped + drain_seconds)) told=''
while open=$(control /counts 2>/dev/null) && open=$(value "$color.open" "$open") && [ "${open:-0}" -gt 0 ]; do
  if [ "$EPOCHSECONDS" -ge "$deadline" ]; then
    say "$open connections to $color are still open, its $drain_seconds s are over"
    break
  fi
  [ -n "$told" ] || say "waiting for $open open connections to $color, at most $((deadline - EPOCHSECONDS)) s"
  told=yes
  sleep 0.2
done
[ -z "$told" ] || look
say "$color may be replaced"
