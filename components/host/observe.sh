#!/bin/sh
# Tells what the host itself says of a stack, changing nothing:
#
#   observe.sh DIRECTORY
#
# prints, where known:
#   dictionary COLOR|none   the colour the running gateway sends visitors to
#   start COLOR|none        the colour it would start with
#   conf SHA256             hash over the gateway's configuration files
set -eu
export LC_ALL=C
directory=$1
conf=$directory/gateway/conf

curl --silent --max-time 2 --unix-socket "$directory/gateway/run/control.sock" http://gateway/state 2>/dev/null |
  sed -n 's/^live /dictionary /p'
if [ -f "$conf/start" ]; then sed -n 's/^live /start /p' "$conf/start"; fi
if [ -f "$conf/nginx.conf" ]; then
  cd "$conf"
  # What nginx.conf uses lies in a folder named after the configuration; folders of older ones do not count.
  folder=$(sed -n 's|.*[$]config_hash \([0-9a-f]*\);.*|\1|p' nginx.conf)
  { echo ./nginx.conf; find "./${folder:-nowhere}" -type f 2>/dev/null; } | sort | xargs sha256sum | sha256sum |
    sed 's/^\([0-9a-f]*\).*/conf \1/'
fi
