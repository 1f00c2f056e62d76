#!/usr/bin/env bash
# watch.sh DIR start <plan | run | status | stop: watches a release that visitors are sent to, long after the update is over.
#
# The watch runs here, on the host, so that it holds no lock and outlives whoever started it. It compares the new colour with
# its limits, and with the other colour over the same time (judge.awk); it looks at the container's health and restarts. Past
# a limit it sends visitors back where they were before, within a second of the verdict, and marks the release as condemned:
# the program refuses to make it live again. Any other change of where visitors go ends it.
#
# The plan, lines of "key value":
#   color green                 release 42              container NAME          seconds 1800
#   watched live green;canary 0;…      back live blue;canary 0;…      (lines of the state file, joined by ";")
#   maxErrorPercent 1  maxP99Ms 0  worseErrorPercent 1  worseP99Factor 3  minRequests 20
# Standard output of start and status, lines of "key value": watching COLOR RELEASE UNTIL, or verdict VERDICT REASON, or none.
set -euo pipefail
dir=${1:?the stack\'s directory on the host} verb=${2:?start, run, status or stop}
# shellcheck source=components/gateway/common.sh
. "$(dirname "$0")/common.sh"
folder="$dir/gateway/watch" lock="$dir/gateway/watch.lock"

# The watch that runs holds this lock: its pid may be somebody else's by now.
runs() { ! flock -n -s "$lock" true; }

tell() {
  local plan
  [ -f "$folder/plan" ] || {
    echo none
    return
  }
  plan=$(<"$folder/plan")
  if runs; then
    echo "watching $(value color "$plan") $(value release "$plan") $(value until "$plan")"
  elif [ -f "$folder/verdict" ]; then
    echo "verdict $(<"$folder/verdict")"
  else
    echo "verdict lost the watch of release $(value release "$plan") was cut off: the host was restarted, or somebody ended it"
  fi
}

stop() {
  local turn
  # It looks at the container for 20 s at the most, and does not hear meanwhile.
  for ((turn = 0; turn < 500; turn++)); do
    runs || return 0
    [ ! -f "$folder/pid" ] || kill -TERM "$(<"$folder/pid")" 2>/dev/null || true
    sleep 0.05
  done
  die "the watch does not end: it is sending visitors back. Run this again in a minute"
}

start() {
  local plan turn
  plan=$(cat)
  [[ $(value seconds "$plan") =~ ^[0-9]+$ ]] || die "the plan did not arrive whole. Nothing is watched"
  stop
  rm -rf "$folder"
  mkdir -p "$folder"
  # By this clock: the deployer's may be another.
  printf '%s\nuntil %s\n' "$plan" "$((EPOCHSECONDS + $(value seconds "$plan")))" >"$folder/plan"
  setsid "$0" "$dir" run </dev/null >/dev/null 2>"$folder/said" &
  # The pid that counts is the watch's own, whatever setsid made of it. It asks the engine first, which may take 20 s.
  for ((turn = 0; turn < 1500; turn++)); do
    if [ -f "$folder/pid" ] || [ -f "$folder/verdict" ]; then
      tell
      return
    fi
    sleep 0.02
  done
  die "the watch did not begin: $(tail -n 1 "$folder/said")"
}

# snapshot COLOR TEXT: requests, errors and buckets of the counts.
snapshot() { printf '%s %s %s' "$(value "$1.requests" "$2")" "$(value "$1.errors" "$2")" "$(value "$1.buckets" "$2")"; }

conclude() { # VERDICT REASON
  # Once: a second signal must not begin it anew.
  trap '' TERM INT
  # First the record: whoever sees the verdict finds it there.
  add_entry "$(printf '{"event":"verdict","at":"%s","color":"%s","release":"%s","verdict":"%s","reason":%s,"figures":%s}' \
    "$(now_iso)" "$color" "$release" "$1" "$(json_text "$2")" "$(figures_json)")"
  printf '%s %s\n' "$1" "$2" >"$folder/verdict.new"
  mv -f "$folder/verdict.new" "$folder/verdict"
  exit 0
}

figures_json() { awk 'BEGIN { printf "{" } /^(new|old|back)/ { printf "%s\"%s\":%s", sep, $1, $2; sep = "," } END { printf "}" }' <<<"$figures"; }

# follow WHO COLOR TEXT: a colour's counts now, and those the watch began with. A gateway that was started again counts from zero.
declare -A base=() seen=()
follow() {
  local now
  now=$(snapshot "$2" "$3")
  if [ -z "${base[$1]:-}" ]; then
    base[$1]=$now
  elif [ "${now%% *}" -lt "${seen[$1]%% *}" ]; then
    base[$1]='0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0'
  fi
  seen[$1]=$now
}

# The container's health and restarts; nothing where the engine does not say.
look() {
  local said
  if said=$(timeout 20 docker inspect --format '{{with .State.Health}}{{.Status}}{{else}}unchecked{{end}} {{.RestartCount}}' "$container" 2>&1 8>&-); then
    printf '%s' "$said"
  elif [[ ${said,,} == *'no such object'* || ${said,,} == *'no such container'* ]]; then
    printf 'gone 0'
  fi
}

answers() {
  local status
  status=$(control "/slot/$1/" -m 5 -o /dev/null -w '%{http_code}' 2>/dev/null) || return 1
  case $status in 502 | 504 | 000) return 1 ;; esac
}

