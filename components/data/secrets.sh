#!/bin/sh
# Keeps a stack's secrets on its host: made here, never sent anywhere, never in the stack's state.
#
#   secrets.sh DIRECTORY < plan
#
# The plan, one line each:
#   generate NAME                    makes the secret unless it exists; one that exists is never changed
#   file PATH UID NAME [PREFIX]      gives a container its file below DIRECTORY/secrets: PREFIX (if any) and the secret
#
# A file is readable by UID alone (0400). Without root, which alone can give files away, it is readable by whoever can
# enter DIRECTORY, and that is its owner only. Safe to cut off and to run again.
set -eu
umask 077

directory=$1
values=$directory/secrets/values

fail() {
  echo "secrets: $*" >&2
  exit 1
}

# The new content comes on standard input: no secret is ever a word of a command.
replace() { # path mode uid
  temporary=$(mktemp "$1.XXXXXX")
  cat >"$temporary"
  if [ "$(id -u)" -eq 0 ]; then
    chown "$3:$3" "$temporary"
    chmod "$2" "$temporary"
  else
    chmod 0444 "$temporary"
  fi
  mv -f "$temporary" "$1"
}

generate() { # name
  [ -s "$values/$1" ] && return
  secret=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  [ "${#secret}" -eq 48 ] || fail "no randomness to be had from /dev/urandom"
  printf '%s' "$secret" | replace "$values/$1" 0600 "$(id -u)"
}

give() { # path uid name prefix
  [ -s "$values/$3" ] || fail "the plan gives \"$3\" to $1, but there is no such secret"
  path=$directory/secrets/$1
  mkdir -p "$(dirname "$path")"
  # Inside the container the user enters this directory; on the host nobody gets past DIRECTORY.
  chmod 0755 "$(dirname "$path")"
  { [ -z "$4" ] || printf '%s ' "$4"; cat "$values/$3"; } | replace "$path" 0400 "$2"
}

mkdir -p "$values"
chmod 0700 "$directory" "$values"
while read -r verb first second third fourth; do
  case $verb in
    generate) generate "$first" ;;
    file) give "$first" "$second" "$third" "$fourth" ;;
    '') ;;
    *) fail "the plan has a line that begins with \"$verb\"; known are generate and file" ;;
  esac
done
