#!/usr/bin/env bash
# switch.sh DIR <plan: sends visitors to another colour, as a transaction. DIR is the stack's directory on the host.
#
#   check  the target's containers run, are healthy, on the expected image and release
#   smoke  the target answers as expected, asked through the gateway but out of visitors' sight
#   flip   the start file (for a restarted gateway) and the gateway's dictionary, both read back
#   proof  asked from outside, new connections and a kept one all reach the target
#   bake   the target's error rate, watched for the given time
#   prune  images of past releases go that the plan does not keep; whatever becomes of that, the switch is done
#
# Maintenance is turned on before all that, whatever runs, and off with the flip: what is asked from outside has a way past it.
#
# A failure, INT or TERM after the flip puts the previous colour back, proves that, and exits 1; before it nothing has
# changed. Killed at any point it can be run again: DIR/gateway/unfinished remembers a flip whose bake was not over.
#
# The plan, lines of "key value" (renderSwitchPlan in switch-plan.ts writes it):
#   target green                       container NAME IMAGE RELEASE   (any number; IMAGE as id, digest or tag)
#   maintenance 600 Anna Ash           visitors get the page of maintenance, with this Retry-After; who wants it
#   canary 0                           smoke path=/health&status=200&timeout=2&json=%7B%7D   (any number)
#   release.blue 1, release.green 2    public http://127.0.0.1:8080/health
#   released.blue {"release":"1",…}    what the ledger is to say of the slot's release, as JSON
#   connect 127.0.0.1:443              where a public https://… is answered on this host
#   publicTimeoutSeconds 5             how long one answer of it may take
#   keep registry/app@sha256:…         an image that stays on the host (any number); none: nothing is removed
#   healthWaitSeconds smokeWaitSeconds proofWaitSeconds lockWaitSeconds pruneWaitSeconds bakeSeconds maxErrorPercent
#   minRequests
# Standard output, lines of "key value": live previous flipped switchedAt checkMs smokeMs flipMs proofMs bakeMs totalMs
# requests errors.
set -euo pipefail
dir=${1:?the stack\'s directory on the host}
# shellcheck source=components/gateway/common.sh
. "$(dirname "$0")/common.sh"

unfinished="$dir/gateway/unfinished"

target='' canary=0 public='' connect='' maintenance='' maintenance_by=''
release_blue=none release_green=none
released_blue='' released_green=''
health_wait=60 smoke_wait=10 proof_wait=5 public_timeout=5 lock_wait=60 prune_wait=60 bake_seconds=5 max_error_percent=1 min_requests=20
containers=() smokes=() keep=()
while read -r key rest; do
  case $key in
    target) target=$rest ;;
    canary) canary=$rest ;;
    maintenance) read -r maintenance maintenance_by <<<"$rest" ;;
    container) containers+=("$rest") ;;
    smoke) smokes+=("$rest") ;;
    keep) keep+=("$rest") ;;
    release.blue) release_blue=$rest ;;
    release.green) release_green=$rest ;;
    released.blue) released_blue=$rest ;;
    released.green) released_green=$rest ;;
    public) public=$rest ;;
    connect) connect=$rest ;;
    publicTimeoutSeconds) public_timeout=$rest ;;
    healthWaitSeconds) health_wait=$rest ;;
    smokeWaitSeconds) smoke_wait=$rest ;;
    proofWaitSeconds) proof_wait=$rest ;;
    lockWaitSeconds) lock_wait=$rest ;;
    pruneWaitSeconds) prune_wait=$rest ;;
    bakeSeconds) bake_seconds=$rest ;;
    maxErrorPercent) max_error_percent=$rest ;;
    minRequests) min_requests=$rest ;;
    '') ;;
    *) die "plan: unknown key \"$key\"" ;;
  esac
done
for number in canary public_timeout health_wait smoke_wait proof_wait lock_wait prune_wait bake_seconds min_requests; do
  # A half number would end the bake in an error of arithmetic, unwatched.
  [[ ${!number} =~ ^[0-9]+$ ]] || die "plan: $number is \"${!number}\", allowed are whole numbers"