heed() { trap 'conclude ended "somebody ended the watch"' TERM INT; }

# condemn REASON: visitors go back first; what is said and written comes after, how long it took (backMs) among it. Comes back, to
# be tried again in a second ($pending), where another run has the lock or the gateway does not answer.
condemn() {
  local decided=${EPOCHREALTIME/[.,]/} state turn old
  pending=$1
  old=$(value live "$back")
  try_lock 5 || return 0
  # From here on nobody ends it halfway.
  trap '' TERM INT
  if ! state=$(control /state 2>/dev/null); then
    drop_lock
    heed
    return 0
  fi
  [ "$(state_lines "$state")" = "$watched" ] || conclude superseded "visitors were sent elsewhere before the verdict: $1"
  # A colour that does not answer is worse than one that errs.
  answers "$old" || conclude failed "$1; visitors were not sent back: $old does not answer"
  printf '%s %s\n' "$release" "$1" >>"$dir/gateway/condemned"
  for ((turn = 1; turn <= 20; turn++)); do
    if put_state "$back$(maintenance_line "$state")"; then
      figures+=$'\n'"backMs $(((${EPOCHREALTIME/[.,]/} - decided) / 1000))"
      drop_lock
      conclude bad "$1"
    fi
    sleep 1 8>&-
  done
  write_start "$watched$(maintenance_line "$state")" || true
  conclude failed "$1; visitors could not be sent back: $reason"
}

run() {
  local plan other text state restarts='' now_restarts health bad turn=0 failures=0 pending
  plan=$(<"$folder/plan")
  color=$(value color "$plan") release=$(value release "$plan") container=$(value container "$plan")
  until=$(value until "$plan") watched=$(value watched "$plan") back=$(value back "$plan")
  watched=${watched//;/$'\n'} back=${back//;/$'\n'} figures=''
  other=$(other_color "$color")
  exec 8<>"$lock"
  flock -w 10 8 || die "another watch does not end"
  heed
  if text=$(control /counts 2>/dev/null); then
    follow new "$color" "$text"
    follow old "$other" "$text"
  fi
  read -r _ restarts <<<"$(look)" || true
  [[ $restarts =~ ^[0-9]+$ ]] || restarts=''
  printf '%s' "$$" >"$folder/pid.new"
  mv -f "$folder/pid.new" "$folder/pid"
  while :; do
    pending=''
    if state=$(control /state 2>/dev/null) && text=$(control /counts 2>/dev/null); then
      failures=0
      [ "$(state_lines "$state")" = "$watched" ] || conclude superseded "visitors were sent elsewhere: live $(value live "$state"), canary $(value canary "$state") %"
      follow new "$color" "$text"
      follow old "$other" "$text"
      figures=$({
        sed -n 's/^\(max[A-Za-z0-9]*\|worse[A-Za-z0-9]*\|minRequests\) /limit \1 /p' <<<"$plan"
        printf 'new.base %s\nnew.now %s\nold.base %s\nold.now %s\n' "${base[new]}" "${seen[new]}" "${base[old]}" "${seen[old]}"
      } | awk -f "$(dirname "$0")/judge.awk")
      bad=$(sed -n 's/^bad //p' <<<"$figures" | head -n 1)
      [ -z "$bad" ] || condemn "$bad"
    else
      # A gateway that is killed is back within moments, and no fault of the release.
      failures=$((failures + 1)) pending="the gateway did not answer at the end"
      [ "$failures" -lt 60 ] || conclude failed "the gateway did not answer for a minute"
    fi
    # The engine is asked less often: each question is a process and some of the processor's time.
    if [ $((turn % 5)) -eq 0 ]; then
      read -r health now_restarts <<<"$(look)" || true
      if [[ $now_restarts =~ ^[0-9]+$ ]]; then
        restarts=${restarts:-$now_restarts}
        # What could not be acted on is looked at again in the next second.
        [ "$health" != unhealthy ] || condemn "its container is unhealthy"
        [ "$health" != gone ] || condemn "its container is gone"
        [ "$now_restarts" -le "$restarts" ] || condemn "its container was started again $((now_restarts - restarts)) times"
      fi
    fi
    [ -n "$pending" ] || turn=$((turn + 1))
    if [ "$EPOCHSECONDS" -ge "$until" ]; then
      [ -n "$pending" ] || conclude good "held until its time was over"
      [ "$EPOCHSECONDS" -lt $((until + 120)) ] || conclude failed "$pending; nothing could be done about it"
    fi
    sleep 1 8>&-
  done
}

case $verb in
  start) start ;;
  run) run ;;
  status) tell ;;
  stop) stop ;;
  *) die "cannot \"$verb\"; known are start, run, status and stop" ;;
esac
