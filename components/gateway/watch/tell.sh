# shellcheck shell=bash
# Sends from the host what nobody else tells of; sourced after common.sh. What is sent, and where, comes from the command that
# rendered it (release/watch/deliveries.ts), in $deliveries, lines of
#
#   deliver VERDICT CHANNEL CONFIG BODY EVENT
#
# CONFIG is a curl configuration and BODY what goes over its standard input, both in base64; in BODY %REASON%, %AT% and %DATE% stand
# for what is known only now. They hold secrets: they are in this process's memory and go through pipes, never into a file, an
# argument or the environment.
deliveries=''

has_deliveries() { [[ $'\n'$deliveries == *$'\n'"deliver $1 "* ]]; }

# deliver VERDICT REASON: everywhere at once, and within 10 s. What was not delivered goes into the ledger, and fails nothing.
deliver() {
  local verdict channel config body event reason
  reason=$(harmless "$2")
  while read -r _ verdict channel config body event; do
    [ "$verdict" != "$1" ] || deliver_one "$channel" "$config" "$body" "$event" "$reason" &
  done < <(printf '%s\n' "$deliveries")
  wait
}

# harmless TEXT: without what means something in JSON, in Slack's markup or to a terminal, and not without end.
harmless() {
  local text=${1//[\"\\<>&[:cntrl:]]/ }
  printf '%s' "${text:0:1000}"
}

deliver_one() { # CHANNEL CONFIG BODY EVENT REASON
  local config body date why code=0
  date=$(date '+%a, %d %b %Y %H:%M:%S %z')
  config=$(decoded "$2") body=$(decoded "$3")
  body=${body//%REASON%/$5}
  body=${body//%AT%/$(now_iso)}
  body=${body//%DATE%/$date}
  why=$(try_once "$config" "$body") || code=$?
  if [ "$code" -eq 2 ]; then
    sleep 1
    code=0
    why=$(try_once "$config" "$body") || code=$?
  fi
  [ "$code" -ne 0 ] || return 0
  add_entry "$(printf '{"event":"undelivered","at":"%s","message":"%s","channel":"%s","reason":"%s"}' "$(now_iso)" "$4" "$1" "$why")"
}

decoded() { base64 -d < <(printf '%s' "$1"); }

# try_once CONFIG BODY: says why it came to nothing, in words that hold no address, key or answer; 2 where it may be different in a moment.
try_once() {
  local status code=0
  status=$(curl -q --config <(printf '%s\n' "$1") --silent --max-time 4 --output /dev/null --write-out '%{response_code}' \
    < <(printf '%s' "$2") 2>/dev/null) || code=$?
  case $code in
    0)
      case $status in
        2??) return 0 ;;
        5?? | 429) printf 'HTTP %s' "$status" && return 2 ;;
        *) printf 'HTTP %s' "$status" && return 1 ;;
      esac
      ;;
    28) printf 'no answer within 4 s' && return 2 ;;
    *)
      # Of a mail server's refusal the number is enough; curl's own codes are in its manual.
      case $status in
        5??) printf 'curl %s, SMTP %s' "$code" "$status" && return 1 ;;
        *) printf 'curl %s' "$code" && return 2 ;;
      esac
      ;;
  esac
}