done
[[ $max_error_percent =~ ^[0-9]+(\.[0-9]+)?$ ]] || die "plan: maxErrorPercent is \"$max_error_percent\", allowed are numbers"
[[ $maintenance =~ ^[0-9]*$ ]] || die "plan: maintenance is \"$maintenance\", allowed are whole numbers"
case $target in blue | green) ;; *) die "plan: target is \"$target\", allowed are blue, green" ;; esac
[ -n "$public" ] || die 'plan: public is missing, the URL visitors use, for example "public http://127.0.0.1:8080/health"'
[ "${#containers[@]}" -gt 0 ] || die 'plan: no container line, so nothing shows that the target runs'
tls=()
if [[ $public == https://* ]]; then
  [ -n "$connect" ] || die 'plan: connect is missing, where the public URL is answered on this host, for example "connect 127.0.0.1:443"'
  # The same port, certificate and check of the caller as for the edge, which this host shows a certificate of its own.
  # Not the name but the key is checked: only the holder of the key that certificates.sh made here can answer. With HTTP/2
  # the requests that are to open a connection each would share one.
  tls=(--http1.1 --connect-to "::$connect" --insecure --pinnedpubkey "$dir/tls/served/current/server.pub" --cert "$dir/tls/proof.pem")
fi
releases=$(printf 'release.blue %s\nrelease.green %s' "$release_blue" "$release_green")
wanted=$(printf 'live %s\ncanary %s\n%s' "$target" "$canary" "$releases")
# What follows it in the state; $closed_now is what does now.
closed=${maintenance:+$'\n'"maintenance $maintenance"}

# ---- check -----------------------------------------------------------------------------------------------------------

# 0 all right, 1 not yet, 2 never; the reason in $reason.
look_at_containers() {
  local line name image release got state health running_image running_name running_release wanted_image
  for line in "${containers[@]}"; do
    read -r name image release <<<"$line"
    if ! got=$(timeout 20 docker inspect --type container --format \
      '{{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}unchecked{{end}} {{.Image}} {{.Config.Image}} {{index .Config.Labels "bluegreen.release"}}' \
      "$name" 2>&1 9>&-); then
      reason="container $name: $(tail -n 1 <<<"$got")"
      return 2
    fi
    read -r state health running_image running_name running_release <<<"$got"
    # A tag (allowed on a local host only) may have been built anew since: then its name is all there is to compare.
    wanted_image=$image
    [[ $image == *sha256:* ]] || running_image=$running_name
    if [[ $image == *sha256:* ]] && ! wanted_image=$(timeout 20 docker image inspect --format '{{.Id}}' "$image" 2>&1 9>&-); then
      reason="container $name should run image $image, which this host does not have"
      return 2
    fi
    if [ "$running_image" != "$wanted_image" ]; then
      reason="container $name runs image $running_name, the plan says $image"
      return 2
    elif [ "$running_release" != "$release" ]; then
      reason="container $name has release \"$running_release\", the plan says \"$release\""
      return 2
    fi
    reason="container $name is $state, health $health"
    case $state/$health in
      running/healthy) ;;
      running/starting) return 1 ;;
      running/unchecked)
        reason="container $name has no health check"
        return 2
        ;;
      *) return 2 ;;
    esac
  done
}

check_containers() {
  local deadline=$((SECONDS + health_wait)) verdict
  while :; do
    verdict=0
    look_at_containers || verdict=$?
    [ "$verdict" -ne 0 ] || return 0
    [ "$verdict" -eq 1 ] && [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.3
  done
}

# ---- smoke -----------------------------------------------------------------------------------------------------------

# Tried until it passes or the time is over: a new address of a slot is seen by the gateway within a second.
smoke_test() {
  local check deadline=$((SECONDS + smoke_wait)) answer
  for check in ${smokes[@]+"${smokes[@]}"}; do
    while :; do
      answer=$(control "/smoke?color=$target&$check" -m 65 2>&1) || true
      case $answer in "ok "*) break ;; esac
      reason="smoke check ${check%%&*} of $target: ${answer:-no answer}"
      [ "$SECONDS" -lt "$deadline" ] || return 1
      sleep 0.1
    done
  done
}

# ---- proof -----------------------------------------------------------------------------------------------------------

