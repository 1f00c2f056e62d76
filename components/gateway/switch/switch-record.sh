# shellcheck shell=bash
# Writes what a switch does into the ledger; sourced by switch.sh.

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
