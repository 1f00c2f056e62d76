#!/usr/bin/env bash
# watch.sh DIR start <plan | run | status | follow ID | stop: watches a release that visitors are sent to, long after the update is over.
#
# The watch runs here, on the host, so that it holds no lock and outlives whoever started it. It compares the new colour with
# its limits, and with the other colour over the same time (judge.awk); it looks at its containers' health and restarts. Past
# a limit it sends visitors back where they were before, within a second of the verdict, and marks the release as condemned:
# the program refuses to make it live again. Any other change of where visitors go ends it. A release that had fewer requests
# than it can be judged by is unjudged at the end, not good.
#
# A verdict that somebody has to hear of, bad or failed, is told by the command that follows the watch; where nobody asks for it
# any more, it is sent from here, once (tell.sh). What is sent holds secrets: it comes with the plan, stays in this process's memory, and
# goes through pipes alone.
#
# The plan, lines of "key value":
#   id 5f3a…                    color green             release 42              containers NAME NAME    seconds 1800
#   watched live green;canary 0;…      back live blue;canary 0;…      (lines of the state file, joined by ";")
#   maxErrorPercent 1  maxP99Ms 0  worseErrorPercent 1  worseP99Factor 3  minRequests 20
#   deliver VERDICT CHANNEL CONFIG BODY EVENT   (any number: what tell.sh sends at this verdict)
# Standard output of start, status and follow, lines of "key value": watching COLOR RELEASE UNTIL, or verdict VERDICT REASON, or
# none. Whoever began the watch follows it by its ID and asks every few seconds; a line "messages yours" before the verdict leaves
# it to them to tell of it. Where another watch has taken its place, they hear that, and not the other one's verdict.
set -euo pipefail
dir=${1:?the stack\'s directory on the host} verb=${2:?start, run, status, follow or stop} id=${3:-}
# shellcheck source=components/gateway/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=components/gateway/watch/tell.sh
. "$(dirname "$0")/tell.sh"
# shellcheck source=components/gateway/watch/watch-looks.sh
. "$(dirname "$0")/watch-looks.sh"
folder="$dir/gateway/watch" lock="$dir/gateway/watch.lock"

# claim WHO PID: whoever is first, follower or host, is to tell of the verdict of the watch that had this pid, and nobody else; asked
# again, as after an answer that was lost, it is theirs still. Where a new watch has begun meanwhile, or the disk is full, better both.
claim() {
  ln -s "$1" "$folder/told.$2" 2>/dev/null || [ ! -L "$folder/told.$2" ] || [ "$(readlink "$folder/told.$2")" = "$1" ]
}

follow_it() {
  local said plan
  if [ -f "$folder/plan" ]; then
    plan=$(<"$folder/plan")
    if [ "$(value id "$plan")" != "$id" ]; then
      echo "verdict superseded another command has release $(value release "$plan") watched since"
      return
    fi
  fi
  { : >"$folder/followed"; } 2>/dev/null || true
  said=$(answer)
  case $said in
    'verdict lost '*) echo 'messages yours' ;;
    'verdict '*) ! claim follower "$(cat "$folder/pid" 2>/dev/null)" || echo 'messages yours' ;;
  esac
  printf '%s\n' "$said"
}

# The command that follows asks every two seconds, by a connection that may be slow.
FOLLOWED_SECONDS=15

# left_alone PID: whether nobody who follows the watch takes its verdict; waits for somebody who did just now.
left_alone() {
  local until=$((EPOCHSECONDS + FOLLOWED_SECONDS))
  if [ -n "$(find "$folder/followed" -newermt "-$FOLLOWED_SECONDS seconds" 2>/dev/null)" ]; then
    while [ ! -L "$folder/told.$1" ] && [ "$EPOCHSECONDS" -lt "$until" ]; do sleep 0.5; done
  fi
  claim host "$1"
}

answer() {
  local plan
  [ -f "$folder/plan" ] || {
    echo none
    return
  }
  plan=$(<"$folder/plan")
  if watch_runs; then
    echo "watching $(value color "$plan") $(value release "$plan") $(value until "$plan")"
  elif [ -f "$folder/verdict" ]; then
    echo "verdict $(<"$folder/verdict")"
  else
    echo "verdict lost the watch of release $(value release "$plan") was cut off: the host was restarted, its disk is full, or somebody ended it"
  fi
}

stop() {
  local turn
  # It looks at the container for 20 s at the most, and does not hear meanwhile.
  for ((turn = 0; turn < 500; turn++)); do
    watch_runs || return 0
    [ ! -f "$folder/pid" ] || kill -TERM "$(<"$folder/pid")" 2>/dev/null || true
    sleep 0.05
  done
  die "the watch does not end: it is sending visitors back. Run this again in a minute"
}

start() {
  local plan='' deliveries='' turn line
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      'deliver '*) deliveries+=$line$'\n' ;;
      *) plan+=$line$'\n' ;;
    esac
  done
  plan=${plan%$'\n'}
  [[ $(value seconds "$plan") =~ ^[0-9]+$ ]] || die "the plan did not arrive whole. Nothing is watched"
  stop
  rm -rf "$folder"
  mkdir -p "$folder"
  # By this clock: the deployer's may be another.
  printf '%s\nuntil %s\n' "$plan" "$((EPOCHSECONDS + $(value seconds "$plan")))" >"$folder/plan"
  # A here-document may be a file.
  setsid "$0" "$dir" run < <(printf '%s' "$deliveries") >/dev/null 2>"$folder/said" &
  # The pid that counts is the watch's own, whatever setsid made of it. It asks the engine first, which may take 20 s.
  for ((turn = 0; turn < 1500; turn++)); do
    if [ -f "$folder/pid" ] || [ -f "$folder/verdict" ]; then
      answer
      return
    fi
    sleep 0.02
  done
  die "the watch did not begin: $(tail -n 1 "$folder/said")"
}

