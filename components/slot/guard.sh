#!/usr/bin/env bash
# guard.sh DIR COLOR DRAIN_SECONDS CONTAINER… <identity: asked before a slot's containers are replaced.
#
# The host has the last word: whatever a state file says, a colour that visitors are sent to is refused (exit 1).
# Otherwise it waits until nobody uses the colour any more (WebSockets and streams included), DRAIN_SECONDS at most.
#
# The identity names what is wanted, in lines "release ID" and "container HASH", one for each container in their order.
# Where the containers that are there are just that already, nothing is about to be replaced, and the colour may be live.
# Where there is none, nothing can be lost: so it is after a stack was destroyed, when the start file still names a colour.
#
# Only visitors are waited for: jobs in progress have the worker's own grace, and those in the queue are the next release's.
set -euo pipefail
dir=${1:?the stack\'s directory on the host} color=${2:?blue or green} drain_seconds=${3:?seconds}
: "${4:?the names of its containers}"
shift 3
# shellcheck source=components/gateway/common.sh
. "$(dirname "$0")/common.sh"
unfinished="$dir/gateway/unfinished"
case $color in blue | green) ;; *) die "colour is \"$color\", allowed are blue, green" ;; esac
identity=$(cat)
[ -d "$dir" ] || exit 0 # nothing was ever set up here

running=$(timeout 20 docker ps --all --no-trunc "${@/#/--filter=name=^/?}" \
  --format '{{.Names}} is {{.Label "bluegreen.release"}} {{.Label "bluegreen.settings"}}') || die "the Docker engine does not answer"
mapfile -t hashes < <(sed -n 's/^container //p' <<<"$identity")
there='' differs=''
for container in "$@"; do
  found=$(value "$container" "$running")
  wanted="is $(value release "$identity") ${hashes[0]:-}"
  hashes=("${hashes[@]:1}")
  [ -n "$found" ] || continue
  there=yes
  [ "$found" = "$wanted" ] || differs=yes
done
if [ -z "$there" ]; then
  say "$color has no container yet"
  exit 0
elif [ -z "$differs" ]; then
  say "$color runs this release already"
  exit 0
fi

# ask_gateway: its answer in $state. Only a socket that nobody listens on means that there is no gateway: one that is slow
# to answer may be on any colour.
ask_gateway() {
  local code=0
  state=$(control /state -m 10 2>/dev/null) || code=$?
  case $code in
    0) return 0 ;;
    7) return 1 ;;
    *) die "the gateway does not say which colour is live (curl: $code). Nothing was touched; run this again" ;;
  esac
}

# A flip to this colour that was cut off before its bake was over ends here: whoever wants the colour replaced does not
# want it live.
undo_unfinished() {
  local note back
  [ -f "$unfinished" ] || return 0
  note=$(<"$unfinished")
  [ "$(value target "$note")" = "$color" ] && [ "$(value live "$state")" = "$color" ] || return 0
  back=$(state_lines "$note")
  [ "$(value live "$back")" != "$color" ] || return 0
  put_state "$back$closed" || die "a flip to $color was cut off, and it cannot be taken back: $reason"
  rm -f "$unfinished"
  state=$back
  say "a flip to $color was cut off before it was proven: $(value live "$back") is live again"
}

# refuse_if_used: the dictionary knows; where no gateway answers, the start file says where it will go on.
refuse_if_used() {
  local state='' start='' closed source live canary release
  [ ! -f "$dir/gateway/conf/start" ] || start=$(<"$dir/gateway/conf/start")
  if ask_gateway; then
    source="the gateway"
    closed=$(maintenance_line "$state")
    state=$(state_lines "$state")
    undo_unfinished
    # A flip that was killed between file and dictionary would send a restarted gateway to this colour.
    if [ "$(cat "$dir/gateway/conf/start" 2>/dev/null)" != "$state$closed" ] && [ "$(value live "$state")" != none ]; then
      say "the start file said live $(value live "$start"), the gateway says $(value live "$state"): put the file right"
      write_start "$state$closed"
    fi
  else
    source="the gateway does not answer, and its start file"
    state=$start
  fi
  live=$(value live "$state") canary=$(value canary "$state") release=$(value "release.$color" "$state")
  if [ "$live" = "$color" ]; then
    die "$source says $color is live, on release $release: it is not touched. Release onto the other colour or flip first;" \
      "after a run that was cut off, set $color back to that release and run \`pulumi up\` once"
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
deadline=$((EPOCHSECONDS + drain_seconds)) told=''
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
