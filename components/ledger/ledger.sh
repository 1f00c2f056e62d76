#!/bin/sh
# The stack's record of what happened to its releases: DIR/ledger, one JSON object a line, in the order of time.
#
#   ledger.sh DIR append <entry    adds one line (at most 16 kB); what is there is never changed
#
# It outlives the machine of whoever deploys. Two writers wait for each other; a line that a power cut left without its end
# is ended first, and readers pass over what is no JSON (components/ledger/entry.ts).
set -eu
dir=${1:?the stack\'s directory on the host} what=${2:?append}
file=$dir/ledger

fail() {
  echo "ledger: $*" >&2
  exit 1
}

case $what in
  append)
    entry=$(head -c 16385)
    case $entry in
      *"
"*) fail "an entry is one line" ;;
      '{'*'}') ;;
      *) fail "an entry is a JSON object" ;;
    esac
    [ "${#entry}" -le 16384 ] || fail "an entry has at most 16 kB"
    (
      flock -w 10 8 || fail "another writer holds $file.lock"
      # By its number: a shell's text holds no NUL, which is what a power cut leaves.
      if [ -s "$file" ] && [ "$(tail -c 1 "$file" | od -An -tu1 | tr -d ' ')" != 10 ]; then echo >>"$file"; fi
      printf '%s\n' "$entry" >>"$file" || fail "$file cannot be written: is the disk full? See df -h"
      sync "$file"
    ) 8>"$file.lock"
    ;;
  *) fail "cannot $what; known is append" ;;
esac
