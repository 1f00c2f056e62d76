# shellcheck shell=bash
# Asks from outside who answers, as visitors do; sourced by switch.sh. Why not is in $reason.

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
  if [ "$(value canary "$1")" = 100 ]; then other_color "$live"; else printf %s "$live"; fi
}

# A gateway that was killed is started again by Docker within moments.
gateway_answers() {
  local deadline=$((SECONDS + 10))
  until control /state >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.2
  done
}