# Asked from the host, the proof shares its address with whatever else comes that way: it must not be answered 429. The
# token that spares it lives in the gateway's memory and goes by standard input: an argument shows in the process list.
proof_token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
allow_proof() { # token, or none
  printf 'url = "http://gateway/state?proof=%s"\n' "$1" |
    curl -q --noproxy '*' -sS -m 3 -o /dev/null -X PUT --unix-socket "$dir/gateway/run/control.sock" --config - 2>/dev/null 9>&-
}
proof_header() { printf 'header = "X-Bluegreen-Proof: %s"\n' "$proof_token"; }

# answers_from COLOR: three new connections and one used twice must all reach it. Bucket 99 is the last a canary takes.
# An application's own error shows the colour too; whether it errs is the bake's question. 502 and 504 are no answers.
answers_from() {
  local expected=$1 deadline=$((SECONDS + proof_wait)) got one good
  local each=(--noproxy '*' ${tls[@]+"${tls[@]}"} -sS -m "$public_timeout" -D - -b bluegreen_bucket=99)
  while :; do
    allow_proof "$proof_token" || true
    got=$(curl -q "${each[@]}" --config <(proof_header) -H 'Connection: close' -o /dev/null "$public" -o /dev/null "$public" -o /dev/null "$public" \
      --next "${each[@]}" --config <(proof_header) -o /dev/null "$public" -o /dev/null "$public" 2>&1 9>&- | tr -d '\r' |
      awk '/^curl:/ { print "error" } /^HTTP\// { if (s) print c "/" s; s = $2; c = "none" }
           tolower($1) == "x-color:" { c = $2 } END { if (s) print c "/" s }') || true
    good=0
    for one in $got; do
      case $one in
        */502 | */504) ;;
        none/503 | blue/* | green/*) [ "${one%/*}" != "$expected" ] || good=$((good + 1)) ;;
      esac
    done
    [ "$good" -ne 5 ] || return 0
    reason="asked from outside, $good of 5 answers of $public are from $expected (colour/status: ${got//$'\n'/ })"
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.05
  done
}

# Who answers bucket 99 in the state TEXT: the live colour, but for a canary of 100 percent.
outside() {
  local live
  live=$(value live "$1")
  if [ "$(value canary "$1")" != 100 ]; then
    printf %s "$live"
  elif [ "$live" = blue ]; then
    printf green
  else
    printf blue
  fi
}

# ---- bake ------------------------------------------------------------------------------------------------------------

read_counts() { # sets counted_requests, counted_errors
  local text
  text=$(control /counts 2>&1) || {
    reason="the gateway's counts: $text"
    return 1
  }
  counted_requests=$(value "$target.requests" "$text")
  counted_errors=$(value "$target.errors" "$text")
}

bake() {
  local end=$(($(now_ms) + bake_seconds * 1000)) failures=0 state
  while :; do
    if read_counts; then
      failures=0
      # A gateway that was restarted meanwhile counts from zero again.
      [ "$counted_requests" -ge "$base_requests" ] || base_requests=0 base_errors=0
      requests=$((counted_requests - base_requests))
      errors=$((counted_errors - base_errors))
      if [ "$requests" -ge "$min_requests" ] && [ "$errors" -gt 0 ] &&
        ! awk "BEGIN { exit !($errors * 100 <= $max_error_percent * $requests) }"; then
        reason="$errors of $requests requests to $target failed in the bake window, allowed are $max_error_percent %"
        return 1
      fi
    else
      # A gateway that comes back within 3 s (it was killed, Docker restarts it) is no fault of the target.
      failures=$((failures + 1))
      [ "$failures" -lt 15 ] || return 1
    fi
    [ "$(now_ms)" -lt "$end" ] || break
    sleep 0.2
  done
  # A gateway that was gone all the while, or came back on something else, was not watched.
  if ! state=$(control /state 2>&1) || [ "$(state_lines "$state")" != "$wanted" ]; then
    reason="after the bake the gateway says: ${state//$'\n'/, }"
    return 1
  fi
  # Fewer visitors than minRequests say little; a container that fell over says enough.
  verdict=0
  look_at_containers || verdict=$?
  [ "$verdict" -eq 0 ]
}

# ---- undo ------------------------------------------------------------------------------------------------------------

# Puts $previous back, proves it, exits 1. A previous colour that does not answer is worse than a target that does.
undo() {
  local why=$1 back back_state
  trap '' INT TERM
  back=$(value live "$previous")
  # The releases are what runs now; only where visitors go is put back.
  back_state=$(printf 'live %s\ncanary %s\n%s' "$back" "$(value canary "$previous")" "$releases")
  if ! gateway_answers; then
    write_start "$back_state$closed_now"
    die "$why. The gateway does not answer; it will start with $back. Start it (pulumi up --refresh), then run this again"
  fi
  if [ "$back" != none ] && ! slot_answers "$back"; then
    rm -f "$unfinished"
    die "$why. Not undone: $back, which was live before, does not answer; $target stays live"
  fi
  if put_state "$back_state$closed_now" && answers_from "$(outside "$back_state")"; then
    allow_proof none || true
    rm -f "$unfinished"
    [ "$wanted" = "$before" ] || record "$target" undone "\"reason\":$(json_text "$why")"
    die "$why. Undone: $back is live again, proven from outside"
  fi
  die "$why. Undoing failed too: $reason. Look at \"docker logs\" of the gateway, then run this again"
}

# A gateway that was killed is started again by Docker within moments.
gateway_answers() {
  local deadline=$((SECONDS + 10))
  until control /state >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.2
  done
}

slot_answers() {
  local path=/${public#*://*/} status
  case $public in *://*/*) ;; *) path=/ ;; esac
  status=$(control "/slot/$1$path" -m "$public_timeout" -o /dev/null -w '%{http_code}' 2>/dev/null) || return 1
  case $status in 502 | 504 | 000) return 1 ;; esac
}

