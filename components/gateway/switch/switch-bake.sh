# shellcheck shell=bash
# Watches the target's errors for the plan's bakeSeconds after a flip; sourced by switch.sh. Why not is in $reason.

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
  look_at_containers "${containers[@]}" || verdict=$?
  [ "$verdict" -eq 0 ]
}
