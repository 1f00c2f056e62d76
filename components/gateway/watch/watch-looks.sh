# shellcheck shell=bash
# What a watch sees of the gateway's counts and of its containers; sourced by watch.sh.

# snapshot COLOR TEXT: requests, errors and buckets of the counts.
snapshot() { printf '%s %s %s' "$(value "$1.requests" "$2")" "$(value "$1.errors" "$2")" "$(value "$1.buckets" "$2")"; }

figures_json() { awk 'BEGIN { printf "{" } /^(new|old|minute|back)/ { printf "%s\"%s\":%s", sep, $1, $2; sep = "," } END { printf "}" }' <<<"$figures"; }

# follow WHO COLOR TEXT: a colour's counts now, and those the watch began with. A gateway that was started again counts from zero.
declare -A base=() seen=()
# The new colour's counts of the last minute's seconds.
minute=()
follow() {
  local now
  now=$(snapshot "$2" "$3")
  if [ -z "${base[$1]:-}" ]; then
    base[$1]=$now
  elif [ "${now%% *}" -lt "${seen[$1]%% *}" ]; then
    base[$1]='0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0'
    minute=()
  fi
  seen[$1]=$now
}

# The containers' health and restarts, a line "NAME HEALTH RESTARTS" each; nothing where the engine does not say.
look() {
  # shellcheck disable=SC2086 # names, which have no spaces
  { timeout 20 docker inspect --type container --format '{{slice .Name 1}} {{with .State.Health}}{{.Status}}{{else}}unchecked{{end}} {{.RestartCount}}' \
    $containers 2>&1 8>&- || true; } |
    awk '/^[^ ]+ [a-z]+ [0-9]+$/ { print } tolower($0) ~ /no such (object|container): [^ ]+$/ { print $NF, "gone", 0 }'
}

# Sets $ill to what is wrong with one of the containers, or to nothing. Restarts count from the first look at each.
declare -A restarts=()
look_at_containers() {
  local name health count
  ill=''
  while read -r name health count; do
    case $health in
      '') ;;
      unhealthy | gone) ill=${ill:-"its container $name is $health"} ;;
      *)
        [ -n "${restarts[$name]:-}" ] || restarts[$name]=$count
        [ "$count" -le "${restarts[$name]}" ] || ill=${ill:-"its container $name was started again $((count - restarts[$name])) times"}
        ;;
    esac
  done <<<"$(look)"
}