# ---- maintenance -----------------------------------------------------------------------------------------------------

bypass="$dir/gateway/conf/bypass"

# The team's way past the page: made here for this one maintenance, read by the gateway at each question, never printed.
make_bypass() {
  local secret
  [ ! -s "$bypass" ] || return 0
  secret=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  [ "${#secret}" -eq 48 ] || return 1
  # The gateway's user reads it; on the host nobody gets past the stack's directory.
  printf '%s\n' "$secret" >"$bypass.new" && mv -f "$bypass.new" "$bypass"
}

# A closed gateway needs nothing that runs behind it: visitors are kept out first, before anything is checked.
close() {
  make_bypass || die "the team's secret cannot be made in $bypass. Nothing was changed"
  [ "$closed" != "$closed_now" ] || return 0
  put_state "$before$closed" || die "maintenance is not on: $reason"
  [ -n "$closed_now" ] || record_maintenance on
  closed_now=$closed
  say "maintenance: visitors get the page, with Retry-After $maintenance s"
}

record_maintenance() { # on, off
  add_entry "$(printf '{"event":"maintenance","at":"%s","state":"%s","by":%s}' "$(now_iso)" "$1" "$(json_text "$maintenance_by")")"
}

# ---- the ledger ------------------------------------------------------------------------------------------------------

# record COLOR EVENT FIELDS: a ledger that cannot be written is said and fails nothing: visitors come first.
record() {
  local release=$release_blue
  [ "$1" = blue ] || release=$release_green
  add_entry "$(printf '{"event":"%s","at":"%s","color":"%s","release":"%s",%s}' "$2" "$(now_iso)" "$1" "$release" "$3")"
}

# Once for each release: the first switch after it began, before it is tried.
record_released() {
  local color body last
  for color in blue green; do
    case $color in blue) body=$released_blue ;; green) body=$released_green ;; esac
    [ -n "$body" ] || continue
    last=$(grep -F '"event":"released"' "$dir/ledger" 2>/dev/null | grep -F "\"color\":\"$color\"" | tail -n 1) || true
    [[ $last != *",${body#\{}" ]] || continue
    add_entry "$(printf '{"event":"released","at":"%s","color":"%s",%s' "$(now_iso)" "$color" "${body#\{}")"
  done
}

report() {
  printf '%s\n' "live $target" "previous $(value live "$previous")" "flipped $flipped" "switchedAt $switched_at" \
    "checkMs $check_ms" "smokeMs $smoke_ms" "flipMs $flip_ms" "proofMs $proof_ms" "bakeMs $bake_ms" \
    "totalMs $(($(now_ms) - began))" "requests $requests" "errors $errors" || true
}

# ---- the transaction -------------------------------------------------------------------------------------------------

changed=false before=''
fail() {
  [ "$changed" = false ] || undo "$1"
  die "$1. Nothing was changed, live is still: $(value live "$before")"
}
trap 'fail "interrupted"' INT TERM

