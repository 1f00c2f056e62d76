#!/bin/sh
# As the official image does: what lies in /docker-entrypoint.d runs before nginx starts.
set -e
case "${1:-}" in
  nginx | nginx-debug)
    for script in /docker-entrypoint.d/*.sh; do
      [ -x "$script" ] || continue
      "$script"
    done
    ;;
esac
exec "$@"
