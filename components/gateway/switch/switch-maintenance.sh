# shellcheck shell=bash
# Keeps visitors out behind the page of maintenance; sourced by switch.sh.

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
  if [ -z "$closed_now" ]; then
    record_maintenance on
    shut='Visitors get the page of maintenance now, nothing else was changed'
  fi
  closed_now=$closed
  say "maintenance: visitors get the page, with Retry-After $maintenance s"
}

record_maintenance() { # on, off
  add_entry "$(printf '{"event":"maintenance","at":"%s","state":"%s","by":%s}' "$(now_iso)" "$1" "$(json_text "$maintenance_by")")"
}
