#!/usr/bin/env bash
# migrate.sh DIR <plan: brings the database to a new release's shape, before anything of that release serves.
#
# One at a time, against a database that was just dumped, bounded in time; what it did is in the ledger, whatever its end.
# Safe to run again after it was cut off: one that a killed run left behind is waited for, its container is removed.
#
# DIR/contracted says to observe.sh, which releases work since the last migration that took something away, DIR/contracting the same
# of one that was begun: "AT RELEASE WORKS…", and in the second also "COLOR REVISION" of before. A run that fails, or is killed,
# later on does not make that undone.
#
# The plan, lines of "key value" (renderMigration in migration.ts writes it):
#   color green        release 42          kind expand | contract      worksWith ["41"]     (JSON)
#   postgres NAME      name NAME           the database's container, and the one that migrates
#   timeoutSeconds 60  backup dump | none
#   byHand yes         asked for outside of a release: its own release is not among those that work afterwards
#   run docker run …                       the shell's words of what migrates, to the end of the plan
set -euo pipefail
dir=${1:?the stack\'s directory on the host}
# shellcheck source=components/gateway/common.sh
. "$(dirname "$0")/common.sh"

color='' release='' kind=expand works_with='[]' postgres='' name='' timeout_seconds=60 backup=dump by_hand='' run=''
while IFS= read -r line || [ -n "$line" ]; do
  rest=${line#* }
  case ${line%% *} in
    color) color=$rest ;;
    release) release=$rest ;;
    kind) kind=$rest ;;
    worksWith) works_with=$rest ;;
    postgres) postgres=$rest ;;
    name) name=$rest ;;
    timeoutSeconds) timeout_seconds=$rest ;;
    backup) backup=$rest ;;
    byHand) by_hand=$rest ;;
    run)
      run=$rest
      while IFS= read -r line; do run+=$'\n'$line; done
      ;;
    '') ;;
    *) die "plan: unknown key \"${line%% *}\"" ;;
  esac
done
case "$run/$postgres/$name" in /* | *//* | */) die "the plan did not arrive whole. Nothing was done" ;; esac

exec 9>"$dir/migrate.lock"
flock -w $((timeout_seconds + 60)) 9 || die "another migration still runs"

# The database's owner: bluegreen from the first rotation of its password on (logins.sh), app before.
owner=bluegreen
timeout 60 docker exec "$postgres" psql -X -q -U "$owner" -d app -c SELECT >/dev/null 2>&1 9>&- || owner=app
sql() { timeout 60 docker exec "$postgres" psql -X -q -A -t -v ON_ERROR_STOP=1 -U "$owner" -d app -c "$1" 9>&-; }

# revision: what the migration tool itself keeps of it, Alembic's or Django's; none where neither does.
revision() {
  local tables
  tables=$(sql "SELECT to_regclass('alembic_version') IS NOT NULL, to_regclass('django_migrations') IS NOT NULL") || return 1
  case $tables in
    't|'*) sql "SELECT coalesce(string_agg(version_num, ',' ORDER BY version_num), 'none') FROM alembic_version" ;;
    *'|t') sql "SELECT coalesce((SELECT app || '.' || name FROM django_migrations ORDER BY id DESC LIMIT 1), 'none')" ;;
    *) echo none ;;
  esac
}

KEPT_DUMPS=3
# tried_with DUMP: where the database was when a try of this release made it, and where that try left it, by the ledger; empty where it
# was cut off.
tried_with() {
  { grep -F "\"backup\":$(json_text "$1")" "$dir/ledger" 2>/dev/null || true; } |
    sed -n 's/.*"before":"\([^"]*\)","after":"\([^"]*\)".*/\1\t\2/p'
}

