#!/bin/sh
# Tells what the host itself says of a stack, changing nothing:
#
#   observe.sh DIRECTORY
#
# prints
#   dictionary COLOR CANARY   where the running gateway sends visitors; no line where none answers. While maintenance is on
#                             a third word follows, the seconds of its Retry-After
#   start COLOR CANARY        the same, as it would be after a restart, or "start missing"
#   certificate SHA256        fingerprint of the certificate that the gateway is given, or "certificate missing"
#   watch COLOR RELEASE UNTIL a release that is being watched, until then (seconds since 1970); no line where none is
#   condemned RELEASE…        the releases that a watch took visitors back from; no line where there is none
#   contracted AT RELEASE WORKS…   the last migration that took something away, and the releases that work since; none: no line
#   contracting AT RELEASE WORKS…  one that was begun, with an end that nobody saw
#   conf SHA256               hash over the gateway's configuration files, or "conf missing"
set -eu
export LC_ALL=C
directory=$1
conf=$directory/gateway/conf

# The lines "live COLOR", "canary PERCENT" and "maintenance SECONDS" as one, behind the name of where they stand.
state() { # name
  sed -n 's/^live //p; s/^canary //p; s/^maintenance //p' | paste -s -d ' ' | sed -n "s/^\\(..*\\)\$/$1 \\1/p"
}

curl --silent --max-time 2 --unix-socket "$directory/gateway/run/control.sock" http://gateway/state 2>/dev/null |
  state dictionary
start=$(cat "$conf/start" 2>/dev/null || true)
start=$(printf '%s\n' "$start" | state start)
echo "${start:-start missing}"
# The folder that the link names is named after the certificate in it.
certificate=$directory/tls/served/current
echo "certificate $({ [ -s "$certificate/server.crt" ] && [ -s "$certificate/server.key" ] && readlink "$certificate"; } || echo missing)"
watch=$directory/gateway/watch
# The watch that runs holds this lock; a pid may be somebody else's after a restart.
if [ -f "$watch/plan" ] && ! flock -n -s "$watch.lock" true; then
  sed -n 's/^color //p; s/^release //p; s/^until //p' "$watch/plan" | paste -s -d ' ' | sed 's/^/watch /'
fi
if [ -s "$directory/gateway/condemned" ]; then
  cut -d ' ' -f 1 "$directory/gateway/condemned" | sort -u | paste -s -d ' ' | sed 's/^/condemned /'
fi
for what in contracted contracting; do
  if [ -s "$directory/$what" ]; then echo "$what $(head -n 1 "$directory/$what")"; fi
done

if [ -f "$conf/nginx.conf" ]; then
  cd "$conf"
  # What nginx.conf uses lies in a folder named after the configuration; folders of older ones do not count.
  folder=$(sed -n 's|.*[$]config_hash \([0-9a-f]*\);.*|\1|p' nginx.conf)
  { echo ./nginx.conf; find "./${folder:-nowhere}" -type f 2>/dev/null; } | sort | xargs sha256sum | sha256sum |
    sed 's/^\([0-9a-f]*\).*/conf \1/'
else
  echo conf missing
fi
