#!/bin/sh
# The official image's rules: `-option` or `file.conf` first means redis-server; root hands over to the redis user.
set -e
case "${1:-}" in
  -* | *.conf) set -- redis-server "$@" ;;
esac
if [ "${1:-}" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . \! -user redis -exec chown redis:redis '{}' +
  exec setpriv --reuid=redis --regid=redis --init-groups -- "$0" "$@"
fi
if [ "$(umask)" = 0022 ]; then umask 0077; fi
# The official image is built without "protected mode": the container's network decides who may come in. A
# configuration file speaks for itself.
if [ "${1:-}" = redis-server ]; then
  case "$*" in
    *protected-mode* | *.conf*) ;;
    *) set -- "$@" --protected-mode no ;;
  esac
fi
exec "$@"
