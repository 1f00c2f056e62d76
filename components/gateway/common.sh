# shellcheck shell=bash
# What the scripts of a stack's host directory share; sourced, with $dir set to that directory.
: "${dir:?set before common.sh is sourced}"

# Figures have a point and text is bytes, whatever the language of whoever logs in: awk and printf follow it.
export LC_ALL=C
# Times are written with a Z, and compared with those of others.
export TZ=UTC

umask 022 # the gateway's user reads what is written here; the directory itself is its owner's alone

# Whoever reads our words may be killed: that must not end what is being done.
trap '' PIPE

# One line for a person. Standard output is kept for what a program reads.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2 || true; }

die() {
  say "$*"
  exit 1
}

# take_lock SECONDS: whatever changes the host directory holds this lock, so that a script left behind by a killed run
# and a new one never work at the same time. It is released with the process, however that ends.
take_lock() {
  try_lock "$1" ||
    die "another run holds $dir/lock: $(head -n 1 "$dir/lock" 2>/dev/null || true). Waited $1 s; run this again when it is done"
}

# The same, for who can do without.
try_lock() {
  exec 9<>"$dir/lock"
  flock -w "$1" 9 || return 1
  # Who holds it is for people to read; a full disk does not take the lock away.
  { printf '%s, process %s, since %(%Y-%m-%dT%H:%M:%SZ)T\n' "${0##*/}" "$$" -1 >"$dir/lock"; } 2>/dev/null || true
}

drop_lock() {
  : >"$dir/lock"
  exec 9>&-
}

# control PATH [curl options]: asks the gateway over its control socket.
control() {
  local path=$1
  shift
  curl -q --noproxy '*' -sS -m 2 --unix-socket "$dir/gateway/run/control.sock" "$@" "http://gateway$path" 9>&-
}

# slot_answers COLOR SECONDS: whether all that serves there answers, whatever it says; 502 and 504 are the gateway's own words. Where the
# pages have a server of their own, "/" is theirs; "/metrics" is always the application's. One process, one connection.
slot_answers() {
  local statuses
  statuses=$(control "/slot/$1/" -m "$2" -o /dev/null -w '%{http_code} ' "http://gateway/slot/$1/metrics" -o /dev/null 2>/dev/null) || return 1
  case $statuses in *502* | *504* | *000*) return 1 ;; esac
}

# suits COLOR RELEASE CONTAINER: whether the release works in the database as it is now: it was named, or began only afterwards; why not
# in $reason. Whoever planned may have looked before a migration took something away; its notes (migrate.sh) have the last word: both hold
# the lock, and a note is written only while nobody serves who needs what goes.
# shellcheck disable=SC2034
suits() {
  local file at by works began
  for file in contracted contracting; do
    [ -f "$dir/$file" ] || continue
    read -r at by works <"$dir/$file" || true
    case " $works " in *" $2 "*) continue ;; esac
    began=$(began_at "$2" "$3")
    [[ $began < $at ]] || continue
    reason="release $2 on $1 began $began, before the migration of $by took something away ($at), and is not among those that work since: $works"
    return 1
  done
}

# began_at RELEASE CONTAINER: when, by the ledger or by the age of its container, whichever is earlier.
began_at() {
  {
    grep -F '"event":"released"' "$dir/ledger" 2>/dev/null | grep -F "\"release\":\"$1\"" | sed -n 's/.*"at":"\([^"]*\)".*/\1/p' || true
    timeout 20 docker inspect --type container --format '{{.Created}}' "$2" 2>/dev/null 8>&- 9>&- | sed 's/\..*/Z/' || true
  } | sort | head -n 1
}

# watch_runs: the watch that runs holds this lock; its pid may be somebody else's by now.
watch_runs() { ! flock -n -s "$dir/gateway/watch.lock" true; }

# value KEY TEXT: the value in lines of "key value"; empty when the key is missing.
value() {
  local key rest
  while read -r key rest; do
    if [ "$key" = "$1" ]; then
      printf '%s' "$rest"
      return
    fi
  done <<<"$2"
}

# write_start TEXT: the state a restarted gateway begins with. On the disk (prepare_start) before it has the name.
write_start() {
  prepare_start "$1" && mv -f "$dir/gateway/conf/start.new" "$dir/gateway/conf/start"
}

prepare_start() {
  printf '%s\n' "$1" >"$dir/gateway/conf/start.new" && sync "$dir/gateway/conf/start.new"
}

# state_lines TEXT: where visitors go, of GET /state, as it belongs into the start file.
state_lines() {
  printf 'live %s\ncanary %s\nrelease.blue %s\nrelease.green %s' \
    "$(value live "$1")" "$(value canary "$1")" "$(value release.blue "$1")" "$(value release.green "$1")"
}

# maintenance_line TEXT: the line that both have while maintenance is on, with the line's end before it; empty otherwise.
maintenance_line() {
  local seconds
  seconds=$(value maintenance "$1")
  [ -z "$seconds" ] || printf '\nmaintenance %s' "$seconds"
}

# put_state TEXT: start file and dictionary, both read back; why not in $reason. The file is on the disk before the clock
# ($put_began) starts; the flip itself is a rename and one curl that sets and reads.
# shellcheck disable=SC2034 # the scripts that source this read reason and put_began
put_state() {
  prepare_start "$1" || {
    reason="the start file $dir/gateway/conf/start cannot be written"
    return 1
  }
  put_began=$(now_ms)
  mv -f "$dir/gateway/conf/start.new" "$dir/gateway/conf/start" || {
    reason="the start file $dir/gateway/conf/start cannot be replaced"
    return 1
  }
  tell_gateway "$1" || return 1
  if [ "$(<"$dir/gateway/conf/start")" != "$1" ]; then
    reason="the start file read back as something else than was written"
    return 1
  fi
}

# tell_gateway TEXT: the dictionary alone, read back; why not in $reason.
# shellcheck disable=SC2034
tell_gateway() {
  local got query
  query=${1// /=}
  query=${query//$'\n'/'&'}
  [[ $query == *'&maintenance='* ]] || query+='&maintenance=off'
  got=$(curl -q --noproxy '*' -sS -m 3 --unix-socket "$dir/gateway/run/control.sock" -o /dev/null -X PUT "http://gateway/state?$query" \
    --next --noproxy '*' -sS -m 3 --unix-socket "$dir/gateway/run/control.sock" http://gateway/state 2>&1 9>&-) || {
    reason="the gateway's control socket: $got"
    return 1
  }
  if [ "${got%$'\n'config *}" != "$1" ]; then
    reason="the gateway read back as \"${got//$'\n'/, }\""
    return 1
  fi
}

# The clock in milliseconds, without a process.
now_ms() { printf '%s' "$((${EPOCHREALTIME/[.,]/} / 1000))"; }

now_iso() { printf '%(%Y-%m-%dT%H:%M:%SZ)T' -1; }

other_color() { case $1 in blue) printf green ;; *) printf blue ;; esac }

# json_text TEXT: as a JSON string, on one line.
json_text() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"' "${text//[[:cntrl:]]/ }"
}

# add_entry JSON: into the ledger. One that cannot be written is said, and fails nothing: visitors come first.
add_entry() {
  "$(dirname "$0")/ledger.sh" "$dir" append <<<"$1" >&2 9>&- || true
}