began=$(now_ms)
mark=$began check_ms=0 smoke_ms=0 flip_ms=0 proof_ms=0 bake_ms=0
lap() { # NAME: milliseconds since the last lap into the variable of that name
  local now
  now=$(now_ms)
  printf -v "$1" %s "$((now - mark))"
  mark=$now
}

take_lock "$lock_wait"
answer=$(control /state 2>&1) || die "the gateway does not answer ($answer). Is its container running? See \"docker ps\""
before=$(state_lines "$answer")
closed_now=$(maintenance_line "$answer")
previous=$before flipped=true
if [ "$(value live "$before")" = "$target" ]; then
  flipped=false
  if [ -f "$unfinished" ] && [ "$(value target "$(<"$unfinished")")" = "$target" ]; then
    # An earlier run flipped and was killed before its bake was over: this run ends that transaction.
    previous=$(state_lines "$(<"$unfinished")")
    changed=true flipped=true
    say "$target is live from a run that was cut off; its previous colour was $(value live "$previous")"
  else
    rm -f "$unfinished"
  fi
fi
mark=$(now_ms)

if [ -n "$closed" ]; then
  was=$closed_now
  close
  if [ "$closed" != "$was" ] && [ "$wanted" = "$before" ] && [ "$flipped" = false ]; then
    # Nothing else was asked for; and it may be asked for because what runs is ill.
    requests=0 errors=0 switched_at=$(now_iso)
    report
    exit 0
  fi
fi

record_released
check_containers || fail "$reason"
lap check_ms
say "check: ${#containers[@]} containers of $target healthy, image and release as planned ($check_ms ms)"

smoke_test || fail "$reason"
lap smoke_ms
say "smoke: ${#smokes[@]} checks of $target passed ($smoke_ms ms)"

read_counts || fail "$reason"
base_requests=$counted_requests base_errors=$counted_errors requests=0 errors=0
if [ "$flipped" = true ] && [ "$changed" = false ]; then
  printf 'target %s\n%s\n' "$target" "$before" >"$unfinished.new"
  sync "$unfinished.new"
  mv -f "$unfinished.new" "$unfinished"
fi
[ "$wanted$closed" = "$before$closed_now" ] || changed=true
put_state "$wanted$closed" || fail "$reason"
mark=$put_began
lap flip_ms
switched_at=$(printf '%(%Y-%m-%dT%H:%M:%SZ)T' -1)
[ "$flipped" = false ] || say "flip: $(value live "$previous") to $target ($flip_ms ms)"

answers_from "$(outside "$wanted")" || fail "$reason"
lap proof_ms
say "proof: all answers from outside are $target's ($proof_ms ms)"

if [ "$flipped" = true ]; then
  bake || fail "$reason"
  lap bake_ms
  say "bake: $errors of $requests requests failed in $bake_seconds s ($bake_ms ms)"
fi
trap '' INT TERM
allow_proof none || true
rm -f "$unfinished"
if [ "$flipped" = true ]; then
  from_release=$(value "release.$(value live "$previous")" "$previous")
  record "$target" live "$(printf '"from":"%s","fromRelease":"%s","checkMs":%s,"smokeMs":%s,"flipMs":%s,"proofMs":%s,"bakeMs":%s,"totalMs":%s,"requests":%s,"errors":%s' \
    "$(value live "$previous")" "${from_release:-none}" "$check_ms" "$smoke_ms" "$flip_ms" "$proof_ms" \
    "$bake_ms" "$(($(now_ms) - began))" "$requests" "$errors")"
fi
# A run that was cut off may have let visitors in and left the secret.
if [ -z "$closed" ] && { [ -n "$closed_now" ] || [ -s "$bypass" ]; }; then
  rm -f "$bypass"
  record_maintenance off
  say "maintenance: over, visitors are let in"
fi
if [ "$canary" != "$(value canary "$before")" ]; then
  record "$(other_color "$target")" canary "\"percent\":$canary"
fi
report

# Nobody waits for the lock meanwhile, and a disk that is not as empty as it could be is no reason to undo anything.
drop_lock
if [ "${#keep[@]}" -gt 0 ]; then
  printf '%s\n' "${keep[@]}" | timeout "$prune_wait" "${0%/*}/prune.sh" "$dir" || say "past releases' images were not all removed"
fi
