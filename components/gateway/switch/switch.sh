#!/usr/bin/env bash
# switch.sh DIR <plan: sends visitors to another colour, as a transaction. DIR is the stack's directory on the host.
#
#   check  the target's containers run, are healthy, on the expected image and release; that one works in the database as it is
#   smoke  the target answers as expected, asked through the gateway but out of visitors' sight
#          (both also of the other colour where a canary sends visitors there, unless its share goes down)
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
# The plan: read-plan.sh says its lines.
#
# Standard output, lines of "key value": live previous flipped switchedAt checkMs smokeMs flipMs proofMs bakeMs totalMs
# requests errors.
set -euo pipefail
dir=${1:?the stack\'s directory on the host}
# shellcheck source=components/gateway/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=components/gateway/switch/read-plan.sh
. "$(dirname "$0")/read-plan.sh"
# shellcheck source=components/gateway/switch/switch-checks.sh
. "$(dirname "$0")/switch-checks.sh"
# shellcheck source=components/gateway/switch/switch-proof.sh
. "$(dirname "$0")/switch-proof.sh"
# shellcheck source=components/gateway/switch/switch-bake.sh
. "$(dirname "$0")/switch-bake.sh"
# shellcheck source=components/gateway/switch/switch-maintenance.sh
. "$(dirname "$0")/switch-maintenance.sh"
# shellcheck source=components/gateway/switch/switch-record.sh
. "$(dirname "$0")/switch-record.sh"

unfinished="$dir/gateway/unfinished"

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
  if [ "$back" != none ] && ! slot_answers "$back" "$((public_timeout > 5 ? public_timeout : 5))"; then
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

report() {
  printf '%s\n' "live $target" "previous $(value live "$previous")" "flipped $flipped" "switchedAt $switched_at" \
    "checkMs $check_ms" "smokeMs $smoke_ms" "flipMs $flip_ms" "proofMs $proof_ms" "bakeMs $bake_ms" \
    "totalMs $(($(now_ms) - began))" "requests $requests" "errors $errors" || true
}

changed=false before='' shut=''
fail() {
  [ "$changed" = false ] || undo "$1"
  die "$1. ${shut:-Nothing was changed}, live is still: $(value live "$before")"
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
check_containers "${containers[@]}" || fail "$reason"
tried=$(canary_asked)
share="$tried is to get $canary % of the visitors; with canary 0 it is not asked"
[ -z "$tried" ] || check_containers "${canary_containers[@]}" || fail "$reason. $share"
check_shape || fail "$reason"
lap check_ms
say "check: ${#containers[@]} containers of $target${tried:+ and ${#canary_containers[@]} of $tried} healthy, image and release as planned ($check_ms ms)"

smoke_test "$target" || fail "$reason"
[ -z "$tried" ] || smoke_test "$tried" || fail "$reason. $share"
lap smoke_ms
say "smoke: ${#smokes[@]} checks of $target${tried:+ and of $tried} passed ($smoke_ms ms)"

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
