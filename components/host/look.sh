#!/bin/sh
# Tells a deployer what it has to know of a host before anything is declared, changing nothing:
#
#   look.sh DIRECTORY
#
# prints
#   clock SECONDS               of its clock, since 1970
#   engine API_VERSION          or "engine missing", "engine denied" (to this user), "engine stopped"
#   root yes                    or "root no": whether this user can prepare the host; no line where nothing asks for it
#   memoryMb MB
#   diskFreeMb MB               where Docker and the stack keep their data, the fuller of both
# then what observe.sh prints, or "scripts missing", and "end"
set -eu
export LC_ALL=C
directory=$1
echo "clock $(date +%s)"

if ! command -v docker >/dev/null; then
  engine=missing
elif ! engine=$(timeout 20 docker version --format '{{.Server.APIVersion}}' 2>/dev/null); then
  case $(timeout 20 docker version 2>&1) in
    *'permission denied'*) engine=denied ;;
    *) engine=stopped ;;
  esac
fi
echo "engine $engine"

observe=$directory/bin/observe.sh
case $engine in missing | denied | stopped) lacks=engine ;; *) lacks='' ;; esac
[ -f "$observe" ] || lacks="$lacks scripts"
if [ -n "$lacks" ]; then
  if [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; then echo root yes; else echo root no; fi
fi

awk '$1 == "MemTotal:" { print "memoryMb", int($2 / 1024) }' /proc/meminfo
folders=/
for folder in /var/lib/docker /var/lib/bluegreen "$directory"; do
  [ ! -d "$folder" ] || folders="$folders $folder"
done
# shellcheck disable=SC2086 # two or three paths without spaces
df -Pk $folders | awk 'NR > 1 && (min == "" || $4 < min) { min = $4 } END { print "diskFreeMb", int(min / 1024) }'

if [ -f "$observe" ]; then timeout 20 "$observe" "$directory"; else echo scripts missing; fi
echo end