conclude() { # VERDICT REASON
  # Once: a second signal must not begin it anew.
  trap '' TERM INT
  # First the record: whoever sees the verdict finds it there.
  add_entry "$(printf '{"event":"verdict","at":"%s","color":"%s","release":"%s","verdict":"%s","reason":%s,"figures":%s}' \
    "$(now_iso)" "$color" "$release" "$1" "$(json_text "$2")" "$(figures_json)")"
  # A full disk keeps nobody from hearing of it.
  { printf '%s %s\n' "$1" "$2" >"$folder/verdict.new" && mv -f "$folder/verdict.new" "$folder/verdict"; } 2>/dev/null || true
  # It is over: whoever waits for it or for the host's lock goes on.
  exec 8>&- 9>&-
  if has_deliveries "$1" && left_alone "$$"; then deliver "$1" "$2"; fi
  exit 0
}

# went_back: how long that took since $decided, the first look of those without a break that found it bad, among the figures.
went_back() { figures+=$'\n'"backMs $(((${EPOCHREALTIME/[.,]/} - decided) / 1000))"; }

heed() { trap 'conclude ended "somebody ended the watch"' TERM INT; }

# condemn REASON: visitors go back first; what is said and written comes after, how long it took (backMs) among it. Comes back, to
# be tried again in a second ($pending), where another run has the lock or the gateway does not answer.
condemn() {
  local state turn old one next gone=''
  pending=$1
  [ -n "$decided" ] || decided=${EPOCHREALTIME/[.,]/}
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
  # A colour that does not answer, or lacks what a migration took away since, is worse than one that errs.
  slot_answers "$old" 5 || conclude failed "$1; visitors were not sent back: $old does not answer"
  one=${containers%% *}
  suits "$old" "$(value "release.$old" "$back")" "${one%"-$color"}-$old" || conclude failed "$1; visitors were not sent back: $reason"
  # What fills the disk may be what the release logs.
  { printf '%s %s\n' "$release" "$1" >>"$dir/gateway/condemned"; } 2>/dev/null || true
  next=$back$(maintenance_line "$state")
  for ((turn = 1; turn <= 20; turn++)); do
    if put_state "$next" 2>/dev/null; then
      [ -n "$gone" ] || went_back
      drop_lock
      conclude bad "$1"
    fi
    # The visitors need no file to go back.
    if [ -z "$gone" ] && tell_gateway "$next"; then
      gone=yes
      went_back
    fi
    sleep 1 8>&-
  done
  [ -z "$gone" ] || conclude bad "$1; $reason, so a gateway that is started again sends visitors to $color"
  write_start "$watched$(maintenance_line "$state")" 2>/dev/null || true
  conclude failed "$1; visitors could not be sent back: $reason"
}

run() {
  local plan other text state bad turn=0 failures=0 pending requests least decided=''
  deliveries=$(cat)
  plan=$(<"$folder/plan")
  color=$(value color "$plan") release=$(value release "$plan") containers=$(value containers "$plan")
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
  look_at_containers
  printf '%s' "$$" >"$folder/pid.new"
  mv -f "$folder/pid.new" "$folder/pid"
  while :; do
    pending=''
    if state=$(control /state 2>/dev/null) && text=$(control /counts 2>/dev/null); then
      failures=0
      [ "$(state_lines "$state")" = "$watched" ] || conclude superseded "visitors were sent elsewhere: live $(value live "$state"), canary $(value canary "$state") %"
      follow new "$color" "$text"
      follow old "$other" "$text"
      minute+=("${seen[new]}")
      [ "${#minute[@]}" -le 61 ] || minute=("${minute[@]:1}")
      figures=$({
        sed -n 's/^\(max[A-Za-z0-9]*\|worse[A-Za-z0-9]*\|minRequests\) /limit \1 /p' <<<"$plan"
        printf 'new.base %s\nnew.now %s\nold.base %s\nold.now %s\n' "${base[new]}" "${seen[new]}" "${base[old]}" "${seen[old]}"
        printf 'minute.base %s\nminute.now %s\n' "${minute[0]}" "${seen[new]}"
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
      look_at_containers
      # What could not be acted on is looked at again in the next second.
      [ -z "$ill" ] || condemn "$ill"
    fi
    [ -n "$pending" ] || turn=$((turn + 1)) decided=''
    if [ "$EPOCHSECONDS" -ge "$until" ]; then
      if [ -z "$pending" ]; then
        requests=$(value newRequests "$figures") least=$(value minRequests "$plan")
        [ "$requests" -ge "$least" ] || conclude unjudged "held until its time was over, with $requests requests; it takes $least to judge by"
        conclude good "held until its time was over"
      fi
      [ "$EPOCHSECONDS" -lt $((until + 120)) ] || conclude failed "$pending; nothing could be done about it"
    fi
    sleep 1 8>&-
  done
}

case $verb in
  start) start ;;
  run) run ;;
  status) answer ;;
  follow) follow_it ;;
  stop) stop ;;
  *) die "cannot \"$verb\"; known are start, run, status, follow and stop" ;;
esac