# dump: the whole database as it is, in $dumped. Written beside and renamed, so that a file with the name is whole. The first that a
# try of this very release made within a day stays beside it, as $first, unless that try left nothing behind: only that one is from
# before work that is half done, and only the new one holds what was written since.
dump() {
  local need free kind_mark='' earlier at='' left='' of=$release${by_hand:+.by-hand}
  mkdir -p "$dir/backups"
  earlier=$(find "$dir/backups" -name "*-before-$of.dump" -mmin -1440 -o -name "*-before-$of.contract.dump" -mmin -1440 | sort | head -n 1)
  [ -z "$earlier" ] || IFS=$'\t' read -r at left <<<"$(tried_with "$earlier")"
  chmod 0700 "$dir/backups"
  rm -f "$dir"/backups/*.part
  [ "$kind" = expand ] || kind_mark=.contract
  need=$(sql "SELECT pg_database_size('app') / 1048576 + 256") || die "the database's size cannot be asked. Nothing was done"
  free=$(df -Pm "$dir/backups" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge "$need" ] ||
    die "a dump of the database may take $need MB and $dir/backups has $free MB left. Nothing was done; make room, or set the migration's backup to none"
  # A name tells seconds.
  until
    dumped="$dir/backups/$(printf '%(%Y%m%dT%H%M%SZ)T' -1)-before-$of$kind_mark.dump"
    [ ! -e "$dumped" ]
  do sleep 0.2; done
  (umask 077 && timeout 3600 docker exec "$postgres" pg_dump -U "$owner" -d app -Fc >"$dumped.part" 9>&-) ||
    die "the database could not be dumped. Nothing was done"
  sync "$dumped.part"
  mv -f "$dumped.part" "$dumped"
  made=$dumped
  if [ "$at" = "$before" ] && [ "$left" = "$before" ] && [ "$before" != none ]; then
    rm -f "$earlier"
    earlier=''
  fi
  [ -n "$by_hand" ] || first=$earlier
  # A contract's is the only way back past it: it stays until somebody removes it.
  find "$dir/backups" -name '*.dump' ! -name '*.contract.dump' | sort -r | tail -n +$((KEPT_DUMPS + 1)) |
    while IFS= read -r old; do [ "$old" = "$first" ] || rm -f "$old"; done
}

remove() { docker rm --force "$name" >/dev/null 2>&1 9>&- || true; }

# What a killed run left behind may still be writing: before the database is looked at and dumped.
remove
before=$(revision) || die "the database in $postgres does not answer. Nothing was done"

# note FILE LINE…: on the disk before it has the name.
note() {
  local file=$dir/$1
  shift
  printf '%s\n' "$@" >"$file.new" && sync "$file.new" && mv -f "$file.new" "$file"
}

# record COLOR RELEASE KIND WORKS_WITH BEFORE AFTER MILLISECONDS OK: into the ledger.
record() {
  add_entry "$(printf '{"event":"migrated","at":"%s","color":"%s","release":"%s","kind":"%s","worksWith":%s,"before":%s,"after":%s,"milliseconds":%s,"ok":%s%s%s}' \
    "$(now_iso)" "$1" "$2" "$3" "$4" "$(json_text "$5")" "$(json_text "$6")" "$7" "$8" \
    "${by_hand:+,\"byHand\":true}" "${dumped:+,\"backup\":$(json_text "$dumped")}")"
}

# A contract that was cut off: now its container is gone, the database tells how far it came. Where no tool keeps a revision, nobody
# can tell, and it counts.
settle() {
  local about works since color release_of revision by_hand=yes
  [ -f "$dir/contracting" ] || return 0
  { read -r about && read -r color revision; } <"$dir/contracting" || die "$dir/contracting cannot be read"
  if [ "$revision" = "$before" ] && [ "$before" != none ]; then
    say "a migration that was cut off left nothing behind"
  else
    read -r since release_of works <<<"$about"
    case " $works " in *" $release_of "*) by_hand='' ;; esac
    say "the migration of $release_of, begun $since, was cut off and took something away: revision $revision before, $before now"
    record "$color" "$release_of" contract "[\"${works// /\",\"}\"]" "$revision" "$before" 0 false
    note contracted "$about"
  fi
  rm -f "$dir/contracting"
}
dumped='' made='' first=''
settle
[ "$backup" = none ] || dump
works=$(tr -d '[]"' <<<"$works_with")
works=${works//,/ }
[ -n "$by_hand" ] || works="$release $works"

# stop_needy: what the slot still runs of a release that needs what goes away, its worker above all; it is about to be replaced.
# The guard was asked before: no visitor is sent there.
stopped=''
stop_needy() {
  local container release_of found
  found=$(timeout 20 docker ps --filter "name=^/?${name%-migration}-[a-z]+-$color\$" --format '{{.Names}} {{.Label "bluegreen.release"}}' 9>&-) ||
    die "the Docker engine does not answer. Nothing was done"
  while read -r container release_of; do
    [ -n "$container" ] || continue
    case " $works " in *" $release_of "*) continue ;; esac
    say "$container stops: its release $release_of needs what goes away"
    docker stop "$container" </dev/null >/dev/null 9>&- || die "$container cannot be stopped"
    stopped+=" $container"
  done <<<"$found"
}

# shellcheck disable=SC2317 # the trap calls what does
# revision_after: a database that was restarted in the middle is waited for.
revision_after() {
  local limit=$((EPOCHSECONDS + 30))
  until revision 2>/dev/null; do
    if [ "$EPOCHSECONDS" -ge "$limit" ]; then
      echo unknown
      return
    fi
    sleep 0.5
  done
}

# shellcheck disable=SC2317 # the trap calls it
finish() {
  local status=$? after
  trap '' INT TERM
  remove
  after=$(revision_after)
  record "$color" "$release" "$kind" "$works_with" "$before" "$after" "$(($(now_ms) - began))" "$([ "$status" -eq 0 ] && echo true || echo false)"
  if [ "$kind" = contract ]; then
    # Where no tool keeps a revision, nobody can tell how far it came.
    if [ "$status" -eq 0 ] || [ "$after" != "$before" ] || [ "$ran$after" = yesnone ]; then note contracted "$(head -n 1 "$dir/contracting")"; fi
    rm -f "$dir/contracting"
  fi
  # shellcheck disable=SC2086 # names
  if [ "$status" -ne 0 ] && [ -n "$stopped" ]; then docker start $stopped >/dev/null 9>&- || true; fi
  [ "$status" -eq 0 ] || say "failed (exit $status); the database is at revision $after${dumped:+, a dump from before is $dumped}${first:+, from before the first try $first}"
}
# needy STATE: "RELEASE COLOR" of who serves in it and does not work afterwards; nothing where all do.
needy() {
  local canary serving release_of
  canary=$(value canary "$1")
  for serving in blue green; do
    [ "$(value live "$1")" = "$serving" ] || [ "${canary:-0}" != 0 ] || continue
    release_of=$(value "release.$serving" "$1")
    case " $works none " in *" ${release_of:-none} "*) continue ;; esac
    printf '%s %s' "$release_of" "$serving"
    return
  done
}

# begin_contract: under the switch's lock, and after the dump, which takes its time: who serves by now has to work afterwards, and who
# would serve where the watch that runs finds something. From the note on, nobody sends visitors to anybody else.
begin_contract() {
  local state needs watch back
  take_lock 90
  state=$(control /state 2>/dev/null) || state=$(cat "$dir/gateway/conf/start" 2>/dev/null) || state=''
  needs=$(needy "$state")
  [ -z "$needs" ] ||
    die "release ${needs% *} serves on ${needs#* } by now, and is not among those that work afterwards: $works. Nothing was done"
  if [ -f "$dir/gateway/watch/plan" ] && watch_runs; then
    watch=$(<"$dir/gateway/watch/plan") back=$(value back "$watch")
    needs=$(needy "${back//;/$'\n'}")
    # Where visitors were sent elsewhere, it ends without sending anybody anywhere.
    [ -z "$needs" ] || [ "$(state_lines "$state" | paste -s -d ';')" != "$(value watched "$watch")" ] ||
      die "release ${needs% *} on ${needs#* } is the way back of release $(value release "$watch"), which is being watched until" \
        "$(printf '%(%Y-%m-%dT%H:%M:%SZ)T' "$(value until "$watch")"), and is not among those that work afterwards: $works." \
        "Nothing was done; wait for the watch's end, or end it: npx bluegreen watch --stop"
  fi
  note contracting "$(now_iso) $release $works" "$color $before" || die "$dir/contracting cannot be written. Nothing was done"
}
# In a shell of its own: the lock of the migrations stays with this one.
if [ "$kind" = contract ]; then
  (begin_contract) || {
    rm -f "$made"
    exit 1
  }
fi
began=$(now_ms) status=0 ran=''
trap finish EXIT
trap 'exit 143' INT TERM
if [ "$kind" = contract ] && [ -z "$by_hand" ]; then stop_needy; fi
ran=yes
timeout --kill-after=10 "$timeout_seconds" sh -c "exec $run" 9>&- || status=$?
# `timeout` ends with 124, or with 137 where it had to kill; so does a container that somebody else killed.
if [ "$status" -eq 124 ] || { [ "$status" -eq 137 ] && [ $(($(now_ms) - began)) -ge $((timeout_seconds * 1000)) ]; }; then
  say "no end after $timeout_seconds s; it was stopped, the database is as its last committed step left it"
elif [ "$status" -eq 137 ]; then
  say "its container was killed, by somebody or because it wanted more memory than its release has"
fi
exit "$status"
