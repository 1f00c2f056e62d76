#!/bin/sh
# Keeps the application's own secrets on the host, a folder for each set of values. A set never changes once a visitor was
# served: a running slot reads what it began with, and a changed value makes a new set, for the next release.
#
#   secret-set.sh find  DIRECTORY NAME < values
#     prints the number of the set that holds just these values, or else the next free number; changes nothing
#   secret-set.sh write DIRECTORY NAME NUMBER UID VERSION [KEEP…] < values
#     makes the folder DIRECTORY/secrets/NAME-sNUMBER, with the database's password of VERSION and the one of Redis, and
#     removes every set but this one and those named as KEEP. Until the first switch a set that is there takes other values:
#     they are a failed first `up`'s, corrected. A container that reads it is restarted.
#
# The values, one line each: the file's name and its content in base64. The last line is "end": what was cut off on its
# way is refused. A file is readable by UID alone (0400); without root, which alone can give files away, by whoever can
# enter DIRECTORY, and that is its owner only. Safe to cut off and to run again; prints no value.
set -eu
umask 077

verb=$1 directory=$2 name=$3
secrets=$directory/secrets
values=$(cat)

fail() {
  echo "secret-set: $*" >&2
  exit 1
}

case $values in
  end | *"
end") values=${values%end} ;;
  *) fail "the values were cut off on their way; run this again" ;;
esac

# Whether a folder holds just these values; the passwords that are made here come on top.
holds() { # folder
  count=0
  while read -r file content; do
    [ -n "$file" ] || continue
    count=$((count + 1))
    printf '%s' "$content" | base64 -d | cmp -s - "$1/$file" || return 1
  done <<END
$values
END
  [ "$(find "$1" -type f ! -name database_password ! -name redis_password | wc -l)" -eq "$count" ]
}

number_of() { # folder
  echo "${1##*-s}"
}

find_set() {
  next=1
  for folder in "$secrets/$name"-s*; do
    [ -d "$folder" ] || continue
    number=$(number_of "$folder")
    if holds "$folder"; then
      echo "$number"
      return
    fi
    [ "$number" -lt "$next" ] || next=$((number + 1))
  done
  echo "$next"
}

# The content comes on standard input: no secret is ever a word of a command.
put() { # path uid
  cat >"$1"
  if [ "$(id -u)" -eq 0 ]; then
    chown "$2:$2" "$1"
    chmod 0400 "$1"
  else
    chmod 0444 "$1"
  fi
}

write_set() { # number uid version
  final=$secrets/$name-s$1
  if [ -d "$final" ]; then
    if holds "$final"; then return; fi
    [ ! -e "$directory/gateway/conf/start" ] ||
      fail "$final holds other values already, and its release may be live; run \`pulumi up\` again, it takes the next" \
        "number. If it does not: set the values of before, run it, then set the new ones with the next release"
  fi
  unfinished=$secrets/.unfinished
  rm -rf "$unfinished"
  mkdir "$unfinished"
  while read -r file content; do
    [ -z "$file" ] || printf '%s' "$content" | base64 -d | put "$unfinished/$file" "$2"
  done <<END
$values
END
  database=database_password
  [ "$3" -eq 1 ] || database=database_password_$3
  put "$unfinished/database_password" "$2" <"$secrets/values/$database"
  put "$unfinished/redis_password" "$2" <"$secrets/values/redis_password"
  # Inside the container the user enters this directory; on the host nobody gets past DIRECTORY.
  chmod 0755 "$unfinished"
  if [ -d "$final" ]; then correct "$final" "$unfinished"; else mv "$unfinished" "$final"; fi
}

# In the folder itself: a container has it mounted.
correct() { # folder, folder with the right values
  for file in "$1"/*; do [ -e "$2/${file##*/}" ] || rm -f "$file"; done
  for file in "$2"/*; do mv -f "$file" "$1/${file##*/}"; done
  rmdir "$2"
  # One word for each id. The switch waits until they are well.
  readers=$(docker ps --all --quiet --filter "volume=$1")
  # shellcheck disable=SC2086
  [ -z "$readers" ] || docker restart $readers >/dev/null
}

# What no slot reads any more goes away.
prune() { # kept folder names
  for folder in "$secrets"/api-*-s*; do
    [ -d "$folder" ] || continue
    kept=
    for one in "$@"; do [ "$one" != "$(basename "$folder")" ] || kept=yes; done
    [ -n "$kept" ] || rm -rf "$folder"
  done
}

case $verb in
  find) find_set ;;
  write)
    number=$4 uid=$5 version=$6
    shift 6
    # Both slots of a first release write at the same time.
    exec 9>"$secrets/lock"
    flock -w 60 9 || fail "another run has been writing secrets for 60 s; run this again"
    write_set "$number" "$uid" "$version"
    prune "$name-s$number" "$@"
    ;;
  *) fail "cannot \"$verb\"; known are find and write" ;;
esac
